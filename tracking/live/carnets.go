package live

import (
	"context"
	"fmt"
	"time"

	"corridor/tracking"
)

// IssueCarnet puts a carnet to use. At is given here. What cannot be is as
// State.CheckCarnet says.
func (t *Tracker) IssueCarnet(ctx context.Context, e tracking.CarnetIssued) (tracking.Carnet, error) {
	e.At = t.moment()
	var number string
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		c, err := s.CheckCarnet(&e)
		if err != nil {
			return nil, err
		}
		number = c.Number
		return []tracking.Entry{&e}, nil
	})
	if err != nil {
		return tracking.Carnet{}, fmt.Errorf("issue carnet: %w", err)
	}
	return t.Carnet(number)
}

// DoCarnet records what was done with a carnet. *tracking.CarnetError says what has
// to come first.
func (t *Tracker) DoCarnet(ctx context.Context, number string, by tracking.PartyID, act tracking.CarnetAct) (tracking.Carnet, error) {
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		e := &tracking.CarnetStep{Number: number, Step: act, By: by, At: t.moment()}
		if act.At.After(e.At.Add(tracking.MaxAhead)) {
			return nil, &tracking.CarnetError{Field: "at", Reason: fmt.Sprintf("it lies in the future: the clock here says %s", e.At.Format(time.RFC3339))}
		}
		if _, err := s.CheckStep(e); err != nil {
			return nil, err
		}
		return []tracking.Entry{e}, nil
	})
	if err != nil {
		return tracking.Carnet{}, fmt.Errorf("carnet %s: %w", number, err)
	}
	return t.Carnet(number)
}

// BindCarnet says which shipment or unit travels under a carnet from now on.
func (t *Tracker) BindCarnet(ctx context.Context, number string, by tracking.PartyID, shipment tracking.ShipmentID, unit tracking.UnitID) (tracking.Carnet, error) {
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if c, ok := s.Carnet(number); ok && c.Shipment == shipment && c.Unit == unit {
			return nil, nil
		}
		e := &tracking.CarnetBound{Number: number, Shipment: shipment, Unit: unit, By: by, At: t.moment()}
		if err := s.CheckBound(e); err != nil {
			return nil, err
		}
		return []tracking.Entry{e}, nil
	})
	if err != nil {
		return tracking.Carnet{}, fmt.Errorf("carnet %s: %w", number, err)
	}
	return t.Carnet(number)
}

// Carnet returns a carnet by its number, or ErrNotFound.
func (t *Tracker) Carnet(number string) (tracking.Carnet, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c, ok := t.state.Carnet(number)
	if !ok {
		return c, fmt.Errorf("carnet %q: %w", number, tracking.ErrNotFound)
	}
	return c, nil
}

// CarnetUnit is the unit that carries a carnet now; "" when none does.
func (t *Tracker) CarnetUnit(number string) tracking.UnitID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.CarnetUnit(number)
}

// Carnets lists what the viewer may see, newest first.
func (t *Tracker) Carnets(viewer tracking.Party) []tracking.Carnet {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Carnets(viewer)
}

// MayReadCarnet tells whether the viewer may see the carnet.
func (t *Tracker) MayReadCarnet(viewer tracking.Party, number string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.MayReadCarnet(viewer, number)
}

// CarnetByHead finds the carnet whose journal holds an entry with the hash, and the
// number of the entry; ErrNotFound.
func (t *Tracker) CarnetByHead(hash string) (tracking.Carnet, int, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c, n, ok := t.state.CarnetByHead(hash)
	if !ok {
		return c, 0, fmt.Errorf("entry of a journal: %w", tracking.ErrNotFound)
	}
	return c, n, nil
}
