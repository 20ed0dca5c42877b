package api_test

import (
	"context"
	"slices"
	"time"

	"corridor/tracking"
)

// desk is what the double keeps of fences, rules, hooks and alerts.
type desk struct {
	fences []tracking.Fence
	rules  []tracking.AlertRule
	hooks  []tracking.Hook
	alerts []tracking.Alert
	again  []string // deliveries asked for again
}

func manages(v tracking.Party, of tracking.PartyID) bool {
	return v.Role == tracking.Admin || v.Role == tracking.Dispatcher || v.ID == of
}

// mine are those of a list that the viewer manages.
func mine[T any](v tracking.Party, list []T, of func(*T) tracking.PartyID) []T {
	var out []T
	for _, x := range list {
		if manages(v, of(&x)) {
			out = append(out, x)
		}
	}
	return out
}

// set puts x in the place of the one with its id, or behind all.
func set[T any, K comparable](v tracking.Party, list *[]T, x T, id func(*T) *K, of func(*T) *tracking.PartyID, fresh func() K) (T, error) {
	var none K
	if *id(&x) == none {
		*id(&x), *of(&x) = fresh(), v.ID
		*list = append(*list, x)
		return x, nil
	}
	i := slices.IndexFunc(*list, func(y T) bool { return *id(&y) == *id(&x) && manages(v, *of(&y)) })
	if i < 0 {
		return x, tracking.ErrNotFound
	}
	*of(&x) = *of(&(*list)[i])
	(*list)[i] = x
	return x, nil
}

func remove[T any](list *[]T, is func(*T) bool) error {
	i := slices.IndexFunc(*list, func(x T) bool { return is(&x) })
	if i < 0 {
		return tracking.ErrNotFound
	}
	*list = slices.Delete(*list, i, i+1)
	return nil
}

func (w *world) Fences(v tracking.Party) []tracking.Fence {
	return mine(v, w.fences, func(f *tracking.Fence) tracking.PartyID { return f.Owner })
}

func (w *world) SetFence(_ context.Context, v tracking.Party, f tracking.Fence) (tracking.Fence, error) {
	if err := tracking.ValidateFence(f); err != nil {
		return f, err
	}
	f.Created = w.now
	return set(v, &w.fences, f, func(f *tracking.Fence) *tracking.FenceID { return &f.ID }, func(f *tracking.Fence) *tracking.PartyID { return &f.Owner },
		func() tracking.FenceID { return tracking.FenceID(w.id("f")) })
}

// FenceVisits has somebody in every fence that may be read.
func (w *world) FenceVisits(v tracking.Party, id tracking.FenceID) ([]tracking.FenceVisit, error) {
	for _, f := range w.Fences(v) {
		if f.ID == id {
			return []tracking.FenceVisit{{Unit: "KA-7723", Since: w.now.Add(-time.Hour), Dwelt: true}}, nil
		}
	}
	return nil, tracking.ErrNotFound
}

func (w *world) RemoveFence(_ context.Context, v tracking.Party, id tracking.FenceID) error {
	return remove(&w.fences, func(f *tracking.Fence) bool { return f.ID == id && manages(v, f.Owner) })
}

func (w *world) Rules(v tracking.Party) []tracking.AlertRule {
	return mine(v, w.rules, func(r *tracking.AlertRule) tracking.PartyID { return r.Party })
}

func (w *world) SetRule(_ context.Context, v tracking.Party, r tracking.AlertRule) (tracking.AlertRule, error) {
	if err := tracking.ValidateRule(r); err != nil {
		return r, err
	}
	return set(v, &w.rules, r, func(r *tracking.AlertRule) *tracking.RuleID { return &r.ID }, func(r *tracking.AlertRule) *tracking.PartyID { return &r.Party },
		func() tracking.RuleID { return tracking.RuleID(w.id("r")) })
}

func (w *world) RemoveRule(_ context.Context, v tracking.Party, id tracking.RuleID) error {
	return remove(&w.rules, func(r *tracking.AlertRule) bool { return r.ID == id && manages(v, r.Party) })
}

func (w *world) Hooks(v tracking.Party) []tracking.Hook {
	return mine(v, w.hooks, func(h *tracking.Hook) tracking.PartyID { return h.Party })
}

func (w *world) SetHook(_ context.Context, v tracking.Party, h tracking.Hook) (tracking.Hook, error) {
	if err := tracking.ValidateHook(h); err != nil {
		return h, err
	}
	if h.URL != "" {
		h.Secret = "whsec_" + h.URL
	}
	return set(v, &w.hooks, h, func(h *tracking.Hook) *tracking.HookID { return &h.ID }, func(h *tracking.Hook) *tracking.PartyID { return &h.Party },
		func() tracking.HookID { return tracking.HookID(w.id("h")) })
}

func (w *world) RemoveHook(_ context.Context, v tracking.Party, id tracking.HookID) error {
	return remove(&w.hooks, func(h *tracking.Hook) bool { return h.ID == id && manages(v, h.Party) })
}

func (w *world) Alerts(v tracking.Party, state string) []tracking.Alert {
	return slices.DeleteFunc(mine(v, w.alerts, func(a *tracking.Alert) tracking.PartyID { return a.Party }), func(a tracking.Alert) bool {
		return state != "" && a.State != state
	})
}

func (w *world) Act(_ context.Context, v tracking.Party, id tracking.AlertID, a tracking.Action) (tracking.Alert, error) {
	a.By, a.At = v.ID, w.now
	if err := tracking.ValidateAction(a); err != nil {
		return tracking.Alert{}, err
	}
	for i := range w.alerts {
		if x := &w.alerts[i]; x.ID == id && manages(v, x.Party) {
			x.Actions = append(x.Actions, a)
			return *x, nil
		}
	}
	return tracking.Alert{}, tracking.ErrNotFound
}

func (w *world) Redeliver(_ context.Context, v tracking.Party, id tracking.AlertID, hook tracking.HookID) error {
	for _, a := range w.Alerts(v, "") {
		if a.ID == id {
			w.again = append(w.again, string(id)+" "+string(hook))
			return nil
		}
	}
	return tracking.ErrNotFound
}

func (w *world) MayReadEvent(v tracking.Party, e *tracking.Event) bool {
	return e.For == "" || manages(v, e.For)
}

func (w *world) Conditions(tracking.UnitID) []tracking.Condition { return nil }
