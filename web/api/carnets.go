package api

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

// Carnets keeps TIR carnets and what happens to them.
type Carnets interface {
	IssueCarnet(context.Context, tracking.CarnetIssued) (tracking.Carnet, error)
	DoCarnet(ctx context.Context, number string, by tracking.PartyID, act tracking.CarnetAct) (tracking.Carnet, error)
	BindCarnet(ctx context.Context, number string, by tracking.PartyID, shipment tracking.ShipmentID, unit tracking.UnitID) (tracking.Carnet, error)
	Carnet(number string) (tracking.Carnet, error)
	CarnetUnit(number string) tracking.UnitID
	Carnets(viewer tracking.Party) []tracking.Carnet
	MayReadCarnet(viewer tracking.Party, number string) bool
	CarnetByHead(hash string) (tracking.Carnet, int, error)
}

// TIR knows the Convention.
type TIR interface {
	// Territory is the customs territory a country belongs to: EU, or itself.
	Territory(geodata.Country) geodata.Country
	// Refuse tells why goods of an HS code cannot go through the countries under a
	// carnet; "" when they can.
	Refuse(countries []geodata.Country, hs string) string
	// RecommendedGuaranteeEUR is what an association is recommended to answer for.
	RecommendedGuaranteeEUR() float64
}

type carnetBody struct {
	Number        string                      `json:"number" doc:"Two letters and eight digits" example:"XB25000001"`
	Holder        string                      `json:"holder" example:"Lunan Cold Chain"`
	HolderID      string                      `json:"holder_id,omitempty" doc:"The holder's identification number" example:"CHN/041/1234"`
	Association   string                      `json:"association,omitempty" doc:"That issued it and answers for it"`
	ValidUntil    string                      `json:"valid_until" doc:"Last moment to be accepted at departure (Art. 9); RFC 3339, or a date" example:"2026-12-20"`
	Vouchers      int                         `json:"vouchers,omitempty" doc:"4, 6, 14 or 20: a pair for each customs territory passed; left out: the smallest that are enough"`
	GuaranteeEUR  float64                     `json:"guarantee_eur,omitempty" doc:"Left out: the recommended maximum"`
	Goods         string                      `json:"goods,omitempty" doc:"The manifest in a few words"`
	HS            string                      `json:"hs,omitempty" doc:"Code of the goods; left out: the shipment's"`
	HeavyOrBulky  bool                        `json:"heavy_or_bulky,omitempty" doc:"Art. 29: no certificate of approval, and seals only where they can be set"`
	Vehicle       string                      `json:"vehicle,omitempty" doc:"Plates, or the number of the container"`
	Approval      string                      `json:"approval,omitempty" doc:"Number of the certificate of approval for transport under customs seal"`
	ApprovalUntil string                      `json:"approval_until,omitempty"`
	Offices       []tracking.CarnetOffice     `json:"offices,omitempty" doc:"In the order passed: departure, then exit and entry at each border of a customs territory, then destination; at most 8 of departure and destination. Left out: those of the shipment's plan"`
	LimitHours    map[geodata.Country]float64 `json:"limit_hours,omitempty" doc:"Time limits known beforehand, by customs territory (Art. 20)"`
	Itinerary     [][]float64                 `json:"itinerary,omitempty" doc:"The prescribed way as a list of [lon, lat]; left out: the shipment's plan"`
	CorridorKM    float64                     `json:"corridor_km,omitempty" doc:"How far off the itinerary is still on it; left out: 25 by road"`
	Shipment      tracking.ShipmentID         `json:"shipment,omitempty" doc:"That travels under it, on whatever unit; or unit"`
	Unit          tracking.UnitID             `json:"unit,omitempty" doc:"That travels under it; it needs an itinerary"`
	Carrier       tracking.PartyID            `json:"carrier,omitempty" doc:"Who may record steps besides the office; left out: the shipment's or the unit's. A carrier's is itself"`
}

type carnetInput struct{ Body carnetBody }

// carnetView is a carnet as it stands now.
type carnetView struct {
	tracking.Carnet
	On    tracking.UnitID `json:"on,omitempty" doc:"The unit that carries it now"`
	Wrong []wrongView     `json:"wrong" nullable:"false" doc:"What is not in order now"`
	Head  string          `json:"head" doc:"Hash of the last entry of the journal"`
}

type wrongView struct {
	Kind    string          `json:"kind" example:"carnet-time-at-risk"`
	Country geodata.Country `json:"country,omitempty"`
	Text    string          `json:"text"`
}

type carnetOutput struct {
	Location string `header:"Location"`
	Body     carnetView
}

func (a *api) viewCarnet(c tracking.Carnet) carnetView {
	v := carnetView{Carnet: c, On: a.Carnets.CarnetUnit(c.Number), Wrong: []wrongView{}, Head: c.Head()}
	for _, n := range c.Wrongs(a.Clock()) {
		v.Wrong = append(v.Wrong, wrongView{n.Kind, n.Country, n.Text})
	}
	return v
}

func (a *api) issueCarnet(ctx context.Context, in *carnetInput) (*carnetOutput, error) {
	b := in.Body
	e := tracking.CarnetIssued{
		Terms: tracking.CarnetTerms{
			Number: b.Number, Holder: b.Holder, HolderID: b.HolderID, Association: b.Association, Vouchers: b.Vouchers,
			GuaranteeEUR: cmp.Or(b.GuaranteeEUR, a.TIR.RecommendedGuaranteeEUR()), Goods: b.Goods, HS: b.HS, HeavyOrBulky: b.HeavyOrBulky,
			Vehicle: b.Vehicle, Approval: b.Approval, Offices: b.Offices, LimitHours: b.LimitHours, CorridorKM: b.CorridorKM,
		},
		Carrier: b.Carrier, Shipment: b.Shipment, Unit: b.Unit, By: viewer(ctx).ID,
	}
	var err error
	if e.Terms.ValidUntil, err = lastMoment("valid_until", b.ValidUntil); err != nil {
		return nil, err
	}
	if b.ApprovalUntil != "" {
		until, err := lastMoment("approval_until", b.ApprovalUntil)
		if err != nil {
			return nil, err
		}
		e.Terms.ApprovalUntil = &until
	}
	if e.Terms.Itinerary, err = points("itinerary", b.Itinerary); err != nil {
		return nil, err
	}
	if err := a.carries(ctx, &e); err != nil {
		return nil, err
	}
	if e.Shipment != "" {
		s, err := a.Tracker.Shipment(e.Shipment)
		if err != nil {
			return nil, err
		}
		e.Terms.HS = cmp.Or(e.Terms.HS, s.Request.Cargo.HS)
		if len(e.Terms.Offices) == 0 {
			if e.Terms.Offices, err = a.officesOf(&s); err != nil {
				return nil, err
			}
		}
	}
	if err := a.territories(e.Terms.Offices, e.Terms.HS); err != nil {
		return nil, err
	}
	if e.Terms.Vouchers == 0 {
		e.Terms.Vouchers = fewestVouchers(e.Terms.Offices)
	}
	c, err := a.Carnets.IssueCarnet(ctx, e)
	if err != nil {
		return nil, err
	}
	return &carnetOutput{Location: "/api/v1/carnets/" + c.Number, Body: a.viewCarnet(c)}, nil
}

// lastMoment reads a time until which something is valid: a date is valid to its end.
func lastMoment(field, s string) (time.Time, error) {
	t, err := moment(field, s)
	if err == nil && len(s) == len(time.DateOnly) {
		t = t.Add(24*time.Hour - time.Second)
	}
	return t, err
}

func points(field string, in [][]float64) ([][2]float64, error) {
	var out [][2]float64
	for i, p := range in {
		if len(p) != 2 {
			return nil, inputError(field, "point %d is not [lon, lat]", i)
		}
		out = append(out, [2]float64{p[0], p[1]})
	}
	return out, nil
}

// carries decides whose carnet it is and whether the viewer may put it to use there.
func (a *api) carries(ctx context.Context, e *tracking.CarnetIssued) error {
	v := viewer(ctx)
	carrier := tracking.PartyID("")
	switch {
	case e.Shipment != "":
		if !a.Tracker.MayReadShipment(v, e.Shipment) {
			return inputError("shipment", "there is no shipment %q, or it is not yours", clip(string(e.Shipment)))
		}
		s, err := a.Tracker.Shipment(e.Shipment)
		if err != nil {
			return err
		}
		carrier = s.Carrier
	case e.Unit != "":
		if u, err := a.Tracker.Unit(e.Unit); err == nil {
			if v.Role == tracking.Carrier && u.Carrier != v.ID {
				return inputError("unit", "unit %s is not yours", clip(string(e.Unit)))
			}
			carrier = u.Carrier
		}
	}
	if v.Role == tracking.Carrier {
		if e.Carrier != "" && e.Carrier != v.ID {
			return web.NewProblem(http.StatusForbidden, "role", "a carrier puts carnets of its own to use only")
		}
		e.Carrier = v.ID
	}
	e.Carrier = cmp.Or(e.Carrier, carrier)
	return nil
}

// officesOf are the customs offices of a shipment's plan: of its TIR legs, or else of
// its legs by road.
func (a *api) officesOf(s *tracking.Shipment) ([]tracking.CarnetOffice, error) {
	legs := s.Option.Legs
	under := func(l routing.Leg) bool { return strings.HasPrefix(l.Regime, "TIR") }
	if !slices.ContainsFunc(legs, under) {
		under = func(l routing.Leg) bool { return l.Mode == geodata.Road }
	}
	first := slices.IndexFunc(legs, under)
	if first < 0 {
		return nil, inputError("offices", "no leg of the shipment's plan is by road: list the offices")
	}
	last := first
	for i := range legs {
		if under(legs[i]) {
			last = i
		}
	}
	at := func(id string, role tracking.CarnetOffice, p routing.Point) tracking.CarnetOffice {
		role.ID, role.Name, role.Country, role.Lat, role.Lon = id, p.Name.EN, p.Country, p.Lat, p.Lon
		return role
	}
	out := []tracking.CarnetOffice{at("departure", tracking.CarnetOffice{Role: tracking.OfficeDeparture}, legs[first].From)}
	for _, l := range legs[first : last+1] {
		for _, b := range l.Borders {
			if a.TIR.Territory(b.From) == a.TIR.Territory(b.To) {
				continue
			}
			exit := tracking.CarnetOffice{ID: b.ID + ":" + string(b.From), Name: b.Name, Country: b.From, Role: tracking.OfficeExit, Post: b.ID, Lat: b.Lat, Lon: b.Lon}
			entry := tracking.CarnetOffice{ID: b.ID + ":" + string(b.To), Name: b.Name, Country: b.To, Role: tracking.OfficeEntry, Post: b.ID, Lat: b.Lat, Lon: b.Lon}
			if i := slices.IndexFunc(a.Borders, func(p geodata.BorderPost) bool { return p.ID == b.ID }); i >= 0 {
				for k, c := range a.Borders[i].Countries {
					side := a.Borders[i].Sides[k]
					if side[0] == 0 && side[1] == 0 {
						continue
					}
					if c == b.From {
						exit.Lon, exit.Lat = side[0], side[1]
					}
					if c == b.To {
						entry.Lon, entry.Lat = side[0], side[1]
					}
				}
			}
			out = append(out, exit, entry)
		}
	}
	return append(out, at("destination", tracking.CarnetOffice{Role: tracking.OfficeDestination}, legs[last].To)), nil
}

// territories fills in which customs territory each office is in, and refuses a way
// that no carnet can take.
func (a *api) territories(offices []tracking.CarnetOffice, hs string) error {
	var countries []geodata.Country
	for i := range offices {
		o := &offices[i]
		o.Country = geodata.Country(strings.ToUpper(string(o.Country)))
		if o.Territory = a.TIR.Territory(o.Country); o.Territory == o.Country {
			o.Territory = ""
		}
		if n := len(countries); n == 0 || countries[n-1] != o.Country {
			countries = append(countries, o.Country)
		}
	}
	if why := a.TIR.Refuse(countries, hs); why != "" {
		return inputError("offices", "%s No carnet can be used on this way.", why)
	}
	return nil
}

func fewestVouchers(offices []tracking.CarnetOffice) int {
	n := 0
	for i := range offices {
		if i == 0 || offices[i].In() != offices[i-1].In() {
			n++
		}
	}
	for _, v := range []int{4, 6, 14, 20} {
		if 2*n <= v {
			return v
		}
	}
	return 20 // the terms are refused for it
}

type carnetNumber struct {
	Number string `path:"number" maxLength:"16" example:"XB25000001"`
}

// carnet reads one the viewer may see; the others do not exist for it.
func (a *api) carnet(ctx context.Context, number string) (tracking.Carnet, error) {
	number = strings.ToUpper(number)
	if !a.Carnets.MayReadCarnet(viewer(ctx), number) {
		return tracking.Carnet{}, tracking.ErrNotFound
	}
	return a.Carnets.Carnet(number)
}

// ownCarnet reads one the viewer may record steps of.
func (a *api) ownCarnet(ctx context.Context, number string) (tracking.Carnet, error) {
	c, err := a.carnet(ctx, number)
	if err != nil {
		return c, err
	}
	if v := viewer(ctx); v.Role == tracking.Carrier && c.Carrier != v.ID {
		return c, web.NewProblem(http.StatusForbidden, "role", "carnet "+c.Number+" is another's: you carry under it, its holder or the office records what happens")
	}
	return c, nil
}

func (a *api) getCarnet(ctx context.Context, in *carnetNumber) (*carnetOutput, error) {
	c, err := a.carnet(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return &carnetOutput{Body: a.viewCarnet(c)}, nil
}

type carnetsInput struct {
	Query    string              `query:"q" maxLength:"200" doc:"Words, each found in its number, holder, vehicle, seals, shipment, unit or offices"`
	Stage    string              `query:"stage" enum:"issued,announced,accepted,in-transit,terminated,discharged,claimed"`
	Shipment tracking.ShipmentID `query:"shipment" maxLength:"64"`
	Wrong    bool                `query:"wrong" doc:"Only those with something not in order"`
	Limit    int                 `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	Offset   int                 `query:"offset" minimum:"0"`
}

// carnetSummary is a row of a list: a carnet without its journal.
type carnetSummary struct {
	Number     string               `json:"number"`
	Holder     string               `json:"holder"`
	Stage      tracking.CarnetStage `json:"stage" enum:"issued,announced,accepted,in-transit,terminated,discharged,claimed"`
	Countries  []geodata.Country    `json:"countries" nullable:"false" doc:"Customs territories in the order passed"`
	From       string               `json:"from"`
	To         string               `json:"to"`
	Vehicle    string               `json:"vehicle,omitempty"`
	Shipment   tracking.ShipmentID  `json:"shipment,omitempty"`
	On         tracking.UnitID      `json:"on,omitempty"`
	Seal       string               `json:"seal,omitempty" doc:"That is on now"`
	Country    geodata.Country      `json:"country,omitempty" doc:"Where an operation is under way"`
	Limit      *time.Time           `json:"limit,omitempty" doc:"Of the operation under way"`
	ValidUntil time.Time            `json:"valid_until"`
	Created    time.Time            `json:"created"`
	Wrong      []wrongView          `json:"wrong" nullable:"false"`
}

type carnetsOutput struct {
	Body struct {
		Carnets []carnetSummary `json:"carnets" nullable:"false" doc:"Newest first"`
		Total   int             `json:"total"`
	}
}

func (a *api) listCarnets(ctx context.Context, in *carnetsInput) (*carnetsOutput, error) {
	out := &carnetsOutput{}
	out.Body.Carnets = []carnetSummary{}
	for _, c := range a.Carnets.Carnets(viewer(ctx)) {
		if in.Stage != "" && string(c.Stage) != in.Stage || in.Shipment != "" && c.Shipment != in.Shipment {
			continue
		}
		if in.Query != "" && !c.Matches(in.Query) {
			continue
		}
		v := a.viewCarnet(c)
		if in.Wrong && len(v.Wrong) == 0 {
			continue
		}
		out.Body.Total++
		if out.Body.Total <= in.Offset || len(out.Body.Carnets) == in.Limit {
			continue
		}
		row := carnetSummary{
			Number: c.Number, Holder: c.Holder, Stage: c.Stage, Countries: c.Countries, From: c.Offices[0].Name, To: c.Offices[len(c.Offices)-1].Name,
			Vehicle: cmp.Or(c.VehicleNow, c.Vehicle), Shipment: c.Shipment, On: v.On, ValidUntil: c.ValidUntil, Created: c.Created, Wrong: v.Wrong,
		}
		if seal := c.Seal(); seal != nil {
			row.Seal = seal.Number
		}
		if i := c.Running(); i >= 0 {
			row.Country, row.Limit = c.Operations[i].Country, c.Operations[i].Limit
		}
		out.Body.Carnets = append(out.Body.Carnets, row)
	}
	return out, nil
}

type actBody struct {
	Kind        tracking.CarnetActing   `json:"kind" doc:"What was done. Exceptions are refuse, seal-break, seal-differs, accident, theft and unload-elsewhere; their certified report may follow by report" enum:"announce,accept,load,start,terminate,discharge,unload,seal-check,reseal,extend,report,transfer,reroute,claim,refuse,seal-break,seal-differs,accident,theft,unload-elsewhere"`
	At          string                  `json:"at,omitempty" doc:"When it happened; left out: now"`
	Office      string                  `json:"office,omitempty" doc:"Id of the office, where it happens at one"`
	Country     geodata.Country         `json:"country,omitempty" doc:"Customs territory of the operation, for discharge and claim"`
	Seal        string                  `json:"seal,omitempty" doc:"Number of the seal set, checked or found"`
	Report      string                  `json:"report,omitempty" doc:"Number of the certified report"`
	Approval    string                  `json:"approval,omitempty" doc:"accept: the certificate of approval that was checked"`
	Reservation string                  `json:"reservation,omitempty" doc:"terminate: what the office certifies it with"`
	Limit       string                  `json:"limit,omitempty" doc:"accept, start, extend: time limit of the operation"`
	Vehicle     string                  `json:"vehicle,omitempty" doc:"transfer: that takes over"`
	Offices     []tracking.CarnetOffice `json:"offices,omitempty" doc:"reroute: the whole list as it is now; what has done its part stays"`
	Itinerary   [][]float64             `json:"itinerary,omitempty" doc:"reroute: the new way, where the carnet has one of its own"`
	Note        string                  `json:"note,omitempty"`
}

type actInput struct {
	Number string `path:"number" maxLength:"16"`
	Body   actBody
}

func (a *api) actOnCarnet(ctx context.Context, in *actInput) (*carnetOutput, error) {
	c, err := a.ownCarnet(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	b := in.Body
	act := tracking.CarnetAct{
		Kind: b.Kind, At: a.Clock(), Office: b.Office, Country: geodata.Country(strings.ToUpper(string(b.Country))), Seal: b.Seal, Report: b.Report,
		Approval: b.Approval, Reservation: b.Reservation, Vehicle: b.Vehicle, Offices: b.Offices, Note: b.Note,
	}
	if b.At != "" {
		if act.At, err = moment("at", b.At); err != nil {
			return nil, err
		}
	}
	if b.Limit != "" {
		limit, err := moment("limit", b.Limit)
		if err != nil {
			return nil, err
		}
		act.Limit = &limit
	}
	if act.Itinerary, err = points("itinerary", b.Itinerary); err != nil {
		return nil, err
	}
	if len(act.Offices) > 0 {
		if err := a.territories(act.Offices, c.HS); err != nil {
			return nil, err
		}
	}
	if c, err = a.Carnets.DoCarnet(ctx, c.Number, viewer(ctx).ID, act); err != nil {
		return nil, err
	}
	return &carnetOutput{Body: a.viewCarnet(c)}, nil
}

type bindInput struct {
	Number string `path:"number" maxLength:"16"`
	Body   struct {
		Shipment tracking.ShipmentID `json:"shipment,omitempty" doc:"Or unit"`
		Unit     tracking.UnitID     `json:"unit,omitempty"`
	}
}

func (a *api) bindCarnet(ctx context.Context, in *bindInput) (*carnetOutput, error) {
	c, err := a.ownCarnet(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	e := tracking.CarnetIssued{Shipment: in.Body.Shipment, Unit: in.Body.Unit}
	if err := a.carries(ctx, &e); err != nil {
		return nil, err
	}
	if c, err = a.Carnets.BindCarnet(ctx, c.Number, viewer(ctx).ID, e.Shipment, e.Unit); err != nil {
		return nil, err
	}
	return &carnetOutput{Body: a.viewCarnet(c)}, nil
}

type journalInput struct {
	Number string `path:"number" maxLength:"16"`
	Format string `query:"format" enum:"json,html,txt" default:"json" doc:"html is a page to print; txt has a line for each entry, its hash and the text it is the SHA-256 of"`
	Lang   string `query:"lang" enum:"en,zh,ru" default:"en" doc:"Of the page"`
}

// journalView is a journal on its own, as corridor verify reads it.
type journalView struct {
	Number  string                `json:"number"`
	Journal []tracking.CarnetLine `json:"journal" nullable:"false"`
	Head    string                `json:"head"`
}

func (a *api) carnetJournal(ctx context.Context, in *journalInput) (*fileOutput, error) {
	c, err := a.carnet(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	switch in.Format {
	case "html":
		_, r := web.Exchange(ctx)
		err := tracking.PrintJournal(&body, &c, tracking.CarnetPaper{
			Lang: in.Lang, Made: a.Clock(), For: viewer(ctx).Name, Wrong: c.Wrongs(a.Clock()), Unit: string(a.Carnets.CarnetUnit(c.Number)),
			Link: web.Origin(r) + "/api/v1/journals/" + c.Head() + "?format=html&lang=" + cmp.Or(in.Lang, "en"),
		})
		if err != nil {
			return nil, fmt.Errorf("print the journal of carnet %s: %w", c.Number, err)
		}
		return &fileOutput{"text/html; charset=utf-8", body.Bytes()}, nil
	case "txt":
		for _, e := range c.Journal {
			fmt.Fprintf(&body, "%s  %s\n", e.Hash, e.Canonical())
		}
		return &fileOutput{"text/plain; charset=utf-8", body.Bytes()}, nil
	}
	if err := huma.DefaultJSONFormat.Marshal(&body, journalView{c.Number, nonNil(c.Journal), c.Head()}); err != nil {
		return nil, err
	}
	return &fileOutput{"application/json", body.Bytes()}, nil
}

func (a *api) journalContent() map[string]*huma.MediaType {
	text := func(what string) *huma.MediaType {
		return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: what}}
	}
	return map[string]*huma.MediaType{
		"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[journalView](), true, "")},
		"text/html":        text("A page to print, which needs nothing else"),
		"text/plain":       text("A line for each entry: its hash, two spaces, and the text whose SHA-256 it is"),
	}
}

type paperInput struct {
	Hash   string `path:"hash" minLength:"64" maxLength:"64" pattern:"^[0-9a-fA-F]{64}$" doc:"As it is printed below a journal, or beside one of its entries"`
	Format string `query:"format" enum:"json,html" default:"json"`
	Lang   string `query:"lang" enum:"en,zh,ru" default:"en"`
}

// paperView is what somebody is told who has the hash of an entry.
type paperView struct {
	Number  string              `json:"number"`
	Entry   tracking.CarnetLine `json:"entry"`
	Entries int                 `json:"entries" doc:"How many the journal has now"`
	Last    bool                `json:"last" doc:"It is the last one: nothing has happened since"`
	Intact  bool                `json:"intact" doc:"Every entry of the journal is as it was written"`
}

func (a *api) checkPaper(ctx context.Context, in *paperInput) (*fileOutput, error) {
	c, n, err := a.Carnets.CarnetByHead(strings.ToLower(in.Hash))
	if err != nil {
		_, r := web.Exchange(ctx)
		return nil, a.server.WrongLink(r)
	}
	v := paperView{c.Number, c.Journal[n-1], len(c.Journal), n == len(c.Journal), c.Verify() == nil}
	var body bytes.Buffer
	if in.Format == "html" {
		err := tracking.PrintCheck(&body, &c, tracking.CarnetPaper{Lang: in.Lang, Made: a.Clock()}, n, v.Intact)
		if err != nil {
			return nil, fmt.Errorf("show entry %d of carnet %s: %w", n, c.Number, err)
		}
		return &fileOutput{"text/html; charset=utf-8", body.Bytes()}, nil
	}
	if err := huma.DefaultJSONFormat.Marshal(&body, v); err != nil {
		return nil, err
	}
	return &fileOutput{"application/json", body.Bytes()}, nil
}

// carnetOperations is the part of the table that is about carnets.
func (a *api) carnetOperations() {
	const holders = web.Office | web.Carriers
	get, post := http.MethodGet, http.MethodPost
	notFound, conflict, full := http.StatusNotFound, http.StatusConflict, http.StatusInsufficientStorage
	handle(a, operation{
		id: "issue-carnet", method: post, path: "/api/v1/carnets", tag: "carnets", access: holders, status: http.StatusCreated, errors: []int{notFound, conflict, full}, maxBody: 512 << 10,
		summary: "Put a TIR carnet to use",
		detail: "For a shipment, whose plan is its way and gives its offices, or for a unit with an itinerary. A number is used once; a shipment and a unit have one carnet at a time. " +
			"A country that is not party to the Convention, or goods that are barred, are refused.",
	}, a.issueCarnet)
	handle(a, operation{
		id: "list-carnets", method: get, path: "/api/v1/carnets", tag: "carnets", access: web.SignedIn,
		summary: "The carnets you may see",
		detail:  "A carrier sees its own and those its units carry, a shipper those of its shipments, dispatchers and administrators all.",
	}, a.listCarnets)
	handle(a, operation{
		id: "get-carnet", method: get, path: "/api/v1/carnets/{number}", tag: "carnets", access: web.SignedIn, errors: []int{notFound},
		summary: "A carnet: stages by territory, seals, exceptions, journal, and what is not in order",
	}, a.getCarnet)
	handle(a, operation{
		id: "act-on-carnet", method: post, path: "/api/v1/carnets/{number}/steps", tag: "carnets", access: holders, errors: []int{notFound, full},
		summary: "Record what an office, the holder or the driver did",
		detail:  "Steps are recorded in the order they happened. What cannot be done yet is refused with what has to come first, and changes nothing.",
	}, a.actOnCarnet)
	handle(a, operation{
		id: "bind-carnet", method: post, path: "/api/v1/carnets/{number}/binding", tag: "carnets", access: holders, errors: []int{notFound, conflict, full},
		summary: "Say which shipment or unit travels under a carnet",
		detail:  "A shipment takes its carnet along when it is given to another unit; this is for a carnet that goes with a unit.",
	}, a.bindCarnet)
	handle(a, operation{
		id: "get-carnet-journal", method: get, path: "/api/v1/carnets/{number}/journal", tag: "carnets", access: web.SignedIn, errors: []int{notFound},
		summary: "The journal of a carnet, to keep, to print and to check",
		detail: "Each entry bears the SHA-256 of its text, which begins with the hash of the entry before: a change to one shows in all that follow. " +
			"corridor verify --journal FILE checks the JSON, sha256sum a line of the text.",
		content: a.journalContent(),
	}, a.carnetJournal)
	handle(a, operation{
		id: "check-journal-entry", method: get, path: "/api/v1/journals/{hash}", tag: "carnets", access: web.Public, errors: []int{notFound, http.StatusTooManyRequests},
		summary: "Whether a printed journal is one of this server's",
		detail:  "To whoever has the paper, with its hash. The code printed on it leads here.",
		content: map[string]*huma.MediaType{
			"application/json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[paperView](), true, "")},
			"text/html":        {Schema: &huma.Schema{Type: huma.TypeString, Description: "The same as a page"}},
		},
	}, a.checkPaper)
}
