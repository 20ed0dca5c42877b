package api

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"corridor/carriers"
	"corridor/geodata"
	"corridor/tracking"
	"corridor/web"
)

// unitView is a unit flat, as the stream sends it, with all that is known beside.
type unitView struct {
	tracking.UnitState
	Lat       *float64         `json:"lat,omitempty" doc:"Left out until the unit has reported"`
	Lon       *float64         `json:"lon,omitempty"`
	Time      *time.Time       `json:"time,omitempty" doc:"Device clock"`
	Received  *time.Time       `json:"received,omitempty" doc:"Server clock"`
	SpeedKMH  tracking.Measure `json:"speed_kmh,omitzero"`
	CourseDeg tracking.Measure `json:"course_deg,omitzero"`
	AwayKM    *float64         `json:"away_km,omitempty" doc:"With near: how far away it was when it reported last"`
	// Conditions are filled for one unit, not in lists.
	Conditions []tracking.Condition `json:"conditions,omitempty" doc:"What is out of the ordinary: silent, seal-opened, tamper, battery-low"`
}

func viewUnit(u tracking.UnitState) unitView {
	v := unitView{UnitState: u}
	if f := u.Latest; f != nil {
		v.Lat, v.Lon, v.Time, v.Received = &f.Lat, &f.Lon, &f.Time, &f.Received
		v.SpeedKMH, v.CourseDeg = f.SpeedKMH, f.CourseDeg
	}
	return v
}

type unitsOutput struct {
	Body struct {
		Units []unitView `json:"units" nullable:"false"`
	}
}

type unitsInput struct {
	Near     string              `query:"near" example:"36.07,120.32" doc:"lat,lon: the nearest units, the nearest first"`
	WithinKM float64             `query:"within_km" minimum:"0" maximum:"20038" doc:"With near: no farther away; left out: anywhere"`
	BBox     string              `query:"bbox" example:"119,35,122,37" doc:"west,south,east,north: units that are there now; west > east spans ±180°"`
	Shipment tracking.ShipmentID `query:"shipment" maxLength:"64" doc:"Units that carry the shipment"`
	Limit    int                 `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"With near: so many. With bbox: refused where there are more"`
}

// listUnits answers all that the viewer may see, or one of the selections.
func (a *api) listUnits(ctx context.Context, in *unitsInput) (*unitsOutput, error) {
	out := &unitsOutput{}
	selections := 0
	for _, given := range []bool{in.Near != "", in.BBox != "", in.Shipment != ""} {
		if given {
			selections++
		}
	}
	var units []tracking.UnitState
	switch {
	case selections > 1:
		return nil, inputError("near", "give one of near, bbox and shipment")
	case in.Near != "":
		v, ok := numbers(in.Near, 2)
		if !ok || !(math.Abs(v[0]) <= 90 && math.Abs(v[1]) <= 180) {
			return nil, inputError("near", "%q is not lat,lon in degrees", clip(in.Near))
		}
		out.Body.Units = []unitView{}
		for _, n := range a.Tracker.Nearest(viewer(ctx), orb.Point{v[1], v[0]}, in.Limit, in.WithinKM) {
			u := viewUnit(n.Unit)
			away := math.Round(n.AwayKM*1000) / 1000
			u.AwayKM = &away
			out.Body.Units = append(out.Body.Units, u)
		}
		return out, nil
	case in.BBox != "":
		v, ok := numbers(in.BBox, 4)
		if !ok || !(math.Abs(v[0]) <= 180 && math.Abs(v[2]) <= 180 && -90 <= v[1] && v[1] <= v[3] && v[3] <= 90) {
			return nil, inputError("bbox", "%q is not west,south,east,north in degrees", clip(in.BBox))
		}
		if units, ok = a.Tracker.InView(viewer(ctx), orb.Bound{Min: orb.Point{v[0], v[1]}, Max: orb.Point{v[2], v[3]}}, in.Limit); !ok {
			return nil, inputError("limit", "there are more than %d units in the box: ask for a smaller one, or watch it by /api/v1/stream, which shows density", in.Limit)
		}
	case in.Shipment != "":
		s, err := a.shipment(ctx, in.Shipment)
		if err != nil {
			return nil, err
		}
		if s.Unit != "" && a.Tracker.MayReadUnit(viewer(ctx), s.Unit) {
			u, err := a.Tracker.Unit(s.Unit)
			if err != nil {
				return nil, err
			}
			units = append(units, u)
		}
	default:
		units = a.Tracker.Units(viewer(ctx))
	}
	out.Body.Units = make([]unitView, 0, len(units))
	for _, u := range units {
		out.Body.Units = append(out.Body.Units, viewUnit(u))
	}
	return out, nil
}

// numbers reads so many, separated by commas.
func numbers(text string, n int) ([]float64, bool) {
	parts := strings.Split(text, ",")
	if len(parts) != n {
		return nil, false
	}
	out := make([]float64, n)
	for i, p := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || math.IsNaN(v) {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

type unitInput struct {
	Unit tracking.UnitID `path:"unit" maxLength:"128"`
}

type unitOutput struct{ Body unitView }

func (a *api) getUnit(ctx context.Context, in *unitInput) (*unitOutput, error) {
	if !a.Tracker.MayReadUnit(viewer(ctx), in.Unit) {
		return nil, tracking.ErrNotFound
	}
	u, err := a.Tracker.Unit(in.Unit)
	if err != nil {
		return nil, err
	}
	v := viewUnit(u)
	v.Conditions = a.Tracker.Conditions(u.Unit)
	return &unitOutput{v}, nil
}

type unitTrackInput struct {
	Unit   tracking.UnitID `path:"unit" maxLength:"128"`
	From   time.Time       `query:"from" doc:"Device time of the first fix"`
	To     time.Time       `query:"to" doc:"Device time that the last fix lies before"`
	Limit  int             `query:"limit" minimum:"1" maximum:"100000" default:"100000" doc:"At most so many: without from the newest, with it the first; the order is always oldest first"`
	Accept string          `header:"Accept"`
	Format string          `query:"format" enum:"json,gpx,csv" doc:"Instead of an Accept header"`
	drawing
}

func (a *api) unitTrack(ctx context.Context, in *unitTrackInput) (*fileOutput, error) {
	v := viewer(ctx)
	if !a.Tracker.MayReadUnit(v, in.Unit) {
		return nil, tracking.ErrNotFound
	}
	q := tracking.TrackQuery{From: in.From, To: in.To, Limit: in.Limit, ToleranceM: in.metres()}
	if v.Role == tracking.Shipper {
		// The unit is the carrier's; only its work for this shipper is shown.
		u, err := a.Tracker.Unit(in.Unit)
		if err != nil {
			return nil, err
		}
		w, err := a.window(v, u.Shipment)
		if err != nil {
			return nil, err
		}
		q = w.narrow(q)
	}
	q.Limit = in.Limit + 1 // one more tells whether that was all
	fixes, err := a.Tracker.Track(ctx, in.Unit, q)
	if err != nil {
		return nil, err
	}
	more := len(fixes) > in.Limit
	switch {
	case more && q.From.IsZero():
		fixes = fixes[1:]
	case more:
		fixes = fixes[:in.Limit]
	}
	return trackFile(in.Format, in.Accept, string(in.Unit), fixes, func() any { return positionsView{nonNil(fixes), more} })
}

type positionsView struct {
	Positions []tracking.Fix `json:"positions" nullable:"false" doc:"Oldest first, by device time"`
	More      bool           `json:"more" doc:"The limit cut the track short: without from older fixes are left out, with it later ones"`
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

type positionsInput struct {
	Mode      string           `query:"mode" enum:"sea,rail,road,air" doc:"What kind of unit those are that are seen for the first time; left out: road"`
	Simulated bool             `query:"simulated" doc:"These positions come from a simulation; they are shown as such"`
	Carrier   tracking.PartyID `query:"carrier" maxLength:"64" doc:"Administrators only: the carrier that units nobody has yet are created under; left out: the administrator"`
}

type receiptOutput struct{ Body tracking.Receipt }

func (a *api) postPositions(ctx context.Context, in *positionsInput) (*receiptOutput, error) {
	_, r := web.Exchange(ctx)
	positions, indexes, refused, err := carriers.DecodePositions(r.Body, r.Header.Get("Content-Type"), maxPositions)
	if err != nil {
		return nil, err
	}
	options := tracking.AcceptOptions{Mode: geodata.Mode(in.Mode), Simulated: in.Simulated}
	receipt, err := a.accept(ctx, in.Carrier, positions, indexes, options)
	if err != nil {
		return nil, err
	}
	receipt.Refused = append(receipt.Refused, refused...)
	slices.SortFunc(receipt.Refused, func(x, y tracking.Refusal) int { return x.Index - y.Index })
	for _, f := range receipt.Refused {
		a.server.CountRefusals("position", f.Code, 1)
	}
	return &receiptOutput{receipt}, nil
}

// accept hands positions to the tracker as the carrier they belong to: the viewer
// itself or, when an administrator sends them, whoever has the unit. Refusals come
// back by the index in the request, never nil.
func (a *api) accept(ctx context.Context, newUnits tracking.PartyID, positions []tracking.Position, indexes []int, o tracking.AcceptOptions) (tracking.Receipt, error) {
	v := viewer(ctx)
	total := tracking.Receipt{Refused: []tracking.Refusal{}}
	if v.Role != tracking.Admin && newUnits != "" && newUnits != v.ID {
		return total, web.NewProblem(http.StatusForbidden, "role", "only an administrator may send positions for another carrier")
	}
	if newUnits == "" {
		newUnits = v.ID
	} else if v.Role == tracking.Admin {
		if _, err := a.party(newUnits, tracking.Carrier); err != nil {
			return total, web.NewProblem(http.StatusUnprocessableEntity, "input", "carrier "+clip(string(newUnits))+" does not exist")
		}
	}
	if v.Role != tracking.Admin && len(positions) > 0 { // it has no other carrier's units
		receipt, err := a.Tracker.Accept(ctx, newUnits, positions, o)
		if err != nil {
			return total, err
		}
		for i := range receipt.Refused {
			receipt.Refused[i].Index = indexes[receipt.Refused[i].Index]
		}
		return receipt, nil
	}
	type group struct {
		positions []tracking.Position
		indexes   []int
	}
	groups := map[tracking.PartyID]*group{}
	var order []tracking.PartyID
	for i, p := range positions {
		carrier := newUnits
		if v.Role == tracking.Admin {
			if u, err := a.Tracker.Unit(p.Unit); err == nil {
				carrier = u.Carrier
			}
		}
		g := groups[carrier]
		if g == nil {
			g = &group{}
			groups[carrier] = g
			order = append(order, carrier)
		}
		g.positions, g.indexes = append(g.positions, p), append(g.indexes, indexes[i])
	}
	for _, carrier := range order {
		g := groups[carrier]
		receipt, err := a.Tracker.Accept(ctx, carrier, g.positions, o)
		if err != nil {
			return total, err
		}
		total.Stored += receipt.Stored
		total.Duplicates += receipt.Duplicates
		for _, f := range receipt.Refused {
			f.Index = g.indexes[f.Index]
			total.Refused = append(total.Refused, f)
		}
	}
	return total, nil
}
