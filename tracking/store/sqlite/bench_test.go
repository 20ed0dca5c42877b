package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers the driver the baseline opens

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
	var spent time.Duration
	for range b.N * 100 {
		c := f.Next() // not counted
		begin := time.Now()
		apply(c)
		spent += time.Since(begin)
	}
	b.ReportMetric(float64(b.N*100*f.Batch)/spent.Seconds(), "fixes/s")
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
