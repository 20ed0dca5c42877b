package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"corridor/tracking/store/storetest"
)

// TestSize holds a whole file, indexes and states of the units included, to at
// most 12 bytes a position for units that have some history. Free pages are not
// counted: the tail left them, a few megabytes however long the history is, and
// will use them again.
func TestSize(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 5 * time.Minute} {
		t.Run(fmt.Sprint(interval), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "corridor.db")
			db := open(t, path)
			const batches, batch = 60, 5000
			f := storetest.Fleet{Units: 100, Interval: interval, Batch: batch}
			for range batches {
				if err := db.Apply(t.Context(), f.Next()); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			raw, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			var used int64
			if err := raw.QueryRow("SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&used); err != nil {
				t.Fatal(err)
			}
			per := float64(used) / (batches * batch)
			t.Logf("one fix in %s: %.2f bytes a position on disk", interval, per)
			if per > 12 {
				t.Errorf("one fix in %s: %.2f bytes a position on disk, more than 12", interval, per)
			}
		})
	}
}
