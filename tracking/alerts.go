package tracking

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Distinct identifiers of what alerts are made of.
type (
	RuleID  string
	HookID  string
	AlertID string // "SEQ-N-RULE": the event and the rule that made it
)

// Severity is how much an alert matters.
type Severity string

// Severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// AlertRule makes alerts of a party from the events that it may read.
type AlertRule struct {
	ID        RuleID       `json:"id"`
	Party     PartyID      `json:"party"`
	Name      string       `json:"name"`
	Kinds     []string     `json:"kinds"` // of events; see EventKinds
	Severity  Severity     `json:"severity"`
	Owner     string       `json:"owner,omitempty"`     // who is to act, as the party calls them
	Shipments []ShipmentID `json:"shipments,omitempty"` // empty: all
	Units     []UnitID     `json:"units,omitempty"`     // empty: all
	Fences    []FenceID    `json:"fences,omitempty"`    // of events at a fence; empty: all
	Hooks     []HookID     `json:"hooks,omitempty"`     // who else is told
	Created   time.Time    `json:"created"`
}

// Hook is where alerts of a party are sent: a URL that takes a signed POST, or
// addresses that take mail.
type Hook struct {
	ID      HookID    `json:"id"`
	Party   PartyID   `json:"party"`
	Name    string    `json:"name"`
	URL     string    `json:"url,omitempty"`
	Secret  string    `json:"secret,omitempty"` // signs what is posted to URL
	Mail    []string  `json:"mail,omitempty"`
	Created time.Time `json:"created"`
}

// States of an Alert.
const (
	AlertOpen         = "open"
	AlertAcknowledged = "acknowledged"
	AlertSnoozed      = "snoozed"
	AlertClosed       = "closed"
)

// What an AlertActed does.
const (
	Acknowledge = "acknowledge"
	Snooze      = "snooze"
	Close       = "close"
	Reopen      = "reopen"
	Assign      = "assign"
)

// Alert is something a party has to look at. While it is not closed, further events of
// its kind about the same shipment or unit are counted, not raised anew.
type Alert struct {
	ID         AlertID    `json:"id"`
	Rule       RuleID     `json:"rule"`
	Name       string     `json:"name"` // of the rule when it was raised
	Party      PartyID    `json:"party"`
	Severity   Severity   `json:"severity"`
	Owner      string     `json:"owner,omitempty"`
	Event      Event      `json:"event"` // the first
	Raised     time.Time  `json:"raised"`
	Count      int        `json:"count"` // events so far
	Last       time.Time  `json:"last"`  // of the newest of them
	State      string     `json:"state"`
	Until      *time.Time `json:"until,omitempty"` // of a snooze
	Actions    []Action   `json:"actions,omitempty"`
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// Action is what somebody did about an alert.
type Action struct {
	What   string     `json:"what"`
	By     PartyID    `json:"by"`
	At     time.Time  `json:"at"`
	Reason string     `json:"reason,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Owner  string     `json:"owner,omitempty"`
}

// States of a Delivery.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryDead      = "dead" // given up; it can be asked for again
)

// Delivery is an alert on its way to a hook.
type Delivery struct {
	Hook     HookID     `json:"hook"`
	Round    int        `json:"round"` // counts from 1 how often it was asked for
	State    string     `json:"state"`
	Attempts int        `json:"attempts,omitempty"`
	Error    string     `json:"error,omitempty"` // of the last attempt
	At       *time.Time `json:"at,omitempty"`    // of what State says
}

// Entries that make, change and remove what alerts are made of.
type (
	// RuleSet makes a rule or replaces it.
	RuleSet struct{ Rule AlertRule }
	// RuleRemoved takes a rule away; its alerts stay.
	RuleRemoved struct {
		Rule RuleID
		At   time.Time
	}
	// HookSet makes a hook or replaces it.
	HookSet struct{ Hook Hook }
	// HookRemoved takes a hook away; what was pending for it is dead.
	HookRemoved struct {
		Hook HookID
		At   time.Time
	}
	// AlertActed is what somebody did about an alert.
	AlertActed struct {
		Alert  AlertID `json:"alert"`
		Action Action  `json:"action"`
	}
	// DeliverySettled tells how a delivery ended, or that it is asked for again: then
	// State is DeliveryPending.
	DeliverySettled struct {
		Alert    AlertID   `json:"alert"`
		Hook     HookID    `json:"hook"`
		Round    int       `json:"round"`
		State    string    `json:"state"`
		Attempts int       `json:"attempts"`
		Error    string    `json:"error,omitempty"`
		At       time.Time `json:"at"`
	}
)

// Kinds of Object.
const (
	objectRule  = "rule"
	objectHook  = "hook"
	objectAlert = "alert"
)

// Limits of alerts.
const (
	MaxRules     = 1000   // of a party
	MaxHooks     = 100    // of a party
	mostAlerts   = 20_000 // kept in all; beyond, closed ones and then the oldest go
	mostActions  = 100    // kept of an alert
	maxWords     = 500    // bytes of a reason
	dropAtOnce   = mostAlerts / 10
	maxSnooze    = 31 * 24 * time.Hour
	maxHookMails = 20
)

// ValidateRule checks a rule as it will be kept.
func ValidateRule(r AlertRule) error {
	switch {
	case strings.TrimSpace(r.Name) == "" || len(r.Name) > 200:
		return &InvalidError{"name", "a rule has a name of 1 to 200 bytes"}
	case len(r.Owner) > 200:
		return &InvalidError{"owner", "the owner's name is longer than 200 bytes"}
	case !slices.Contains([]Severity{Info, Warning, Critical}, r.Severity):
		return &InvalidError{"severity", fmt.Sprintf("severity %q: use info, warning or critical", r.Severity)}
	case len(r.Kinds) == 0:
		return &InvalidError{"kinds", "a rule names at least one kind of event"}
	case len(r.Kinds)+len(r.Shipments)+len(r.Units)+len(r.Fences)+len(r.Hooks) > 1000:
		return &InvalidError{"rule", "a rule names at most 1,000 kinds, shipments, units, fences and hooks"}
	}
	known := EventKinds()
	for _, k := range r.Kinds {
		if !slices.ContainsFunc(known, func(e EventKind) bool { return e.Kind == k && k != EventAlert && k != EventAlertActed }) {
			return &InvalidError{"kinds", fmt.Sprintf("no event of kind %q makes an alert; GET /api/v1/event-kinds lists those that do", k)}
		}
	}
	return nil
}

// ValidateHook checks a hook as it will be kept. Whether its URL may be called is
// decided when it is.
func ValidateHook(h Hook) error {
	switch {
	case strings.TrimSpace(h.Name) == "" || len(h.Name) > 200:
		return &InvalidError{"name", "a hook has a name of 1 to 200 bytes"}
	case (h.URL == "") == (len(h.Mail) == 0):
		return &InvalidError{"url", "a hook has a url or mail addresses, one of the two"}
	case len(h.Mail) > maxHookMails:
		return &InvalidError{"mail", fmt.Sprintf("at most %d addresses", maxHookMails)}
	}
	for _, m := range h.Mail {
		if a, err := mail.ParseAddress(m); err != nil || a.Address != m || strings.ContainsAny(m, "\r\n") {
			return &InvalidError{"mail", fmt.Sprintf("%q is not a mail address such as desk@example.com", m)}
		}
	}
	if h.URL == "" {
		return nil
	}
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(h.URL) > 2000:
		return &InvalidError{"url", "give a URL such as https://tms.example/corridor"}
	case u.User != nil:
		return &InvalidError{"url", "a URL with a password in it would be shown to whoever may read hooks; what is posted is signed instead"}
	}
	return nil
}

// ValidateAction checks what somebody wants to do about an alert.
func ValidateAction(a Action) error {
	switch a.What {
	case Acknowledge, Close, Reopen:
	case Assign:
		if strings.TrimSpace(a.Owner) == "" || len(a.Owner) > 200 {
			return &InvalidError{"owner", "say who is to act, in 1 to 200 bytes"}
		}
	case Snooze:
		if a.Until == nil || !a.Until.After(a.At) || a.Until.Sub(a.At) > maxSnooze {
			return &InvalidError{"until", "an alert is snoozed until a time in the next 31 days"}
		}
		if strings.TrimSpace(a.Reason) == "" {
			return &InvalidError{"reason", "say why it can wait"}
		}
	default:
		return &InvalidError{"what", fmt.Sprintf("%q: use acknowledge, snooze, close, reopen or assign", a.What)}
	}
	if len(a.Reason) > maxWords {
		return &InvalidError{"reason", fmt.Sprintf("longer than %d bytes", maxWords)}
	}
	return nil
}

// alerts is the part of the state that is about alerts.
type alerts struct {
	rules   map[RuleID]AlertRule
	byKind  map[string][]RuleID // in order of id
	hooks   map[HookID]Hook
	all     map[AlertID]*Alert
	open    map[alertKey]AlertID // not closed
	pending map[AlertID]struct{}
	snoozed map[AlertID]struct{}
}

type alertKey struct {
	rule    RuleID
	kind    string
	subject string
}

func newAlerts() alerts {
	return alerts{
		map[RuleID]AlertRule{},
		map[string][]RuleID{},
		map[HookID]Hook{},
		map[AlertID]*Alert{},
		map[alertKey]AlertID{},
		map[AlertID]struct{}{},
		map[AlertID]struct{}{},
	}
}

func keyOf(a *Alert) alertKey {
	return alertKey{a.Rule, a.Event.Kind, subjectOf(&a.Event)}
}

// subjectOf is what an event is about, so that two of them are about the same.
func subjectOf(e *Event) string {
	s := "u/" + string(e.Unit)
	if e.Shipment != "" {
		s = "s/" + string(e.Shipment)
	}
	switch e.Kind {
	case EventFenceEntered, EventFenceLeft, EventFenceDwelt:
		s += "/" + e.Detail
	}
	return s
}

func (s *State) setRule(r AlertRule) {
	s.dropRule(r.ID)
	s.alerts.rules[r.ID] = r
	for _, k := range slices.Compact(slices.Sorted(slices.Values(r.Kinds))) {
		list := append(s.alerts.byKind[k], r.ID)
		slices.Sort(list)
		s.alerts.byKind[k] = list
	}
}

func (s *State) dropRule(id RuleID) {
	r, ok := s.alerts.rules[id]
	if !ok {
		return
	}
	delete(s.alerts.rules, id)
	for _, k := range r.Kinds {
		s.alerts.byKind[k] = slices.DeleteFunc(s.alerts.byKind[k], func(x RuleID) bool { return x == id })
	}
}

// place enters an alert, or what became of it, where it is found.
func (s *State) placeAlert(a *Alert) {
	s.alerts.all[a.ID] = a
	if a.State != AlertClosed {
		s.alerts.open[keyOf(a)] = a.ID
	} else if s.alerts.open[keyOf(a)] == a.ID {
		delete(s.alerts.open, keyOf(a))
	}
	in := func(set map[AlertID]struct{}, is bool) {
		if is {
			set[a.ID] = struct{}{}
		} else {
			delete(set, a.ID)
		}
	}
	in(s.alerts.pending, slices.ContainsFunc(a.Deliveries, func(d Delivery) bool { return d.State == DeliveryPending }))
	in(s.alerts.snoozed, a.State == AlertSnoozed)
}

func (s *State) forgetAlert(id AlertID) {
	a := s.alerts.all[id]
	delete(s.alerts.all, id)
	delete(s.alerts.pending, id)
	delete(s.alerts.snoozed, id)
	if s.alerts.open[keyOf(a)] == id {
		delete(s.alerts.open, keyOf(a))
	}
}

// restoreAlerts takes what a Store kept; false when it is none of these.
func (s *State) restoreAlerts(d Object) (bool, error) {
	var err error
	switch d.Kind {
	case objectRule:
		var r AlertRule
		if err = json.Unmarshal(d.Body, &r); err == nil {
			s.setRule(r)
		}
	case objectHook:
		var h Hook
		if err = json.Unmarshal(d.Body, &h); err == nil {
			s.alerts.hooks[h.ID] = h
		}
	case objectAlert:
		a := &Alert{}
		if err = json.Unmarshal(d.Body, a); err == nil {
			s.placeAlert(a)
		}
	default:
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("restore %s %s: %w", d.Kind, d.ID, err)
	}
	return true, nil
}

func (s *State) alertObjects(out []Object) ([]Object, error) {
	add := func(kind, id string, v any) error {
		d, err := object(kind, id, v)
		out = append(out, d)
		return err
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(s.alerts.rules)) {
		errs = append(errs, add(objectRule, string(id), s.alerts.rules[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(s.alerts.hooks)) {
		errs = append(errs, add(objectHook, string(id), s.alerts.hooks[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(s.alerts.all)) {
		errs = append(errs, add(objectAlert, string(id), s.alerts.all[id]))
	}
	return out, errors.Join(errs...)
}

func (f *folding) put(kind, id string, v any) {
	if d, err := object(kind, id, v); err == nil {
		f.c.Objects = append(f.c.Objects, d)
	}
}

// change replaces an alert; fn gets a copy whose slices are its own.
func (f *folding) change(id AlertID, fn func(*Alert)) {
	a := *f.alerts.all[id]
	a.Actions, a.Deliveries = slices.Clone(a.Actions), slices.Clone(a.Deliveries)
	fn(&a)
	f.placeAlert(&a)
	f.put(objectAlert, string(id), &a)
}

func (f *folding) ruleSet(e *RuleSet) {
	f.setRule(e.Rule)
	f.put(objectRule, string(e.Rule.ID), e.Rule)
}

func (f *folding) ruleRemoved(e *RuleRemoved) {
	if _, ok := f.alerts.rules[e.Rule]; ok {
		f.dropRule(e.Rule)
		f.c.Objects = append(f.c.Objects, Object{Kind: objectRule, ID: string(e.Rule)})
	}
}

func (f *folding) hookSet(e *HookSet) {
	f.alerts.hooks[e.Hook.ID] = e.Hook
	f.put(objectHook, string(e.Hook.ID), e.Hook)
}

func (f *folding) hookRemoved(e *HookRemoved) {
	if _, ok := f.alerts.hooks[e.Hook]; !ok {
		return
	}
	delete(f.alerts.hooks, e.Hook)
	f.c.Objects = append(f.c.Objects, Object{Kind: objectHook, ID: string(e.Hook)})
	for _, id := range slices.Sorted(maps.Keys(f.alerts.pending)) {
		for _, d := range f.alerts.all[id].Deliveries {
			if d.Hook == e.Hook && d.State == DeliveryPending {
				f.settled(&DeliverySettled{Alert: id, Hook: d.Hook, Round: d.Round, State: DeliveryDead, Error: "the hook was removed", At: e.At})
			}
		}
	}
}

func (f *folding) acted(e *AlertActed) {
	if _, ok := f.alerts.all[e.Alert]; !ok {
		return
	}
	f.change(e.Alert, func(a *Alert) {
		if a.Actions = append(a.Actions, e.Action); len(a.Actions) > mostActions {
			a.Actions = a.Actions[1:]
		}
		if e.Action.What != Assign {
			a.Until = nil
		}
		switch e.Action.What {
		case Acknowledge:
			a.State = AlertAcknowledged
		case Snooze:
			a.State, a.Until = AlertSnoozed, e.Action.Until
		case Close:
			a.State = AlertClosed
		case Reopen:
			a.State = AlertOpen
		case Assign:
			a.Owner = e.Action.Owner
		}
	})
	a := f.alerts.all[e.Alert]
	f.event(Event{
		Kind: EventAlertActed, Time: e.Action.At, Unit: a.Event.Unit, Shipment: a.Event.Shipment, Where: string(a.ID),
		Detail: strings.TrimSpace(e.Action.What + " " + e.Action.Reason), For: a.Party,
	})
}

func (f *folding) settled(e *DeliverySettled) {
	a, ok := f.alerts.all[e.Alert]
	if !ok {
		return
	}
	i := slices.IndexFunc(a.Deliveries, func(d Delivery) bool { return d.Hook == e.Hook })
	again := e.State == DeliveryPending
	if i < 0 || again && e.Round != a.Deliveries[i].Round+1 || !again && (e.Round != a.Deliveries[i].Round || a.Deliveries[i].State != DeliveryPending) {
		return
	}
	f.change(e.Alert, func(a *Alert) {
		at := e.At
		a.Deliveries[i] = Delivery{e.Hook, e.Round, e.State, e.Attempts, e.Error, &at}
	})
}

// raise makes alerts of the events of the record.
func (f *folding) raise() {
	if len(f.alerts.rules) == 0 {
		return
	}
	events := f.c.Events // alerts tell of themselves behind these
	for i := range events {
		for _, id := range f.alerts.byKind[events[i].Kind] {
			if r := f.alerts.rules[id]; f.concerns(&r, &events[i]) {
				f.alert(&r, events[i])
			}
		}
	}
}

// concerns tells whether a rule is about an event, and its party may read it.
func (f *folding) concerns(r *AlertRule, e *Event) bool {
	atFence := e.Kind == EventFenceEntered || e.Kind == EventFenceLeft || e.Kind == EventFenceDwelt
	switch {
	case len(r.Shipments) > 0 && !slices.Contains(r.Shipments, e.Shipment):
	case len(r.Units) > 0 && !slices.Contains(r.Units, e.Unit):
	case len(r.Fences) > 0 && (!atFence || !slices.Contains(r.Fences, FenceID(e.Detail))):
	default:
		p, ok := f.parties[r.Party]
		return ok && f.MayReadEvent(p, e)
	}
	return false
}

func (f *folding) alert(r *AlertRule, e Event) {
	key := alertKey{r.ID, e.Kind, subjectOf(&e)}
	if id, ok := f.alerts.open[key]; ok {
		f.change(id, func(a *Alert) {
			a.Count++
			if e.Time.After(a.Last) {
				a.Last = e.Time
			}
		})
		return
	}
	a := &Alert{
		ID: AlertID(fmt.Sprintf("%d-%d-%s", e.Seq, e.N, r.ID)), Rule: r.ID, Name: r.Name, Party: r.Party, Severity: r.Severity, Owner: r.Owner,
		Event: e, Raised: e.Time, Count: 1, Last: e.Time, State: AlertOpen,
	}
	for _, h := range r.Hooks {
		if _, ok := f.alerts.hooks[h]; ok {
			a.Deliveries = append(a.Deliveries, Delivery{Hook: h, Round: 1, State: DeliveryPending})
		}
	}
	f.placeAlert(a)
	f.put(objectAlert, string(a.ID), a)
	f.event(Event{
		Kind: EventAlert, Time: e.Time, Unit: e.Unit, Shipment: e.Shipment, Lat: e.Lat, Lon: e.Lon, Where: string(a.ID),
		Detail: string(a.Severity) + ": " + r.Name, For: r.Party,
	})
	if len(f.alerts.all) > mostAlerts {
		f.makeRoom()
	}
}

// makeRoom forgets alerts: those that were closed, the oldest first.
func (f *folding) makeRoom() {
	ids := slices.Collect(maps.Keys(f.alerts.all))
	slices.SortFunc(ids, func(x, y AlertID) int {
		a, b := f.alerts.all[x], f.alerts.all[y]
		rank := func(a *Alert) int {
			if a.State == AlertClosed {
				return 0
			}
			return 1
		}
		return cmp.Or(rank(a)-rank(b), a.Event.compare(b.Event), cmp.Compare(x, y))
	})
	for _, id := range ids[:dropAtOnce] {
		f.forgetAlert(id)
		f.c.Objects = append(f.c.Objects, Object{Kind: objectAlert, ID: string(id)})
	}
}

// compare orders events by their place in the log.
func (e Event) compare(o Event) int { return cmp.Or(cmp.Compare(e.Seq, o.Seq), cmp.Compare(e.N, o.N)) }

// awake lists alerts whose snooze is over by then, by id.
func (s *State) awake(now time.Time) []AlertID {
	var out []AlertID
	for id := range s.alerts.snoozed {
		if a := s.alerts.all[id]; a.Until != nil && !a.Until.After(now) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// wake opens alerts whose snooze is over, and tells whom they were told once more.
func (f *folding) wake(now time.Time) {
	for _, id := range f.awake(now) {
		f.change(id, func(a *Alert) {
			a.State, a.Until = AlertOpen, nil
			for i := range a.Deliveries {
				if d := &a.Deliveries[i]; d.State != DeliveryPending {
					*d = Delivery{Hook: d.Hook, Round: d.Round + 1, State: DeliveryPending}
				}
			}
		})
		a := f.alerts.all[id]
		f.event(Event{Kind: EventAlertActed, Time: now, Unit: a.Event.Unit, Shipment: a.Event.Shipment, Where: string(id), Detail: "the snooze is over", For: a.Party})
	}
}

// MayReadEvent tells whether the viewer may read an event: the office all, others what
// is about their shipments and units and is not another's.
func (s *State) MayReadEvent(viewer Party, e *Event) bool {
	switch viewer.Role {
	case Admin, Dispatcher:
		return true
	case Carrier, Shipper:
	default:
		return false
	}
	if e.For != "" {
		return e.For == viewer.ID
	}
	if sh, ok := s.shipments[e.Shipment]; ok {
		return viewer.Role == Carrier && sh.Carrier == viewer.ID || viewer.Role == Shipper && sh.Owner == viewer.ID
	}
	u, ok := s.units[e.Unit]
	return ok && viewer.Role == Carrier && u.carrier == viewer.ID
}

// mayManage tells whether what belongs to a party is the viewer's: the office manages
// everybody's.
func mayManage(viewer Party, of PartyID) bool {
	return viewer.Role == Admin || viewer.Role == Dispatcher || viewer.ID == of
}

// Rule returns a rule.
func (s *State) Rule(id RuleID) (AlertRule, bool) {
	r, ok := s.alerts.rules[id]
	return r, ok
}

// Rules lists the rules the viewer may read, by id.
func (s *State) Rules(viewer Party) []AlertRule {
	var out []AlertRule
	for _, id := range slices.Sorted(maps.Keys(s.alerts.rules)) {
		if r := s.alerts.rules[id]; mayManage(viewer, r.Party) {
			out = append(out, r)
		}
	}
	return out
}

// Hook returns a hook.
func (s *State) Hook(id HookID) (Hook, bool) {
	h, ok := s.alerts.hooks[id]
	return h, ok
}

// Hooks lists the hooks the viewer may read, by id.
func (s *State) Hooks(viewer Party) []Hook {
	var out []Hook
	for _, id := range slices.Sorted(maps.Keys(s.alerts.hooks)) {
		if h := s.alerts.hooks[id]; mayManage(viewer, h.Party) {
			out = append(out, h)
		}
	}
	return out
}

// Alert returns an alert the viewer may read.
func (s *State) Alert(viewer Party, id AlertID) (Alert, bool) {
	a, ok := s.alerts.all[id]
	if !ok || !mayManage(viewer, a.Party) {
		return Alert{}, false
	}
	return *a, true
}

// Alerts lists the alerts the viewer may read with the state ("" for all), newest
// first.
func (s *State) Alerts(viewer Party, state string) []Alert {
	var out []Alert
	for _, a := range s.alerts.all {
		if mayManage(viewer, a.Party) && (state == "" || a.State == state) {
			out = append(out, *a)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int { return cmp.Or(b.Event.compare(a.Event), cmp.Compare(a.ID, b.ID)) })
	return out
}

// PendingAlerts lists alerts with a delivery to be made, oldest first.
func (s *State) PendingAlerts() []Alert {
	var out []Alert
	for id := range s.alerts.pending {
		if a := s.alerts.all[id]; a.State != AlertSnoozed {
			out = append(out, *a)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int { return cmp.Or(a.Event.compare(b.Event), cmp.Compare(a.ID, b.ID)) })
	return out
}
