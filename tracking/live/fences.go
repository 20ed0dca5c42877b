package live

import (
	"context"
	"fmt"

	"corridor/tracking"
)

// SetFence makes a fence, or replaces the one with its ID. ID, if empty, and Created
// are given here.
func (t *Tracker) SetFence(ctx context.Context, f tracking.Fence) (tracking.Fence, error) {
	if err := tracking.ValidateFence(f); err != nil {
		return tracking.Fence{}, fmt.Errorf("set fence: %w", err)
	}
	fresh := f.ID == ""
	if fresh {
		f.ID = tracking.FenceID(newID("fence"))
	}
	f.Created = t.moment()
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		have, ok := s.Fence(f.ID)
		switch {
		case ok:
			f.Created = have.Created
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
func (t *Tracker) RemoveFence(ctx context.Context, id tracking.FenceID) error {
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if _, ok := s.Fence(id); !ok {
			return nil, fmt.Errorf("fence %q: %w", id, tracking.ErrNotFound)
		}
		return []tracking.Entry{&tracking.FenceRemoved{Fence: id, At: t.moment()}}, nil
	})
	if err != nil {
		return fmt.Errorf("remove fence: %w", err)
	}
	return nil
}

// Fences lists the fences by id.
func (t *Tracker) Fences() []tracking.Fence {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Fences()
}
