package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	h3 "corridor/geodata/cell"
	"corridor/tracking"
	"corridor/web"
)

// fenceFeature is a fence as a GeoJSON Feature: a Polygon is one, a Point with
// radius_m a circle, a LineString with width_m all within that of the line; with
// cells, a set of H3 cells, the geometry is that of the cells and not read.
type fenceFeature struct {
	Type       string           `json:"type" enum:"Feature"`
	ID         tracking.FenceID `json:"id,omitempty" readOnly:"true"`
	Geometry   json.RawMessage  `json:"geometry,omitempty" doc:"GeoJSON Polygon, Point (with radius_m) or LineString (with width_m). Left out with cells. Edges are straight in longitude and latitude and take the short way over ±180°; a line's stretches are great circles"`
	Properties fenceProperties  `json:"properties"`
}

type fenceProperties struct {
	Name         string           `json:"name" maxLength:"200"`
	RadiusM      float64          `json:"radius_m,omitempty"`
	WidthM       float64          `json:"width_m,omitempty" doc:"On either side of the line"`
	Cells        []string         `json:"cells,omitempty" doc:"H3 indexes, of any resolutions" example:"[\"871f1d489ffffff\"]"`
	ExitM        float64          `json:"exit_m,omitempty" doc:"A unit has left when it is so far outside: what wavers about the edge is in"`
	DwellMinutes float64          `json:"dwell_minutes,omitempty" doc:"After so long a visit is told as a stay; left out: never"`
	Owner        tracking.PartyID `json:"owner,omitempty" readOnly:"true"`
	Created      *time.Time       `json:"created,omitempty" readOnly:"true"`
}

type fenceCollection struct {
	Type     string         `json:"type" enum:"FeatureCollection"`
	Features []fenceFeature `json:"features" nullable:"false" doc:"By id"`
}

const maxFenceBody = 2 << 20 // 20,000 corners of a polygon, or 50,000 cells

type (
	fenceID struct {
		ID tracking.FenceID `path:"id" maxLength:"64"`
	}
	fenceInput struct{ Body fenceFeature }
	fencePut   struct {
		ID   tracking.FenceID `path:"id" maxLength:"64"`
		Body fenceFeature
	}
	fenceOutput  struct{ Body fenceFeature }
	fencesOutput struct{ Body fenceCollection }
	visitsOutput struct {
		Body struct {
			Visits []tracking.FenceVisit `json:"visits" nullable:"false" doc:"The longest there first"`
		}
	}
)

// fence reads what a feature says.
func (f *fenceFeature) fence() (tracking.Fence, error) {
	p := &f.Properties
	out := tracking.Fence{Name: p.Name, Rule: tracking.FenceRule{ExitM: p.ExitM, Dwell: time.Duration(p.DwellMinutes * float64(time.Minute))}}
	if err := checkText("properties.name", p.Name, 200); err != nil {
		return out, err
	}
	if !(p.DwellMinutes >= 0 && p.DwellMinutes <= 366*24*60) {
		return out, inputError("properties.dwell_minutes", "from 0 to a year's minutes")
	}
	if len(p.Cells) > 0 {
		for _, s := range p.Cells {
			c, err := h3.Parse(s)
			if err != nil {
				return out, inputError("properties.cells", "%q is not an H3 index", clip(s))
			}
			out.Shape.Cells = append(out.Shape.Cells, c)
		}
		return out, nil
	}
	g, err := geojson.UnmarshalGeometry(f.Geometry)
	if err != nil {
		return out, inputError("geometry", "is not a GeoJSON geometry")
	}
	switch g := g.Geometry().(type) {
	case orb.Polygon:
		for _, ring := range g {
			out.Shape.Polygon = append(out.Shape.Polygon, pairs(ring))
		}
	case orb.Point:
		if !(p.RadiusM > 0) {
			return out, inputError("properties.radius_m", "a Point is a fence with a radius_m")
		}
		out.Shape.Circle = &tracking.FenceCircle{Lon: g[0], Lat: g[1], RadiusM: p.RadiusM}
	case orb.LineString:
		if !(p.WidthM > 0) {
			return out, inputError("properties.width_m", "a LineString is a fence with a width_m")
		}
		out.Shape.Corridor = &tracking.FenceCorridor{Line: pairs(g), WidthM: p.WidthM}
	default:
		return out, inputError("geometry", "is a %s: give a Polygon, a Point or a LineString", clip(g.GeoJSONType()))
	}
	return out, nil
}

func pairs[L ~[]orb.Point](line L) [][2]float64 {
	out := make([][2]float64, len(line))
	for i, p := range line {
		out[i] = p
	}
	return out
}

// viewFence writes a fence as a feature.
func viewFence(f *tracking.Fence) fenceFeature {
	out := fenceFeature{Type: "Feature", ID: f.ID, Properties: fenceProperties{
		Name: f.Name, ExitM: f.Rule.ExitM, DwellMinutes: f.Rule.Dwell.Minutes(), Owner: f.Owner, Created: &f.Created,
	}}
	var g orb.Geometry
	switch s := &f.Shape; {
	case s.Circle != nil:
		g = orb.Point{s.Circle.Lon, s.Circle.Lat}
		out.Properties.RadiusM = s.Circle.RadiusM
	case s.Corridor != nil:
		var line orb.LineString
		for _, p := range s.Corridor.Line {
			line = append(line, p)
		}
		g = line
		out.Properties.WidthM = s.Corridor.WidthM
	case s.Polygon != nil:
		var area orb.Polygon
		for _, r := range s.Polygon {
			var ring orb.Ring
			for _, p := range r {
				ring = append(ring, p)
			}
			if !ring.Closed() {
				ring = append(ring, ring[0])
			}
			area = append(area, ring)
		}
		g = area
	default:
		var all orb.MultiPolygon
		for _, c := range s.Cells {
			out.Properties.Cells = append(out.Properties.Cells, c.String())
			all = append(all, orb.Polygon{orb.Ring(c.Boundary())})
		}
		g = all
	}
	out.Geometry, _ = json.Marshal(geojson.NewGeometry(g)) // finite numbers: they were checked when it was set
	return out
}

func (a *api) listFences(ctx context.Context, _ *struct{}) (*fencesOutput, error) {
	out := &fencesOutput{Body: fenceCollection{Type: "FeatureCollection", Features: []fenceFeature{}}}
	for _, f := range a.Tracker.Fences(viewer(ctx)) {
		out.Body.Features = append(out.Body.Features, viewFence(&f))
	}
	return out, nil
}

func (a *api) getFence(ctx context.Context, in *fenceID) (*fenceOutput, error) {
	for _, f := range a.Tracker.Fences(viewer(ctx)) {
		if f.ID == in.ID {
			return &fenceOutput{viewFence(&f)}, nil
		}
	}
	return nil, tracking.ErrNotFound
}

func (a *api) createFence(ctx context.Context, in *fenceInput) (*fenceOutput, error) {
	return a.setFence(ctx, "", &in.Body)
}

func (a *api) replaceFence(ctx context.Context, in *fencePut) (*fenceOutput, error) {
	return a.setFence(ctx, in.ID, &in.Body)
}

func (a *api) setFence(ctx context.Context, id tracking.FenceID, body *fenceFeature) (*fenceOutput, error) {
	f, err := body.fence()
	if err != nil {
		return nil, err
	}
	f.ID = id
	f, err = a.Tracker.SetFence(ctx, viewer(ctx), f)
	if err != nil {
		return nil, err
	}
	return &fenceOutput{viewFence(&f)}, nil
}

func (a *api) deleteFence(ctx context.Context, in *fenceID) (*struct{}, error) {
	return nil, a.Tracker.RemoveFence(ctx, viewer(ctx), in.ID)
}

func (a *api) fenceVisits(ctx context.Context, in *fenceID) (*visitsOutput, error) {
	out := &visitsOutput{}
	var err error
	out.Body.Visits, err = a.Tracker.FenceVisits(viewer(ctx), in.ID)
	return out, err
}

// fenceOperations are the rows of the table that are about fences.
func (a *api) fenceOperations(full, notFound int) {
	const path, one = "/api/v1/fences", "/api/v1/fences/{id}"
	handle(a, operation{
		id: "list-fences", method: "GET", path: path, tag: "alerts", access: web.SignedIn,
		summary: "Your fences, as GeoJSON",
		detail:  "A carrier's fences watch its own units, a shipper's those that carry its shipments, the office's all. Dispatchers and administrators see everybody's.",
	}, a.listFences)
	handle(a, operation{
		id: "create-fence", method: "POST", path: path, tag: "alerts", access: web.SignedIn, status: 201, maxBody: maxFenceBody, errors: []int{full},
		summary: "Make a fence",
		detail:  "What enters, leaves or stays in it is an event. A polygon that crosses itself is refused.",
	}, a.createFence)
	handle(a, operation{
		id: "get-fence", method: "GET", path: one, tag: "alerts", access: web.SignedIn, errors: []int{notFound},
		summary: "A fence",
	}, a.getFence)
	handle(a, operation{
		id: "put-fence", method: "PUT", path: one, tag: "alerts", access: web.SignedIn, maxBody: maxFenceBody, errors: []int{notFound, full},
		summary: "Replace a fence",
		detail:  "Units that are in it stay in it, as far as the new one holds them.",
	}, a.replaceFence)
	handle(a, operation{
		id: "delete-fence", method: "DELETE", path: one, tag: "alerts", access: web.SignedIn, status: 204, errors: []int{notFound, full},
		summary: "Take a fence away",
	}, a.deleteFence)
	handle(a, operation{
		id: "list-fence-visits", method: "GET", path: one + "/visits", tag: "alerts", access: web.SignedIn, errors: []int{notFound},
		summary: "The units that are in a fence now",
	}, a.fenceVisits)
}
