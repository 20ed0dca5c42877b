package api

import (
	"context"
	"time"

	"corridor/tracking"
)

type legsOutput struct {
	Body struct {
		Revision int                 `json:"revision" doc:"Of the dossier"`
		Legs     []tracking.LegState `json:"legs" nullable:"false" doc:"In the order of the way"`
	}
}

func (a *api) listLegs(ctx context.Context, in *shipmentID) (*legsOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.viewLegs(ctx, &s)
}

func (a *api) viewLegs(ctx context.Context, s *tracking.Shipment) (*legsOutput, error) {
	events, err := a.Tracker.Events(ctx, s.ID, 0, -1, mostEvents)
	if err != nil {
		return nil, err
	}
	out := &legsOutput{}
	out.Body.Revision, out.Body.Legs = s.Dossier.Revision, tracking.Legs(s, events)
	return out, nil
}

type legInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Leg  int                 `path:"leg" minimum:"0" maximum:"1000" doc:"From 0"`
	Body struct {
		Started  string `json:"started,omitempty" doc:"When it really began, RFC 3339; left out: as its reports show"`
		Finished string `json:"finished,omitempty" doc:"When it really ended; left out: as its reports show, or not yet"`
		Revision int    `json:"revision,omitempty" minimum:"0" doc:"Of the dossier you changed; when somebody else was quicker the answer is 409. 0: whatever it is"`
	}
}

func (a *api) putLeg(ctx context.Context, in *legInput) (*legsOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	times := tracking.LegTimes{Leg: in.Leg}
	for _, x := range []struct {
		name, text string
		to         **time.Time
	}{{"started", in.Body.Started, &times.Started}, {"finished", in.Body.Finished, &times.Finished}} {
		if x.text == "" {
			continue
		}
		at, err := moment(x.name, x.text)
		if err != nil {
			return nil, err
		}
		*x.to = &at
	}
	events, err := a.Tracker.Events(ctx, s.ID, 0, -1, mostEvents)
	if err != nil {
		return nil, err
	}
	if s, err = a.Tracker.Amend(ctx, s.ID, viewer(ctx).ID, in.Body.Revision, func(d *tracking.Dossier) error {
		return tracking.RecordLeg(&s, events, d, times, a.Clock())
	}); err != nil {
		return nil, err
	}
	return a.viewLegs(ctx, &s)
}
