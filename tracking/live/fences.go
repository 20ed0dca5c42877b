package live

import (
	"context"
	"fmt"
	"slices"

	"corridor/tracking"
)

// mayReadFence tells whether a fence is the viewer's, or the viewer the office.
func mayReadFence(viewer tracking.Party, f *tracking.Fence) bool { return manages(viewer, f.Owner) }

// SetFence makes a fence of the viewer's, or replaces the one with its ID. ID, if
// empty, Owner and Created are given here.
func (t *Tracker) SetFence(ctx context.Context, viewer tracking.Party, f tracking.Fence) (tracking.Fence, error) {
	if err := tracking.ValidateFence(f); err != nil {
		return tracking.Fence{}, fmt.Errorf("set fence: %w", err)
	}
	fresh := f.ID == ""
	if fresh {
		f.ID = tracking.FenceID(newID("fence"))
	}
	f.Owner, f.Created = viewer.ID, t.moment()
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		have, ok := s.Fence(f.ID)
		switch {
		case ok && mayReadFence(viewer, &have):
			f.Owner, f.Created = have.Owner, have.Created
		case !fresh:
			return nil, fmt.Errorf("fence %q: %w", f.ID, tracking.ErrNotFound)
		}
		return []tracking.Entry{&tracking.FenceSet{Fence: f}}, nil
	})
	if err != nil {
		return tracking.Fence{}, fmt.Errorf("set fence: %w", err)
	}
	return f, nil
}

// RemoveFence takes a fence away; visits to it end untold.
func (t *Tracker) RemoveFence(ctx context.Context, viewer tracking.Party, id tracking.FenceID) error {
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if f, ok := s.Fence(id); !ok || !mayReadFence(viewer, &f) {
			return nil, fmt.Errorf("fence %q: %w", id, tracking.ErrNotFound)
		}
		return []tracking.Entry{&tracking.FenceRemoved{Fence: id, At: t.moment()}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove fence: %w", err)
	}
	return nil
}

// Fences lists the fences the viewer may read, by id.
func (t *Tracker) Fences(viewer tracking.Party) []tracking.Fence {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.DeleteFunc(t.state.Fences(), func(f tracking.Fence) bool { return !mayReadFence(viewer, &f) })
}

// FenceVisits lists the units that are in a fence now, the longest there first.
func (t *Tracker) FenceVisits(viewer tracking.Party, id tracking.FenceID) ([]tracking.FenceVisit, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if f, ok := t.state.Fence(id); !ok || !mayReadFence(viewer, &f) {
		return nil, fmt.Errorf("fence %q: %w", id, tracking.ErrNotFound)
	}
	return t.state.FenceVisits(id), nil
}
