package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

// A manifest is a CSV file of shipments to be opened, a row each, with a header.

const (
	mostRows        = 500
	maxManifestBody = 2 << 20
	// manifestTime is how long one request may plan; what it does not come to is told.
	manifestTime = 80 * time.Second
)

// row is a line of a manifest by column.
type row struct {
	line  int
	cells map[string]string
}

// refusedRow is a line that was not taken, and why.
type refusedRow struct {
	Line   int    `json:"line" doc:"From 1, as an editor counts"`
	Column string `json:"column,omitempty" doc:"The column at fault"`
	Reason string `json:"reason"`
}

// columns are those a manifest may have, with what they mean.
func columns() [][2]string {
	out := [][2]string{
		{"reference", "the shipper's own number; a shipment that has it already is not opened again"},
		{"origin", "UN/LOCODE, name or lat,lon"},
		{"destination", "as origin"},
		{"weight_kg", ""},
		{"volume_m3", ""},
		{"cargo_unit", "FTL, LTL, 20GP, 40GP, 40HC, 45HC, 40RF, LCL or air; empty: FTL"},
		{"hs", ""},
		{"dg", ""},
		{"un", ""},
		{"temp_min_c", ""},
		{"temp_max_c", ""},
		{"value", ""},
		{"currency", "of the value; empty: USD"},
		{"depart", "RFC 3339 or a date; empty: now"},
		{"arrive_by", ""},
		{"promise", "empty: arrive_by, or the P90 arrival of the plan"},
		{"modes", "sea, rail, road, air separated by spaces; empty: all"},
		{"choose", "cheapest, fastest, lowest-co2e, or a corridor such as road-tir; empty: cheapest"},
		{"owner", "the shipper's id, for dispatchers and administrators; empty: who sends the file"},
		{"carrier", "id, together with unit"},
		{"unit", "that reports for it"},
	}
	for _, k := range tracking.ReferenceKinds() {
		if k != "order" && k != "other" {
			out = append(out, [2]string{string(k), "number of the shipment, checked"})
		}
	}
	return out
}

func manifestDetail() string {
	text := "A header and at most 500 rows, separated by commas, semicolons or tabs, in UTF-8. Each row is planned and opened by itself: one that makes no sense " +
		"is refused with its line and column and costs the others nothing. Sending the file again opens nothing twice: a reference is opened once for an owner. Columns: "
	for i, c := range columns() {
		if i > 0 {
			text += "; "
		}
		text += c[0]
		if c[1] != "" {
			text += " (" + c[1] + ")"
		}
	}
	return text + "."
}

// readManifest reads rows; those that cannot be read are refused by line. first is the
// number of the line the header is on. The error is about the whole file.
func readManifest(b []byte, first int) ([]row, []refusedRow, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !utf8.Valid(b) {
		return nil, nil, errors.New("the file is not UTF-8: save it as CSV UTF-8")
	}
	head, _, _ := bytes.Cut(b, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	switch { // spreadsheets of many countries write semicolons or tabs
	case bytes.IndexByte(head, ',') >= 0:
	case bytes.IndexByte(head, ';') >= 0:
		r.Comma = ';'
	case bytes.IndexByte(head, '\t') >= 0:
		r.Comma = '\t'
	}
	header, err := r.Read()
	if err != nil {
		return nil, nil, errors.New("the first line is a header with names of columns, such as reference,origin,destination,weight_kg")
	}
	known := columns()
	names := make([]string, len(header))
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		if h == "" {
			continue
		}
		if !slices.ContainsFunc(known, func(c [2]string) bool { return c[0] == h }) {
			all := make([]string, len(known))
			for i, c := range known {
				all[i] = c[0]
			}
			return nil, nil, fmt.Errorf("column %q is not known; use %s", clip(h), strings.Join(all, ", "))
		}
		if slices.Contains(names[:i], h) {
			return nil, nil, fmt.Errorf("column %q is there twice", h)
		}
		names[i] = h
	}
	for _, need := range []string{"origin", "destination", "weight_kg"} {
		if !slices.Contains(names, need) {
			return nil, nil, fmt.Errorf("there is no column %q", need)
		}
	}
	var rows []row
	refused := []refusedRow{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, refused, nil
		}
		var bad *csv.ParseError
		switch {
		case errors.As(err, &bad):
			refused = append(refused, refusedRow{Line: bad.StartLine + first - 1, Reason: "the quotes of the line do not match"})
			continue
		case err != nil:
			return nil, nil, err
		}
		line, _ := r.FieldPos(0)
		line += first - 1
		if len(rows)+len(refused) >= mostRows {
			return nil, nil, fmt.Errorf("more than %d rows: send them in parts", mostRows)
		}
		x := row{line: line, cells: map[string]string{}}
		empty, over := true, false
		for i, c := range cells {
			c = strings.TrimSpace(c)
			if c == "" {
				continue
			}
			empty = false
			if i >= len(names) || names[i] == "" {
				over = true
				continue
			}
			x.cells[names[i]] = c
		}
		if over {
			refused = append(refused, refusedRow{Line: line, Reason: fmt.Sprintf("a cell stands under no name of a column: the line has %d cells, the header %d", len(cells), len(header))})
			continue
		}
		if !empty {
			rows = append(rows, x)
		}
	}
}

// cellError names the column at fault.
type cellError struct{ column, reason string }

func (e *cellError) Error() string { return e.column + ": " + e.reason }

func wrong(column, format string, args ...any) error {
	return &cellError{column, fmt.Sprintf(format, args...)}
}

// request reads a row into the planner's vocabulary.
func (r row) request(now time.Time) (routing.Request, error) {
	var b planBody
	number := func(column string) (float64, error) {
		s := strings.ReplaceAll(r.cells[column], "\u00a0", "")
		if s == "" {
			return 0, nil
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, wrong(column, "%q is not a number such as 24200 or 0.8", clip(s))
		}
		return v, nil
	}
	for _, c := range []string{"origin", "destination", "weight_kg"} {
		if r.cells[c] == "" {
			return routing.Request{}, wrong(c, "it is empty")
		}
	}
	var err error
	if b.Cargo.WeightKG, err = number("weight_kg"); err != nil {
		return routing.Request{}, err
	}
	if b.Cargo.VolumeM3, err = number("volume_m3"); err != nil {
		return routing.Request{}, err
	}
	value, err := number("value")
	if err != nil {
		return routing.Request{}, err
	}
	if value != 0 {
		currency := strings.ToUpper(r.cells["currency"])
		if currency == "" {
			currency = "USD"
		}
		b.Cargo.Value = &routing.Money{Amount: value, Currency: currency}
	}
	if low, high := r.cells["temp_min_c"], r.cells["temp_max_c"]; low != "" || high != "" {
		if low == "" || high == "" {
			return routing.Request{}, wrong("temp_min_c", "give temp_min_c and temp_max_c together")
		}
		var t [2]float64
		if t[0], err = number("temp_min_c"); err != nil {
			return routing.Request{}, err
		}
		if t[1], err = number("temp_max_c"); err != nil {
			return routing.Request{}, err
		}
		b.Cargo.TempC = &t
	}
	b.Origin, b.Destination, b.Depart, b.ArriveBy = r.cells["origin"], r.cells["destination"], r.cells["depart"], r.cells["arrive_by"]
	b.Cargo.Unit, b.Cargo.HS, b.Cargo.DG, b.Cargo.UN = r.cells["cargo_unit"], r.cells["hs"], r.cells["dg"], r.cells["un"]
	b.Modes = strings.Fields(strings.ReplaceAll(r.cells["modes"], "+", " "))
	q, err := b.request()
	if err == nil && q.Depart.IsZero() {
		q.Depart = now.UTC().Truncate(time.Minute)
	}
	return q, err
}

// choose picks the option a row asks for.
func (r row) choose(plan *routing.Plan) (routing.Option, error) {
	if len(plan.Options) == 0 {
		reason := "no corridor takes these goods"
		if len(plan.Excluded) > 0 {
			reason += ": " + plan.Excluded[0].Reason
		}
		return routing.Option{}, wrong("destination", "%s", reason)
	}
	best := func(less func(a, b *routing.Option) bool) routing.Option {
		k := 0
		for i := range plan.Options {
			if less(&plan.Options[i], &plan.Options[k]) {
				k = i
			}
		}
		return plan.Options[k]
	}
	switch want := r.cells["choose"]; want {
	case "", "cheapest":
		return best(func(a, b *routing.Option) bool { return a.Cost.Total.Amount < b.Cost.Total.Amount }), nil
	case "fastest":
		return best(func(a, b *routing.Option) bool { return a.TransitHours.P50 < b.TransitHours.P50 }), nil
	case "lowest-co2e":
		return best(func(a, b *routing.Option) bool { return a.CO2eKG < b.CO2eKG }), nil
	default:
		if i := slices.IndexFunc(plan.Options, func(o routing.Option) bool { return o.Corridor == want || o.ID == want }); i >= 0 {
			return plan.Options[i], nil
		}
		for _, x := range plan.Excluded {
			if x.Corridor == want {
				return routing.Option{}, wrong("choose", "%s is left out: %s", want, x.Reason)
			}
		}
		var have []string
		for _, o := range plan.Options {
			if !slices.Contains(have, o.Corridor) {
				have = append(have, o.Corridor)
			}
		}
		return routing.Option{}, wrong("choose", "%q is not among cheapest, fastest, lowest-co2e and the corridors there are: %s", clip(want), strings.Join(have, ", "))
	}
}

type manifestInput struct {
	Line int  `query:"line" minimum:"1" maximum:"10000000" default:"1" doc:"Number of the line the header is on, where the file is a part of a longer one"`
	Dry  bool `query:"dry" doc:"Read, plan and check, and open nothing"`
}

type openedRow struct {
	Line      int                 `json:"line"`
	ID        tracking.ShipmentID `json:"id,omitempty" doc:"Left out of a dry run"`
	Reference string              `json:"reference,omitempty"`
	Corridor  string              `json:"corridor"`
	Promise   time.Time           `json:"promise"`
}

type manifestOutput struct {
	Body struct {
		Opened  []openedRow  `json:"opened" nullable:"false" doc:"In the order of the file"`
		Refused []refusedRow `json:"refused" nullable:"false" doc:"In the order of the file; they cost the others nothing"`
	}
}

// importShipments opens a shipment for each row of a manifest.
func (a *api) importShipments(ctx context.Context, in *manifestInput) (*manifestOutput, error) {
	_, r := web.Exchange(ctx)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	rows, refused, err := readManifest(body, max(1, in.Line))
	if err != nil {
		return nil, web.NewProblem(http.StatusUnprocessableEntity, "manifest", err.Error())
	}
	out := &manifestOutput{}
	out.Body.Opened, out.Body.Refused = []openedRow{}, refused
	ctx, done, err := a.plansTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), manifestTime)
	defer cancel()
	context.AfterFunc(r.Context(), cancel)
	m := importing{api: a, ctx: ctx, dry: in.Dry, plans: map[string]planned{}, known: map[string]string{}}
	for _, s := range a.Tracker.Shipments(viewer(ctx)) {
		if s.Reference != "" && s.Status != tracking.Cancelled {
			m.known[string(s.Owner)+"\n"+s.Reference] = "it is shipment " + string(s.ID)
		}
	}
	for _, x := range rows {
		if ctx.Err() != nil {
			out.Body.Refused = append(out.Body.Refused, refusedRow{Line: x.line, Reason: "there was no time left for it: send it again"})
			continue
		}
		opened, err := m.open(x)
		if err == nil {
			out.Body.Opened = append(out.Body.Opened, opened)
			continue
		}
		f := refusedRow{Line: x.line}
		var cell *cellError
		var input *routing.InputError
		var place *geodata.UnknownPlaceError
		p := web.ProblemOf(err)
		switch {
		case errors.As(err, &cell):
			f.Column, f.Reason = cell.column, cell.reason
		case errors.As(err, &place):
			f.Column, f.Reason = "destination", p.Detail
			if place.Query == x.cells["origin"] {
				f.Column = "origin"
			}
		case errors.As(err, &input):
			f.Column, f.Reason = columnOf(input.Field), input.Message
		case p.Status >= 500 && ctx.Err() == nil:
			return nil, err
		default:
			f.Reason = p.Detail
		}
		out.Body.Refused = append(out.Body.Refused, f)
	}
	slices.SortStableFunc(out.Body.Refused, func(x, y refusedRow) int { return x.Line - y.Line })
	for range out.Body.Refused {
		a.server.CountRefusals("shipment", "manifest", 1)
	}
	return out, nil
}

// columnOf is the column of a manifest that a field of a request comes from.
func columnOf(field string) string {
	field = strings.TrimPrefix(field, "cargo.")
	switch {
	case field == "unit":
		return "cargo_unit"
	case strings.HasPrefix(field, "temp"):
		return "temp_min_c"
	case strings.HasPrefix(field, "modes"):
		return "modes"
	case strings.HasPrefix(field, "value"):
		return "value"
	}
	return field
}

type planned struct {
	plan routing.Plan
	err  error
}

// importing is one manifest being opened.
type importing struct {
	*api
	ctx   context.Context
	dry   bool
	plans map[string]planned // rows that ask the same share a plan
	known map[string]string  // owner and reference of what there is, with the words for it
}

func (m *importing) plan(q routing.Request) (routing.Plan, error) {
	key, err := json.Marshal(q)
	if err != nil {
		return routing.Plan{}, err
	}
	if p, ok := m.plans[string(key)]; ok {
		return p.plan, p.err
	}
	plan, err := m.Planner.Plan(m.ctx, q, m.Conditions)
	if err == nil {
		plan.ID, plan.Created = strings.ToLower(rand.Text()), m.Clock().UTC()
		if !m.dry {
			err = m.Plans.SavePlan(m.ctx, viewer(m.ctx).ID, plan)
		}
	}
	m.plans[string(key)] = planned{plan, err}
	return plan, err
}

func (m *importing) open(x row) (openedRow, error) {
	out := openedRow{Line: x.line, Reference: x.cells["reference"]}
	if err := checkText("reference", out.Reference, 100); err != nil {
		return out, err
	}
	owner, err := m.ownerOf(x)
	if err != nil {
		return out, err
	}
	if was := m.known[string(owner)+"\n"+out.Reference]; out.Reference != "" && was != "" {
		return out, wrong("reference", "%s was opened before: %s", out.Reference, was)
	}
	d := tracking.Dossier{}
	for _, k := range tracking.ReferenceKinds() {
		if n := x.cells[string(k)]; n != "" {
			d.References = append(d.References, tracking.Reference{Kind: k, Number: n})
		}
	}
	for i := range d.References { // each by itself, so that the column is known
		if _, err := tracking.ValidateDossier(tracking.Dossier{References: d.References[i : i+1]}); err != nil {
			var bad *tracking.FieldError
			if errors.As(err, &bad) {
				return out, wrong(string(d.References[i].Kind), "%s", bad.Err.Reason)
			}
			return out, err
		}
	}
	if d, err = tracking.ValidateDossier(d); err != nil {
		return out, err
	}
	carrier, unit := tracking.PartyID(x.cells["carrier"]), tracking.UnitID(x.cells["unit"])
	if err := m.checkAssignment(carrier, unit, true); err != nil {
		return out, err
	}
	q, err := x.request(m.Clock())
	if err != nil {
		return out, err
	}
	plan, err := m.plan(q)
	if err != nil {
		return out, err
	}
	option, err := x.choose(&plan)
	if err != nil {
		return out, err
	}
	out.Corridor, out.Promise = option.Corridor, option.Arrive.P90
	if q.ArriveBy != nil {
		out.Promise = *q.ArriveBy
	}
	if s := x.cells["promise"]; s != "" {
		if out.Promise, err = moment("promise", s); err != nil {
			return out, err
		}
		if out.Promise.Before(option.Depart) {
			return out, wrong("promise", "it lies before the departure")
		}
	}
	out.Promise = out.Promise.Round(time.Second)
	if m.dry {
		m.known[string(owner)+"\n"+out.Reference] = fmt.Sprintf("it is on line %d", x.line)
		return out, nil
	}
	promise := out.Promise
	s, err := m.Tracker.OpenShipment(m.ctx, tracking.Shipment{
		Reference: out.Reference, Owner: owner, Carrier: carrier, Unit: unit, PlanID: plan.ID, Request: plan.Request, Option: option,
		Origin: plan.Origin, Destination: plan.Destination, Promise: &promise, Dossier: d,
	})
	if err != nil {
		return out, err
	}
	out.ID = s.ID
	m.known[string(owner)+"\n"+out.Reference] = "it is shipment " + string(s.ID)
	return out, nil
}

func (m *importing) ownerOf(x row) (tracking.PartyID, error) {
	v, wanted := viewer(m.ctx), tracking.PartyID(x.cells["owner"])
	switch {
	case wanted == "" || wanted == v.ID:
		return v.ID, nil
	case v.Role == tracking.Shipper:
		return "", wrong("owner", "a shipper opens shipments of its own only: leave it empty")
	}
	if p, ok := m.Parties.Party(wanted); !ok || p.Role == tracking.Carrier {
		return "", wrong("owner", "there is no shipper %q", clip(string(wanted)))
	}
	return wanted, nil
}
