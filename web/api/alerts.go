package api

import (
	"context"
	"time"

	"corridor/tracking"
	"corridor/web"
)

type eventKindsOutput struct {
	Body struct {
		Kinds       []tracking.EventKind `json:"kinds" nullable:"false"`
		DCSASource  string               `json:"dcsa_source" doc:"What the names in dcsa are of"`
		EPCISSource string               `json:"epcis_source"`
	}
}

func (a *api) listEventKinds(context.Context, *struct{}) (*eventKindsOutput, error) {
	out := &eventKindsOutput{}
	out.Body.Kinds, out.Body.DCSASource, out.Body.EPCISSource = tracking.EventKinds(), tracking.DCSASource, tracking.EPCISSource
	return out, nil
}

type ruleBody struct {
	Name      string                `json:"name" maxLength:"200"`
	Kinds     []string              `json:"kinds" doc:"Of events; GET /api/v1/event-kinds lists them" example:"[\"seal-opened\",\"silent\"]"`
	Severity  string                `json:"severity" enum:"info,warning,critical"`
	Owner     string                `json:"owner,omitempty" maxLength:"200" doc:"Who is to act, as you call them"`
	Shipments []tracking.ShipmentID `json:"shipments,omitempty" doc:"Left out: all"`
	Units     []tracking.UnitID     `json:"units,omitempty" doc:"Left out: all"`
	Fences    []tracking.FenceID    `json:"fences,omitempty" doc:"Of events at a fence; left out: all"`
	Hooks     []tracking.HookID     `json:"hooks,omitempty" doc:"Where its alerts are sent"`
}

func (b *ruleBody) rule() (tracking.AlertRule, error) {
	for field, s := range map[string]string{"name": b.Name, "owner": b.Owner} {
		if err := checkText(field, s, 200); err != nil {
			return tracking.AlertRule{}, err
		}
	}
	return tracking.AlertRule{
		Name: b.Name, Kinds: b.Kinds, Severity: tracking.Severity(b.Severity), Owner: b.Owner,
		Shipments: b.Shipments, Units: b.Units, Fences: b.Fences, Hooks: b.Hooks,
	}, nil
}

type (
	ruleID struct {
		ID tracking.RuleID `path:"id" maxLength:"64"`
	}
	ruleInput struct{ Body ruleBody }
	rulePut   struct {
		ID   tracking.RuleID `path:"id" maxLength:"64"`
		Body ruleBody
	}
	ruleOutput       struct{ Body tracking.AlertRule }
	alertRulesOutput struct {
		Body struct {
			Rules []tracking.AlertRule `json:"rules" nullable:"false" doc:"By id"`
		}
	}
)

func (a *api) listAlertRules(ctx context.Context, _ *struct{}) (*alertRulesOutput, error) {
	out := &alertRulesOutput{}
	out.Body.Rules = nonNil(a.Tracker.Rules(viewer(ctx)))
	return out, nil
}

func (a *api) createRule(ctx context.Context, in *ruleInput) (*ruleOutput, error) {
	return a.setRule(ctx, "", &in.Body)
}

func (a *api) replaceRule(ctx context.Context, in *rulePut) (*ruleOutput, error) {
	return a.setRule(ctx, in.ID, &in.Body)
}

func (a *api) setRule(ctx context.Context, id tracking.RuleID, body *ruleBody) (*ruleOutput, error) {
	r, err := body.rule()
	if err != nil {
		return nil, err
	}
	r.ID = id
	r, err = a.Tracker.SetRule(ctx, viewer(ctx), r)
	if err != nil {
		return nil, err
	}
	return &ruleOutput{r}, nil
}

func (a *api) deleteRule(ctx context.Context, in *ruleID) (*struct{}, error) {
	return nil, a.Tracker.RemoveRule(ctx, viewer(ctx), in.ID)
}

type hookBody struct {
	Name string   `json:"name" maxLength:"200"`
	URL  string   `json:"url,omitempty" maxLength:"2000" doc:"Takes a POST of the alert, signed; give this or mail" example:"https://tms.example/corridor"`
	Mail []string `json:"mail,omitempty" maxItems:"20" doc:"Addresses"`
}

type (
	hookID struct {
		ID tracking.HookID `path:"id" maxLength:"64"`
	}
	hookInput struct{ Body hookBody }
	hookPut   struct {
		ID   tracking.HookID `path:"id" maxLength:"64"`
		Body hookBody
	}
	hookOutput struct {
		Body tracking.Hook
	}
	hooksOutput struct {
		Body struct {
			Hooks []tracking.Hook `json:"hooks" nullable:"false" doc:"By id, without their secrets"`
		}
	}
)

func (a *api) listHooks(ctx context.Context, _ *struct{}) (*hooksOutput, error) {
	out := &hooksOutput{}
	out.Body.Hooks = nonNil(a.Tracker.Hooks(viewer(ctx)))
	for i := range out.Body.Hooks {
		out.Body.Hooks[i].Secret = ""
	}
	return out, nil
}

func (a *api) createHook(ctx context.Context, in *hookInput) (*hookOutput, error) {
	return a.setHook(ctx, "", &in.Body)
}

func (a *api) replaceHook(ctx context.Context, in *hookPut) (*hookOutput, error) {
	return a.setHook(ctx, in.ID, &in.Body)
}

func (a *api) setHook(ctx context.Context, id tracking.HookID, b *hookBody) (*hookOutput, error) {
	if err := checkText("name", b.Name, 200); err != nil {
		return nil, err
	}
	before := map[string]bool{}
	for _, h := range a.Tracker.Hooks(viewer(ctx)) {
		before[h.Secret] = true
	}
	h, err := a.Tracker.SetHook(ctx, viewer(ctx), tracking.Hook{ID: id, Name: b.Name, URL: b.URL, Mail: b.Mail})
	if err != nil {
		return nil, err
	}
	if before[h.Secret] {
		h.Secret = "" // it was shown when it was made
	}
	return &hookOutput{h}, nil
}

func (a *api) deleteHook(ctx context.Context, in *hookID) (*struct{}, error) {
	return nil, a.Tracker.RemoveHook(ctx, viewer(ctx), in.ID)
}

type (
	alertsInput struct {
		State  string `query:"state" enum:"open,acknowledged,snoozed,closed" doc:"Left out: all"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
		Offset int    `query:"offset" minimum:"0"`
	}
	alertsOutput struct {
		Body struct {
			Alerts []tracking.Alert `json:"alerts" nullable:"false" doc:"Newest first"`
			Total  int              `json:"total"`
		}
	}
	actionInput struct {
		ID   tracking.AlertID `path:"id" maxLength:"120"`
		Body struct {
			What   string     `json:"what" enum:"acknowledge,snooze,close,reopen,assign"`
			Reason string     `json:"reason,omitempty" maxLength:"500" doc:"A snooze says why it can wait"`
			Until  *time.Time `json:"until,omitempty" doc:"Of a snooze, at most 31 days"`
			Owner  string     `json:"owner,omitempty" maxLength:"200" doc:"Of assign: who is to act"`
		}
	}
	alertOutput struct{ Body tracking.Alert }
)

func (a *api) listAlerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
	all := a.Tracker.Alerts(viewer(ctx), in.State)
	out := &alertsOutput{}
	out.Body.Total = len(all)
	all = all[min(in.Offset, len(all)):]
	out.Body.Alerts = nonNil(all[:min(in.Limit, len(all))])
	return out, nil
}

func (a *api) actOnAlert(ctx context.Context, in *actionInput) (*alertOutput, error) {
	for field, s := range map[string]string{"reason": in.Body.Reason, "owner": in.Body.Owner} {
		if err := checkText(field, s, 500); err != nil {
			return nil, err
		}
	}
	alert, err := a.Tracker.Act(ctx, viewer(ctx), in.ID, tracking.Action{What: in.Body.What, Reason: in.Body.Reason, Until: in.Body.Until, Owner: in.Body.Owner})
	if err != nil {
		return nil, err
	}
	return &alertOutput{alert}, nil
}

// deliveryView is a delivery with the alert it is of.
type deliveryView struct {
	Alert tracking.AlertID `json:"alert"`
	Name  string           `json:"name" doc:"Of the alert"`
	tracking.Delivery
}

type (
	deliveriesInput struct {
		State string `query:"state" enum:"pending,delivered,dead" default:"dead" doc:"dead: what was given up"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	}
	deliveriesOutput struct {
		Body struct {
			Deliveries []deliveryView `json:"deliveries" nullable:"false" doc:"Those of the newest alerts first"`
			Total      int            `json:"total"`
		}
	}
	replayInput struct {
		Alert tracking.AlertID `path:"alert" maxLength:"120"`
		Hook  tracking.HookID  `path:"hook" maxLength:"64"`
	}
)

func (a *api) listDeliveries(ctx context.Context, in *deliveriesInput) (*deliveriesOutput, error) {
	out := &deliveriesOutput{}
	out.Body.Deliveries = []deliveryView{}
	for _, alert := range a.Tracker.Alerts(viewer(ctx), "") {
		for _, d := range alert.Deliveries {
			if d.State != in.State {
				continue
			}
			if out.Body.Total++; out.Body.Total <= in.Limit {
				out.Body.Deliveries = append(out.Body.Deliveries, deliveryView{alert.ID, alert.Name, d})
			}
		}
	}
	return out, nil
}

func (a *api) replayDelivery(ctx context.Context, in *replayInput) (*struct{}, error) {
	return nil, a.Tracker.Redeliver(ctx, viewer(ctx), in.Alert, in.Hook)
}

// alertOperations are the rows of the table that are about alerts.
func (a *api) alertOperations(full, notFound, conflict int) {
	const rules, hooks = "/api/v1/alert-rules", "/api/v1/hooks"
	handle(a, operation{
		id: "list-event-kinds", method: "GET", path: "/api/v1/event-kinds", tag: "alerts", access: web.SignedIn,
		summary: "What events there are, with their names in DCSA Track & Trace and EPCIS",
	}, a.listEventKinds)
	handle(a, operation{
		id: "list-alert-rules", method: "GET", path: rules, tag: "alerts", access: web.SignedIn,
		summary: "Your rules that make alerts of events",
	}, a.listAlertRules)
	handle(a, operation{
		id: "create-alert-rule", method: "POST", path: rules, tag: "alerts", access: web.SignedIn, status: 201, errors: []int{conflict, full},
		summary: "Make a rule",
		detail:  "It is about the events that you may read. While an alert is not closed, further events of its kind about the same shipment or unit are counted by it.",
	}, a.createRule)
	handle(a, operation{
		id: "put-alert-rule", method: "PUT", path: rules + "/{id}", tag: "alerts", access: web.SignedIn, errors: []int{notFound, full},
		summary: "Replace a rule",
	}, a.replaceRule)
	handle(a, operation{
		id: "delete-alert-rule", method: "DELETE", path: rules + "/{id}", tag: "alerts", access: web.SignedIn, status: 204, errors: []int{notFound, full},
		summary: "Take a rule away; its alerts stay",
	}, a.deleteRule)
	handle(a, operation{
		id: "list-hooks", method: "GET", path: hooks, tag: "alerts", access: web.SignedIn,
		summary: "Where your alerts can be sent",
	}, a.listHooks)
	handle(a, operation{
		id: "create-hook", method: "POST", path: hooks, tag: "alerts", access: web.SignedIn, status: 201, errors: []int{conflict, full},
		summary: "Add a URL or mail addresses that alerts can be sent to",
		detail: "A URL gets POST with {delivery, attempt, alert}, and Corridor-Signature: t=SECONDS,v1=HEX, the HMAC-SHA256 with the secret of this answer, shown once, of the seconds, a full stop and the body. " +
			"Anything but 2xx is tried again, 14 times over about three hours, then listed as dead; 410 at once. A delivery is made at least once: Corridor-Delivery is the same each time. " +
			"Only public https addresses are called, unless the server says otherwise (--hooks-private); redirects are not followed.",
	}, a.createHook)
	handle(a, operation{
		id: "put-hook", method: "PUT", path: hooks + "/{id}", tag: "alerts", access: web.SignedIn, errors: []int{notFound, full},
		summary: "Replace a hook",
		detail:  "A new URL gets a new secret.",
	}, a.replaceHook)
	handle(a, operation{
		id: "delete-hook", method: "DELETE", path: hooks + "/{id}", tag: "alerts", access: web.SignedIn, status: 204, errors: []int{notFound, full},
		summary: "Take a hook away",
		detail:  "What was still to be sent to it is given up.",
	}, a.deleteHook)
	handle(a, operation{
		id: "list-alerts", method: "GET", path: "/api/v1/alerts", tag: "alerts", access: web.SignedIn,
		summary: "Your alerts",
	}, a.listAlerts)
	handle(a, operation{
		id: "act-on-alert", method: "POST", path: "/api/v1/alerts/{id}/actions", tag: "alerts", access: web.SignedIn, errors: []int{notFound, conflict, full},
		summary: "Acknowledge, snooze, close, reopen or assign an alert",
		detail:  "Who did what, when and why stays with it. A snooze ends by itself: the alert is open again and sent again.",
	}, a.actOnAlert)
	handle(a, operation{
		id: "list-deliveries", method: "GET", path: "/api/v1/deliveries", tag: "alerts", access: web.SignedIn,
		summary: "What was sent, is to be sent, or was given up",
	}, a.listDeliveries)
	handle(a, operation{
		id: "replay-delivery", method: "POST", path: "/api/v1/deliveries/{alert}/{hook}/replay", tag: "alerts", access: web.SignedIn, status: 204, errors: []int{notFound, conflict, full},
		summary: "Send an alert to a hook once more",
	}, a.replayDelivery)
}
