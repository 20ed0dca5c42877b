package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers the driver the baseline opens

	"github.com/paulmach/orb"

	"corridor/tracking"
	"corridor/tracking/store/sqlite"
	"corridor/tracking/store/storetest"
)

// size is what the store's files take on disk, in bytes, once the WAL is folded in.
func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

var fleets = []storetest.Fleet{
	{Units: 100, Interval: time.Second, Batch: 1000},
	{Units: 5000, Interval: time.Second, Batch: 1000},
	{Units: 50_000, Interval: 5 * time.Minute, Batch: 1000},
}

// BenchmarkInsert applies batches of 1,000 fixes; a benchmark loop is 100 of them.
// Beside it, one row for each fix in the same SQLite with the same settings. Run
// it with -benchtime 10x: a million fixes, the point where a row for each fix has
// grown slow.
func BenchmarkInsert(b *testing.B) {
	for _, fleet := range fleets {
		name := fmt.Sprintf("units=%d", fleet.Units)
		b.Run("chunks/"+name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "chunks.db")
			db := open(b, path)
			f := fleet
			insert(b, &f, func(c tracking.Changes) {
				if err := db.Apply(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			})
			if err := db.Seal(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(size(b, path))/float64(b.N*100*f.Batch), "bytes/fix")
		})
		b.Run("rows/"+name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "rows.db")
			db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=NORMAL&_cache_size=-16000")
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(`CREATE TABLE fix (unit TEXT, time INTEGER, lat REAL, lon REAL, speed REAL, course REAL, accuracy REAL,
				received INTEGER, seq INTEGER, PRIMARY KEY (unit, time)) WITHOUT ROWID`); err != nil {
				b.Fatal(err)
			}
			f := fleet
			insert(b, &f, func(c tracking.Changes) { insertRows(b, db, c) })
			if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(size(b, path))/float64(b.N*100*f.Batch), "bytes/fix")
		})
	}
}

func insert(b *testing.B, f *storetest.Fleet, apply func(tracking.Changes)) {
	var spent, busy time.Duration
	for range b.N * 100 {
		c := f.Next() // not counted
		begin, used := time.Now(), processorTime()
		apply(c)
		spent += time.Since(begin)
		busy += processorTime() - used
	}
	n := float64(b.N * 100 * f.Batch)
	b.ReportMetric(n/spent.Seconds(), "fixes/s")
	// On a machine that does other work too this is the figure to compare.
	b.ReportMetric(float64(busy.Nanoseconds())/n, "cpu-ns/fix")
}

// processorTime is what this process has used of all cores.
func processorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func insertRows(b *testing.B, db *sql.DB, c tracking.Changes) {
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	s, err := tx.Prepare("INSERT INTO fix VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, f := range c.Fixes {
		speed, _ := f.SpeedKMH.Get()
		course, _ := f.CourseDeg.Get()
		accuracy, _ := f.AccuracyM.Get()
		if _, err := s.Exec(f.Unit, f.Time.Unix(), f.Lat, f.Lon, speed, course, accuracy, f.Received.UnixMilli(), f.Seq); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkTrack asks for the last 1,000 fixes of one unit among 1,000 with 2,000
// each, sealed and with a tail.
func BenchmarkTrack(b *testing.B) {
	db := filled(b)
	for _, limit := range []int{1000, 1} {
		b.Run(fmt.Sprintf("last=%d", limit), func(b *testing.B) {
			times := make([]time.Duration, 0, 1<<14)
			i := 0
			for b.Loop() {
				begin := time.Now()
				fixes, err := db.Track(b.Context(), tracking.UnitID(fmt.Sprintf("TRUCK-%06d", i%1000)), tracking.TrackQuery{Limit: limit})
				if err != nil || len(fixes) != limit {
					b.Fatal(len(fixes), err)
				}
				times = append(times, time.Since(begin))
				i += 37
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkHas(b *testing.B) {
	db := filled(b)
	fixes, err := db.Track(b.Context(), "TRUCK-000007", tracking.TrackQuery{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	times := make([]time.Time, 100)
	for i := range times {
		times[i] = fixes[i*5].Time
	}
	for b.Loop() {
		if _, err := db.Has(b.Context(), "TRUCK-000007", times); err != nil {
			b.Fatal(err)
		}
	}
}

func filled(b *testing.B) *sqlite.DB {
	db := open(b, filepath.Join(b.TempDir(), "corridor.db"))
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	f := storetest.Fleet{Units: 1000, Interval: 10 * time.Second, Batch: 10_000}
	for range 200 {
		if err := db.Apply(context.Background(), f.Next()); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// BenchmarkLoad reads the state of 100,000 units.
func BenchmarkLoad(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "corridor.db"))
	defer db.Close()
	const units = 100_000
	f := storetest.Fleet{Units: units, Interval: time.Minute, Batch: units}
	if err := db.Apply(b.Context(), f.Next()); err != nil {
		b.Fatal(err)
	}
	if err := db.Seal(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		err := db.Load(b.Context(), func(c tracking.Changes) error { n += len(c.Units); return nil })
		if err != nil || n != units {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N*units)/b.Elapsed().Seconds(), "units/s")
}

// BenchmarkYear reads a truck's year at one fix in 5 minutes, 105,120 of them, as a
// screen draws it at the scale of a continent and of a country: eight hours a day on
// roads that bend, the rest parked with a receiver's noise.
func BenchmarkYear(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "year.db"))
	defer db.Close()
	f := storetest.Fleet{Units: 1, Interval: 5 * time.Minute, Batch: 1460}
	rnd := rand.New(rand.NewPCG(1, 1))
	lat, lon, heading := 45.0, 60.0, 1.0
	for range 72 {
		c := f.Next()
		for i := range c.Fixes {
			x := &c.Fixes[i]
			if x.Time.Hour() < 8 {
				heading += rnd.NormFloat64() * 0.1
				lat += 0.05 * math.Cos(heading)
				lon += 0.07 * math.Sin(heading)
				if lat < 35 || lat > 60 || lon < 20 || lon > 120 {
					heading += math.Pi
				}
			}
			x.Lat, x.Lon = lat+rnd.NormFloat64()*1e-4, lon+rnd.NormFloat64()*1e-4
		}
		if err := db.Apply(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Seal(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, metres := range []float64{5000, 500} {
		b.Run(fmt.Sprintf("metres=%g", metres), func(b *testing.B) {
			n := 0
			for range b.N {
				fixes, err := db.Track(b.Context(), "TRUCK-000000", tracking.TrackQuery{ToleranceM: metres})
				if err != nil {
					b.Fatal(err)
				}
				n = len(fixes)
			}
			b.ReportMetric(float64(n), "fixes-drawn")
		})
	}
}

// BenchmarkNear asks who was in a box of some 100 km between 10:00 and 12:00, among
// 5,000 units over a day at one fix in 5 minutes.
func BenchmarkNear(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "near.db"))
	defer db.Close()
	f := storetest.Fleet{Units: 5000, Interval: 5 * time.Minute, Batch: 5000}
	var last tracking.Fix
	for range 288 {
		c := f.Next()
		last = c.Fixes[0]
		if err := db.Apply(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	from := last.Time.Truncate(24 * time.Hour).Add(10 * time.Hour)
	box := orb.Bound{Min: orb.Point{last.Lon - 0.5, last.Lat - 0.5}, Max: orb.Point{last.Lon + 0.5, last.Lat + 0.5}}
	b.ResetTimer()
	n := 0
	for range b.N {
		units, err := db.Near(b.Context(), box, from, from.Add(2*time.Hour))
		if err != nil {
			b.Fatal(err)
		}
		n = len(units)
	}
	b.ReportMetric(float64(n), "units-near")
}
