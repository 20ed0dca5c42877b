// Package api is the JSON interface of Corridor, version 1: its operations, their
// wire types and the OpenAPI 3.1 document made from those types.
//
// It decides who may see which shipment and unit, and translates; it plans and
// tracks nothing itself and knows no store, no log and no socket. Who may use a
// route at all, limits and the form of errors are web's. The websockets are
// stream's and feed's; they are only described here. Read operations.go next.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/paulmach/orb"

	"corridor/carriers"
	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

// Planner makes plans.
type Planner interface {
	Plan(context.Context, routing.Request, routing.Conditions) (routing.Plan, error)
}

// Commerce compares ways to serve many small orders.
type Commerce interface {
	Compare(context.Context, routing.CommerceRequest) (routing.CommerceComparison, error)
}

// Plans keeps plans that were answered.
type Plans interface {
	SavePlan(ctx context.Context, owner tracking.PartyID, p routing.Plan) error
	Plan(ctx context.Context, id string) (routing.Plan, tracking.PartyID, error)
}

// Places finds places by what people type.
type Places interface {
	Search(query string, limit int) []geodata.Match
	Locate(p orb.Point) (geodata.Location, error)
}

// Parties knows organisations and lets them in.
type Parties interface {
	CreateParty(ctx context.Context, name string, role tracking.Role) (tracking.Party, error)
	Party(id tracking.PartyID) (tracking.Party, bool)
	Parties(role tracking.Role) []tracking.Party
	IssueKey(ctx context.Context, party tracking.PartyID) (tracking.Key, string, error)
	Keys(party tracking.PartyID) []tracking.Key
	RevokeKey(ctx context.Context, id tracking.KeyID) error
	SetRetention(ctx context.Context, r tracking.Retention) error
	Retention(id tracking.PartyID) (tracking.Retention, error)
}

// Tracker follows units and shipments.
type Tracker interface {
	carriers.Sink
	OpenShipment(context.Context, tracking.Shipment) (tracking.Shipment, error)
	Assign(ctx context.Context, id tracking.ShipmentID, carrier tracking.PartyID, unit tracking.UnitID) (tracking.Shipment, error)
	Shipment(tracking.ShipmentID) (tracking.Shipment, error)
	Shipments(viewer tracking.Party) []tracking.Shipment
	MayReadShipment(viewer tracking.Party, id tracking.ShipmentID) bool
	ETA(tracking.ShipmentID) (tracking.ETA, error)
	Progress(tracking.ShipmentID) (tracking.Progress, error)
	Amend(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, revision int, change func(*tracking.Dossier) error) (tracking.Shipment, error)
	Cancel(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, reason string) (tracking.Shipment, error)
	Share(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, scope tracking.ShareScope, expires time.Time) (tracking.Share, string, error)
	Unshare(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, share string) error
	Shared(secret string) (tracking.Shipment, tracking.Progress, tracking.Share, error)
	Unit(tracking.UnitID) (tracking.UnitState, error)
	Units(viewer tracking.Party) []tracking.UnitState
	Nearest(viewer tracking.Party, p orb.Point, most int, withinKM float64) []tracking.Neighbour
	InView(viewer tracking.Party, box orb.Bound, most int) ([]tracking.UnitState, bool)
	MayReadUnit(viewer tracking.Party, id tracking.UnitID) bool
	Track(context.Context, tracking.UnitID, tracking.TrackQuery) ([]tracking.Fix, error)
	Inside(ctx context.Context, viewer tracking.Party, area orb.MultiPolygon, from, to time.Time) ([]tracking.Presence, error)
	Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error)
	MayReadEvent(viewer tracking.Party, e *tracking.Event) bool
	Conditions(tracking.UnitID) []tracking.Condition

	Fences(viewer tracking.Party) []tracking.Fence
	FenceVisits(viewer tracking.Party, id tracking.FenceID) ([]tracking.FenceVisit, error)
	SetFence(ctx context.Context, viewer tracking.Party, f tracking.Fence) (tracking.Fence, error)
	RemoveFence(ctx context.Context, viewer tracking.Party, id tracking.FenceID) error

	Rules(viewer tracking.Party) []tracking.AlertRule
	SetRule(ctx context.Context, viewer tracking.Party, r tracking.AlertRule) (tracking.AlertRule, error)
	RemoveRule(ctx context.Context, viewer tracking.Party, id tracking.RuleID) error
	Hooks(viewer tracking.Party) []tracking.Hook
	SetHook(ctx context.Context, viewer tracking.Party, h tracking.Hook) (tracking.Hook, error)
	RemoveHook(ctx context.Context, viewer tracking.Party, id tracking.HookID) error
	Alerts(viewer tracking.Party, state string) []tracking.Alert
	Act(ctx context.Context, viewer tracking.Party, id tracking.AlertID, a tracking.Action) (tracking.Alert, error)
	Redeliver(ctx context.Context, viewer tracking.Party, id tracking.AlertID, hook tracking.HookID) error
}

// Config is what the API works on. All fields but Demo are required.
type Config struct {
	Planner    Planner
	Commerce   Commerce
	Conditions routing.Conditions
	Plans      Plans
	Places     Places
	Borders    []geodata.BorderPost
	Rules      []routing.Rule // that a plan may name
	Parties    Parties
	Tracker    Tracker
	Carnets    Carnets
	TIR        TIR
	Clock      func() time.Time
	Version    string
	Demo       *Demo // nil: no simulation is running
}

// Demo says how the simulation that is running tells time.
type Demo struct {
	SpeedFactor float64 // simulated units cover the plan this many times faster than planned
}

const (
	planTime     = time.Minute
	maxPositions = 10_000
	// Twice what 10,000 positions with sensors take; see carriers.MaxPositionBytes
	// for one alone.
	maxPositionsBody = 16 << 20
)

type api struct {
	Config
	server   *web.Server
	huma     huma.API
	planning chan struct{} // a plan takes a core: no more at a time than there are
}

// Mount registers every operation and /openapi.json on the server.
func Mount(server *web.Server, c Config) {
	a := &api{Config: c, server: server, planning: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	// A Measure is a number that is left out when it is unknown.
	registry.RegisterTypeAlias(reflect.TypeFor[tracking.Measure](), reflect.TypeFor[float64]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "Corridor",
				Version: c.Version,
				Description: "Plans freight by sea, rail, road-TIR and air, and tracks what follows those plans. Times are RFC 3339 in UTC; " +
					"km, kg, m³ and hours; coordinates lon/lat in GeoJSON and lat, lon fields elsewhere. Errors are RFC 9457 problems.",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key":     {Type: "http", Scheme: "bearer", Description: "An API key, sent as Authorization: Bearer KEY."},
					"session": {Type: "apiKey", In: "cookie", Name: "corridor_session", Description: "A browser's session, from POST /api/v1/session."},
				},
			},
			Tags: []*huma.Tag{
				{Name: "planning", Description: "Places, borders and plans"},
				{Name: "shipments", Description: "Goods under way by a planned option"},
				{Name: "carnets", Description: "TIR carnets: what happened under them, and the proof of it"},
				{Name: "positions", Description: "Units and where they are"},
				{Name: "alerts", Description: "Fences, what events there are, and the alerts rules make of them"},
				{Name: "parties", Description: "Organisations and their keys"},
				{Name: "session", Description: "Browsers signing in"},
				{Name: "operation", Description: "Health, metrics and this document"},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{a.frameworkProblem},
	}
	a.huma = huma.NewAPI(config, adapter{server})
	a.operations()
	a.describeOthers()
	// The framework's own error type is never on the wire.
	delete(registry.Map(), "ErrorModel")
	delete(registry.Map(), "ErrorDetail")

	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("api: the OpenAPI document does not marshal: %v", err)) // a mistake of this package
	}
	server.Handle(web.Route{
		Method: http.MethodGet, Path: "/openapi.json", Access: web.Public, Bare: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/openapi+json")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(document)
		}),
	})
}

// adapter mounts the framework's handlers as routes of the web server, so that
// they pass the same guard as every other.
type adapter struct{ server *web.Server }

func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }

func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	rt := op.Metadata["route"].(web.Route)
	rt.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		handler(humago.NewContext(op, r, w))
	})
	a.server.Handle(rt)
}

// operation is one row of the table in operations.go.
type operation struct {
	id      string
	method  string
	path    string
	tag     string
	access  web.Access
	summary string
	detail  string
	status  int      // of success; 0: 200, or 204 without a body
	body    []string // media types; nil: application/json when the input has a Body
	maxBody int64    // 0: 64 KiB
	bare    bool
	errors  []int // besides those every route has
	content map[string]*huma.MediaType
}

// handle registers an operation whose handler returns plain errors: they become
// problems here, in one place.
func handle[I, O any](a *api, o operation, h func(context.Context, *I) (*O, error)) {
	rt := web.Route{Method: o.method, Path: o.path, Access: o.access, Accepts: o.body, MaxBody: o.maxBody, Bare: o.bare}
	if _, hasBody := reflect.TypeFor[I]().FieldByName("Body"); hasBody && o.body == nil {
		rt.Accepts = []string{"application/json"}
	}
	limit := o.maxBody
	if limit == 0 {
		limit = 64 << 10
	}
	op := huma.Operation{
		OperationID:   o.id,
		Method:        o.method,
		Path:          o.path,
		Tags:          []string{o.tag},
		Summary:       o.summary,
		Description:   o.detail,
		DefaultStatus: o.status,
		MaxBodyBytes:  limit,
		Metadata:      map[string]any{"route": rt},
		Responses:     a.problems(o, rt),
	}
	if o.access&web.Public == 0 {
		op.Security = []map[string][]string{{"key": {}}, {"session": {}}}
		op.Extensions = map[string]any{"x-roles": o.access.Roles()}
	}
	if o.content != nil {
		op.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: o.content}
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.server.Prepare(ctx, err)
		}
		return out, nil
	})
}

// problems documents how an operation can fail.
func (a *api) problems(o operation, rt web.Route) map[string]*huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[web.Problem](), true, "Problem")
	statuses := append([]int{http.StatusInternalServerError}, o.errors...)
	if !o.bare {
		statuses = append(statuses, http.StatusServiceUnavailable)
	}
	if o.access&web.Public == 0 {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	}
	if len(rt.Accepts) > 0 {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	responses := map[string]*huma.Response{}
	for _, status := range statuses {
		responses[fmt.Sprint(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	return responses
}

// frameworkProblem turns the framework's own refusals (a body that is not JSON, a
// field that is not in the schema) into problems like all others. The value at
// fault is left out: it may be the whole body.
func (a *api) frameworkProblem(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code, detail := "input", model.Detail
	switch model.Status {
	case http.StatusBadRequest:
		code, detail = "malformed", "the body is not JSON"
		if model.Detail == "request body is required" {
			detail = "a JSON body is required"
		}
	case http.StatusRequestTimeout:
		code = "slow-body"
	case http.StatusRequestEntityTooLarge:
		code = "too-large"
	case http.StatusUnsupportedMediaType:
		code = "content-type"
	case http.StatusNotAcceptable:
		code = "not-acceptable"
	case http.StatusUnprocessableEntity:
		detail = "the request does not have the form that /openapi.json gives"
	case http.StatusInternalServerError:
		code, detail = "internal", "something failed here; the log of the server says what, under the id of this request"
	}
	p := web.NewProblem(model.Status, code, detail)
	for _, e := range model.Errors {
		p.Errors = append(p.Errors, web.FieldError{Location: e.Location, Message: e.Message})
	}
	if len(p.Errors) == 1 {
		p.Detail += ": " + p.Errors[0].Message
		if at := p.Errors[0].Location; at != "" && at != "body" {
			p.Detail += " (" + at + ")"
		}
	}
	return a.server.Prepare(ctx.Context(), p), nil
}

// viewer is who asks. The guard lets nobody else reach a handler that calls it.
func viewer(ctx context.Context) tracking.Party {
	v, _ := web.Viewer(ctx)
	return v
}

// inputError points at a value of the body.
func inputError(field, format string, args ...any) error {
	return &routing.InputError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// moment reads a time as people and programs send it: RFC 3339, or a date, which
// is midnight UTC.
func moment(field, s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, inputError(field, "%q is neither an RFC 3339 time such as 2026-12-01T08:00:00Z nor a date such as 2026-12-01", clip(s))
	}
	return t, nil
}

// clip keeps what is echoed to the sender short.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
