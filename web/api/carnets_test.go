package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

// carnetDesk keeps carnets in a state of its own, with the parties, shipments and
// units that the world has: the rules are the real ones.
type carnetDesk struct {
	*world
	state *tracking.State
}

func (d *carnetDesk) apply(e tracking.Entry) error {
	_, err := d.state.Apply(d.state.Seq()+1, e)
	return err
}

// sync takes over what the world has and the state does not.
func (d *carnetDesk) sync() {
	for _, p := range d.parties {
		if _, ok := d.state.Party(p.ID); !ok {
			_ = d.apply(&tracking.PartyCreated{Party: p})
		}
	}
	for _, s := range d.shipments {
		have, _, ok := d.state.Shipment(s.ID)
		if !ok {
			bare := s
			bare.Unit, bare.Carrier = "", ""
			_ = d.apply(&tracking.ShipmentOpened{Shipment: bare})
		}
		if s.Unit != have.Unit {
			_ = d.apply(&tracking.UnitAssigned{Shipment: s.ID, Carrier: s.Carrier, Unit: s.Unit, At: d.now})
		}
	}
}

func (d *carnetDesk) IssueCarnet(_ context.Context, e tracking.CarnetIssued) (tracking.Carnet, error) {
	d.sync()
	e.At = d.now
	c, err := d.state.CheckCarnet(&e)
	if err != nil {
		return tracking.Carnet{}, err
	}
	if err := d.apply(&e); err != nil {
		return tracking.Carnet{}, err
	}
	return d.Carnet(c.Number)
}

func (d *carnetDesk) DoCarnet(_ context.Context, number string, by tracking.PartyID, act tracking.CarnetAct) (tracking.Carnet, error) {
	d.sync()
	e := &tracking.CarnetStep{Number: number, Step: act, By: by, At: d.now}
	if _, err := d.state.CheckStep(e); err != nil {
		return tracking.Carnet{}, err
	}
	if err := d.apply(e); err != nil {
		return tracking.Carnet{}, err
	}
	return d.Carnet(number)
}

func (d *carnetDesk) BindCarnet(_ context.Context, number string, by tracking.PartyID, shipment tracking.ShipmentID, unit tracking.UnitID) (tracking.Carnet, error) {
	d.sync()
	e := &tracking.CarnetBound{Number: number, Shipment: shipment, Unit: unit, By: by, At: d.now}
	if err := d.state.CheckBound(e); err != nil {
		return tracking.Carnet{}, err
	}
	if err := d.apply(e); err != nil {
		return tracking.Carnet{}, err
	}
	return d.Carnet(number)
}

func (d *carnetDesk) Carnet(number string) (tracking.Carnet, error) {
	c, ok := d.state.Carnet(number)
	if !ok {
		return c, tracking.ErrNotFound
	}
	return c, nil
}

func (d *carnetDesk) CarnetUnit(number string) tracking.UnitID { return d.state.CarnetUnit(number) }
func (d *carnetDesk) Carnets(v tracking.Party) []tracking.Carnet {
	return d.state.Carnets(v)
}

func (d *carnetDesk) MayReadCarnet(v tracking.Party, n string) bool {
	return d.state.MayReadCarnet(v, n)
}

func (d *carnetDesk) CarnetByHead(hash string) (tracking.Carnet, int, error) {
	c, n, ok := d.state.CarnetByHead(hash)
	if !ok {
		return c, 0, tracking.ErrNotFound
	}
	return c, n, nil
}

// pact is a Convention whose parties are those of the corridors here.
type pact struct{}

func (pact) Territory(c geodata.Country) geodata.Country {
	if c == "PL" || c == "DE" {
		return "EU"
	}
	return c
}

func (pact) Refuse(countries []geodata.Country, hs string) string {
	for _, c := range countries {
		if !strings.Contains("CN KZ RU BY PL DE", string(c)) {
			return string(c) + " is not party to the TIR Convention."
		}
	}
	if hs == "2208" {
		return "HS 2208 is barred from TIR."
	}
	return ""
}

func (pact) RecommendedGuaranteeEUR() float64 { return 100_000 }

// overland is a shipment of the shipper on a truck of the carrier, through Kazakhstan.
func (h *harness) overland() tracking.ShipmentID {
	h.t.Helper()
	id := h.shipment(tracking.Shipper, fmt.Sprintf(`,"carrier":%q,"unit":"TRK-1"`, h.party[tracking.Carrier]))
	for i := range h.world.shipments {
		if s := &h.world.shipments[i]; s.ID == id {
			at := func(name string, c geodata.Country, lat, lon float64) routing.Point {
				return routing.Point{Name: geodata.Names{EN: name}, Country: c, Lat: lat, Lon: lon}
			}
			s.Option.Legs = []routing.Leg{{
				Mode: geodata.Road, Regime: "TIR", From: at("Qingdao", "CN", 36, 120.3), To: at("Moscow", "RU", 55.7, 37.6), DistanceKM: 8800,
				TransitHours: routing.Hours{P10: 140, P50: 168, P90: 240},
				Borders: []routing.Border{
					{ID: "KHO-NUR", Name: "Khorgos–Nur Zholy", From: "CN", To: "KZ", Lat: 44.2, Lon: 80.4, AtKM: 4500},
					{ID: "PET-PET", Name: "Petukhovo", From: "KZ", To: "RU", Lat: 55.1, Lon: 68.1, AtKM: 6500},
				},
			}}
			s.Origin, s.Destination = s.Option.Legs[0].From, s.Option.Legs[0].To
		}
	}
	return id
}

func TestCarnets(t *testing.T) {
	h := newHarness(t)
	id := h.overland()
	body := func(change ...string) string {
		b := fmt.Sprintf(`{"number":"xb 25000001","holder":"Shandong Road TIR","valid_until":"2026-12-20","approval":"CN-118","vehicle":"鲁B·K7723","limit_hours":{"CN":96},"shipment":%q}`, id)
		for i := 0; i+1 < len(change); i += 2 {
			b = strings.Replace(b, change[i], change[i+1], 1)
		}
		return b
	}
	issue := func(role tracking.Role, change ...string) answer {
		return h.as(role, "POST", "/api/v1/carnets", body(change...))
	}
	// Bad input says what to do, and changes nothing.
	for _, c := range []struct {
		from, to, at, says string
	}{
		{`xb 25000001`, `25000001`, "number", "two letters"},
		{`"2026-12-20"`, `"soon"`, "valid_until", "RFC 3339"},
		{`"2026-12-20"`, `"2026-11-01"`, "valid_until", "not valid any more"},
		{`"valid_until"`, `"vouchers":4,"valid_until"`, "vouchers", "3 customs territories take 6 vouchers"},
		{`"valid_until"`, `"hs":"2208","valid_until"`, "offices", "barred"},
		{`"valid_until"`, `"itinerary":[[1]],"valid_until"`, "itinerary", "[lon, lat]"},
		{`"CN":96`, `"PL":96`, "limit_hours", "does not pass PL"},
		{string(id), "gone", "shipment", "not yours"},
		{`"shipment"`, `"offices":[{"id":"a","name":"","country":"JP","role":"departure","lat":35,"lon":139},{"id":"b","name":"","country":"RU","role":"destination","lat":43,"lon":132}],"shipment"`, "offices", "JP is not party"},
	} {
		p := h.must(422, issue(tracking.Dispatcher, c.from, c.to)).problem()
		if len(p.Errors) != 1 || p.Errors[0].Location != "body."+c.at || !strings.Contains(p.Errors[0].Message, c.says) {
			t.Errorf("%s: %+v", c.to, p)
		}
	}
	h.must(403, issue(tracking.Shipper))
	_, other := h.newParty(tracking.Carrier)
	h.must(422, h.do(other, "POST", "/api/v1/carnets", body()))

	var c struct {
		tracking.Carnet
		On    string
		Head  string
		Wrong []struct{ Kind string }
	}
	made := h.must(201, issue(tracking.Dispatcher))
	made.into(&c)
	if made.Header().Get("Location") != "/api/v1/carnets/XB25000001" || c.Number != "XB25000001" || c.Vouchers != 6 || c.GuaranteeEUR != 100_000 || c.On != "TRK-1" || c.Carrier != h.party[tracking.Carrier] {
		t.Errorf("issued %s", made.Body)
	}
	var ids []string
	for _, o := range c.Offices {
		ids = append(ids, o.ID)
	}
	if got := strings.Join(ids, " "); got != "departure KHO-NUR:CN KHO-NUR:KZ PET-PET:KZ PET-PET:RU destination" {
		t.Errorf("offices of the plan: %s", got)
	}
	if p := h.must(409, issue(tracking.Dispatcher)).problem(); !strings.Contains(p.Detail, "never used again") {
		t.Errorf("a number twice: %s", p.Detail)
	}
	if p := h.must(409, issue(tracking.Dispatcher, "25000001", "25000002")).problem(); !strings.Contains(p.Detail, "travels under carnet XB25000001") {
		t.Errorf("a shipment twice: %s", p.Detail)
	}

	// Steps: the office and the carrier whose it is.
	path := "/api/v1/carnets/XB25000001"
	act := func(role tracking.Role, body string) answer { return h.as(role, "POST", path+"/steps", body) }
	if p := h.must(422, act(tracking.Carrier, `{"kind":"start","office":"KHO-NUR:KZ"}`)).problem(); !strings.Contains(p.Detail, "between acceptance") {
		t.Errorf("a step too early: %s", p.Detail)
	}
	h.must(422, act(tracking.Carrier, `{"kind":"accept","office":"departure","seal":"S1","at":"yesterday"}`))
	h.must(422, act(tracking.Carrier, `{"kind":"accept","office":"departure","seal":"S1","limit":"later"}`))
	h.must(200, act(tracking.Carrier, `{"kind":"accept","office":"departure","seal":"S1","at":"2026-11-23T11:00:00Z"}`)).into(&c)
	if c.Stage != "accepted" || c.Operations[0].Limit == nil || c.Operations[0].Limit.Format(time.DateOnly) != "2026-11-27" {
		t.Errorf("accepted: %+v", c.Operations[0])
	}
	h.must(403, act(tracking.Shipper, `{"kind":"seal-check"}`))
	h.must(404, h.do(other, "POST", path+"/steps", `{"kind":"seal-check"}`))
	h.must(200, act(tracking.Dispatcher, `{"kind":"accident","note":"a tyre burst near Urumqi"}`)).into(&c)
	if len(c.Wrong) != 1 || c.Wrong[0].Kind != "carnet-report-missing" {
		t.Errorf("wrong: %+v", c.Wrong)
	}
	h.must(422, act(tracking.Dispatcher, `{"kind":"reroute","offices":[{"id":"a","name":"","country":"US","role":"departure","lat":35,"lon":139}]}`))
	h.must(422, h.as(tracking.Dispatcher, "POST", path+"/binding", `{}`))
	h.must(200, h.as(tracking.Dispatcher, "POST", path+"/binding", fmt.Sprintf(`{"shipment":%q}`, id)))

	// Who sees it.
	for _, x := range []struct {
		role tracking.Role
		want int
	}{{tracking.Admin, 1}, {tracking.Dispatcher, 1}, {tracking.Shipper, 1}, {tracking.Carrier, 1}} {
		var list struct{ Total int }
		h.must(200, h.as(x.role, "GET", "/api/v1/carnets", "")).into(&list)
		if list.Total != x.want {
			t.Errorf("%s sees %d carnets", x.role, list.Total)
		}
		h.must(200, h.as(x.role, "GET", strings.ToLower(path), ""))
	}
	h.must(404, h.do(other, "GET", path, ""))
	h.must(404, h.do(other, "GET", path+"/journal", ""))
	for query, want := range map[string]int{
		"?q=" + url.QueryEscape("xb25 moscow"): 1, "?q=S1": 1, "?q=nowhere": 0, "?stage=accepted": 1, "?stage=issued": 0, "?wrong=true": 1, "?shipment=" + string(id): 1, "?shipment=x": 0,
	} {
		var list struct {
			Total   int
			Carnets []struct{ Seal, Country string }
		}
		h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/carnets"+query, "")).into(&list)
		if list.Total != want || want == 1 && (list.Carnets[0].Seal != "S1" || list.Carnets[0].Country != "CN") {
			t.Errorf("%s finds %+v", query, list)
		}
	}
}

func TestJournal(t *testing.T) {
	h := newHarness(t)
	id := h.overland()
	h.must(201, h.as(tracking.Dispatcher, "POST", "/api/v1/carnets", fmt.Sprintf(`{"number":"XB25000001","holder":"<b>Holder</b>","valid_until":"2026-12-20","approval":"A","shipment":%q}`, id)))
	path := "/api/v1/carnets/XB25000001"
	h.must(200, h.as(tracking.Dispatcher, "POST", path+"/steps", `{"kind":"accept","office":"departure","seal":"S1","note":"a \"quoted\" <remark>"}`))
	var j struct {
		Number, Head string
		Journal      []tracking.CarnetLine
	}
	h.must(200, h.as(tracking.Shipper, "GET", path+"/journal", "")).into(&j)
	if len(j.Journal) != 2 || j.Head != j.Journal[1].Hash || j.Journal[0].By == "" {
		t.Errorf("journal %+v", j)
	}
	// Each line of the text can be checked as sha256sum would.
	text := h.must(200, h.as(tracking.Shipper, "GET", path+"/journal?format=txt", "")).Body.String()
	prev := ""
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		hash, canonical, _ := strings.Cut(line, "  ")
		if sum := sha256.Sum256([]byte(canonical)); hex.EncodeToString(sum[:]) != hash || i > 0 && !strings.HasPrefix(canonical, `["`+prev+`",`) {
			t.Errorf("line %d does not check: %s", i, line)
		}
		prev = hash
	}
	for lang, word := range map[string]string{"en": "TIR carnet journal", "zh": "TIR 证运输日志", "ru": "Журнал книжки МДП"} {
		page := h.must(200, h.as(tracking.Dispatcher, "GET", path+"/journal?format=html&lang="+lang, "", "X-Forwarded-Proto", "https"))
		b := page.Body.String()
		if !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") || !strings.Contains(b, word) || !strings.Contains(b, `lang="`+lang+`"`) ||
			!strings.Contains(b, j.Head) || !strings.Contains(b, "https://example.com/api/v1/journals/"+j.Head) || !strings.Contains(b, "<svg") {
			t.Errorf("%s: the page says\n%.2000s", lang, b)
		}
		if strings.Contains(b, "<b>Holder") || strings.Contains(b, "kind.") || strings.Contains(b, "stage.") || strings.Contains(b, "ZgotmplZ") {
			t.Errorf("%s: the page holds what it should not", lang)
		}
	}
	// The paper is checked without a key, by who has it.
	var paper struct {
		Number       string
		Entries      int
		Last, Intact bool
	}
	h.must(200, h.do("", "GET", "/api/v1/journals/"+j.Journal[0].Hash, "")).into(&paper)
	if paper.Number != "XB25000001" || paper.Entries != 2 || paper.Last || !paper.Intact {
		t.Errorf("paper %+v", paper)
	}
	page := h.must(200, h.do("", "GET", "/api/v1/journals/"+strings.ToUpper(j.Head)+"?format=html&lang=ru", "")).Body.String()
	if !strings.Contains(page, "последняя запись") || !strings.Contains(page, j.Head) {
		t.Errorf("the page says %s", page)
	}
	h.must(404, h.do("", "GET", "/api/v1/journals/"+strings.Repeat("0", 64), ""))
	h.must(422, h.do("", "GET", "/api/v1/journals/short", ""))
}
