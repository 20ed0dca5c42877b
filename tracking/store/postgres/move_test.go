package postgres_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"corridor/tracking"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/sqlite"
	"corridor/tracking/store/storetest"
)

// TestMove takes a store from SQLite to PostgreSQL and back again: each answers as
// the one before.
func TestMove(t *testing.T) {
	url := schema(t)
	ctx := t.Context()
	from, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "from.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	seq := storetest.FillSome(t, from)
	pg, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close()
	dump := func(s interface {
		Dump(context.Context, func(int, []any) error) (uint64, string, error)
	},
	) func(func(int, []any) error) (uint64, string, error) {
		return func(put func(int, []any) error) (uint64, string, error) { return s.Dump(ctx, put) }
	}
	stop := errors.New("enough")
	if err := pg.Fill(ctx, func(put func(int, []any) error) (uint64, string, error) {
		n := 0
		return from.Dump(ctx, func(table int, row []any) error {
			if n++; n > 30 {
				return stop
			}
			return put(table, row)
		})
	}); !errors.Is(err, stop) {
		t.Fatalf("cut off: %v", err)
	}
	if err := pg.Fill(ctx, dump(from)); err != nil { // nothing of the first try is there
		t.Fatal(err)
	}
	storetest.Same(t, pg, from)
	back, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "back.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if err := back.Fill(ctx, dump(pg)); err != nil {
		t.Fatal(err)
	}
	storetest.Same(t, back, from)
	if err := pg.Fill(ctx, dump(from)); !errors.Is(err, postgres.ErrNotEmpty) {
		t.Errorf("filled twice: %v", err)
	}
	if err := back.Fill(ctx, dump(from)); !errors.Is(err, sqlite.ErrNotEmpty) {
		t.Errorf("filled twice: %v", err)
	}
	// They go on where the first one was.
	for _, s := range []tracking.Store{from, pg, back} {
		storetest.GoOn(t, s, seq)
	}
	storetest.Same(t, pg, from)
	storetest.Same(t, back, from)
}

// TestAllIsMoved: see storetest.Moved.
func TestAllIsMoved(t *testing.T) {
	url := schema(t)
	if err := open(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	var table, column string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		columns[table] = append(columns[table], column)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	storetest.Moved(t, columns)
}
