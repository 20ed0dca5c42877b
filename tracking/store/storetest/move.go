package storetest

import (
	"fmt"
	"slices"
	"testing"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/store/history"
)

// FillSome puts something of every kind into an empty store, some of it not sealed
// yet, and returns where it then stands in the log.
func FillSome(t *testing.T, s tracking.Store) uint64 {
	t.Helper()
	apply(t, s, full())
	seq := uint64(5)
	for round := range 20 {
		c := tracking.Changes{From: seq, To: seq + 1, Epoch: epoch}
		seq++
		for u := range 6 {
			id := tracking.UnitID(fmt.Sprint("U", u))
			for i := range 50 {
				c.Fixes = append(c.Fixes, fix(id, seq, round*1000+i*(u+1)))
			}
			latest := c.Fixes[len(c.Fixes)-1]
			c.Units = append(c.Units, tracking.UnitState{Unit: id, Carrier: "C1", Mode: geodata.Road, Latest: &latest, Fixes: uint64(round)})
		}
		apply(t, s, c)
		if round == 12 {
			seal(t, s)
		}
	}
	if err := s.SavePlan(t.Context(), "S1", routing.Plan{ID: "P1", Created: start, Notes: []string{"笔记"}}); err != nil {
		t.Fatal(err)
	}
	return seq
}

// GoOn applies a change after the sequence.
func GoOn(t *testing.T, s tracking.Store, seq uint64) {
	t.Helper()
	f := fix("NEW", seq+1, 50_000)
	apply(t, s, tracking.Changes{
		From: seq, To: seq + 1, Epoch: epoch, Fixes: []tracking.Fix{f, fix("U0", seq+1, 50_000)},
		Units: []tracking.UnitState{{Unit: "NEW", Carrier: "C1", Mode: geodata.Road, Latest: &f, Fixes: 1}},
	})
	seal(t, s)
}

// Same checks that two stores answer alike.
func Same(t *testing.T, got, want tracking.Store) {
	t.Helper()
	ctx := t.Context()
	state := loaded(t, want)
	equal(t, "state", loaded(t, got), state)
	for _, u := range state.Units {
		a, err := got.Track(ctx, u.Unit, tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := want.Track(ctx, u.Unit, tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "track of "+string(u.Unit), a, b)
	}
	a, err := got.Events(ctx, "", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.Events(ctx, "", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "events", a, b)
	p, owner, err := got.Plan(ctx, "P1")
	if err != nil {
		t.Fatal(err)
	}
	q, other, err := want.Plan(ctx, "P1")
	if err != nil || owner != other {
		t.Fatalf("plan of %s, want %s: %v", owner, other, err)
	}
	equal(t, "plan", p, q)
}

// Moved checks that the columns a store has, by table, are those that are moved from
// one store to another: nobody adds a table and forgets it there.
func Moved(t *testing.T, schema map[string][]string) {
	t.Helper()
	for _, name := range []string{"applied", "migration", "tail", "trajectory", "track"} { // moved otherwise, nothing of it left, or made of others
		delete(schema, name)
	}
	want := map[string][]string{}
	for _, table := range history.Tables() {
		for _, c := range table.Columns {
			want[table.Name] = append(want[table.Name], c.Name)
		}
	}
	for _, columns := range []map[string][]string{schema, want} {
		for name := range columns {
			slices.Sort(columns[name])
		}
	}
	equal(t, "columns by table", want, schema)
}
