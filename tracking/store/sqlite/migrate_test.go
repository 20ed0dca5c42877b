package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"corridor/tracking"
	"corridor/tracking/store/sqlite"
	"corridor/tracking/store/storetest"
)

// TestNewerSchema opens a file a later Corridor wrote: it must be left alone.
func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "corridor.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer than this program") {
		t.Errorf("opened: %v", err)
	}
}

func TestNotADatabase(t *testing.T) {
	if _, err := sqlite.Open(t.Context(), t.TempDir()); err == nil {
		t.Error("a directory was opened as a store")
	}
}

// TestTwoWriters lets two stores write to one file, which must not lose what the
// other one wrote.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "corridor.db")
	a, b := open(t, path), open(t, path)
	defer b.Close()
	apply := func(db *sqlite.DB, seq uint64) {
		t.Helper()
		if err := db.Apply(t.Context(), tracking.Changes{From: seq - 1, To: seq, Epoch: "log", Units: []tracking.UnitState{{Unit: "A", Fixes: seq}}}); err != nil {
			t.Fatal(err)
		}
	}
	apply(a, 1)
	apply(b, 2)
	if err := a.Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("sealed although another wrote: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open(t, path)
	defer a.Close()
	if err := a.Seal(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAllIsMoved: see storetest.Moved.
func TestAllIsMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "corridor.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND NOT (m.name = 'sealed' AND c.name = 'id')`) // its rowid, given anew
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schema := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		schema[table] = append(schema[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	storetest.Moved(t, schema)
}
