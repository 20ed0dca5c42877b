package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/tracking/store/memory"
)

// testModel gives random changes to the store and to the double in memory and
// asks both the same questions.
func testModel(t *testing.T, open func(t *testing.T) tracking.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s, model := open(t), memory.New()
		defer func() {
			if err := s.Close(); err != nil {
				rt.Fatalf("close: %v", err)
			}
		}()
		m := machine{store: s, model: model}
		rt.Repeat(map[string]func(*rapid.T){
			"apply":  m.apply,
			"seal":   func(rt *rapid.T) { seal(rt, s) },
			"track":  m.track,
			"has":    m.has,
			"events": m.events,
			"load":   func(rt *rapid.T) { equal(rt, "state", loaded(rt, s), loaded(rt, model)) },
		})
	})
}

type machine struct {
	store, model tracking.Store
	seq          uint64
	n            int
}

var units = []tracking.UnitID{"A", "B", "C"}

func (m *machine) apply(rt *rapid.T) {
	c := tracking.Changes{From: m.seq, To: m.seq + rapid.Uint64Range(1, 3).Draw(rt, "records"), Epoch: epoch}
	for range rapid.IntRange(0, 3).Draw(rt, "runs") {
		unit := rapid.SampledFrom(units).Draw(rt, "unit")
		at := rapid.IntRange(0, 20_000).Draw(rt, "from")
		step := rapid.IntRange(1, 30).Draw(rt, "step")
		for i := range rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 400)).Draw(rt, "fixes") {
			c.Fixes = append(c.Fixes, fix(unit, c.To, at+i*step))
		}
		u := tracking.UnitState{Unit: unit, Carrier: "C1", Mode: geodata.Road, Fixes: m.seq}
		if rapid.Bool().Draw(rt, "latest") {
			f := c.Fixes[len(c.Fixes)-1]
			f.Cell = m.seq
			u.Latest = &f
		}
		c.Units = append(c.Units, u)
	}
	for range rapid.IntRange(0, 2).Draw(rt, "events") {
		c.Events = append(c.Events, tracking.Event{Seq: c.To, N: len(c.Events), Kind: "k", Time: start, Shipment: rapid.SampledFrom([]tracking.ShipmentID{"", "S1", "S2"}).Draw(rt, "shipment")})
	}
	if rapid.Bool().Draw(rt, "progress") {
		c.Progress = append(c.Progress, tracking.Progress{Shipment: rapid.SampledFrom([]tracking.ShipmentID{"S1", "S2"}).Draw(rt, "of"), DoneKM: float64(m.seq)})
	}
	if rapid.Bool().Draw(rt, "party") {
		m.n++
		c.Parties = append(c.Parties, tracking.Party{ID: tracking.PartyID(fmt.Sprint("P", m.n%4)), Name: fmt.Sprint(m.n), Created: start})
	}
	if rapid.IntRange(0, 9).Draw(rt, "again") == 0 && c.From > 0 {
		c.From-- // as after a restart that did not know how far the store was
	}
	apply(rt, m.store, c)
	apply(rt, m.model, c)
	m.seq = c.To
}

func (m *machine) track(rt *rapid.T) {
	unit := rapid.SampledFrom(units).Draw(rt, "unit")
	var q tracking.TrackQuery
	moment := rapid.Custom(func(rt *rapid.T) time.Time {
		return start.Add(time.Duration(rapid.IntRange(-10, 25_000_000).Draw(rt, "ms")) * time.Millisecond)
	})
	if rapid.Bool().Draw(rt, "from") {
		q.From = moment.Draw(rt, "from at")
	}
	if rapid.Bool().Draw(rt, "to") {
		q.To = moment.Draw(rt, "to at")
	}
	if rapid.Bool().Draw(rt, "limited") {
		q.Limit = rapid.IntRange(1, 700).Draw(rt, "limit")
	}
	got, err := m.store.Track(context.Background(), unit, q)
	if err != nil {
		rt.Fatalf("track: %v", err)
	}
	want, err := m.model.Track(context.Background(), unit, q)
	if err != nil {
		rt.Fatalf("track in memory: %v", err)
	}
	equal(rt, "track", got, want)
}

func (m *machine) has(rt *rapid.T) {
	unit := rapid.SampledFrom(units).Draw(rt, "unit")
	var times []time.Time
	for _, s := range rapid.SliceOfN(rapid.IntRange(-5, 25_000), 0, 30).Draw(rt, "seconds") {
		times = append(times, start.Add(time.Duration(s)*time.Second))
	}
	got, err := m.store.Has(context.Background(), unit, times)
	if err != nil {
		rt.Fatalf("has: %v", err)
	}
	want, err := m.model.Has(context.Background(), unit, times)
	if err != nil || !slices.Equal(got, want) {
		rt.Fatalf("has %v, want %v (%v)", got, want, err)
	}
}

func (m *machine) events(rt *rapid.T) {
	shipment := rapid.SampledFrom([]tracking.ShipmentID{"", "S1", "S2"}).Draw(rt, "shipment")
	after, n, limit := rapid.Uint64Range(0, m.seq).Draw(rt, "after"), rapid.IntRange(0, 2).Draw(rt, "n"), rapid.IntRange(0, 5).Draw(rt, "limit")
	got, err := m.store.Events(context.Background(), shipment, after, n, limit)
	if err != nil {
		rt.Fatalf("events: %v", err)
	}
	want, err := m.model.Events(context.Background(), shipment, after, n, limit)
	if err != nil {
		rt.Fatalf("events in memory: %v", err)
	}
	equal(rt, "events", got, want)
}
