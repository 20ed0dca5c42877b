package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
	"corridor/web/api"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

type harness struct {
	t *testing.T
	*web.Server
	world   *world
	metrics *prometheus.Registry
	secret  map[tracking.Role]string
	party   map[tracking.Role]tracking.PartyID
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{
		t: t, world: newWorld(), metrics: prometheus.NewRegistry(),
		secret: map[tracking.Role]string{}, party: map[tracking.Role]tracking.PartyID{},
	}
	server, err := web.New(web.Config{
		Keys: h.world, SessionKey: make([]byte, 32), Clock: h.world.clock, Logger: slog.New(slog.DiscardHandler), Metrics: h.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Server = server
	api.Mount(server, api.Config{
		Planner: planner{h.world}, Commerce: shop{}, Conditions: calm{}, Plans: plans{h.world}, Places: places{}, Parties: h.world, Tracker: h.world, Carnets: &carnetDesk{h.world, tracking.NewState()}, TIR: pact{},
		Rules: []routing.Rule{{ID: "TIR-1", Topic: "TIR", Text: "Parties only.", Origin: geodata.Origin{Kind: "P", Confidence: "H", Source: "TIR Convention"}}},
		Borders: []geodata.BorderPost{
			{ID: "KHO-NUR", Name: "Khorgos–Nur Zholy", Countries: [2]geodata.Country{"CN", "KZ"}, Modes: []geodata.Mode{geodata.Road}, Dwell: geodata.Dwell{P50: 12, P90: 48}, TIR: geodata.Yes, TIROrigin: geodata.Origin{Kind: "K", Source: "general knowledge"}, Hours: "09:00-18:00", Point: orb.Point{80.4, 44.2}, Sides: [2]orb.Point{{80.41, 44.2}, {80.39, 44.21}}},
			{ID: "NAR-IVA", Name: "Narva–Ivangorod", Countries: [2]geodata.Country{"EE", "RU"}, Modes: []geodata.Mode{geodata.Road}, Closed: true},
			{ID: "ERE-ZAM", Name: "Erenhot–Zamyn-Uud", Countries: [2]geodata.Country{"CN", "MN"}, Modes: []geodata.Mode{geodata.Rail}},
		},
		Clock: h.world.clock, Version: "test",
	})
	for _, role := range []tracking.Role{tracking.Admin, tracking.Dispatcher, tracking.Shipper, tracking.Carrier} {
		h.party[role], h.secret[role] = h.newParty(role)
	}
	return h
}

func (h *harness) newParty(role tracking.Role) (tracking.PartyID, string) {
	p, err := h.world.CreateParty(context.Background(), "The "+string(role), role)
	if err != nil {
		h.t.Fatal(err)
	}
	_, secret, err := h.world.IssueKey(context.Background(), p.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return p.ID, secret
}

// answer is a response with its body read as JSON.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body.Bytes(), v); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
}

func (a answer) problem() web.Problem {
	a.t.Helper()
	var p web.Problem
	if ct := a.Header().Get("Content-Type"); ct != "application/problem+json" {
		a.t.Fatalf("Content-Type %q: %s", ct, a.Body)
	}
	a.into(&p)
	return p
}

func (h *harness) do(secret, method, path, body string, header ...string) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w, h.t}
}

func (h *harness) as(role tracking.Role, method, path, body string, header ...string) answer {
	h.t.Helper()
	return h.do(h.secret[role], method, path, body, header...)
}

func (h *harness) must(status int, a answer) answer {
	h.t.Helper()
	if a.Code != status {
		h.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	return a
}

const planQingdaoMoscow = `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":24200,"unit":"FTL"},"depart":"2026-12-01"}`

func (h *harness) plan(role tracking.Role) string {
	h.t.Helper()
	var p struct{ ID string }
	h.must(201, h.as(role, "POST", "/api/v1/plans", planQingdaoMoscow)).into(&p)
	return p.ID
}

func (h *harness) shipment(role tracking.Role, extra string) tracking.ShipmentID {
	h.t.Helper()
	var s struct{ ID tracking.ShipmentID }
	h.must(201, h.as(role, "POST", "/api/v1/shipments", fmt.Sprintf(`{"plan_id":%q,"option_id":"road-tir"%s}`, h.plan(role), extra))).into(&s)
	return s.ID
}

// TestRoutesAndRoles walks the table of routes with every role. The golden file
// is the table as a reader wants to see it: a change of it is a change of who may
// do what. Write it anew with: go test ./web/api -run RoutesAndRoles -update
func TestRoutesAndRoles(t *testing.T) {
	h := newHarness(t)
	roles := []tracking.Role{tracking.Admin, tracking.Dispatcher, tracking.Shipper, tracking.Carrier}
	var table strings.Builder
	fmt.Fprintf(&table, "%-7s %-34s %-7s", "method", "path", "nobody")
	for _, r := range roles {
		fmt.Fprintf(&table, " %-10s", r)
	}
	table.WriteString("\n")
	routes := h.Routes()
	slices.SortFunc(routes, func(a, b web.Route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	for _, rt := range routes {
		target := parameter.ReplaceAllString(rt.Path, "nothing-there")
		try := func(secret string) string {
			// An empty body of the right type gets past the guard and no further.
			w := h.do(secret, rt.Method, target, " ")
			switch w.Code {
			case 401, 403:
				if p := w.problem(); p.Code != "role" && p.Code != "not-signed-in" {
					t.Errorf("%s %s: refused with %s", rt.Method, rt.Path, p.Code)
				}
				return fmt.Sprint(w.Code)
			case 500:
				t.Errorf("%s %s: %s", rt.Method, rt.Path, w.Body)
			}
			return "yes"
		}
		fmt.Fprintf(&table, "%-7s %-34s %-7s", rt.Method, rt.Path, try(""))
		for _, role := range roles {
			fmt.Fprintf(&table, " %-10s", try(h.secret[role]))
		}
		table.WriteString("\n")
	}
	trimmed := regexp.MustCompile(` +\n`).ReplaceAllString(table.String(), "\n")
	golden(t, "roles.txt", []byte(trimmed))
}

// TestOpenAPI compares the document with the golden one, since others generate
// clients from it. Write it anew with: go test ./web/api -run OpenAPI -update
func TestOpenAPI(t *testing.T) {
	h := newHarness(t)
	w := h.must(200, h.do("", "GET", "/openapi.json", ""))
	var buf bytes.Buffer
	if err := json.Indent(&buf, w.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	buf.WriteByte('\n')
	golden(t, "openapi.json", buf.Bytes())

	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]json.RawMessage
			}
		}
	}
	w.into(&doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("version %q", doc.OpenAPI)
	}
	for _, rt := range h.Routes() {
		if rt.Path == "/openapi.json" {
			continue
		}
		op, ok := doc.Paths[rt.Path][strings.ToLower(rt.Method)]
		if !ok {
			t.Errorf("%s %s is served and not described", rt.Method, rt.Path)
		}
		if rt.Access&web.Public == 0 && op.Responses["401"].Content["application/problem+json"] == nil {
			t.Errorf("%s %s does not say how it refuses", rt.Method, rt.Path)
		}
	}
	if strings.Contains(w.Body.String(), "ErrorModel") {
		t.Error("the framework's errors are in the document")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			was := "(end)"
			if i < len(w) {
				was = w[i]
			}
			t.Fatalf("%s differs from line %d on:\n got %s\nwant %s\nIf that is meant, run this test with -update and review the diff.", path, i+1, g[i], was)
		}
	}
	t.Fatalf("%s is longer than what was made", path)
}

func TestPlan(t *testing.T) {
	h := newHarness(t)
	w := h.must(201, h.as(tracking.Shipper, "POST", "/api/v1/plans", planQingdaoMoscow))
	var plan struct {
		ID      string
		Created time.Time
		Options []struct{ ID, Corridor string }
	}
	w.into(&plan)
	if len(plan.ID) < 20 || len(plan.Options) != 2 || !plan.Created.Equal(h.world.now) {
		t.Errorf("plan %+v", plan)
	}
	if got := w.Header().Get("Location"); got != "/api/v1/plans/"+plan.ID {
		t.Errorf("Location %q", got)
	}
	if r := h.world.requests[0]; !r.Depart.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || r.Cargo.WeightKG != 24200 {
		t.Errorf("request %+v", r)
	}
	again := h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/plans/"+plan.ID, ""))
	if again.Body.String() != w.Body.String() {
		t.Error("the plan reads otherwise than it was answered")
	}
	for format, says := range map[string][2]string{
		"json": {"application/json", `"options"`}, "geojson": {"application/geo+json", "FeatureCollection"},
		"csv": {"text/csv", "rank,option"}, "html": {"text/html", "<h1>"},
	} {
		r := h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/plans/"+plan.ID+"?format="+format, ""))
		if !strings.HasPrefix(r.Header().Get("Content-Type"), says[0]) || !strings.Contains(r.Body.String(), says[1]) {
			t.Errorf("%s: %s %.80s", format, r.Header().Get("Content-Type"), r.Body)
		}
	}
	h.must(422, h.as(tracking.Shipper, "GET", "/api/v1/plans/"+plan.ID+"?format=pdf", ""))
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/plans/"+plan.ID, ""))
	_, other := h.newParty(tracking.Shipper)
	h.must(404, h.do(other, "GET", "/api/v1/plans/"+plan.ID, ""))

	h.must(201, h.as(tracking.Shipper, "POST", "/api/v1/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1}}`))
	if r := h.world.requests[1]; !r.Depart.Equal(h.world.now) {
		t.Errorf("left out, depart is %v", r.Depart)
	}
}

// shop answers one way for whatever is asked, and refuses what has no orders.
type shop struct{}

func (shop) Compare(_ context.Context, r routing.CommerceRequest) (routing.CommerceComparison, error) {
	if r.Orders <= 0 {
		return routing.CommerceComparison{}, &routing.InputError{Field: "orders_per_year", Message: "it must be above 0"}
	}
	return routing.CommerceComparison{Request: r, Ways: []routing.CommerceWay{{Mode: "1210"}}}, nil
}

func TestEcommerce(t *testing.T) {
	h := newHarness(t)
	body := `{"origin":"KRINC","destination":"CNTAO","orders_per_year":1000,"weight_kg":1,"volume_m3":0.01,"value":{"amount":40,"currency":"USD"},"depart":"2026-12-01"}`
	var got routing.CommerceComparison
	h.must(200, h.as(tracking.Shipper, "POST", "/api/v1/ecommerce", body)).into(&got)
	if len(got.Ways) != 1 || got.Request.Orders != 1000 || got.Request.Value.Amount != 40 || got.Request.Depart.Day() != 1 {
		t.Errorf("%+v", got)
	}
	bad := h.must(422, h.as(tracking.Shipper, "POST", "/api/v1/ecommerce", strings.Replace(body, "1000", "0", 1)))
	if !strings.Contains(bad.Body.String(), "orders_per_year") {
		t.Errorf("the fault is not named: %s", bad.Body)
	}
	h.must(403, h.as(tracking.Carrier, "POST", "/api/v1/ecommerce", body))
}

func TestRules(t *testing.T) {
	h := newHarness(t)
	var got struct{ Rules []routing.Rule }
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/rules", "")).into(&got)
	if len(got.Rules) != 1 || got.Rules[0].ID != "TIR-1" || got.Rules[0].Origin.Source == "" {
		t.Errorf("%+v", got.Rules)
	}
}

// TestBadInput is the table of what comes in wrong: each with its status, a code
// to count it by and the place of the fault.
func TestBadInput(t *testing.T) {
	h := newHarness(t)
	plan := h.plan(tracking.Shipper)
	otherPlan := h.plan(tracking.Admin)
	h.world.units["THEIRS"] = &tracking.UnitState{Unit: "THEIRS", Carrier: "someone"}
	carrier := string(h.party[tracking.Carrier])
	cargo := func(s string) string { return `{"origin":"CNTAO","destination":"RUMOW","cargo":` + s + `}` }
	open := func(s string) string { return `{"plan_id":"` + plan + `"` + s + `}` }
	for _, tt := range []struct {
		name, method, path, body string
		role                     tracking.Role
		status                   int
		code, location           string
	}{
		{"unknown place", "POST", "/plans", `{"origin":"Qindao","destination":"RUMOW","cargo":{"weight_kg":1}}`, "shipper", 422, "unknown-place", ""},
		{"negative weight", "POST", "/plans", cargo(`{"weight_kg":-1}`), "shipper", 422, "input", "body.cargo.weight_kg"},
		{"weight in words", "POST", "/plans", cargo(`{"weight_kg":"heavy"}`), "shipper", 422, "input", "body.cargo.weight_kg"},
		{"no cargo", "POST", "/plans", `{"origin":"CNTAO","destination":"RUMOW"}`, "shipper", 422, "input", "body"},
		{"misspelt field", "POST", "/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1},"avoids":[]}`, "shipper", 422, "input", "body.avoids"},
		{"unknown mode", "POST", "/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1},"modes":["barge"]}`, "shipper", 422, "input", "body.modes[0]"},
		{"no date", "POST", "/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1},"depart":"soon"}`, "shipper", 422, "input", "body.depart"},
		{"truncated", "POST", "/plans", `{"origin":"CNTAO","dest`, "shipper", 400, "malformed", "body"},
		{"nothing", "POST", "/plans", "", "shipper", 400, "malformed", ""},
		{"long body", "POST", "/plans", `{"origin":"` + strings.Repeat("x", 70_000) + `"}`, "shipper", 413, "too-large", ""},
		{"plan that is not there", "GET", "/plans/none", "", "shipper", 404, "not-found", ""},
		{"no query", "GET", "/places", "", "shipper", 422, "input", "query.q"},
		{"limit", "GET", "/places?q=a&limit=0", "", "shipper", 422, "input", "query.limit"},
		{"shipment of no plan", "POST", "/shipments", `{"plan_id":"none","option":0}`, "shipper", 422, "input", "body.plan_id"},
		{"shipment of another's plan", "POST", "/shipments", `{"plan_id":"` + otherPlan + `","option":0}`, "shipper", 422, "input", "body.plan_id"},
		{"no option", "POST", "/shipments", open(``), "shipper", 422, "input", "body.option_id"},
		{"two options", "POST", "/shipments", open(`,"option":0,"option_id":"rail"`), "shipper", 422, "input", "body.option_id"},
		{"unknown option", "POST", "/shipments", open(`,"option_id":"balloon"`), "shipper", 422, "input", "body.option_id"},
		{"option out of range", "POST", "/shipments", open(`,"option":2`), "shipper", 422, "input", "body.option"},
		{"negative option", "POST", "/shipments", open(`,"option":-1`), "shipper", 422, "input", "body.option"},
		{"another's shipment", "POST", "/shipments", open(`,"option":0,"owner":"p1"`), "shipper", 403, "role", ""},
		{"unit without carrier", "POST", "/shipments", open(`,"option":0,"unit":"T1"`), "shipper", 422, "input", "body.unit"},
		{"unknown carrier", "POST", "/shipments", open(`,"option":0,"unit":"T1","carrier":"nobody"`), "shipper", 422, "input", "body.carrier"},
		{"another carrier's unit", "POST", "/shipments", open(`,"option":0,"unit":"THEIRS","carrier":"` + carrier + `"`), "shipper", 409, "conflict", ""},
		{"promise before departure", "POST", "/shipments", open(`,"option":0,"promise":"2020-01-01"`), "shipper", 422, "input", "body.promise"},
		{"control characters", "POST", "/shipments", open(`,"option":0,"reference":"a\u0007b"`), "shipper", 422, "input", "body.reference"},
		{"positions as a form", "POST", "/positions", "", "carrier", 415, "content-type", ""},
		{"positions truncated", "POST", "/positions", `[{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120},{"uni`, "carrier", 400, "malformed", ""},
		{"too many positions", "POST", "/positions", "[" + strings.TrimSuffix(strings.Repeat(`{"unit":"T","time":"2026-11-23T11:00:00Z","lat":1,"lon":1},`, 10_001), ",") + "]", "carrier", 413, "too-many-positions", ""},
		{"positions for another", "POST", "/positions?carrier=p1", `[]`, "carrier", 403, "role", ""},
		{"nameless carrier", "POST", "/carriers", `{"name":"  "}`, "admin", 422, "input", "body.name"},
		{"unknown role", "POST", "/parties", `{"name":"X","role":"king"}`, "admin", 422, "input", "body.role"},
		{"key of nobody", "POST", "/carriers/none/keys", "", "admin", 404, "not-found", ""},
		{"key of a shipper as a carrier's", "POST", "/carriers/" + string(h.party[tracking.Shipper]) + "/keys", "", "admin", 404, "not-found", ""},
		{"method", "DELETE", "/plans", "", "admin", 405, "method", ""},
		{"route", "GET", "/nowhere", "", "admin", 404, "no-such-route", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := refusals(t, h.metrics, "request", tt.code)
			var header []string
			if tt.code == "content-type" {
				header = []string{"Content-Type", "application/x-www-form-urlencoded"}
			} else if tt.body == "" && tt.method == "POST" {
				header = []string{"Content-Type", "application/json"}
			}
			w := h.as(tt.role, tt.method, "/api/v1"+tt.path, tt.body, header...)
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			p := w.problem()
			if p.Code != tt.code || p.Status != tt.status || p.Detail == "" {
				t.Errorf("problem %+v, want code %s", p, tt.code)
			}
			if tt.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != tt.location) {
				t.Errorf("errors %+v, want one at %s", p.Errors, tt.location)
			}
			if w.Body.Len() > 2000 {
				t.Errorf("the refusal has %d bytes: it echoes the request", w.Body.Len())
			}
			if after := refusals(t, h.metrics, "request", tt.code); after != before+1 {
				t.Errorf("counted %v times", after-before)
			}
		})
	}
	if p := h.as(tracking.Shipper, "POST", "/api/v1/plans", `{"origin":"Qindao","destination":"RUMOW","cargo":{"weight_kg":1}}`).problem(); len(p.Suggestions) != 1 || p.Suggestions[0].Code != "CNTAO" {
		t.Errorf("suggestions %+v", p.Suggestions)
	}
}

func refusals(t *testing.T, reg *prometheus.Registry, kind, code string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "corridor_refusals_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["kind"] == kind && labels["code"] == code {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func TestPositions(t *testing.T) {
	h := newHarness(t)
	h.world.units["THEIRS"] = &tracking.UnitState{Unit: "THEIRS", Carrier: "someone"}
	body := `[
		{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36.07,"lon":120.32,"speed_kmh":62},
		{"unit":"T1","time":"2026-11-23T11:01:00Z","lat":91,"lon":120.32},
		{"unit":"T1","lat":36,"lon":120},
		{"unit":"THEIRS","time":"2026-11-23T11:00:00Z","lat":36,"lon":120},
		{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36.07,"lon":120.32},
		{"unit":"T2","time":"2026-11-23T11:02:00Z","lat":36.08,"lon":120.30}]`
	var r tracking.Receipt
	h.must(200, h.as(tracking.Carrier, "POST", "/api/v1/positions?mode=rail&simulated=true", body)).into(&r)
	if r.Stored != 2 || r.Duplicates != 1 || len(r.Refused) != 3 {
		t.Fatalf("receipt %+v", r)
	}
	var indexes []int
	for _, f := range r.Refused {
		indexes = append(indexes, f.Index)
		if f.Reason == "" || refusals(t, h.metrics, "position", f.Code) != 1 {
			t.Errorf("refusal %+v was counted %v times", f, refusals(t, h.metrics, "position", f.Code))
		}
	}
	if !slices.Equal(indexes, []int{1, 2, 3}) {
		t.Errorf("refused %v, want 1, 2, 3: what decoding and what the tracker refuse, in one order", indexes)
	}
	if h.world.options != (tracking.AcceptOptions{Mode: geodata.Rail, Simulated: true}) {
		t.Errorf("options %+v", h.world.options)
	}

	lines := `{"unit":"T3","time":"2026-11-23T11:00:00Z","lat":36,"lon":120}` + "\n" + `{"unit":"T3","time":"2026-11-23T11:0` + "\n" +
		`{"unit":"T3","time":"2026-11-23T11:05:00Z","lat":36,"lon":120}`
	h.must(200, h.as(tracking.Carrier, "POST", "/api/v1/positions", lines, "Content-Type", "application/x-ndjson")).into(&r)
	if r.Stored != 2 || len(r.Refused) != 1 || r.Refused[0].Index != 1 {
		t.Errorf("a broken line cost its neighbours: %+v", r)
	}

	w := h.must(200, h.as(tracking.Carrier, "POST", "/api/v1/positions", `[]`))
	if got := strings.TrimSpace(w.Body.String()); got != `{"stored":0,"duplicates":0,"refused":[]}` {
		t.Errorf("an empty batch: %s", got)
	}

	h.world.fail = tracking.ErrFull
	if w := h.must(507, h.as(tracking.Carrier, "POST", "/api/v1/positions", `[{"unit":"T1","time":"2026-11-23T11:09:00Z","lat":36,"lon":120}]`)); w.Header().Get("Retry-After") == "" {
		t.Error("a full log does not say when to come back")
	}
}

func TestAnAdministratorReportsForWhoeverHasTheUnit(t *testing.T) {
	h := newHarness(t)
	carrier := h.party[tracking.Carrier]
	h.world.units["T1"] = &tracking.UnitState{Unit: "T1", Carrier: carrier}
	body := `[{"unit":"NEW","time":"2026-11-23T11:00:00Z","lat":36,"lon":120},{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":95,"lon":120},
		{"unit":"T1","time":"2026-11-23T11:01:00Z","lat":36,"lon":120}]`
	var r tracking.Receipt
	h.must(200, h.as(tracking.Admin, "POST", "/api/v1/positions", body)).into(&r)
	if r.Stored != 2 || len(r.Refused) != 1 || r.Refused[0].Index != 1 {
		t.Errorf("receipt %+v", r)
	}
	if h.world.units["T1"].Carrier != carrier || h.world.units["NEW"].Carrier != h.party[tracking.Admin] {
		t.Errorf("units %+v %+v", h.world.units["T1"], h.world.units["NEW"])
	}
	h.must(200, h.as(tracking.Admin, "POST", "/api/v1/positions?carrier="+string(carrier), strings.ReplaceAll(body, "NEW", "NEWER")))
	if h.world.units["NEWER"].Carrier != carrier {
		t.Errorf("unit %+v", h.world.units["NEWER"])
	}
	h.must(422, h.as(tracking.Admin, "POST", "/api/v1/positions?carrier=nobody", body))
}

func TestShipments(t *testing.T) {
	h := newHarness(t)
	carrier := string(h.party[tracking.Carrier])
	id := h.shipment(tracking.Shipper, `,"reference":" PO-1 ","carrier":"`+carrier+`","unit":"T1"`)
	s, err := h.world.Shipment(id)
	if err != nil {
		t.Fatal(err)
	}
	if s.Owner != h.party[tracking.Shipper] || s.Reference != "PO-1" || s.Unit != "T1" || string(s.Carrier) != carrier || s.Option.ID != "road-tir" {
		t.Errorf("shipment %+v", s)
	}
	if s.Promise == nil || !s.Promise.Equal(s.Option.Arrive.P90.Round(time.Second)) {
		t.Errorf("promise %v, want P90 %v", s.Promise, s.Option.Arrive.P90)
	}

	// Whose it is decides who finds it, on every path below it.
	_, otherShipper := h.newParty(tracking.Shipper)
	for _, path := range []string{"", "/track", "/events", "/eta"} {
		path = "/api/v1/shipments/" + string(id) + path
		want := 200
		if strings.HasSuffix(path, "/eta") {
			want = 404 // nothing reported yet
		}
		h.must(want, h.as(tracking.Shipper, "GET", path, ""))
		h.must(want, h.as(tracking.Dispatcher, "GET", path, ""))
		if p := h.must(404, h.do(otherShipper, "GET", path, "")).problem(); p.Code != "not-found" {
			t.Errorf("%s: another shipper learns %s", path, p.Code)
		}
	}
	h.must(404, h.do(otherShipper, "POST", "/api/v1/shipments/"+string(id)+"/unit", `{"carrier":"`+carrier+`","unit":"T2"}`))

	var list struct {
		Shipments []struct {
			ID                  tracking.ShipmentID
			Origin, Destination string
		}
		Total int
	}
	h.must(200, h.do(otherShipper, "GET", "/api/v1/shipments", "")).into(&list)
	if len(list.Shipments) != 0 {
		t.Errorf("another shipper sees %+v", list)
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/shipments?status=planned", "")).into(&list)
	if len(list.Shipments) != 1 || list.Total != 1 || list.Shipments[0].Origin != "Qingdao" || list.Shipments[0].Destination != "Moscow" {
		t.Errorf("list %+v", list)
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/shipments?offset=1", "")).into(&list)
	if len(list.Shipments) != 0 || list.Total != 1 {
		t.Errorf("second page %+v", list)
	}

	h.must(200, h.as(tracking.Dispatcher, "POST", "/api/v1/shipments/"+string(id)+"/unit", `{"carrier":"`+carrier+`","unit":"T2"}`))
	if s, _ := h.world.Shipment(id); s.Unit != "T2" {
		t.Errorf("assigned %s", s.Unit)
	}

	// The office opens for a shipper.
	forShipper := h.shipment(tracking.Dispatcher, `,"owner":"`+string(h.party[tracking.Shipper])+`"`)
	if s, _ := h.world.Shipment(forShipper); s.Owner != h.party[tracking.Shipper] {
		t.Errorf("owner %s", s.Owner)
	}
}

func TestETAAndEvents(t *testing.T) {
	h := newHarness(t)
	id := h.shipment(tracking.Shipper, "")
	path := "/api/v1/shipments/" + string(id)
	if p := h.must(404, h.as(tracking.Shipper, "GET", path+"/eta", "")).problem(); p.Code != "no-eta" {
		t.Errorf("without a fix: %+v", p)
	}
	odds := 0.8
	h.world.etas[id] = tracking.ETA{Shipment: id, Made: h.world.now, OnTime: &odds}
	var eta tracking.ETA
	h.must(200, h.as(tracking.Shipper, "GET", path+"/eta", "")).into(&eta)
	if eta.OnTime == nil || *eta.OnTime != odds {
		t.Errorf("eta %+v", eta)
	}

	for seq := range uint64(3) {
		for n := range 2 {
			h.world.events = append(h.world.events, tracking.Event{Seq: seq + 1, N: n, Kind: "border-crossed", Shipment: id, Time: h.world.now})
		}
	}
	var seen []string
	after := ""
	for range 10 {
		var page struct {
			Events []tracking.Event
			Next   string
		}
		h.must(200, h.as(tracking.Shipper, "GET", path+"/events?limit=4&after="+after, "")).into(&page)
		if len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			seen = append(seen, fmt.Sprintf("%d.%d", e.Seq, e.N))
		}
		after = page.Next
	}
	if want := []string{"1.0", "1.1", "2.0", "2.1", "3.0", "3.1"}; !slices.Equal(seen, want) {
		t.Errorf("paged through %v, want %v", seen, want)
	}
	h.must(422, h.as(tracking.Shipper, "GET", path+"/events?after=x", ""))
}

func (h *harness) fix(unit tracking.UnitID, at time.Time, lat, lon float64) {
	h.t.Helper()
	_, err := h.world.Accept(context.Background(), h.party[tracking.Carrier], []tracking.Position{{Unit: unit, Time: at, Lat: lat, Lon: lon, SpeedKMH: tracking.Known(60)}}, tracking.AcceptOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestTrackForms(t *testing.T) {
	h := newHarness(t)
	id := h.shipment(tracking.Shipper, `,"carrier":"`+string(h.party[tracking.Carrier])+`","unit":"T1"`)
	path := "/api/v1/shipments/" + string(id) + "/track"
	type geo struct {
		Type     string
		Geometry *struct {
			Type        string
			Coordinates json.RawMessage
		}
		Properties struct {
			Times     []time.Time
			SpeedsKMH []*float64 `json:"speeds_kmh"`
		}
	}
	read := func() (g geo) {
		w := h.must(200, h.as(tracking.Shipper, "GET", path, ""))
		if ct := w.Header().Get("Content-Type"); ct != "application/geo+json" {
			t.Errorf("Content-Type %q", ct)
		}
		w.into(&g)
		return g
	}
	if g := read(); g.Type != "Feature" || g.Geometry != nil || g.Properties.Times == nil {
		t.Errorf("no fix: %+v", g)
	}
	h.fix("T1", h.world.now, 60, 179.5)
	if g := read(); g.Geometry.Type != "Point" || string(g.Geometry.Coordinates) != "[179.5,60]" {
		t.Errorf("one fix: %+v", g)
	}
	h.fix("T1", h.world.now.Add(time.Minute), 60, 179.75)
	if g := read(); g.Geometry.Type != "LineString" || string(g.Geometry.Coordinates) != "[[179.5,60],[179.75,60]]" || len(g.Properties.Times) != 2 || *g.Properties.SpeedsKMH[1] != 60 {
		t.Errorf("two fixes: %+v", g)
	}
	h.fix("T1", h.world.now.Add(2*time.Minute), 60, -179.5)
	if g := read(); g.Geometry.Type != "MultiLineString" || string(g.Geometry.Coordinates) != "[[[179.5,60],[179.75,60]],[[-179.5,60],[-179.5,60]]]" {
		t.Errorf("over the antimeridian: %s", g.Geometry.Coordinates)
	}
	// Where the unit is not believed to have been is listed, and not drawn.
	before := string(h.must(200, h.as(tracking.Shipper, "GET", path, "", "Accept", "application/gpx+xml")).Body.String())
	odd := h.world.fixes["T1"][0]
	odd.Time, odd.Lat = h.world.now.Add(3*time.Minute), -60
	if err := odd.Doubt.UnmarshalText([]byte("mirrored")); err != nil {
		t.Fatal(err)
	}
	h.world.fixes["T1"] = append(h.world.fixes["T1"], odd)
	if g := read(); len(g.Properties.Times) != 3 || strings.Contains(string(g.Geometry.Coordinates), "-60") {
		t.Errorf("a fix that is not believed is drawn: %s", g.Geometry.Coordinates)
	}
	if got := h.must(200, h.as(tracking.Shipper, "GET", path, "", "Accept", "application/gpx+xml")).Body.String(); got != before {
		t.Errorf("a fix that is not believed is in\n%s", got)
	}
	if got := h.must(200, h.as(tracking.Shipper, "GET", path, "", "Accept", "text/csv")).Body.String(); !strings.Contains(got, ",mirrored\n") {
		t.Errorf("the doubt is missing in\n%s", got)
	}
	h.world.fixes["T1"] = h.world.fixes["T1"][:3]

	gpx := h.must(200, h.as(tracking.Shipper, "GET", path, "", "Accept", "application/gpx+xml"))
	if !strings.Contains(gpx.Body.String(), `<trkpt lat="60" lon="179.5">`) || gpx.Header().Get("Content-Type") != "application/gpx+xml" {
		t.Errorf("gpx: %v %s", gpx.Header(), gpx.Body)
	}
	csv := h.must(200, h.as(tracking.Shipper, "GET", path+"?format=csv", ""))
	if !strings.HasPrefix(csv.Body.String(), "unit,time,lat,lon,") || strings.Count(csv.Body.String(), "\n") != 4 {
		t.Errorf("csv: %s", csv.Body)
	}
	var positions struct {
		Positions []tracking.Fix
		More      bool
	}
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/units/T1/track?limit=2", "")).into(&positions)
	if len(positions.Positions) != 2 || positions.Positions[1].Lon != -179.5 || !positions.More {
		t.Errorf("newest two: %+v", positions)
	}
	second := positions.Positions[0].Time
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/units/T1/track", "")).into(&positions)
	if len(positions.Positions) != 3 || positions.More {
		t.Errorf("the whole track: %+v", positions)
	}
	from := positions.Positions[0].Time.Format(time.RFC3339)
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/units/T1/track?limit=2&from="+from, "")).into(&positions)
	if len(positions.Positions) != 2 || !positions.Positions[1].Time.Equal(second) || !positions.More {
		t.Errorf("the first two from %s: %+v", from, positions)
	}
}

// TestAShipperSeesOnlyItsPartOfATrack has one truck work for two shippers in turn.
func TestUnitsInside(t *testing.T) {
	h := newHarness(t)
	const square = `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}`
	ask := func(area, from, to string) string {
		return `{"area":` + area + `,"from":"` + from + `","to":"` + to + `"}`
	}
	const ten, twelve = "2026-12-01T10:00:00Z", "2026-12-01T12:00:00Z"
	var got struct{ Units []tracking.Presence }
	h.must(200, h.as(tracking.Carrier, "POST", "/api/v1/units/inside", ask(square, ten, twelve))).into(&got)
	if len(got.Units) != 1 || got.Units[0].Unit != "carrier1" || got.Units[0].Fixes != 1 {
		t.Errorf("%+v", got)
	}
	for name, body := range map[string]string{
		"no area":      ask(`{}`, ten, twelve),
		"a point":      ask(`{"type":"Point","coordinates":[0,0]}`, ten, twelve),
		"not geometry": ask(`7`, ten, twelve),
		"no time":      ask(square, twelve, ten),
	} {
		if w := h.as(tracking.Dispatcher, "POST", "/api/v1/units/inside", body); w.Code != 422 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	h.must(403, h.as(tracking.Shipper, "POST", "/api/v1/units/inside", ask(square, ten, twelve)))
}

func TestAShipperSeesOnlyItsPartOfATrack(t *testing.T) {
	h := newHarness(t)
	start := h.world.now
	unit := `,"carrier":"` + string(h.party[tracking.Carrier]) + `","unit":"T1"`
	for hour := -48; hour < 0; hour++ {
		h.fix("T1", start.Add(time.Duration(hour)*time.Hour), 36, 120)
	}
	first := h.shipment(tracking.Shipper, unit)
	h.fix("T1", start.Add(time.Hour), 37, 119)
	times := func(secret, path string) []time.Time {
		var g struct{ Properties struct{ Times []time.Time } }
		h.must(200, h.do(secret, "GET", path, "")).into(&g)
		return g.Properties.Times
	}
	firstTrack := "/api/v1/shipments/" + string(first) + "/track"
	if got := times(h.secret[tracking.Shipper], firstTrack); len(got) != 25 || !got[0].Equal(start.Add(-24*time.Hour)) {
		t.Errorf("the shipper sees %d fixes from %v", len(got), got[0])
	}
	if got := times(h.secret[tracking.Dispatcher], firstTrack); len(got) != 49 {
		t.Errorf("the dispatcher sees %d fixes", len(got))
	}

	h.world.now = start.Add(10 * time.Hour)
	otherID, other := h.newParty(tracking.Shipper)
	var plan struct{ ID string }
	h.must(201, h.do(other, "POST", "/api/v1/plans", planQingdaoMoscow)).into(&plan)
	var second struct{ ID tracking.ShipmentID }
	h.must(201, h.do(other, "POST", "/api/v1/shipments", `{"plan_id":"`+plan.ID+`","option":0`+unit+`}`)).into(&second)
	h.fix("T1", start.Add(11*time.Hour), 38, 118)

	if got := times(other, "/api/v1/shipments/"+string(second.ID)+"/track"); len(got) != 1 || !got[0].Equal(start.Add(11*time.Hour)) {
		t.Errorf("%s, the second, sees %v of the first", otherID, got)
	}
	if got := times(h.secret[tracking.Shipper], firstTrack); !got[len(got)-1].Equal(start.Add(time.Hour)) {
		t.Errorf("the first sees the truck go on for the second: %v", got[len(got)-1])
	}
	h.must(404, h.as(tracking.Shipper, "GET", "/api/v1/units/T1", ""))
	var positions struct{ Positions []tracking.Fix }
	h.must(200, h.do(other, "GET", "/api/v1/units/T1/track", "")).into(&positions)
	if len(positions.Positions) != 1 {
		t.Errorf("by the unit, the second sees %d fixes", len(positions.Positions))
	}
}

func TestUnits(t *testing.T) {
	h := newHarness(t)
	h.world.units["SILENT"] = &tracking.UnitState{Unit: "SILENT", Carrier: "someone"}
	h.fix("T1", h.world.now, 36.5, 120.25)
	var u struct {
		Unit     string
		Lat, Lon *float64
		Time     *time.Time
		SpeedKMH *float64 `json:"speed_kmh"`
		Latest   *tracking.Fix
	}
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/units/T1", "")).into(&u)
	if u.Lat == nil || *u.Lat != 36.5 || *u.Lon != 120.25 || *u.SpeedKMH != 60 || u.Latest == nil || u.Latest.Lat != 36.5 {
		t.Errorf("unit %+v", u)
	}
	h.must(404, h.as(tracking.Carrier, "GET", "/api/v1/units/SILENT", ""))
	silent := h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/units/SILENT", ""))
	if strings.Contains(silent.Body.String(), `"lat"`) || strings.Contains(silent.Body.String(), `"speed_kmh"`) {
		t.Errorf("what is unknown is shown as a number: %s", silent.Body)
	}
	var list struct{ Units []struct{ Unit string } }
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/units", "")).into(&list)
	if len(list.Units) != 1 || list.Units[0].Unit != "T1" {
		t.Errorf("units %+v", list)
	}

	h.fix("T2", h.world.now, 36.9, 120.25)
	var near struct {
		Units []struct {
			Unit   string
			AwayKM float64 `json:"away_km"`
		}
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/units?near=36.8,120.25&limit=5", "")).into(&near)
	if len(near.Units) != 2 || near.Units[0].Unit != "T2" || math.Abs(near.Units[0].AwayKM-11.119) > 0.01 {
		t.Errorf("nearest %+v", near)
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/units?near=36.8,120.25&within_km=20", "")).into(&near)
	if len(near.Units) != 1 {
		t.Errorf("within 20 km %+v", near)
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/units?bbox=120,36,121,36.6", "")).into(&list)
	if len(list.Units) != 1 || list.Units[0].Unit != "T1" {
		t.Errorf("in the box %+v", list)
	}
	for _, query := range []string{"near=1", "near=91,0", "near=NaN,0", "near=a,b", "bbox=1,2,3", "bbox=1,4,3,2", "near=1,1&bbox=1,1,2,2", "bbox=120,36,121,37&limit=1"} {
		h.must(422, h.as(tracking.Dispatcher, "GET", "/api/v1/units?"+query, ""))
	}
	h.must(404, h.as(tracking.Dispatcher, "GET", "/api/v1/units?shipment=none", ""))
}

func TestCarriersAndKeys(t *testing.T) {
	h := newHarness(t)
	var carrier tracking.Party
	h.must(201, h.as(tracking.Admin, "POST", "/api/v1/carriers", `{"name":" Shandong Road "}`)).into(&carrier)
	if carrier.ID == "" || carrier.Name != "Shandong Road" || carrier.Role != tracking.Carrier {
		t.Errorf("carrier %+v", carrier)
	}
	keys := "/api/v1/carriers/" + string(carrier.ID) + "/keys"
	var key struct{ ID, Key string }
	h.must(201, h.as(tracking.Admin, "POST", keys, "")).into(&key)
	h.must(200, h.do(key.Key, "POST", "/api/v1/positions", `[]`))
	if w := h.must(200, h.as(tracking.Admin, "GET", keys, "")); strings.Contains(w.Body.String(), key.Key) {
		t.Error("the secret is shown again")
	}
	h.must(204, h.as(tracking.Admin, "DELETE", keys+"/"+key.ID, ""))
	h.must(401, h.do(key.Key, "POST", "/api/v1/positions", `[]`))
	h.must(204, h.as(tracking.Admin, "DELETE", keys+"/"+key.ID, ""))
	h.must(404, h.as(tracking.Admin, "DELETE", keys+"/k1", ""))

	var list struct{ Carriers []tracking.Party }
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/carriers", "")).into(&list)
	if len(list.Carriers) != 2 {
		t.Errorf("carriers %+v", list)
	}

	var shipper tracking.Party
	h.must(201, h.as(tracking.Admin, "POST", "/api/v1/parties", `{"name":"Qilu Fruit","role":"shipper"}`)).into(&shipper)
	h.must(201, h.as(tracking.Admin, "POST", "/api/v1/parties/"+string(shipper.ID)+"/keys", ""))

	admin := h.party[tracking.Admin]
	last := h.world.Keys(admin)[0]
	if p := h.must(409, h.as(tracking.Admin, "DELETE", fmt.Sprintf("/api/v1/parties/%s/keys/%s", admin, last.ID), "")).problem(); p.Code != "last-admin-key" {
		t.Errorf("problem %+v", p)
	}
}

func TestPlacesAndBorders(t *testing.T) {
	h := newHarness(t)
	w := h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/places?q=qing&limit=3", ""))
	want := `{"places":[` +
		`{"id":"CNTAO","kind":"seaport","code":"CNTAO","names":{"en":"Qingdao","zh":"青岛","ru":"Циндао"},"country":"CN","lat":36.07,"lon":120.32,"functions":["seaport","rail"],"terminal":{"id":"sea:CNTAO","lat":36.01,"lon":120.2}},` +
		`{"id":"air:TAO","kind":"airport","code":"CNTAO","names":{"en":"Qingdao Jiaodong"},"country":"CN","lat":36.36,"lon":120.09,"functions":["airport"],"terminal":{"id":"air:TAO","lat":36.36,"lon":120.09,"codes":["TAO","ZSQD"],"cargo":true}},` +
		`{"id":"Qingzhou, CN","kind":"city","names":{"en":"Qingzhou"},"country":"CN","lat":36.68,"lon":118.48,"functions":["city"],"own":true}]}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("places\n got %s\nwant %s", got, want)
	}
	var borders struct {
		Borders []struct {
			ID, Status, TIR, Hours string
			DwellHours             geodata.Dwell `json:"dwell_hours"`
			Sides                  []struct {
				Country  string
				Lat, Lon float64
			}
		}
	}
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/borders", "")).into(&borders)
	got := map[string]string{}
	for _, b := range borders.Borders {
		got[b.ID] = fmt.Sprint(b.Status, b.DwellHours.P50)
		if b.ID == "KHO-NUR" && (b.TIR != "yes" || b.Hours != "09:00-18:00" || fmt.Sprint(b.Sides) != "[{CN 44.2 80.41} {KZ 44.21 80.39}]") || b.ID == "NAR-IVA" && b.TIR != "unknown" {
			t.Errorf("post %+v", b)
		}
	}
	if fmt.Sprint(got) != "map[ERE-ZAM:open0 KHO-NUR:congested40 NAR-IVA:closed0]" {
		t.Errorf("borders %v", got)
	}
}

func TestLocatePoint(t *testing.T) {
	h := newHarness(t)
	for query, want := range map[string]string{
		"lat=45&lon=34":  `{"lat":45,"lon":34,"at_sea":false,"country":"RU","names":{"en":"Russia"},"region":{"code":"UA-43","names":{"en":"Crimea"}},"disputed":true,"claimed_by":["UA"],"time_zone":"Europe/Simferopol","nearest":{"code":"UASIP","names":{"en":"Simferopol"},"country":"RU","distance_km":12.3}}`,
		"lat=0&lon=-140": `{"lat":0,"lon":-140,"at_sea":true,"time_zone":"Etc/GMT+9"}`,
	} {
		w := h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/places/at?"+query, ""))
		if got := strings.TrimSpace(w.Body.String()); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
	for _, bad := range []string{"", "lat=91&lon=0", "lat=0&lon=-181", "lat=x&lon=0", "lat=1"} {
		h.must(422, h.as(tracking.Carrier, "GET", "/api/v1/places/at?"+bad, ""))
	}
}

func TestSession(t *testing.T) {
	h := newHarness(t)
	var s struct {
		SignedIn bool `json:"signed_in"`
		Party    *struct{ ID, Name, Role string }
		Version  string
	}
	h.must(200, h.do("", "GET", "/api/v1/session", "")).into(&s)
	if s.SignedIn || s.Party != nil || s.Version != "test" {
		t.Errorf("signed out: %+v", s)
	}
	h.must(401, h.do("", "POST", "/api/v1/session", `{"key":"wrong"}`))
	in := h.must(200, h.do("", "POST", "/api/v1/session", `{"key":"`+h.secret[tracking.Dispatcher]+`"}`))
	cookie := in.Result().Cookies()[0]
	w := h.must(200, h.do("", "GET", "/api/v1/session", "", "Cookie", cookie.Name+"="+cookie.Value))
	w.into(&s)
	if !s.SignedIn || s.Party == nil || s.Party.Role != "dispatcher" {
		t.Errorf("signed in: %+v", s)
	}
	out := h.must(204, h.do("", "DELETE", "/api/v1/session", "", "Cookie", cookie.Name+"="+cookie.Value))
	if c := out.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Errorf("cookies %v", c)
	}
	h.must(401, h.do("", "GET", "/api/v1/units", "", "Cookie", cookie.Name+"="+cookie.Value))
}

var _ http.Handler = (*web.Server)(nil)
