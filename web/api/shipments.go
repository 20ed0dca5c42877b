package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

type openInput struct {
	Body struct {
		PlanID    string           `json:"plan_id" maxLength:"64" doc:"Of POST /api/v1/plans"`
		OptionID  string           `json:"option_id,omitempty" maxLength:"200" doc:"Which option of the plan, by its id"`
		Option    *int             `json:"option,omitempty" doc:"Which option of the plan, by its place in the list from 0; instead of option_id"`
		Reference string           `json:"reference,omitempty" doc:"The shipper's own number" example:"PO-7731"`
		Carrier   tracking.PartyID `json:"carrier,omitempty" doc:"Who carries it; together with unit"`
		Unit      tracking.UnitID  `json:"unit,omitempty" doc:"The unit that will report for it; together with carrier"`
		Promise   string           `json:"promise,omitempty" doc:"When it was promised; left out: the plan's arrive_by, or the option's P90 arrival"`
		Owner     tracking.PartyID `json:"owner,omitempty" doc:"Dispatchers and administrators: the shipper it belongs to; left out: who made the plan"`
		Simulated bool             `json:"simulated,omitempty" doc:"It is part of a simulation and shown as such"`
	}
}

type shipmentView struct {
	tracking.Shipment
	ETA *tracking.ETA `json:"eta,omitempty" doc:"Left out until the unit has reported"`
}

type shipmentOutput struct {
	Location string `header:"Location"`
	Body     shipmentView
}

func (a *api) openShipment(ctx context.Context, in *openInput) (*shipmentOutput, error) {
	b := in.Body
	plan, err := a.planFor(ctx, b.PlanID)
	if err != nil {
		return nil, inputOr(err, "plan_id", "there is no plan %q, or it is not yours", clip(b.PlanID))
	}
	option, err := chosen(plan, b.OptionID, b.Option)
	if err != nil {
		return nil, err
	}
	owner, err := a.owner(ctx, b.Owner, b.PlanID)
	if err != nil {
		return nil, err
	}
	reference := strings.TrimSpace(b.Reference)
	if err := checkText("reference", reference, 100); err != nil {
		return nil, err
	}
	if err := a.checkAssignment(b.Carrier, b.Unit, true); err != nil {
		return nil, err
	}
	promise := option.Arrive.P90
	switch {
	case b.Promise != "":
		if promise, err = moment("promise", b.Promise); err != nil {
			return nil, err
		}
		if promise.Before(option.Depart) {
			return nil, inputError("promise", "lies before the departure of the option")
		}
	case plan.Request.ArriveBy != nil:
		promise = *plan.Request.ArriveBy
	}
	promise = promise.Round(time.Second)
	shipment, err := a.Tracker.OpenShipment(ctx, tracking.Shipment{
		Reference: reference, Owner: owner, Carrier: b.Carrier, Unit: b.Unit, PlanID: plan.ID, Request: plan.Request,
		Option: option, Origin: plan.Origin, Destination: plan.Destination, Promise: &promise, Simulated: b.Simulated,
	})
	if err != nil {
		return nil, fmt.Errorf("open shipment: %w", err)
	}
	return &shipmentOutput{Location: "/api/v1/shipments/" + string(shipment.ID), Body: a.viewShipment(shipment)}, nil
}

// chosen finds the option by id or index.
func chosen(plan routing.Plan, id string, index *int) (routing.Option, error) {
	if (id == "") == (index == nil) {
		return routing.Option{}, inputError("option_id", "give the option by option_id or by option, its index; one of them")
	}
	if index != nil {
		if *index < 0 || *index >= len(plan.Options) {
			return routing.Option{}, inputError("option", "the plan has options 0 to %d", len(plan.Options)-1)
		}
		return plan.Options[*index], nil
	}
	i := slices.IndexFunc(plan.Options, func(o routing.Option) bool { return o.ID == id })
	if i < 0 {
		ids := make([]string, len(plan.Options))
		for k, o := range plan.Options {
			ids[k] = o.ID
		}
		return routing.Option{}, inputError("option_id", "the plan has no option %q; it has %s", clip(id), strings.Join(ids, ", "))
	}
	return plan.Options[i], nil
}

// owner decides whose shipment it will be. A shipper's is its own.
func (a *api) owner(ctx context.Context, wanted tracking.PartyID, planID string) (tracking.PartyID, error) {
	v := viewer(ctx)
	if v.Role == tracking.Shipper {
		if wanted != "" && wanted != v.ID {
			return "", web.NewProblem(http.StatusForbidden, "role", "a shipper opens shipments of its own only")
		}
		return v.ID, nil
	}
	if wanted != "" {
		p, ok := a.Parties.Party(wanted)
		if !ok || p.Role == tracking.Carrier {
			return "", inputError("owner", "there is no shipper %q", clip(string(wanted)))
		}
		return wanted, nil
	}
	_, planner, err := a.Plans.Plan(ctx, planID)
	if err != nil {
		return "", err
	}
	return planner, nil
}

// checkAssignment finds out before anything is written whether a carrier and a
// unit can be assigned.
func (a *api) checkAssignment(carrier tracking.PartyID, unit tracking.UnitID, optional bool) error {
	if carrier == "" && unit == "" && optional {
		return nil
	}
	if carrier == "" || unit == "" {
		return inputError("unit", "give carrier and unit together")
	}
	if err := checkText("unit", string(unit), 64); err != nil {
		return err
	}
	if p, ok := a.Parties.Party(carrier); !ok || p.Role != tracking.Carrier {
		return inputError("carrier", "there is no carrier %q", clip(string(carrier)))
	}
	if u, err := a.Tracker.Unit(unit); err == nil && u.Carrier != "" && u.Carrier != carrier {
		return fmt.Errorf("unit %s belongs to another carrier: %w", unit, tracking.ErrConflict)
	}
	return nil
}

// inputOr turns a value that names nothing into an error about that value.
func inputOr(err error, field, format string, args ...any) error {
	if web.ProblemOf(err).Status == http.StatusNotFound {
		return inputError(field, format, args...)
	}
	return err
}

func (a *api) viewShipment(s tracking.Shipment) shipmentView {
	v := shipmentView{Shipment: s}
	v.Dossier.Shares = nil // listShares tells of them, without the hashes
	if eta, err := a.Tracker.ETA(s.ID); err == nil {
		v.ETA = &eta
	}
	return v
}

type shipmentID struct {
	ID tracking.ShipmentID `path:"id" maxLength:"64"`
}

// shipment reads one the viewer may see; the others do not exist for it.
func (a *api) shipment(ctx context.Context, id tracking.ShipmentID) (tracking.Shipment, error) {
	if !a.Tracker.MayReadShipment(viewer(ctx), id) {
		return tracking.Shipment{}, tracking.ErrNotFound
	}
	return a.Tracker.Shipment(id)
}

func (a *api) getShipment(ctx context.Context, in *shipmentID) (*shipmentOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &shipmentOutput{Body: a.viewShipment(s)}, nil
}

// shipmentSummary is a row of a list: a shipment without its plan.
type shipmentSummary struct {
	ID          tracking.ShipmentID `json:"id"`
	Reference   string              `json:"reference,omitempty"`
	Owner       tracking.PartyID    `json:"owner"`
	Carrier     tracking.PartyID    `json:"carrier,omitempty"`
	Unit        tracking.UnitID     `json:"unit,omitempty"`
	PlanID      string              `json:"plan_id"`
	Corridor    string              `json:"corridor"`
	Title       string              `json:"title"`
	Modes       []geodata.Mode      `json:"modes"`
	Origin      string              `json:"origin" doc:"English name"`
	Destination string              `json:"destination"`
	From        geodata.Names       `json:"origin_names"`
	To          geodata.Names       `json:"destination_names"`
	Status      string              `json:"status" enum:"planned,under-way,arrived,cancelled"`
	Promise     *time.Time          `json:"promise,omitempty"`
	Opened      time.Time           `json:"opened"`
	ETA         *tracking.ETA       `json:"eta,omitempty"`
	Simulated   bool                `json:"simulated,omitempty"`
}

type shipmentsInput struct {
	Query  string `query:"q" maxLength:"200" doc:"Words, each found in one of the numbers, names and places it goes by"`
	Status string `query:"status" enum:"planned,under-way,arrived,cancelled"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	Offset int    `query:"offset" minimum:"0"`
}

type shipmentsOutput struct {
	Body struct {
		Shipments []shipmentSummary `json:"shipments" nullable:"false" doc:"Newest first"`
		Total     int               `json:"total" doc:"How many there are with that status"`
	}
}

func (a *api) listShipments(ctx context.Context, in *shipmentsInput) (*shipmentsOutput, error) {
	out := &shipmentsOutput{}
	out.Body.Shipments = []shipmentSummary{}
	for _, s := range a.Tracker.Shipments(viewer(ctx)) {
		if in.Status != "" && s.Status != in.Status || in.Query != "" && !s.Matches(in.Query) {
			continue
		}
		out.Body.Total++
		if out.Body.Total <= in.Offset || len(out.Body.Shipments) == in.Limit {
			continue
		}
		v := a.viewShipment(s)
		out.Body.Shipments = append(out.Body.Shipments, shipmentSummary{
			ID: s.ID, Reference: s.Reference, Owner: s.Owner, Carrier: s.Carrier, Unit: s.Unit, PlanID: s.PlanID,
			Corridor: s.Option.Corridor, Title: s.Option.Title, Modes: s.Option.Modes,
			Origin: s.Origin.Name.EN, Destination: s.Destination.Name.EN, From: s.Origin.Name, To: s.Destination.Name,
			Status: s.Status, Promise: s.Promise, Opened: s.Opened, ETA: v.ETA, Simulated: s.Simulated,
		})
	}
	return out, nil
}

type assignInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Body struct {
		Carrier tracking.PartyID `json:"carrier"`
		Unit    tracking.UnitID  `json:"unit"`
	}
}

func (a *api) assign(ctx context.Context, in *assignInput) (*shipmentOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := a.checkAssignment(in.Body.Carrier, in.Body.Unit, false); err != nil {
		return nil, err
	}
	s, err := a.Tracker.Assign(ctx, in.ID, in.Body.Carrier, in.Body.Unit)
	if err != nil {
		return nil, fmt.Errorf("assign %s to %s: %w", in.Body.Unit, in.ID, err)
	}
	return &shipmentOutput{Body: a.viewShipment(s)}, nil
}

type etaOutput struct{ Body tracking.ETA }

func (a *api) getETA(ctx context.Context, in *shipmentID) (*etaOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	eta, err := a.Tracker.ETA(in.ID)
	if web.ProblemOf(err).Status == http.StatusNotFound {
		return nil, web.NewProblem(http.StatusNotFound, "no-eta", "the shipment's unit has not reported yet; until it does, the option's arrive is all there is")
	}
	if err != nil {
		return nil, err
	}
	return &etaOutput{eta}, nil
}

type eventsInput struct {
	ID    tracking.ShipmentID `path:"id" maxLength:"64"`
	After string              `query:"after" maxLength:"40" doc:"The next of an earlier answer" example:"123.0"`
	Limit int                 `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

type eventsOutput struct {
	Body struct {
		Events []tracking.Event `json:"events" nullable:"false" doc:"Oldest first"`
		Next   string           `json:"next,omitempty" doc:"Give it as after to get what comes later"`
	}
}

func (a *api) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	var seq uint64
	n := -1
	if in.After != "" {
		left, right, ok := strings.Cut(in.After, ".")
		var err1, err2 error
		seq, err1 = strconv.ParseUint(left, 10, 63)
		n, err2 = strconv.Atoi(right)
		if !ok || err1 != nil || err2 != nil || n < 0 {
			p := web.NewProblem(http.StatusUnprocessableEntity, "input", "after is the next of an earlier answer, such as 123.0")
			p.Errors = []web.FieldError{{Location: "query.after", Message: p.Detail}}
			return nil, p
		}
	}
	events, err := a.Tracker.Events(ctx, in.ID, seq, n, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Next = in.After
	if k := len(events); k > 0 {
		out.Body.Next = fmt.Sprintf("%d.%d", events[k-1].Seq, events[k-1].N)
	}
	v := viewer(ctx)
	out.Body.Events = nonNil(slices.DeleteFunc(events, func(e tracking.Event) bool { return e.For != "" && !a.Tracker.MayReadEvent(v, &e) }))
	return out, nil
}

// span is the device time in which a unit worked for a shipment.
type span struct{ from, to time.Time } // zero: open

func (s span) narrow(q tracking.TrackQuery) tracking.TrackQuery {
	if q.From.Before(s.from) {
		q.From = s.from
	}
	if !s.to.IsZero() && (q.To.IsZero() || q.To.After(s.to)) {
		q.To = s.to
	}
	return q
}

// graceForShippers is how long before a shipment was opened its unit is shown to
// the shipper: goods are often on the road before the office has typed them in.
const graceForShippers = 24 * time.Hour

// window says which part of its unit's track belongs to the shipment: from the
// opening (or planned departure) of this shipment when the unit worked for another
// before, up to the opening of the next. The office sees the time before the first
// shipment too; a shipper, who may name any unit, only a day of it.
func (a *api) window(v tracking.Party, id tracking.ShipmentID) (span, error) {
	s, err := a.Tracker.Shipment(id)
	if err != nil {
		return span{}, err
	}
	var w span
	before := false
	for _, other := range a.Tracker.Shipments(tracking.Party{Role: tracking.Dispatcher}) {
		if other.Unit != s.Unit || other.ID == s.ID {
			continue
		}
		if other.Opened.After(s.Opened) {
			if w.to.IsZero() || other.Opened.Before(w.to) {
				w.to = other.Opened
			}
			continue
		}
		before = true
	}
	switch {
	case before && v.Role == tracking.Shipper:
		w.from = s.Opened
	case before:
		w.from = s.Opened
		if s.Option.Depart.Before(w.from) {
			w.from = s.Option.Depart
		}
	case v.Role == tracking.Shipper:
		w.from = s.Opened.Add(-graceForShippers)
	}
	return w, nil
}

type shipmentTrackInput struct {
	ID     tracking.ShipmentID `path:"id" maxLength:"64"`
	From   time.Time           `query:"from"`
	To     time.Time           `query:"to"`
	Limit  int                 `query:"limit" minimum:"1" maximum:"100000" default:"100000"`
	Accept string              `header:"Accept"`
	Format string              `query:"format" enum:"json,gpx,csv" doc:"Instead of an Accept header"`
	drawing
}

func (a *api) shipmentTrack(ctx context.Context, in *shipmentTrackInput) (*fileOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var fixes []tracking.Fix
	if s.Unit != "" {
		w, err := a.window(viewer(ctx), s.ID)
		if err != nil {
			return nil, err
		}
		fixes, err = a.Tracker.Track(ctx, s.Unit, w.narrow(tracking.TrackQuery{From: in.From, To: in.To, Limit: in.Limit, ToleranceM: in.metres()}))
		if err != nil && web.ProblemOf(err).Status != http.StatusNotFound {
			return nil, err
		}
	}
	return trackFile(in.Format, in.Accept, string(s.ID), fixes, func() any { return trackFeature(s, fixes) })
}
