package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"corridor/tracking"
	"corridor/tracking/store/storetest"
)

var fleets = []storetest.Fleet{
	{Units: 100, Interval: time.Second, Batch: 1000},
	{Units: 5000, Interval: time.Second, Batch: 1000},
	{Units: 50_000, Interval: 5 * time.Minute, Batch: 1000},
}

// BenchmarkInsert is as in package sqlite; beside it, one row for each fix by
// COPY. A benchmark loop is 100 batches of 1,000 fixes: use -benchtime 10x.
func BenchmarkInsert(b *testing.B) {
	for _, fleet := range fleets {
		name := fmt.Sprintf("units=%d", fleet.Units)
		b.Run("chunks/"+name, func(b *testing.B) {
			url := schema(b)
			db := open(b, url)
			defer db.Close()
			f := fleet
			insert(b, &f, func(c tracking.Changes) {
				if err := db.Apply(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			})
			if err := db.Seal(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(size(b, url, "unit", "tail", "open", "sealed")/float64(b.N*100*f.Batch), "bytes/fix")
		})
		b.Run("rows/"+name, func(b *testing.B) {
			url := schema(b)
			conn, err := pgx.Connect(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(context.Background())
			exec(b, url, `CREATE TABLE fix (unit text, time timestamptz, lat float8, lon float8, speed real, course real, accuracy real,
				received timestamptz, seq bigint, PRIMARY KEY (unit, time))`)
			f := fleet
			insert(b, &f, func(c tracking.Changes) {
				_, err := conn.CopyFrom(b.Context(), pgx.Identifier{"fix"}, []string{"unit", "time", "lat", "lon", "speed", "course", "accuracy", "received", "seq"},
					pgx.CopyFromSlice(len(c.Fixes), func(i int) ([]any, error) {
						f := &c.Fixes[i]
						speed, _ := f.SpeedKMH.Get()
						course, _ := f.CourseDeg.Get()
						accuracy, _ := f.AccuracyM.Get()
						return []any{string(f.Unit), f.Time, f.Lat, f.Lon, float32(speed), float32(course), float32(accuracy), f.Received, int64(f.Seq)}, nil
					}))
				if err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(size(b, url, "fix")/float64(b.N*100*f.Batch), "bytes/fix")
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

// size is what tables take with their indexes, after VACUUM FULL.
func size(b *testing.B, url string, tables ...string) float64 {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	total := 0.0
	for _, table := range tables {
		var n int64
		if _, err := conn.Exec(b.Context(), "VACUUM FULL "+table); err != nil {
			b.Fatal(err)
		}
		if err := conn.QueryRow(b.Context(), "SELECT pg_total_relation_size($1::regclass)", table).Scan(&n); err != nil {
			b.Fatal(err)
		}
		total += float64(n)
	}
	return total
}

// BenchmarkTrack asks for the last fixes of one unit among 1,000 with 2,000 each.
func BenchmarkTrack(b *testing.B) {
	db := open(b, schema(b))
	defer db.Close()
	f := storetest.Fleet{Units: 1000, Interval: 10 * time.Second, Batch: 10_000}
	for range 200 {
		if err := db.Apply(b.Context(), f.Next()); err != nil {
			b.Fatal(err)
		}
	}
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
