package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"corridor/geodata/track"
	"corridor/tracking"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/storetest"
)

// withPostGIS is an empty schema that sees PostGIS.
func withPostGIS(t *testing.T) string {
	t.Helper()
	base := server(t)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS postgis"); err != nil {
		if strings.Contains(err.Error(), "is not available") {
			t.Skip("NOT TESTED: this PostgreSQL has no PostGIS. Install it (Debian: postgresql-postgis), or run make test, which does.")
		}
		t.Fatal(err)
	}
	name := fmt.Sprintf("corridor_gis_%d_%d", os.Getpid(), rand.Int64())
	exec(t, base, "CREATE SCHEMA "+name)
	t.Cleanup(func() { exec(t, base, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name+",public")
	u.RawQuery = q.Encode()
	return u.String()
}

// TestTrajectories reads tracks as PostGIS has them: sealed chunks as lines with the
// time as measure, late fixes in their place, what is forgotten gone with its line.
func TestTrajectories(t *testing.T) {
	url := withPostGIS(t)
	db := open(t, url)
	f := storetest.Fleet{Units: 3, Interval: time.Second, Batch: 1000}
	var all []tracking.Changes
	for range 3 {
		c := f.Next()
		all = append(all, c)
		if err := db.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	unit := string(all[0].Fixes[0].Unit)
	// lines checks every line of the unit against its track and returns how many
	// points there are.
	lines := func(db *postgres.DB) int {
		t.Helper()
		fixes, err := db.Track(t.Context(), tracking.UnitID(unit), tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), `SELECT ST_AsEWKB(line), ST_IsValidTrajectory(line), "from", "to" FROM track WHERE unit = $1 ORDER BY "from"`, unit)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var body []byte
		var valid bool
		var from, to time.Time
		if _, err := pgx.ForEachRow(rows, []any{&body, &valid, &from, &to}, func() error {
			points, err := track.FromEWKB(body)
			if err != nil {
				return err
			}
			if !valid || !points[0].Time.Truncate(time.Second).Equal(from) || !points[len(points)-1].Time.Truncate(time.Second).Equal(to) {
				t.Errorf("line from %s to %s, valid: %v", from, to, valid)
			}
			for _, p := range points {
				if f := fixes[n]; !p.Time.Equal(f.Time) || p.Point[0] != f.Lon || p.Point[1] != f.Lat {
					t.Fatalf("point %d is %v, want %v at %v", n, p, f.Time, f.Position)
				}
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := lines(db)
	if before < 512 {
		t.Fatalf("%d points", before)
	}
	late := all[0].Fixes[0]
	late.Time = late.Time.Add(-time.Hour)
	late.Seq = 4
	if err := db.Apply(t.Context(), tracking.Changes{From: 3, To: 4, Epoch: all[0].Epoch, Fixes: []tracking.Fix{late}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := lines(db); n != before+1 {
		t.Errorf("%d points with a late fix, want %d", n, before+1)
	}
	if n, err := db.Forget(t.Context(), []tracking.UnitID{tracking.UnitID(unit)}, all[0].Fixes[0].Time.Add(100*time.Second)); err != nil || n != 101 {
		t.Fatalf("%d forgotten, %v", n, err)
	}
	if n := lines(db); n != before-100 {
		t.Errorf("%d points, want %d", n, before-100)
	}
	want := lines(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// A database that gets PostGIS later is filled in when it is opened.
	exec(t, url, "DROP VIEW track; DROP TABLE trajectory")
	db = open(t, url)
	defer db.Close()
	if n := lines(db); n != want {
		t.Errorf("%d points after it was made anew, want %d", n, want)
	}
}
