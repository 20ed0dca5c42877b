package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"corridor/tracking/live"
)

// trackerMetrics reads the tracker's own counters when they are asked for.
type trackerMetrics struct {
	stats func() live.Stats

	positions, doubted, appends, units, shipments, watches, slow, seq, projected, pending, storeUp, storeFailed, forgotten, snapshot, trimmed *prometheus.Desc
}

func newTrackerMetrics(stats func() live.Stats) *trackerMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("corridor_"+name, help, labels, nil)
	}
	return &trackerMetrics{
		stats:       stats,
		positions:   desc("positions_total", "Positions received since the start, by what became of them; refused ones by code.", "result", "code"),
		doubted:     desc("positions_doubted_total", "Positions stored that their unit cannot have been at, or that are noise, by doubt.", "doubt"),
		appends:     desc("log_appends_total", "Records appended to the log."),
		units:       desc("units", "Units known."),
		shipments:   desc("shipments", "Shipments known."),
		watches:     desc("watches", "Subscriptions to the live state."),
		slow:        desc("watches_cut_total", "Subscriptions cut because their events piled up."),
		seq:         desc("log_sequence", "Last record of the log that is part of the live state."),
		projected:   desc("store_sequence", "Last record of the log that is committed to the store."),
		pending:     desc("store_pending_fixes", "Fixes not yet committed to the store."),
		snapshot:    desc("snapshot_sequence", "Record of the log that the newest snapshot of the state is of; 0: none."),
		trimmed:     desc("log_trimmed_total", "Records the log has let go of since the start."),
		forgotten:   desc("history_forgotten_total", "Fixes deleted because their carrier's retention says so."),
		storeFailed: desc("store_failures_total", "Transactions the store refused or was away for; each was tried again."),
		storeUp:     desc("store_up", "1 while the store takes what it is given."),
	}
}

func (m *trackerMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

func (m *trackerMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.stats()
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	counter(m.positions, s.Stored, "stored", "")
	counter(m.positions, s.Duplicates, "duplicate", "")
	for code, n := range s.Refused {
		counter(m.positions, n, "refused", code)
	}
	for doubt, n := range s.Doubted {
		counter(m.doubted, n, doubt)
	}
	counter(m.appends, s.Appends)
	counter(m.slow, s.Slow)
	gauge(m.units, float64(s.Units))
	gauge(m.shipments, float64(s.Shipments))
	gauge(m.watches, float64(s.Watches))
	gauge(m.seq, float64(s.Seq))
	gauge(m.projected, float64(s.Projected))
	gauge(m.pending, float64(s.Pending))
	gauge(m.snapshot, float64(s.Snapshot))
	counter(m.trimmed, s.Trimmed)
	up := 1.0
	if s.StoreError != "" {
		up = 0
	}
	gauge(m.storeUp, up)
	counter(m.storeFailed, s.StoreFailures)
	counter(m.forgotten, s.Forgotten)
}
