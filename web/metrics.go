package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refusals *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "corridor_http_request_seconds", Help: "Time to answer a request, by route; websockets are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "corridor_http_in_flight", Help: "Requests being answered now, websockets included.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_refusals_total",
			Help: "Input that was refused: kind is request or position, code is that of the problem or the refusal.",
		}, []string{"kind", "code"}),
	}
	reg.MustRegister(m.requests, m.seconds, m.inFlight, m.refusals)
	return m
}

func (m *metrics) refuse(kind, code string, n int) {
	m.refusals.WithLabelValues(kind, code).Add(float64(n))
}

func (m *metrics) answered(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// CountRefusals adds refused values of a kind, such as positions of a batch, to
// the metrics.
func (s *Server) CountRefusals(kind, code string, n int) { s.metrics.refuse(kind, code, n) }
