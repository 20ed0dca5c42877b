package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"corridor/tracking"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/storetest"
)

// server is the URL of a PostgreSQL server tests may make schemas in. make test
// starts one.
func server(t testing.TB) string {
	t.Helper()
	u := os.Getenv("CORRIDOR_TEST_POSTGRES")
	if u == "" {
		t.Skip("NOT TESTED: CORRIDOR_TEST_POSTGRES is not set. Give the URL of a PostgreSQL server, or run make test, which starts one.")
	}
	return u
}

// schema makes an empty schema, dropped after the test, and returns its URL.
func schema(t testing.TB) string {
	t.Helper()
	base := server(t)
	name := fmt.Sprintf("corridor_test_%d_%d", os.Getpid(), rand.Int64())
	exec(t, base, "CREATE SCHEMA "+name)
	t.Cleanup(func() { exec(t, base, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func exec(t testing.TB, url, sql string) {
	t.Helper()
	ctx := context.Background() // also after the test's own is done
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestStore(t *testing.T) {
	url := schema(t)
	if err := open(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	// One schema for all, emptied each time: making one takes a fifth of a second.
	storetest.Run(t, func(t *testing.T) tracking.Store {
		exec(t, url, `TRUNCATE party, key, shipment, progress, object, plan, event, unit, tail, open, sealed;
			UPDATE applied SET seq = 0, epoch = '', sealed = 0`)
		return open(t, url)
	})
}

func TestReopen(t *testing.T) {
	server(t)
	storetest.Reopen(t, func(t *testing.T) func() tracking.Store {
		url := schema(t)
		return func() tracking.Store { return open(t, url) }
	})
}

// TestTwoProcesses lets one process read what another writes and seals, and take
// over from it.
func TestTwoProcesses(t *testing.T) {
	url := schema(t)
	a, b := open(t, url), open(t, url)
	defer a.Close()
	defer b.Close()
	storetest.TwoProcesses(t, a, b)
}

func TestMigrationsAtOnce(t *testing.T) {
	url := schema(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := postgres.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNewerSchema(t *testing.T) {
	url := schema(t)
	if err := open(t, url).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, url, "INSERT INTO migration VALUES (1000, 'from the future')")
	if _, err := postgres.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "newer than this program") {
		t.Errorf("opened: %v", err)
	}
}

func TestPasswordStaysSecret(t *testing.T) {
	for _, url := range []string{"postgres://corridor:s3cret@127.0.0.1:1/none?connect_timeout=1", "postgres://corridor:s3cret@127.0.0.1:port/none"} {
		if _, err := postgres.Open(t.Context(), url); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
	}
}
