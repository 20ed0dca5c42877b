package sqlite_test

import (
	"path/filepath"
	"testing"

	"corridor/tracking"
	"corridor/tracking/store/sqlite"
	"corridor/tracking/store/storetest"
)

func open(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) tracking.Store { return open(t, filepath.Join(t.TempDir(), "a?b#c %41.db")) })
}

func TestReopen(t *testing.T) {
	storetest.Reopen(t, func(t *testing.T) func() tracking.Store {
		path := filepath.Join(t.TempDir(), "corridor.db")
		return func() tracking.Store { return open(t, path) }
	})
}
