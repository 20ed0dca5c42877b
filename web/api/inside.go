package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	"corridor/tracking"
)

type insideInput struct {
	Body struct {
		Area json.RawMessage `json:"area" doc:"GeoJSON Polygon or MultiPolygon; edges are straight in longitude and latitude, longitudes may run beyond ±180"`
		From time.Time       `json:"from" doc:"Device time of the first fix"`
		To   time.Time       `json:"to" doc:"Device time that the last fix lies before; at most 31 days after from"`
	}
}

type insideOutput struct {
	Body struct {
		Units []tracking.Presence `json:"units" nullable:"false" doc:"By unit"`
	}
}

// unitsInside answers who reported from within an area.
func (a *api) unitsInside(ctx context.Context, in *insideInput) (*insideOutput, error) {
	g, err := geojson.UnmarshalGeometry(in.Body.Area)
	if err != nil {
		return nil, inputError("area", "is not a GeoJSON geometry")
	}
	var area orb.MultiPolygon
	switch g := g.Geometry().(type) {
	case orb.Polygon:
		area = orb.MultiPolygon{g}
	case orb.MultiPolygon:
		area = g
	default:
		return nil, inputError("area", "is a %s: give a Polygon or a MultiPolygon", clip(g.GeoJSONType()))
	}
	out := &insideOutput{}
	out.Body.Units, err = a.Tracker.Inside(ctx, viewer(ctx), area, in.Body.From, in.Body.To)
	return out, err
}
