package live

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"corridor/tracking"
)

// manages tells whether what belongs to a party is the viewer's to change.
func manages(viewer tracking.Party, of tracking.PartyID) bool {
	return viewer.Role == tracking.Admin || viewer.Role == tracking.Dispatcher || viewer.ID == of
}

// SetRule makes an alert rule of the viewer's, or replaces the one with its ID.
func (t *Tracker) SetRule(ctx context.Context, viewer tracking.Party, r tracking.AlertRule) (tracking.AlertRule, error) {
	if err := tracking.ValidateRule(r); err != nil {
		return tracking.AlertRule{}, err
	}
	fresh := r.ID == ""
	if fresh {
		r.ID = tracking.RuleID(newID("rule"))
	}
	r.Party, r.Created = viewer.ID, t.moment()
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		have, ok := s.Rule(r.ID)
		switch {
		case ok && manages(viewer, have.Party):
			r.Party, r.Created = have.Party, have.Created
		case !fresh:
			return nil, fmt.Errorf("rule %q: %w", r.ID, tracking.ErrNotFound)
		case len(s.Rules(tracking.Party{ID: viewer.ID})) >= tracking.MaxRules:
			return nil, fmt.Errorf("%d rules are enough, remove some: %w", tracking.MaxRules, tracking.ErrConflict)
		}
		for _, id := range r.Hooks {
			if h, ok := s.Hook(id); !ok || h.Party != r.Party {
				return nil, &tracking.InvalidError{Code: "hooks", Reason: fmt.Sprintf("there is no hook %q", id)}
			}
		}
		for _, id := range r.Fences {
			if f, ok := s.Fence(id); !ok || !mayReadFence(viewer, &f) {
				return nil, &tracking.InvalidError{Code: "fences", Reason: fmt.Sprintf("there is no fence %q", id)}
			}
		}
		for _, id := range r.Shipments {
			if !s.MayReadShipment(viewer, id) {
				return nil, &tracking.InvalidError{Code: "shipments", Reason: fmt.Sprintf("there is no shipment %q", id)}
			}
		}
		return []tracking.Entry{&tracking.RuleSet{Rule: r}}, nil
	})
	if err != nil {
		return tracking.AlertRule{}, fmt.Errorf("set rule: %w", err)
	}
	return r, nil
}

// RemoveRule takes a rule away; its alerts stay.
func (t *Tracker) RemoveRule(ctx context.Context, viewer tracking.Party, id tracking.RuleID) error {
	return t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if r, ok := s.Rule(id); !ok || !manages(viewer, r.Party) {
			return nil, fmt.Errorf("rule %q: %w", id, tracking.ErrNotFound)
		}
		return []tracking.Entry{&tracking.RuleRemoved{Rule: id, At: t.moment()}}, nil
	})
}

// Rules lists the rules the viewer may read, by id.
func (t *Tracker) Rules(viewer tracking.Party) []tracking.AlertRule {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Rules(viewer)
}

// SetHook makes a hook of the viewer's, or replaces the one with its ID. The secret of
// a new URL is made here and returned; it is kept, for what is posted is signed with it.
func (t *Tracker) SetHook(ctx context.Context, viewer tracking.Party, h tracking.Hook) (tracking.Hook, error) {
	if err := tracking.ValidateHook(h); err != nil {
		return tracking.Hook{}, err
	}
	fresh := h.ID == ""
	if fresh {
		h.ID = tracking.HookID(newID("hook"))
	}
	h.Party, h.Created, h.Secret = viewer.ID, t.moment(), ""
	if h.URL != "" {
		b := make([]byte, secretBytes)
		_, _ = rand.Read(b) // never fails
		h.Secret = "whsec_" + base64.RawURLEncoding.EncodeToString(b)
	}
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		have, ok := s.Hook(h.ID)
		switch {
		case ok && manages(viewer, have.Party):
			h.Party, h.Created = have.Party, have.Created
			if have.URL == h.URL && have.Secret != "" { // of another place the secret is another
				h.Secret = have.Secret
			}
		case !fresh:
			return nil, fmt.Errorf("hook %q: %w", h.ID, tracking.ErrNotFound)
		case len(s.Hooks(tracking.Party{ID: viewer.ID})) >= tracking.MaxHooks:
			return nil, fmt.Errorf("%d hooks are enough, remove some: %w", tracking.MaxHooks, tracking.ErrConflict)
		}
		return []tracking.Entry{&tracking.HookSet{Hook: h}}, nil
	})
	if err != nil {
		return tracking.Hook{}, fmt.Errorf("set hook: %w", err)
	}
	return h, nil
}

// RemoveHook takes a hook away; what was pending for it is given up.
func (t *Tracker) RemoveHook(ctx context.Context, viewer tracking.Party, id tracking.HookID) error {
	return t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if h, ok := s.Hook(id); !ok || !manages(viewer, h.Party) {
			return nil, fmt.Errorf("hook %q: %w", id, tracking.ErrNotFound)
		}
		return []tracking.Entry{&tracking.HookRemoved{Hook: id, At: t.moment()}}, nil
	})
}

// Hooks lists the hooks the viewer may read, by id, with their secrets.
func (t *Tracker) Hooks(viewer tracking.Party) []tracking.Hook {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Hooks(viewer)
}

// Hook returns a hook.
func (t *Tracker) Hook(id tracking.HookID) (tracking.Hook, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Hook(id)
}

// Alerts lists the alerts the viewer may read with the state ("" for all), newest
// first.
func (t *Tracker) Alerts(viewer tracking.Party, state string) []tracking.Alert {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Alerts(viewer, state)
}

// Act does something about an alert of the viewer's.
func (t *Tracker) Act(ctx context.Context, viewer tracking.Party, id tracking.AlertID, a tracking.Action) (tracking.Alert, error) {
	a.By, a.At = viewer.ID, t.moment()
	if a.Until != nil {
		until := a.Until.UTC().Truncate(time.Millisecond)
		a.Until = &until
	}
	if err := tracking.ValidateAction(a); err != nil {
		return tracking.Alert{}, err
	}
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		have, ok := s.Alert(viewer, id)
		switch {
		case !ok:
			return nil, fmt.Errorf("alert %q: %w", id, tracking.ErrNotFound)
		case have.State == tracking.AlertClosed && a.What != tracking.Reopen:
			return nil, fmt.Errorf("alert %q is closed, reopen it first: %w", id, tracking.ErrConflict)
		}
		return []tracking.Entry{&tracking.AlertActed{Alert: id, Action: a}}, nil
	})
	if err != nil {
		return tracking.Alert{}, fmt.Errorf("act on alert: %w", err)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	have, _ := t.state.Alert(viewer, id)
	return have, nil
}

// PendingAlerts lists alerts with a delivery to be made, oldest first.
func (t *Tracker) PendingAlerts() []tracking.Alert {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.PendingAlerts()
}

// Settle tells how a delivery ended.
func (t *Tracker) Settle(ctx context.Context, e tracking.DeliverySettled) error {
	e.At = t.moment()
	return t.decide(ctx, func(*tracking.State) ([]tracking.Entry, error) { return []tracking.Entry{&e}, nil })
}

// Redeliver asks for a delivery of an alert of the viewer's once more.
func (t *Tracker) Redeliver(ctx context.Context, viewer tracking.Party, id tracking.AlertID, hook tracking.HookID) error {
	return t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		a, ok := s.Alert(viewer, id)
		i := slices.IndexFunc(a.Deliveries, func(d tracking.Delivery) bool { return d.Hook == hook })
		if !ok || i < 0 {
			return nil, fmt.Errorf("delivery of alert %q to %q: %w", id, hook, tracking.ErrNotFound)
		}
		d := a.Deliveries[i]
		if d.State == tracking.DeliveryPending {
			return nil, nil // it is under way
		}
		if _, ok := s.Hook(hook); !ok {
			return nil, fmt.Errorf("hook %q was removed: %w", hook, tracking.ErrConflict)
		}
		return []tracking.Entry{&tracking.DeliverySettled{Alert: id, Hook: hook, Round: d.Round + 1, State: tracking.DeliveryPending, At: t.moment()}}, nil
	})
}

// Leads tells whether what must be done once, beside the log, is this process's to do.
func (t *Tracker) Leads() bool { return t.shared == nil || t.shared.leads.Load() }

// MayReadEvent tells whether the viewer may read an event.
func (t *Tracker) MayReadEvent(viewer tracking.Party, e *tracking.Event) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.MayReadEvent(viewer, e)
}
