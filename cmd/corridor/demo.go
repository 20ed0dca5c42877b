package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"corridor/carriers/simulate"
	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

// The demonstration is a set of clients of the server it runs in: it plans, opens
// shipments and reports positions through the public API like anybody else, as
// parties whose names say that they are simulated. Only the first key it needs to
// make those parties comes from within.
//
// Units report the time of the clock on the wall and cover their way demoSpeed
// times faster than planned. What lies before the start of the demonstration is
// filled in at the planned pace, so that the map opens in the middle of journeys.
const (
	demoSpeed    = 60
	demoTick     = 4 * time.Second
	demoSave     = 20 * time.Second
	demoTrail    = 20 * time.Minute   // between two fixes of the time before the start
	demoPast     = 8 * 24 * time.Hour // that much of it
	demoTerminal = time.Minute        // at the destination before the way back
)

// demoLane is a pair of places with traffic. Each group of modes is planned by
// itself, as if the goods had been handed over so many days before the start, so
// that slow and fast units are all under way.
type demoLane struct {
	from, to string
	cargo    routing.Cargo
	groups   []demoGroup
}

type demoGroup struct {
	modes   []geodata.Mode
	daysAgo float64
	most    int // options to take
}

func demoLanes() []demoLane {
	container := routing.Cargo{WeightKG: 18_000, VolumeM3: 60, Unit: routing.HC40}
	fruit := routing.Cargo{WeightKG: 24_200, VolumeM3: 80, Unit: routing.FTL, HS: "0808"}
	truck := routing.Cargo{WeightKG: 19_000, VolumeM3: 80, Unit: routing.FTL}
	parcel := routing.Cargo{WeightKG: 1_800, VolumeM3: 9, Unit: routing.AirULD}
	road := func(days float64, most int) demoGroup { return demoGroup{[]geodata.Mode{geodata.Road}, days, most} }
	land := func(days float64, most int) demoGroup {
		return demoGroup{[]geodata.Mode{geodata.Rail, geodata.Road}, days, most}
	}
	sea := func(days float64, most int) demoGroup {
		return demoGroup{[]geodata.Mode{geodata.Sea, geodata.Rail, geodata.Road}, days, most}
	}
	air := func(days float64, most int) demoGroup {
		return demoGroup{[]geodata.Mode{geodata.Air, geodata.Road}, days, most}
	}
	return []demoLane{
		{"CNTAO", "RUMOW", fruit, []demoGroup{road(5, 3), road(2.5, 3), road(1, 2)}},
		{"CNTAO", "RUMOW", container, []demoGroup{land(8, 2), sea(14, 3)}},
		{"CNSHA", "DEHAM", container, []demoGroup{sea(17, 2), sea(9, 1)}},
		{"Istanbul", "Munich", truck, []demoGroup{road(1.5, 2)}},
		{"SGSIN", "NLRTM", container, []demoGroup{sea(12, 1), sea(5, 1)}},
		{"Xi'an", "Duisburg", container, []demoGroup{land(9, 2), land(4, 1)}},
		{"CNSZX", "USLAX", container, []demoGroup{sea(8, 1)}},
		{"CNSZX", "USLAX", parcel, []demoGroup{air(1.5, 1)}},
		{"Almaty", "RUMOW", truck, []demoGroup{road(2, 2)}},
		{"BRSSZ", "NLRTM", container, []demoGroup{sea(9, 1)}},
		{"Warsaw", "Madrid", truck, []demoGroup{road(0.8, 2)}},
		{"Chongqing", "Almaty", container, []demoGroup{land(5, 2), land(2, 1)}},
		{"INNSA", "AEJEA", container, []demoGroup{sea(2, 1)}},
		{"USLAX", "Chicago", container, []demoGroup{land(1.5, 2)}},
		{"JPTYO", "CNTAO", container, []demoGroup{sea(2, 1)}},
		{"CNTAO", "KRPUS", container, []demoGroup{sea(1.5, 1)}},
		{"Zhengzhou", "Liege", parcel, []demoGroup{air(1.5, 1)}},
		{"Moscow", "Novosibirsk", truck, []demoGroup{land(2, 2)}},
		{"Chengdu", "Lodz", container, []demoGroup{land(7, 2), land(3, 1)}},
		{"ZADUR", "NLRTM", container, []demoGroup{sea(7, 1)}},
		{"AUSYD", "CNSHA", container, []demoGroup{sea(6, 1)}},
		{"NLRTM", "Milan", truck, []demoGroup{road(0.5, 1)}},
		{"Istanbul", "Almaty", truck, []demoGroup{road(5, 2)}},
		{"Hamburg", "Warsaw", truck, []demoGroup{road(0.4, 1)}},
		{"CNNGB", "KEMBA", container, []demoGroup{sea(8, 1)}},
	}
}

// demoState is what the demonstration remembers between starts. It holds keys, so
// only the server's user may read it.
type demoState struct {
	Office   string        `json:"office_key"` // a dispatcher's
	Owner    string        `json:"owner"`      // the shipper all goods belong to
	Carriers []demoCarrier `json:"carriers"`
	Units    []*demoUnit   `json:"units"`
	Seeded   bool          `json:"seeded"`
}

type demoCarrier struct {
	ID   string       `json:"id"`
	Name string       `json:"name"`
	Mode geodata.Mode `json:"mode"`
	Key  string       `json:"key"`
}

// demoUnit is one unit and the job it is on.
type demoUnit struct {
	Unit     string        `json:"unit"`
	Carrier  int           `json:"carrier"` // index
	Shipment string        `json:"shipment"`
	From     string        `json:"from"`
	To       string        `json:"to"`
	Cargo    routing.Cargo `json:"cargo"`
	Corridor string        `json:"corridor"`
	Elapsed  time.Duration `json:"elapsed"` // along the plan, at the last tick
	Arrived  time.Time     `json:"arrived,omitzero"`
	Failed   int           `json:"failed,omitempty"` // attempts to find a next job
	Carnet   string        `json:"carnet,omitempty"` // under way

	journey *simulate.Journey
	posted  time.Time // device time of the last fix
}

type demo struct {
	path   string
	lanes  []demoLane
	tick   time.Duration
	speed  float64
	rest   time.Duration
	keeper partyKeeper
	logger *slog.Logger
	clock  func() time.Time
	base   string
	client *http.Client

	mu    sync.Mutex // guards state
	state demoState
}

// openDemo looks whether the data directory is empty or holds a demonstration to
// go on with.
func openDemo(a *app, keeper partyKeeper) (*demo, error) {
	d := &demo{
		path: filepath.Join(a.data, "demo.json"), keeper: keeper, logger: a.logger, clock: a.clock,
		client: &http.Client{Timeout: time.Minute}, lanes: demoLanes(), tick: demoTick, speed: demoSpeed, rest: demoTerminal,
	}
	body, err := os.ReadFile(d.path)
	switch {
	case err == nil:
		if err := json.Unmarshal(body, &d.state); err != nil {
			return nil, fmt.Errorf("%s: %w", d.path, err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read the state of the demonstration: %w", err)
	case len(keeper.Parties("")) > 0:
		return nil, fmt.Errorf("the data directory %s is in use and --demo fills an empty one: give another --data, or leave --demo out", a.data)
	}
	return d, nil
}

// run seeds what is not seeded and moves the units until ctx is done. A unit that
// cannot be moved costs the others nothing.
func (d *demo) run(ctx context.Context, base string) error {
	d.base = base
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.seed(ctx) })
	group.Go(func() error { return d.move(ctx) })
	err := group.Wait()
	if saveErr := d.save(); err == nil || errors.Is(err, context.Canceled) {
		err = saveErr
	}
	return err
}

// seed makes the parties and puts units on every lane. After a restart it goes on
// with the journeys it finds and adds the lanes that are missing.
func (d *demo) seed(ctx context.Context) error {
	if err := d.makeParties(ctx); err != nil {
		return fmt.Errorf("make the simulated parties: %w", err)
	}
	d.mu.Lock()
	units, seeded := d.state.Units, d.state.Seeded
	d.mu.Unlock()
	for _, u := range units {
		var s tracking.Shipment
		if err := d.call(ctx, d.state.Office, http.MethodGet, "/api/v1/shipments/"+u.Shipment, nil, &s); err != nil {
			return fmt.Errorf("go on with %s: %w", u.Unit, err)
		}
		journey, err := simulate.New(s.Option, seedOf(u.Unit))
		if err != nil {
			return fmt.Errorf("go on with %s: %w", u.Unit, err)
		}
		d.mu.Lock()
		u.journey = journey
		d.mu.Unlock()
	}
	if seeded {
		return nil
	}
	have := map[string]bool{}
	for _, u := range units {
		have[u.From+">"+u.To+string(u.Cargo.Unit)] = true
	}
	for _, lane := range d.lanes {
		if have[lane.from+">"+lane.to+string(lane.cargo.Unit)] {
			continue
		}
		for _, g := range lane.groups {
			err := d.fill(ctx, lane, g)
			if ctx.Err() != nil {
				return ctx.Err() // stopped in the middle; the next start goes on
			}
			if err != nil {
				// One lane less is no reason to have no demonstration.
				d.logger.Warn("demo: no traffic on a lane", "from", lane.from, "to", lane.to, "err", err)
			}
		}
	}
	d.mu.Lock()
	d.state.Seeded = true
	n := len(d.state.Units)
	d.mu.Unlock()
	d.logger.Info("demo: seeded", "units", n)
	return d.save()
}

// makeParties creates the simulated organisations with a key that is good for just
// that.
func (d *demo) makeParties(ctx context.Context) error {
	if d.state.Office != "" {
		return nil
	}
	admins := d.keeper.Parties(tracking.Admin)
	if len(admins) == 0 {
		return errors.New("there is no administrator")
	}
	key, secret, err := d.keeper.IssueKey(ctx, admins[0].ID)
	if err != nil {
		return err
	}
	defer func() {
		if err := d.keeper.RevokeKey(context.WithoutCancel(ctx), key.ID); err != nil {
			d.logger.Error("demo: its first key could not be revoked", "key", key.ID, "err", err)
		}
	}()
	var state demoState
	party := func(name string, role tracking.Role) (id, key string, err error) {
		var p struct{ ID string }
		if err := d.call(ctx, secret, http.MethodPost, "/api/v1/parties", map[string]any{"name": name, "role": role}, &p); err != nil {
			return "", "", err
		}
		var k struct{ Key string }
		err = d.call(ctx, secret, http.MethodPost, "/api/v1/parties/"+p.ID+"/keys", nil, &k)
		return p.ID, k.Key, err
	}
	if _, state.Office, err = party("Dispatch office (simulated)", tracking.Dispatcher); err != nil {
		return err
	}
	if state.Owner, _, err = party("Qilu Export (simulated)", tracking.Shipper); err != nil {
		return err
	}
	for _, c := range []demoCarrier{
		{Name: "Shandong Road TIR (simulated)", Mode: geodata.Road},
		{Name: "Silk Road Trucking (simulated)", Mode: geodata.Road},
		{Name: "Steppe Rail (simulated)", Mode: geodata.Rail},
		{Name: "Northern Express (simulated)", Mode: geodata.Rail},
		{Name: "Yellow Sea Lines (simulated)", Mode: geodata.Sea},
		{Name: "Ocean Bridge (simulated)", Mode: geodata.Sea},
		{Name: "Crane Air Cargo (simulated)", Mode: geodata.Air},
	} {
		if c.ID, c.Key, err = party(c.Name, tracking.Carrier); err != nil {
			return err
		}
		state.Carriers = append(state.Carriers, c)
	}
	d.mu.Lock()
	d.state = state
	d.mu.Unlock()
	return d.save()
}

// fill puts units on one lane: one for each of the first options of the plan whose
// journeys are not over yet.
func (d *demo) fill(ctx context.Context, lane demoLane, g demoGroup) error {
	now := d.clock().UTC()
	depart := now.Add(-time.Duration(g.daysAgo * 24 * float64(time.Hour))).Truncate(time.Minute)
	plan, err := d.plan(ctx, lane.from, lane.to, lane.cargo, g.modes, depart)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, o := range plan.Options {
		if len(taken) == g.most {
			break
		}
		kind := o.Corridor + strings.Join(o.Via, ",")
		elapsed := now.Sub(o.Depart)
		if taken[kind] || elapsed.Hours() > 0.95*o.TransitHours.P50 {
			continue
		}
		u := &demoUnit{From: lane.from, To: lane.to, Cargo: lane.cargo, Corridor: o.Corridor, Elapsed: elapsed}
		if err := d.dispatch(ctx, u, plan.ID, o); err != nil {
			return err
		}
		taken[kind] = true
		if o.Corridor == underTIR {
			if err := d.putToUse(ctx, u, now.Add(-elapsed)); err != nil {
				return err
			}
		}
		if err := d.backfill(ctx, u, now); err != nil {
			return err
		}
		d.mu.Lock()
		d.state.Units = append(d.state.Units, u)
		d.mu.Unlock()
	}
	return d.save()
}

func (d *demo) plan(ctx context.Context, from, to string, cargo routing.Cargo, modes []geodata.Mode, depart time.Time) (routing.Plan, error) {
	var plan routing.Plan
	err := d.call(ctx, d.state.Office, http.MethodPost, "/api/v1/plans", map[string]any{
		"origin": from, "destination": to, "cargo": cargo, "modes": modes, "depart": depart.Format(time.RFC3339),
	}, &plan)
	if err == nil && len(plan.Options) == 0 {
		err = errors.New("the plan has no option")
	}
	return plan, err
}

// dispatch opens a shipment for the option and gives it to a unit, which is made
// up when there is none yet.
func (d *demo) dispatch(ctx context.Context, u *demoUnit, planID string, o routing.Option) error {
	if u.Unit == "" {
		if err := d.nameUnit(u, o); err != nil {
			return err
		}
	}
	journey, err := simulate.New(o, seedOf(u.Unit))
	if err != nil {
		return fmt.Errorf("%s by %s: %w", u.Unit, o.Title, err)
	}
	var s struct{ ID string }
	err = d.call(ctx, d.state.Office, http.MethodPost, "/api/v1/shipments", map[string]any{
		"plan_id": planID, "option_id": o.ID, "owner": d.state.Owner, "reference": "DEMO " + u.Unit,
		"carrier": d.state.Carriers[u.Carrier].ID, "unit": u.Unit, "simulated": true,
	}, &s)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u.Shipment, u.journey, u.Corridor, u.Arrived, u.Failed = s.ID, journey, o.Corridor, time.Time{}, 0
	return nil
}

// nameUnit chooses the carrier and a name that says what kind of unit it is and
// that it is none.
func (d *demo) nameUnit(u *demoUnit, o routing.Option) error {
	journey, err := simulate.New(o, 0)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.state.Units) + 1
	var fitting []int
	for i, c := range d.state.Carriers {
		if c.Mode == journey.Mode() {
			fitting = append(fitting, i)
		}
	}
	if len(fitting) == 0 {
		return fmt.Errorf("no simulated carrier goes by %s", journey.Mode())
	}
	u.Carrier = fitting[n%len(fitting)]
	prefix := map[geodata.Mode]string{geodata.Road: "TRK", geodata.Rail: "TRN", geodata.Sea: "VSL", geodata.Air: "AIR"}[journey.Mode()]
	u.Unit = fmt.Sprintf("SIM-%s-%02d", prefix, n)
	return nil
}

// backfill reports the way the unit has come, at the planned pace.
func (d *demo) backfill(ctx context.Context, u *demoUnit, now time.Time) error {
	var batch []tracking.Position
	for before := min(u.Elapsed, demoPast); before > 0; before -= demoTrail {
		batch = append(batch, position(u.Unit, u.journey.At(u.Elapsed-before), now.Add(-before)))
	}
	return d.report(ctx, u.Carrier, u.journey.Mode(), batch)
}

func position(unit string, s simulate.State, at time.Time) tracking.Position {
	p := tracking.Position{
		Unit: tracking.UnitID(unit), Time: at.UTC().Truncate(time.Second), Lat: s.Point.Lat(), Lon: s.Point.Lon(),
		SpeedKMH: tracking.Known(s.SpeedKMH), AccuracyM: tracking.Known(12),
	}
	if s.Moving {
		p.CourseDeg = tracking.Known(s.CourseDeg)
	}
	return p
}

// report posts positions as the carrier, at most as many at a time as the API takes.
func (d *demo) report(ctx context.Context, carrier int, mode geodata.Mode, batch []tracking.Position) error {
	const most = 5000
	for len(batch) > 0 {
		n := min(most, len(batch))
		var receipt tracking.Receipt
		err := d.call(ctx, d.state.Carriers[carrier].Key, http.MethodPost, "/api/v1/positions?simulated=true&mode="+string(mode), batch[:n], &receipt)
		if err != nil {
			return err
		}
		if len(receipt.Refused) > 0 {
			return fmt.Errorf("%d of %d positions refused, the first because %s", len(receipt.Refused), n, receipt.Refused[0].Reason)
		}
		batch = batch[n:]
	}
	return nil
}

// move advances every unit at each tick and gives those that have arrived a job
// back.
func (d *demo) move(ctx context.Context) error {
	d.customs(ctx)
	tick := time.NewTicker(d.tick)
	defer tick.Stop()
	last := d.clock()
	saved := last
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := d.clock()
		arrived := d.step(ctx, now, now.Sub(last))
		last = now
		for _, u := range arrived {
			if err := d.sendBack(ctx, u); err != nil && ctx.Err() == nil {
				d.mu.Lock()
				u.Failed++
				d.mu.Unlock()
				d.logger.Warn("demo: no job for a unit", "unit", u.Unit, "err", err)
			}
		}
		if now.Sub(saved) >= demoSave {
			saved = now
			d.customs(ctx)
			if err := d.save(); err != nil {
				return err
			}
		}
	}
}

// step moves and reports all units and returns those that have stood at their
// destination for long enough.
func (d *demo) step(ctx context.Context, now time.Time, past time.Duration) (idle []*demoUnit) {
	type fleet struct {
		carrier int
		mode    geodata.Mode
	}
	batches := map[fleet][]tracking.Position{}
	d.mu.Lock()
	for _, u := range d.state.Units {
		if u.journey == nil {
			continue
		}
		if !u.Arrived.IsZero() {
			// The more often nothing was found, the longer until the next attempt.
			if now.Sub(u.Arrived) > d.rest<<min(u.Failed, 6) {
				idle = append(idle, u)
			}
			continue
		}
		if at := now.UTC().Truncate(time.Second); at.After(u.posted) {
			u.Elapsed += time.Duration(float64(past) * d.speed)
			s := u.journey.At(u.Elapsed)
			key := fleet{u.Carrier, u.journey.Mode()}
			batches[key] = append(batches[key], position(u.Unit, s, at))
			u.posted = at
			if s.Arrived {
				u.Arrived = now
			}
		}
	}
	d.mu.Unlock()
	for key, batch := range batches {
		if err := d.report(ctx, key.carrier, key.mode, batch); err != nil && ctx.Err() == nil {
			d.logger.Warn("demo: positions were not taken", "carrier", d.state.Carriers[key.carrier].Name, "err", err)
		}
	}
	return idle
}

// sendBack gives a unit that has arrived goods for the way back, by the corridor it
// came if there is one.
func (d *demo) sendBack(ctx context.Context, u *demoUnit) error {
	modes := []geodata.Mode{u.journey.Mode(), geodata.Road, geodata.Rail}
	if u.journey.Mode() == geodata.Road {
		modes = modes[:1]
	}
	plan, err := d.plan(ctx, u.To, u.From, u.Cargo, modes, d.clock().UTC().Truncate(time.Minute))
	if err != nil {
		return err
	}
	best := plan.Options[0]
	for _, o := range plan.Options {
		if o.Corridor == u.Corridor {
			best = o
			break
		}
	}
	if u.Carnet != "" {
		if err := d.customsOf(ctx, u); err != nil {
			return err
		}
	}
	// It leaves at once: nobody wants to watch it wait for the next service.
	if err := d.dispatch(ctx, u, plan.ID, best); err != nil {
		return err
	}
	d.mu.Lock()
	u.From, u.To, u.Elapsed = u.To, u.From, 0
	d.mu.Unlock()
	if best.Corridor == underTIR {
		return d.putToUse(ctx, u, d.clock())
	}
	return nil
}

// call makes one request and reads the answer. While the server is busy or
// starting it tries again.
func (d *demo) call(ctx context.Context, key, method, target string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		retry, err := d.attempt(ctx, key, method, target, body, out)
		if err == nil || !retry || attempt == 5 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * time.Second):
		}
	}
}

func (d *demo) attempt(ctx context.Context, key, method, target string, body []byte, out any) (retry bool, err error) {
	r, err := http.NewRequestWithContext(ctx, method, d.base+target, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := d.client.Do(r)
	if err != nil {
		return ctx.Err() == nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		var p struct{ Detail string }
		_ = json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&p) // a refusal without a reason is still one
		return answer.StatusCode == http.StatusServiceUnavailable,
			fmt.Errorf("%s %s: %s: %s", method, target, answer.Status, cmp.Or(p.Detail, "no detail"))
	}
	if out == nil {
		return false, nil
	}
	return false, json.NewDecoder(answer.Body).Decode(out)
}

// save writes the state so that a crash leaves the old or the new one.
func (d *demo) save() error {
	d.mu.Lock()
	body, err := json.Marshal(d.state)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path+".new", body, 0o600); err != nil {
		return fmt.Errorf("save the state of the demonstration: %w", err)
	}
	return os.Rename(d.path+".new", d.path)
}

// seedOf gives each unit a rhythm of its own that survives a restart.
func seedOf(unit string) (seed uint64) {
	for _, c := range []byte(unit) {
		seed = seed*131 + uint64(c)
	}
	return seed
}
