package audit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/mattn/go-sqlite3"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/audit"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/sqlite"
)

var now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// installation is a data directory with a truck under way under a carnet.
func installation(t *testing.T) (dir, head string) {
	t.Helper()
	dir = t.TempDir()
	ctx := t.Context()
	store, log := open(t, dir)
	tracker := live.New(live.Config{Log: log, Store: store, Clock: func() time.Time { return now.Add(100 * time.Hour) }})
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- tracker.Run(run) }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	carrier, err := tracker.CreateParty(ctx, "A carrier", tracking.Carrier)
	must(err)
	shipper, err := tracker.CreateParty(ctx, "A shipper", tracking.Shipper)
	must(err)
	_, _, err = tracker.IssueKey(ctx, carrier.ID)
	must(err)
	at := func(lat, lon float64) routing.Point { return routing.Point{Lat: lat, Lon: lon} }
	s, err := tracker.OpenShipment(ctx, tracking.Shipment{
		Owner: shipper.ID, Carrier: carrier.ID, Unit: "T1", Origin: at(41, 28.9), Destination: at(42.7, 23.32),
		Option: routing.Option{Depart: now, TransitHours: routing.Hours{P10: 10, P50: 14, P90: 22}, Legs: []routing.Leg{{
			Mode: geodata.Road, From: at(41, 28.9), To: at(42.7, 23.32), DistanceKM: 500, TransitHours: routing.Hours{P10: 10, P50: 14, P90: 22},
		}}},
	})
	must(err)
	c, err := tracker.IssueCarnet(ctx, tracking.CarnetIssued{Shipment: s.ID, By: carrier.ID, Terms: tracking.CarnetTerms{
		Number: "XB25000001", Holder: "Holder", Vouchers: 4, Approval: "A", ValidUntil: now.Add(200 * time.Hour),
		Offices: []tracking.CarnetOffice{
			{ID: "departure", Country: "TR", Role: tracking.OfficeDeparture, Lat: 41, Lon: 28.9},
			{ID: "exit", Country: "TR", Role: tracking.OfficeExit, Lat: 41.8, Lon: 26.35},
			{ID: "entry", Country: "BG", Role: tracking.OfficeEntry, Lat: 41.8, Lon: 26.34},
			{ID: "destination", Country: "BG", Role: tracking.OfficeDestination, Lat: 42.7, Lon: 23.32},
		},
	}})
	must(err)
	c, err = tracker.DoCarnet(ctx, c.Number, carrier.ID, tracking.CarnetAct{Kind: "accept", At: now, Office: "departure", Seal: "S1"})
	must(err)
	for i := range 40 {
		f := float64(i) / 45
		_, err := tracker.Accept(ctx, carrier.ID, []tracking.Position{
			{Unit: "T1", Time: now.Add(time.Duration(i) * 20 * time.Minute), Lat: 41 + f*1.7, Lon: 28.9 - f*5.58, SpeedKMH: tracking.Known(60.25), Sensors: []byte(fmt.Sprintf(`{"t":%d}`, i))},
			{Unit: "T2", Time: now.Add(time.Duration(i) * 20 * time.Minute), Lat: 10, Lon: 10 + f},
		}, tracking.AcceptOptions{})
		must(err)
	}
	if c, err = tracker.Carnet(c.Number); err != nil || len(c.Journal) < 3 {
		t.Fatalf("journal of %d entries, %v", len(c.Journal), err)
	}
	stop()
	must(<-ended)
	must(log.Close())
	must(store.Close())
	return dir, c.Head()
}

func open(t *testing.T, dir string) (tracking.Store, *poslog.Log) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "corridor.db"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := poslog.Open(t.Context(), poslog.Config{Dir: filepath.Join(dir, "log"), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	return store, log
}

func check(t *testing.T, dir string, o audit.Options) *audit.Report {
	t.Helper()
	store, log := open(t, dir)
	defer store.Close()
	defer log.Close()
	o.Tracks = true
	r, err := audit.Check(t.Context(), log, store, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(r *audit.Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.What+": "+f.Reason)
	}
	return strings.Join(out, "\n")
}

// Whatever is changed in the store, by whoever can write its file, is named.
func TestTamperedStore(t *testing.T) {
	dir, head := installation(t)
	r := check(t, dir, audit.Options{Heads: []string{head}})
	if len(r.Findings) > 0 || r.Events < 5 || r.Fixes != 80 || r.Carnets != 1 || r.Things < 8 || r.Partial != "" {
		t.Fatalf("nothing was changed: %+v\n%s", r, show(r))
	}
	if r := check(t, dir, audit.Options{Heads: []string{strings.Repeat("0", 64)}}); len(r.Findings) != 1 || !strings.Contains(show(r), "no journal holds it") {
		t.Errorf("a hash of another journal: %s", show(r))
	}
	whole, err := os.ReadFile(filepath.Join(dir, "corridor.db"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ sql, want string }{
		"an event changed":       {`UPDATE event SET body = replace(body, 'departed', 'arrived') WHERE body LIKE '%"departed"%'`, "kind: the store has \"arrived\", the log says \"departed\""},
		"an event moved in time": {`UPDATE event SET body = replace(body, '2026-12-01T', '2026-12-02T') WHERE body LIKE '%carnet-accept%'`, "time: the store has"},
		"an event taken out":     {`DELETE FROM event WHERE body LIKE '%carnet-accept%'`, "missing in the store (carnet-accept)"},
		"an event put in":        {`INSERT INTO event SELECT seq, n + 50, shipment, body FROM event WHERE body LIKE '%"departed"%'`, "does not follow from the log (departed)"},
		"the last event twice":   {`INSERT INTO event SELECT seq + 1000, n, shipment, body FROM event WHERE body LIKE '%"departed"%'`, "not in the log"},
		"an event hidden":        {`UPDATE event SET shipment = '' WHERE body LIKE '%carnet-accept%'`, "the store tells"},
		"a seal in the journal":  {`UPDATE object SET body = replace(body, 'seal S1', 'seal S2') WHERE kind = 'carnet'`, "carnet XB25000001: journal"},
		"a carnet taken out":     {`DELETE FROM object WHERE kind = 'carnet'`, "carnet XB25000001: it follows from the log and is missing"},
		"a shipment's owner":     {`UPDATE shipment SET body = replace(body, '"status":"under-way"', '"status":"arrived"')`, "status: the store has \"arrived\""},
		"a party's role":         {`UPDATE party SET body = replace(body, '"carrier"', '"admin"')`, "role: the store has \"admin\""},
		"another log":            {`UPDATE applied SET epoch = 'other'`, "it was made from log other"},
		"the log cut off":        {`UPDATE applied SET seq = seq + 5`, "the log was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, dir, whole)
			db, err := sql.Open("sqlite3", filepath.Join(dir, "corridor.db"))
			if err != nil {
				t.Fatal(err)
			}
			result, err := db.Exec(c.sql)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := result.RowsAffected(); n == 0 {
				t.Fatal("nothing was changed")
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if r := check(t, dir, audit.Options{}); !strings.Contains(show(r), c.want) {
				t.Errorf("found\n%s\nwant %q", show(r), c.want)
			}
		})
	}
}

// copied is the installation anew, with a store of its own.
func copied(t *testing.T, dir string, store []byte) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(filepath.Join(to, "log"), os.DirFS(filepath.Join(dir, "log"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "corridor.db"), store, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A byte changed anywhere in what the log's files say is found, or the log does not
// open at all.
func TestTamperedLog(t *testing.T) {
	dir, _ := installation(t)
	check(t, dir, audit.Options{})
	store, err := os.ReadFile(filepath.Join(dir, "corridor.db"))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks of the log: %v", err)
	}
	rel, _ := filepath.Rel(dir, blocks[0])
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 8; i++ {
		to := copied(t, dir, store)
		bad := bytes.Clone(block)
		bad[len(bad)*i/8] ^= 0x20
		if err := os.WriteFile(filepath.Join(to, rel), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := poslog.Open(t.Context(), poslog.Config{Dir: filepath.Join(to, "log"), MinFree: -1})
		if err != nil {
			continue // it says that it is damaged
		}
		_ = log.Close()
		if r := check(t, to, audit.Options{}); len(r.Findings) == 0 {
			t.Errorf("byte %d of %d changed: not found", len(bad)*i/8, len(bad))
		}
	}
}

// The same on PostgreSQL, where there is one to test with.
func TestTamperedPostgres(t *testing.T) {
	server := os.Getenv("CORRIDOR_TEST_POSTGRES")
	if server == "" {
		t.Skip("NOT TESTED: CORRIDOR_TEST_POSTGRES is not set. Give the URL of a PostgreSQL server, or run make test, which starts one.")
	}
	dir, _ := installation(t)
	lite, log := open(t, dir)
	defer lite.Close()
	defer log.Close()
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	name := fmt.Sprintf("audit_%d", time.Now().UnixNano())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	store, err := postgres.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	state := tracking.NewState()
	if err := log.Read(t.Context(), 0, func(seq uint64, b []byte) error {
		entries, err := tracking.DecodeRecord(b)
		if err != nil {
			return err
		}
		c, err := state.Apply(seq, entries...)
		if err != nil {
			return err
		}
		c.Epoch = log.Epoch()
		return store.Apply(t.Context(), c)
	}); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Check(t.Context(), log, store, audit.Options{Tracks: true})
	if err != nil || len(r.Findings) > 0 || r.Events == 0 || r.Fixes != 80 {
		t.Fatalf("nothing was changed: %v %+v\n%s", err, r, show(r))
	}
	db, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	done, err := db.Exec(t.Context(), `UPDATE event SET body = replace(body::text, 'seal S1', 'seal S2')::json WHERE body::text LIKE '%carnet-accept%'`)
	if err != nil || done.RowsAffected() != 1 {
		t.Fatalf("%d rows changed, %v", done.RowsAffected(), err)
	}
	if r, err = audit.Check(t.Context(), log, store, audit.Options{}); err != nil || !strings.Contains(show(r), "seal S2") {
		t.Errorf("%v, found\n%s", err, show(r))
	}
}

// liar is a store that tells one position otherwise than it was reported, and one not.
type liar struct{ tracking.Store }

func (l liar) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	list, err := l.Store.Track(ctx, unit, q)
	if unit == "T1" && len(list) > 9 {
		list[5].Lat += 0.01
		list = append(list[:8:8], list[9:]...)
	}
	return list, err
}

func TestTamperedPositions(t *testing.T) {
	dir, _ := installation(t)
	store, log := open(t, dir)
	defer store.Close()
	defer log.Close()
	r, err := audit.Check(t.Context(), log, liar{store}, audit.Options{Tracks: true})
	if err != nil {
		t.Fatal(err)
	}
	got := show(r)
	if len(r.Findings) != 2 || !strings.Contains(got, "position of unit T1 at 2026-12-01T01:40:00Z: lat: the store has") || !strings.Contains(got, "T1 at 2026-12-01T02:40:00Z: it is in log record") {
		t.Errorf("found\n%s", got)
	}
	if r, err = audit.Check(t.Context(), log, liar{store}, audit.Options{}); err != nil || len(r.Findings) > 0 || r.Fixes != 0 {
		t.Errorf("without tracks: %v, %s", err, show(r))
	}
}

// trimmed is a log that has let go of its beginning and kept a snapshot.
type trimmed struct {
	tracking.Log
	first    uint64
	snapshot []byte
}

func (l trimmed) Read(ctx context.Context, after uint64, fn func(uint64, []byte) error) error {
	if after+1 < l.first {
		return errors.New("no longer in it")
	}
	return l.Log.Read(ctx, after, fn)
}
func (l trimmed) SaveSnapshot(context.Context, []byte) error   { return nil }
func (l trimmed) LoadSnapshot(context.Context) ([]byte, error) { return l.snapshot, nil }

func TestTrimmedLog(t *testing.T) {
	dir, head := installation(t)
	store, log := open(t, dir)
	defer store.Close()
	defer log.Close()
	const at = 20
	state := tracking.NewState()
	if err := log.Read(t.Context(), 0, func(seq uint64, b []byte) error {
		if seq > at {
			return nil
		}
		entries, err := tracking.DecodeRecord(b)
		if err == nil {
			_, err = state.Apply(seq, entries...)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	snapshot, err := state.Snapshot(log.Epoch())
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Check(t.Context(), trimmed{log, at - 5, snapshot}, store, audit.Options{Tracks: true, Heads: []string{head}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) > 0 || r.From != at+1 || !strings.Contains(r.Partial, "up to record 20") || r.Events == 0 || r.Fixes == 0 || r.Things == 0 {
		t.Errorf("%+v\n%s", r, show(r))
	}
	for name, log := range map[string]tracking.Log{
		"no snapshot": trimmed{log, at, nil}, "of another log": trimmed{log, at, must(state.Snapshot("other"))}, "damaged": trimmed{log, at, snapshot[:len(snapshot)-9]},
	} {
		r, err := audit.Check(t.Context(), log, store, audit.Options{})
		if err != nil || len(r.Findings) == 0 {
			t.Errorf("%s: %v, nothing found", name, err)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
