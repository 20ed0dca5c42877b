package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

type planBody struct {
	Origin      string    `json:"origin" maxLength:"200" doc:"UN/LOCODE, a name in English, Chinese or Russian, or lat,lon" example:"CNTAO"`
	Destination string    `json:"destination" maxLength:"200" doc:"As origin" example:"RUMOW"`
	Cargo       cargoBody `json:"cargo"`
	Depart      string    `json:"depart,omitempty" doc:"Earliest departure, RFC 3339 or a date; left out: now" example:"2026-12-01T00:00:00Z"`
	ArriveBy    string    `json:"arrive_by,omitempty" doc:"Latest wanted arrival, RFC 3339 or a date"`
	Modes       []string  `json:"modes,omitempty" maxItems:"4" doc:"sea, rail, road, air; left out: all"`
	Avoid       []string  `json:"avoid,omitempty" maxItems:"100" doc:"What not to use" example:"[\"country:RU\",\"passage:suez\",\"border:KHO-NUR\",\"carrier:SEA-TPW\"]"`
	WhatIf      []string  `json:"what_if,omitempty" maxItems:"20" doc:"Suppositions: a border or a passage closed, congested or normal, from a day on or always. The plan is made with them, and its difference tells what they change" example:"[\"border:KHO-NUR=closed@2026-12-05\"]"`
	Drivers     int       `json:"drivers,omitempty" doc:"Of a lorry over borders: 1 or 2; left out: 2"`
	TIR         *tirBody  `json:"tir,omitempty" doc:"Terms of a TIR journey; left out: the usual ones"`
}

type tirBody struct {
	Offices       int     `json:"offices,omitempty" doc:"Customs offices of departure and destination together; left out: 2"`
	Unapproved    bool    `json:"unapproved,omitempty" doc:"The vehicle has no certificate of approval for customs seals"`
	HeavyOrBulky  bool    `json:"heavy_or_bulky,omitempty" doc:"Goods that may travel on a vehicle without approval"`
	GuaranteeEUR  float64 `json:"guarantee_eur,omitempty" doc:"Of each national association; left out: 100,000"`
	DutiesPercent float64 `json:"duties_percent,omitempty" doc:"Duties and taxes at stake in per cent of the value. Left out, 30 is assumed, and a guarantee that would not cover it is a risk, no bar"`
}

type cargoBody struct {
	WeightKG float64        `json:"weight_kg" example:"24200"`
	VolumeM3 float64        `json:"volume_m3,omitempty" example:"60"`
	Unit     string         `json:"unit,omitempty" doc:"FTL, LTL, 20GP, 40GP, 40HC, 45HC, 40RF, LCL or air; left out: FTL" example:"FTL"`
	HS       string         `json:"hs,omitempty" doc:"Harmonised system code" example:"0808"`
	DG       string         `json:"dg,omitempty" doc:"Dangerous goods class" example:"3"`
	UN       string         `json:"un,omitempty" doc:"UN number of dangerous goods; its class need not be given where Corridor knows it" example:"1993"`
	Charge   float64        `json:"charge_percent,omitempty" doc:"State of charge of lithium cells"`
	TempC    *[2]float64    `json:"temp_c,omitempty" doc:"Lowest and highest allowed temperature" example:"[2,8]"`
	Value    *routing.Money `json:"value,omitempty"`
}

// request reads the body into the planner's vocabulary. What the values mean is
// the planner's to judge.
func (b planBody) request() (routing.Request, error) {
	r := routing.Request{
		Origin: b.Origin, Destination: b.Destination, Avoid: b.Avoid, WhatIf: b.WhatIf,
		Cargo: routing.Cargo{
			WeightKG: b.Cargo.WeightKG, VolumeM3: b.Cargo.VolumeM3, Unit: routing.Unit(b.Cargo.Unit),
			HS: b.Cargo.HS, DG: b.Cargo.DG, UN: b.Cargo.UN, Charge: b.Cargo.Charge, TempC: b.Cargo.TempC, Value: b.Cargo.Value,
		},
	}
	r.Drivers = b.Drivers
	if t := b.TIR; t != nil {
		r.TIR = &routing.TIRTerms{Offices: t.Offices, Unapproved: t.Unapproved, HeavyOrBulky: t.HeavyOrBulky, GuaranteeEUR: t.GuaranteeEUR, DutiesPercent: t.DutiesPercent}
	}
	for i, s := range b.Modes {
		m, err := geodata.ParseMode(s)
		if err != nil {
			return r, inputError(fmt.Sprintf("modes[%d]", i), "%v", err)
		}
		r.Modes = append(r.Modes, m)
	}
	if b.Depart != "" {
		t, err := moment("depart", b.Depart)
		if err != nil {
			return r, err
		}
		r.Depart = t
	}
	if b.ArriveBy != "" {
		t, err := moment("arrive_by", b.ArriveBy)
		if err != nil {
			return r, err
		}
		r.ArriveBy = &t
	}
	return r, nil
}

type planInput struct{ Body planBody }

type planOutput struct {
	Location string `header:"Location"`
	Body     routing.Plan
}

func (a *api) makePlan(ctx context.Context, in *planInput) (*planOutput, error) {
	request, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	if request.Depart.IsZero() {
		request.Depart = a.Clock().UTC().Truncate(time.Minute)
	}
	ctx, done, err := a.plansTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	plan, err := a.Planner.Plan(ctx, request, a.Conditions)
	if err != nil {
		return nil, fmt.Errorf("plan %s to %s: %w", request.Origin, request.Destination, err)
	}
	plan.ID = strings.ToLower(rand.Text())
	plan.Created = a.Clock().UTC()
	if err := a.Plans.SavePlan(ctx, viewer(ctx).ID, plan); err != nil {
		return nil, fmt.Errorf("save plan: %w", err)
	}
	return &planOutput{Location: "/api/v1/plans/" + plan.ID, Body: plan}, nil
}

// plansTurn waits for one of the few places there are to plan in, and limits the
// time it is held. The caller calls done.
func (a *api) plansTurn(ctx context.Context) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, planTime)
	select {
	case a.planning <- struct{}{}:
		return ctx, func() { <-a.planning; cancel() }, nil
	case <-ctx.Done():
		cancel()
		p := web.NewProblem(http.StatusServiceUnavailable, "busy", "too many plans are being made; try again in a moment")
		p.RetryAfter = 5 * time.Second
		return nil, nil, p
	}
}

type planFileInput struct {
	ID     string `path:"id" maxLength:"64"`
	Format string `query:"format" enum:"json,geojson,csv,html" doc:"json when left out; html is a page to print"`
}

func (a *api) getPlan(ctx context.Context, in *planFileInput) (*fileOutput, error) {
	plan, err := a.planFor(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	format := routing.Format(cmp.Or(in.Format, string(routing.JSON)))
	var body bytes.Buffer
	if format == routing.JSON { // to the byte what was answered when it was made
		err = huma.DefaultJSONFormat.Marshal(&body, plan)
	} else {
		err = plan.Write(&body, format)
	}
	if err != nil {
		return nil, fmt.Errorf("write plan %s as %s: %w", plan.ID, format, err)
	}
	return &fileOutput{format.MediaType(), body.Bytes()}, nil
}

// planContent documents the forms of a plan.
func (a *api) planContent() map[string]*huma.MediaType {
	text := func(what string) *huma.MediaType {
		return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: what}}
	}
	return map[string]*huma.MediaType{
		"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[routing.Plan](), true, "")},
		geoJSONType:        {Schema: &huma.Schema{Type: huma.TypeObject, Description: "A FeatureCollection: a line for each leg of each option, a point for each border"}},
		csvType:            text("A row for each leg of each option, with a header"),
		"text/html":        text("A page to print, which needs nothing else"),
	}
}

type rulesOutput struct {
	Body struct {
		Rules []routing.Rule `json:"rules" nullable:"false"`
	}
}

func (a *api) listRules(context.Context, *struct{}) (*rulesOutput, error) {
	out := &rulesOutput{}
	out.Body.Rules = append([]routing.Rule{}, a.Rules...)
	return out, nil
}

// planFor reads a plan that the viewer asked for, or any for the office: a plan
// tells what a shipper's goods are worth.
func (a *api) planFor(ctx context.Context, id string) (routing.Plan, error) {
	plan, owner, err := a.Plans.Plan(ctx, id)
	if err != nil {
		return routing.Plan{}, fmt.Errorf("read plan %s: %w", clip(id), err)
	}
	if v := viewer(ctx); owner != v.ID && !web.Office.Allows(v.Role) {
		return routing.Plan{}, tracking.ErrNotFound
	}
	return plan, nil
}

type placesInput struct {
	Query string `query:"q" required:"true" maxLength:"200" doc:"The start of a name in English, Chinese or Russian, of a UN/LOCODE, or an IATA or ICAO code; a country or a facility may follow the name (Hamburg, US; Qingdao airport); misspelt names are guessed; lat,lon is a point" example:"qing"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"10"`
}

type placeView struct {
	ID         string          `json:"id" doc:"Names it in a plan's origin or destination" example:"CNTAO"`
	Kind       geodata.Kind    `json:"kind" enum:"seaport,airport,rail,city,place,point" doc:"A town with a seaport is a seaport"`
	Code       string          `json:"code,omitempty" doc:"UN/LOCODE of the place, or of the place a terminal serves" example:"CNTAO"`
	Names      geodata.Names   `json:"names"`
	Country    geodata.Country `json:"country" example:"CN"`
	Lat        float64         `json:"lat" doc:"Of a town its middle, of a terminal the yard or the aerodrome"`
	Lon        float64         `json:"lon"`
	Functions  []string        `json:"functions" nullable:"false" doc:"seaport, rail, road, airport, border, city"`
	Population int             `json:"population,omitempty"`
	TimeZone   string          `json:"time_zone,omitempty" example:"Asia/Shanghai"`
	Terminal   *terminalView   `json:"terminal,omitempty" doc:"The airport or rail terminal found, or the port of a seaport"`
	Own        bool            `json:"own,omitempty" doc:"Imported by whoever runs this server"`
}

type terminalView struct {
	ID    string   `json:"id" example:"sea:CNTAO"`
	Lat   float64  `json:"lat" doc:"At the quay, the yard or the aerodrome"`
	Lon   float64  `json:"lon"`
	Codes []string `json:"codes,omitempty" doc:"IATA and ICAO code of an airport"`
	Cargo bool     `json:"cargo,omitempty" doc:"An airport with scheduled freight"`
}

type placesOutput struct {
	Body struct {
		Places []placeView `json:"places" nullable:"false" doc:"Best match first"`
	}
}

func (a *api) searchPlaces(_ context.Context, in *placesInput) (*placesOutput, error) {
	out := &placesOutput{}
	out.Body.Places = []placeView{}
	for _, m := range a.Places.Search(in.Query, in.Limit) {
		out.Body.Places = append(out.Body.Places, viewPlace(m))
	}
	return out, nil
}

func viewPlace(m geodata.Match) placeView {
	p := m.Place
	v := placeView{
		ID: m.ID, Kind: m.Kind, Own: m.Own, Code: p.Code, Names: p.Names, Country: p.Country, Lat: p.Point.Lat(), Lon: p.Point.Lon(),
		Functions: []string{}, Population: p.Population, TimeZone: p.TimeZone,
	}
	for _, f := range []struct {
		has  geodata.Function
		name string
	}{
		{geodata.HasSeaport, "seaport"},
		{geodata.HasRail, "rail"},
		{geodata.HasRoad, "road"},
		{geodata.HasAirport, "airport"},
		{geodata.HasBorder, "border"},
		{geodata.IsCity, "city"},
	} {
		if p.Functions&f.has != 0 {
			v.Functions = append(v.Functions, f.name)
		}
	}
	if t := m.Terminal; t != nil {
		v.Terminal = &terminalView{ID: t.ID, Lat: t.Point.Lat(), Lon: t.Point.Lon(), Codes: t.Codes, Cargo: t.Cargo}
	}
	return v
}

type pointInput struct {
	Lat float64 `query:"lat" required:"true" minimum:"-90" maximum:"90" example:"36.07"`
	Lon float64 `query:"lon" required:"true" minimum:"-180" maximum:"180" example:"120.38"`
}

type locationOutput struct {
	Body struct {
		Lat       float64           `json:"lat"`
		Lon       float64           `json:"lon"`
		AtSea     bool              `json:"at_sea"`
		Country   geodata.Country   `json:"country,omitempty" doc:"ISO 3166-1; left out on the high seas" example:"CN"`
		Names     *geodata.Names    `json:"names,omitempty" doc:"Of the country"`
		Region    *geodata.Region   `json:"region,omitempty" doc:"Province, oblast, state or land"`
		Disputed  bool              `json:"disputed,omitempty" doc:"States dispute who it belongs to"`
		ClaimedBy []geodata.Country `json:"claimed_by,omitempty" doc:"States that claim it and do not run it"`
		TimeZone  string            `json:"time_zone" doc:"IANA name; at sea Etc/GMT±n" example:"Asia/Shanghai"`
		Nearest   *nearestView      `json:"nearest,omitempty" doc:"The nearest place of note within 300 km"`
	}
}

type nearestView struct {
	Code       string          `json:"code,omitempty"`
	Names      geodata.Names   `json:"names"`
	Country    geodata.Country `json:"country"`
	DistanceKM float64         `json:"distance_km"`
}

func (a *api) locatePoint(_ context.Context, in *pointInput) (*locationOutput, error) {
	l, err := a.Places.Locate(orb.Point{in.Lon, in.Lat})
	if err != nil {
		return nil, fmt.Errorf("locate %v,%v: %w", in.Lat, in.Lon, err)
	}
	out := &locationOutput{}
	b := &out.Body
	b.Lat, b.Lon, b.AtSea, b.Country, b.Region, b.TimeZone = in.Lat, in.Lon, l.AtSea, l.Country, l.Region, l.TimeZone
	if l.Country != "" {
		b.Names = &l.Names
	}
	if l.Region != nil {
		b.Disputed, b.ClaimedBy = l.Region.Disputed, l.Region.ClaimedBy
	}
	if p := l.Nearest; p != nil {
		b.Nearest = &nearestView{p.Code, p.Names, p.Country, math.Round(l.AwayKM*10) / 10}
	}
	return out, nil
}

// sideView is what a post is in one of its countries.
type sideView struct {
	Country geodata.Country `json:"country" example:"CN"`
	Lat     float64         `json:"lat"`
	Lon     float64         `json:"lon"`
	GaugeMM int             `json:"gauge_mm,omitempty" doc:"Of the track, by rail; left out: not known"`
}

// regimeView is a state of a post that was seen, and how long it took then.
type regimeView struct {
	Name       string        `json:"name" enum:"congested,restricted,closed"`
	DwellHours geodata.Dwell `json:"dwell_hours"`
	AsOf       string        `json:"as_of,omitempty"`
}

type borderView struct {
	ID          string             `json:"id" example:"MZL-ZAB-R"`
	Name        string             `json:"name" example:"Manzhouli–Zabaikalsk"`
	Names       geodata.Names      `json:"names"`
	Countries   [2]geodata.Country `json:"countries" example:"[\"CN\",\"RU\"]"`
	Modes       []geodata.Mode     `json:"modes" nullable:"false"`
	Lat         float64            `json:"lat"`
	Lon         float64            `json:"lon"`
	GaugeChange bool               `json:"gauge_change" doc:"Containers or bogies are changed here"`
	Sides       [2]sideView        `json:"sides" doc:"In the order of countries; of a ferry its two ports"`
	TIR         string             `json:"tir" enum:"yes,no,unknown" doc:"Whether lorries under TIR carnets may cross here"`
	TIROrigin   *geodata.Origin    `json:"tir_origin,omitempty" doc:"Who says so"`
	Hours       string             `json:"hours,omitempty" example:"07:00-19:00" doc:"Local opening hours; left out: all day, or not known"`
	Regimes     []regimeView       `json:"regimes" nullable:"false" doc:"States other than the normal one that were observed"`
	DwellHours  geodata.Dwell      `json:"dwell_hours"`
	Origin      geodata.Origin     `json:"origin" doc:"Where the dwell comes from: P published, G public file, K general knowledge, A assumption"`
	Status      string             `json:"status" enum:"open,congested,restricted,closed"`
	AsOf        string             `json:"as_of,omitempty" doc:"Day of the status, when it was observed or set"`
	Source      string             `json:"source,omitempty" doc:"Of the status"`
	Note        string             `json:"note,omitempty"`
}

type bordersOutput struct {
	Body struct {
		Borders []borderView `json:"borders" nullable:"false"`
	}
}

func (a *api) listBorders(context.Context, *struct{}) (*bordersOutput, error) {
	now := a.Clock()
	out := &bordersOutput{}
	out.Body.Borders = make([]borderView, 0, len(a.Borders))
	for _, b := range a.Borders {
		v := borderView{
			ID: b.ID, Name: b.Name, Names: b.Names, Countries: b.Countries, Modes: b.Modes,
			Lat: b.Point.Lat(), Lon: b.Point.Lon(), GaugeChange: b.GaugeChange,
			DwellHours: b.Dwell, Origin: b.DwellOrigin, Status: "open", Note: b.Note,
			TIR: b.TIR.String(), Hours: b.Hours, Regimes: make([]regimeView, 0, len(b.Regimes)),
		}
		if b.TIR != geodata.Unknown {
			v.TIROrigin = &b.TIROrigin
		}
		for i, side := range b.Sides {
			if side == (orb.Point{}) {
				side = b.Point
			}
			v.Sides[i] = sideView{b.Countries[i], side.Lat(), side.Lon(), b.Gauges[i]}
		}
		for _, r := range b.Regimes {
			v.Regimes = append(v.Regimes, regimeView{r.Name, r.Dwell, r.AsOf})
		}
		if b.Closed {
			v.Status = "closed"
		}
		if s, ok := a.Conditions.Border(b.ID, now); ok {
			v.Status, v.AsOf, v.Source = s.Regime, s.AsOf, s.Source
			if s.Regime == "normal" {
				v.Status = "open"
			}
			if s.Dwell != nil {
				v.DwellHours = *s.Dwell
			}
		}
		out.Body.Borders = append(out.Body.Borders, v)
	}
	return out, nil
}
