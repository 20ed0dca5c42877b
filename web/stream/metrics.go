package stream

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	open    *prometheus.GaugeVec   // by protocol
	refused *prometheus.CounterVec // handshakes, by reason
	ended   *prometheus.CounterVec // connections, by close code or "client"
	sent    *prometheus.CounterVec // messages, by type
	bytes   prometheus.Counter
	garbage prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "corridor_stream_connections", Help: "Open connections of the live stream.",
		}, []string{"protocol"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_stream_refused_total", Help: "Handshakes of the live stream turned down, by reason.",
		}, []string{"reason"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_stream_ended_total", Help: "Connections of the live stream that ended, by close code; client: the other side did.",
		}, []string{"code"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_stream_messages_total", Help: "Messages sent over the live stream, by type; frame is a binary positions message.",
		}, []string{"type"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "corridor_stream_bytes_total", Help: "Bytes of messages sent over the live stream.",
		}),
		garbage: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "corridor_stream_garbage_total", Help: "Messages of clients that were not understood.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.open, m.refused, m.ended, m.sent, m.bytes, m.garbage)
	}
	return m
}
