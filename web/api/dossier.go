package api

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

type dossierInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Body struct {
		Revision   int                  `json:"revision" minimum:"0" doc:"Of the dossier you changed; when somebody else was quicker the answer is 409. 0: whatever it is"`
		References []tracking.Reference `json:"references" nullable:"false" doc:"Numbers are checked, check digits too, and filed in capitals without spaces"`
		Contacts   []tracking.Contact   `json:"contacts" nullable:"false"`
		Documents  []tracking.Document  `json:"documents" nullable:"false"`
	}
}

func (a *api) putDossier(ctx context.Context, in *dossierInput) (*shipmentOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	s, err := a.Tracker.Amend(ctx, in.ID, viewer(ctx).ID, in.Body.Revision, func(d *tracking.Dossier) error {
		d.References, d.Contacts, d.Documents = in.Body.References, in.Body.Contacts, in.Body.Documents
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shipmentOutput{Body: a.viewShipment(s)}, nil
}

type noteInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Body struct {
		Text string `json:"text" example:"The driver waits for the phytosanitary certificate"`
	}
}

func (a *api) addNote(ctx context.Context, in *noteInput) (*shipmentOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	note := tracking.Note{At: a.Clock().UTC().Truncate(time.Millisecond), By: viewer(ctx).ID, Text: in.Body.Text}
	s, err := a.Tracker.Amend(ctx, in.ID, note.By, 0, func(d *tracking.Dossier) error {
		d.Notes = append(d.Notes, note)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shipmentOutput{Body: a.viewShipment(s)}, nil
}

type cancelInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Body struct {
		Reason string `json:"reason,omitempty" example:"The buyer has withdrawn the order"`
	}
}

func (a *api) cancelShipment(ctx context.Context, in *cancelInput) (*shipmentOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	reason := strings.TrimSpace(in.Body.Reason)
	if err := checkText("reason", reason, 200); err != nil {
		return nil, err
	}
	s, err := a.Tracker.Cancel(ctx, in.ID, viewer(ctx).ID, reason)
	if err != nil {
		return nil, err
	}
	return &shipmentOutput{Body: a.viewShipment(s)}, nil
}

// shareView is a link without its secret.
type shareView struct {
	ID      string              `json:"id"`
	Scope   tracking.ShareScope `json:"scope" enum:"eta,position"`
	Created time.Time           `json:"created"`
	By      tracking.PartyID    `json:"by"`
	Expires time.Time           `json:"expires"`
	Revoked *time.Time          `json:"revoked,omitempty"`
	Path    string              `json:"path,omitempty" doc:"Of the page it opens; told once, when the link is made" example:"/share#6VQXK3NZP7RWTYB2DFA4HJM5CE"`
}

func viewShare(s tracking.Share) shareView {
	return shareView{ID: s.ID, Scope: s.Scope, Created: s.Created, By: s.By, Expires: s.Expires, Revoked: s.Revoked}
}

type shareInput struct {
	ID   tracking.ShipmentID `path:"id" maxLength:"64"`
	Body struct {
		Scope   tracking.ShareScope `json:"scope,omitempty" enum:"eta,position" default:"position" doc:"eta: milestones and forecast; position: and where it is, to 10 km"`
		Expires string              `json:"expires,omitempty" doc:"At most 366 days from now; left out: 30 days"`
	}
}

type shareOutput struct{ Body shareView }

func (a *api) shareShipment(ctx context.Context, in *shareInput) (*shareOutput, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	expires := a.Clock().Add(30 * 24 * time.Hour)
	if in.Body.Expires != "" {
		var err error
		if expires, err = moment("expires", in.Body.Expires); err != nil {
			return nil, err
		}
		if left := expires.Sub(a.Clock()); left <= 0 || left > tracking.MaxShare {
			return nil, inputError("expires", "give a moment in the next 366 days")
		}
	}
	scope := in.Body.Scope
	if scope == "" {
		scope = tracking.SharePosition
	}
	link, secret, err := a.Tracker.Share(ctx, in.ID, viewer(ctx).ID, scope, expires)
	if err != nil {
		return nil, err
	}
	v := viewShare(link)
	v.Path = "/share#" + secret // what follows # stays in the browser: no log on the way holds it
	return &shareOutput{v}, nil
}

type sharesOutput struct {
	Body struct {
		Shares []shareView `json:"shares" nullable:"false" doc:"Oldest first"`
	}
}

func (a *api) listShares(ctx context.Context, in *shipmentID) (*sharesOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &sharesOutput{}
	out.Body.Shares = []shareView{}
	for _, x := range s.Dossier.Shares {
		out.Body.Shares = append(out.Body.Shares, viewShare(x))
	}
	return out, nil
}

type unshareInput struct {
	ID    tracking.ShipmentID `path:"id" maxLength:"64"`
	Share string              `path:"share" maxLength:"64"`
}

func (a *api) unshareShipment(ctx context.Context, in *unshareInput) (*struct{}, error) {
	if _, err := a.shipment(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, a.Tracker.Unshare(ctx, in.ID, viewer(ctx).ID, in.Share)
}

type milestonesOutput struct {
	Body struct {
		Milestones []tracking.Milestone `json:"milestones" nullable:"false" doc:"In the order of the way"`
	}
}

func (a *api) listMilestones(ctx context.Context, in *shipmentID) (*milestonesOutput, error) {
	s, err := a.shipment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := a.Tracker.Progress(s.ID)
	if err != nil {
		return nil, err
	}
	out := &milestonesOutput{}
	out.Body.Milestones, err = a.milestones(ctx, &s, &p)
	return out, err
}

// mostEvents is more than a shipment can have of those that milestones look for.
const mostEvents = 1000

func (a *api) milestones(ctx context.Context, s *tracking.Shipment, p *tracking.Progress) ([]tracking.Milestone, error) {
	events, err := a.Tracker.Events(ctx, s.ID, 0, -1, mostEvents)
	if err != nil {
		return nil, err
	}
	out := tracking.Milestones(s, p, events)
	for i := range out {
		m := &out[i]
		if k := slices.IndexFunc(a.Borders, func(b geodata.BorderPost) bool { return b.ID == m.Border }); m.Border != "" && k >= 0 {
			m.Name = a.Borders[k].Names
		}
	}
	return out, nil
}

// sharedView is what somebody with a link sees: no price, no name, no plate.
type sharedView struct {
	Reference    string               `json:"reference,omitempty"`
	Scope        tracking.ShareScope  `json:"scope" enum:"eta,position"`
	Expires      time.Time            `json:"expires"`
	Status       string               `json:"status" enum:"planned,under-way,arrived,cancelled"`
	Simulated    bool                 `json:"simulated,omitempty"`
	Origin       routing.Point        `json:"origin"`
	Destination  routing.Point        `json:"destination"`
	Depart       time.Time            `json:"depart"`
	Promise      *time.Time           `json:"promise,omitempty"`
	TransitHours routing.Hours        `json:"transit_hours"`
	Segments     []routing.Segment    `json:"segments" nullable:"false"`
	Legs         []sharedLeg          `json:"legs" nullable:"false"`
	Arrive       *routing.Instants    `json:"arrive,omitempty" doc:"The forecast; left out before the first fix"`
	OnTime       *float64             `json:"on_time,omitempty"`
	Made         *time.Time           `json:"made,omitempty" doc:"Device time of the fix the forecast rests on"`
	Milestones   []tracking.Milestone `json:"milestones" nullable:"false"`
	Position     *sharedPosition      `json:"position,omitempty" doc:"With scope position only"`
}

type sharedLeg struct {
	Mode       geodata.Mode    `json:"mode"`
	DistanceKM float64         `json:"distance_km"`
	Geometry   json.RawMessage `json:"geometry"`
}

type sharedPosition struct {
	Lat     float64   `json:"lat" doc:"To about 10 km"`
	Lon     float64   `json:"lon"`
	Time    time.Time `json:"time"`
	DoneKM  float64   `json:"done_km" doc:"Along the plan, to 10 km"`
	TotalKM float64   `json:"total_km"`
}

type sharedInput struct {
	Secret string `path:"secret" maxLength:"64"`
}

type sharedOutput struct {
	CacheControl string `header:"Cache-Control"`
	Robots       string `header:"X-Robots-Tag"`
	Body         sharedView
}

func (a *api) getShared(ctx context.Context, in *sharedInput) (*sharedOutput, error) {
	s, p, link, err := a.Tracker.Shared(in.Secret)
	if err != nil {
		_, r := web.Exchange(ctx)
		return nil, a.server.WrongLink(r)
	}
	v := sharedView{
		Reference: s.Reference, Scope: link.Scope, Expires: link.Expires, Status: s.Status, Simulated: s.Simulated,
		Origin: s.Origin, Destination: s.Destination, Depart: s.Option.Depart, Promise: s.Promise,
		TransitHours: s.Option.TransitHours, Segments: nonNil(s.Option.Segments), Legs: []sharedLeg{},
	}
	for _, l := range s.Option.Legs {
		v.Legs = append(v.Legs, sharedLeg{l.Mode, l.DistanceKM, l.Geometry})
	}
	if v.Milestones, err = a.milestones(ctx, &s, &p); err != nil {
		return nil, err
	}
	if p.ETA != nil && s.Status != tracking.Cancelled {
		v.Arrive, v.OnTime, v.Made = &p.ETA.Arrive, p.ETA.OnTime, &p.ETA.Made
		if link.Scope == tracking.SharePosition && s.Status != tracking.Arrived {
			if u, err := a.Tracker.Unit(s.Unit); err == nil && u.Latest != nil {
				v.Position = roundedPosition(u.Latest, p.ETA)
			}
		}
	}
	return &sharedOutput{"no-store", "noindex", v}, nil
}

// roundedPosition keeps where the lorry stands from being read off a link: both
// the point and the way done are told to about 10 km.
func roundedPosition(f *tracking.Fix, eta *tracking.ETA) *sharedPosition {
	const step = 0.09 // degrees of latitude, 10 km
	wide := step / math.Max(0.05, math.Cos(f.Lat*math.Pi/180))
	round := func(v, step float64) float64 { return math.Round(math.Round(v/step)*step*1e4) / 1e4 }
	return &sharedPosition{
		Lat: round(f.Lat, step), Lon: round(f.Lon, wide), Time: f.Time,
		DoneKM: math.Round(eta.DoneKM/10) * 10, TotalKM: eta.TotalKM,
	}
}
