package poslog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"corridor/tracking"
	"corridor/tracking/poslog"
	"corridor/tracking/poslog/logtest"
	"corridor/tracking/trackingtest"
)

func open(t testing.TB, c poslog.Config) *poslog.Log {
	t.Helper()
	l, err := poslog.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestEmbedded(t *testing.T) {
	logtest.Run(t, func(t testing.TB) logtest.Opener {
		dir := t.TempDir()
		return func(t testing.TB) tracking.Log { return open(t, poslog.Config{Dir: dir}) }
	})
}

// external starts a server as an operator would have one, on a loopback port.
func external(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("nats-server does not start")
	}
	return s
}

func TestExternal(t *testing.T) {
	logtest.Run(t, func(t testing.TB) logtest.Opener {
		s := external(t)
		return func(t testing.TB) tracking.Log { return open(t, poslog.Config{URL: s.ClientURL()}) }
	})
}

func TestMemory(t *testing.T) {
	n := 0
	logtest.Run(t, func(testing.TB) logtest.Opener {
		n++
		l := trackingtest.NewLog(fmt.Sprint("memory", n))
		return func(testing.TB) tracking.Log { return l.Reopen() }
	})
}

func TestOneProcessPerDirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, poslog.Config{Dir: dir})
	_, err := poslog.Open(t.Context(), poslog.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another process uses it") || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open of a directory in use = %v, want an error that says so", err)
	}
}

func TestSecondWriterIsStopped(t *testing.T) {
	s := external(t)
	a, b := open(t, poslog.Config{URL: s.ClientURL()}), open(t, poslog.Config{URL: s.ClientURL()})
	if _, err := a.Append(t.Context(), []byte("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(t.Context(), []byte("b")); !errors.Is(err, tracking.ErrConflict) {
		t.Fatalf("append of a second writer = %v, want ErrConflict", err)
	}
	if last, err := a.Last(t.Context()); err != nil || last != 1 {
		t.Errorf("log ends at %d, %v, want 1", last, err)
	}
	// Once it knows the end it may go on: taking over from a dead process.
	if seq, err := b.Append(t.Context(), []byte("b")); err != nil || seq != 2 {
		t.Errorf("append after the conflict = %d, %v", seq, err)
	}
}

func TestFull(t *testing.T) {
	t.Run("size limit", func(t *testing.T) {
		dir := t.TempDir()
		l := open(t, poslog.Config{Dir: dir, MaxBytes: 20_000})
		var stored uint64
		var err error
		for range 100 {
			var seq uint64
			if seq, err = l.Append(t.Context(), make([]byte, 1000)); err != nil {
				break
			}
			stored = seq
		}
		if !errors.Is(err, tracking.ErrFull) {
			t.Fatalf("append to a full log = %v, want ErrFull", err)
		}
		if last, err := l.Last(t.Context()); err != nil || last != stored || stored < 10 {
			t.Errorf("log ends at %d, %v, %d were acknowledged", last, err, stored)
		}
		_ = l.Close()
		l = open(t, poslog.Config{Dir: dir, MaxBytes: 40_000})
		if seq, err := l.Append(t.Context(), make([]byte, 1000)); err != nil || seq != stored+1 {
			t.Errorf("append after the limit was raised = %d, %v, want %d", seq, err, stored+1)
		}
	})
	t.Run("disk", func(t *testing.T) {
		l := open(t, poslog.Config{Dir: t.TempDir(), MinFree: math.MaxInt64})
		if _, err := l.Append(t.Context(), []byte("x")); !errors.Is(err, tracking.ErrFull) || !strings.Contains(err.Error(), "MB left") {
			t.Errorf("append with too little room = %v, want ErrFull and how much is left", err)
		}
	})
}

func TestTrim(t *testing.T) {
	fill := func(t *testing.T, c poslog.Config, n int) *poslog.Log {
		c.Dir, c.NoSync, c.MinFree = t.TempDir(), true, -1
		l := open(t, c)
		for i := range n {
			if _, err := l.Append(t.Context(), append(make([]byte, 1000), byte(i))); err != nil {
				t.Fatalf("record %d: %v", i+1, err)
			}
		}
		return l
	}
	first := func(l *poslog.Log) uint64 {
		t.Helper()
		var got uint64
		for after := range uint64(200) {
			err := l.Read(t.Context(), after, func(seq uint64, _ []byte) error { got = seq; return errors.New("enough") })
			if got > 0 || err == nil {
				break
			}
		}
		return got
	}
	t.Run("nothing is asked for", func(t *testing.T) {
		l := fill(t, poslog.Config{}, 50)
		if n, err := l.Trim(t.Context(), 40); n != 0 || err != nil {
			t.Errorf("trimmed %d, %v", n, err)
		}
	})
	t.Run("old", func(t *testing.T) {
		l := fill(t, poslog.Config{Keep: time.Nanosecond}, 50)
		if n, err := l.Trim(t.Context(), 30); n != 30 || err != nil {
			t.Errorf("trimmed %d, %v, want the 30 that may go", n, err)
		}
		if got := first(l); got != 31 {
			t.Errorf("the log begins with %d", got)
		}
		if n, err := l.Trim(t.Context(), 20); n != 0 || err != nil {
			t.Errorf("trimmed %d, %v of what is gone", n, err)
		}
		if seq, err := l.Append(t.Context(), []byte("on")); seq != 51 || err != nil {
			t.Errorf("append after it: %d, %v", seq, err)
		}
		if err := l.Read(t.Context(), 10, func(uint64, []byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "11 to 30") {
			t.Errorf("reading what is gone: %v", err)
		}
	})
	t.Run("not old yet", func(t *testing.T) {
		l := fill(t, poslog.Config{Keep: time.Hour}, 50)
		if n, err := l.Trim(t.Context(), 40); n != 0 || err != nil {
			t.Errorf("trimmed %d, %v", n, err)
		}
	})
	t.Run("full", func(t *testing.T) {
		l := fill(t, poslog.Config{MaxBytes: 60_000}, 52)
		if n, err := l.Trim(t.Context(), 2); n != 2 || err != nil {
			t.Errorf("trimmed %d, %v, want the 2 that may go", n, err)
		}
		if n, err := l.Trim(t.Context(), 52); n < 12 || n > 14 || err != nil {
			t.Errorf("trimmed %d, %v, want a quarter", n, err)
		}
		if _, err := l.Append(t.Context(), make([]byte, 1000)); err != nil {
			t.Errorf("append with room again: %v", err)
		}
	})
}

func TestSnapshots(t *testing.T) {
	s := external(t)
	dir := t.TempDir()
	for name, c := range map[string]poslog.Config{"file": {Dir: dir, MinFree: -1}, "object": {URL: s.ClientURL()}} {
		t.Run(name, func(t *testing.T) {
			l := open(t, c)
			if b, err := l.LoadSnapshot(t.Context()); b != nil || err != nil {
				t.Errorf("%d bytes, %v before there is one", len(b), err)
			}
			for _, want := range []string{"one", strings.Repeat("two", 100_000)} {
				if err := l.SaveSnapshot(t.Context(), []byte(want)); err != nil {
					t.Fatal(err)
				}
				if b, err := l.LoadSnapshot(t.Context()); string(b) != want || err != nil {
					t.Errorf("%d bytes, %v, want %d", len(b), err, len(want))
				}
			}
		})
	}
}

func TestTooLong(t *testing.T) {
	l := open(t, poslog.Config{Dir: t.TempDir()})
	if _, err := l.Append(t.Context(), make([]byte, poslog.MaxRecord+1)); err == nil {
		t.Error("a record longer than MaxRecord was taken")
	}
	if seq, err := l.Append(t.Context(), make([]byte, poslog.MaxRecord)); err != nil || seq != 1 {
		t.Errorf("append of the longest record = %d, %v", seq, err)
	}
}

// A log whose bytes changed on disk must say so, never skip in silence.
func TestDamage(t *testing.T) {
	const records = 200
	fill := func(t *testing.T) (dir string, block string) {
		dir = t.TempDir()
		l := open(t, poslog.Config{Dir: dir})
		for i := range records {
			if _, err := l.Append(t.Context(), bytes.Repeat([]byte{byte(i)}, 500)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
		if err != nil || len(blocks) != 1 {
			t.Fatalf("blocks: %v, %v", blocks, err)
		}
		return dir, blocks[0]
	}
	// readBack tells how many records could be read before the end or an error.
	readBack := func(t *testing.T, dir string) (n int, last uint64, err error) {
		l, err := poslog.Open(t.Context(), poslog.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return 0, 0, err
		}
		defer l.Close()
		last, err = l.Last(t.Context())
		if err != nil {
			return 0, 0, err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = l.Read(ctx, 0, func(seq uint64, r []byte) error {
			n++
			if !bytes.Equal(r, bytes.Repeat([]byte{byte(seq - 1)}, 500)) {
				t.Errorf("record %d came back changed", seq)
			}
			return nil
		})
		return n, last, err
	}
	t.Run("truncated", func(t *testing.T) {
		dir, block := fill(t)
		info, err := os.Stat(block)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(block, info.Size()*2/3); err != nil {
			t.Fatal(err)
		}
		n, last, err := readBack(t, dir)
		t.Logf("%d records read, log ends at %d: %v", n, last, err)
		if n >= records || err == nil && uint64(n) != last {
			t.Errorf("%d records read, log ends at %d: %v", n, last, err)
		}
		if err != nil && !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %v does not say that the log is damaged", err)
		}
	})
	t.Run("flipped bit", func(t *testing.T) {
		dir, block := fill(t)
		b, err := os.ReadFile(block)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 0x10
		if err := os.WriteFile(block, b, 0o600); err != nil {
			t.Fatal(err)
		}
		n, last, err := readBack(t, dir)
		t.Logf("%d records read, log ends at %d: %v", n, last, err)
		if err == nil && n >= records {
			t.Error("a flipped bit went unnoticed")
		}
		if err == nil && uint64(n) != last {
			t.Errorf("%d records read without an error, log ends at %d", n, last)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	if _, err := poslog.Open(t.Context(), poslog.Config{}); err == nil {
		t.Error("Open without directory and URL succeeded")
	}
	_, err := poslog.Open(t.Context(), poslog.Config{URL: "nats://corridor:secret@127.0.0.1:1"})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("Open of a server that is not there = %v, want the address and no password", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 2_000, 6_400, 100_000} {
		for _, nosync := range []bool{false, true} {
			b.Run(fmt.Sprintf("bytes=%d/nosync=%v", size, nosync), func(b *testing.B) {
				l := open(b, poslog.Config{Dir: b.TempDir(), NoSync: nosync})
				rec := make([]byte, size)
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := l.Append(b.Context(), rec); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// Who only reads sets no limit, and makes no log where there is none.
func TestOpenAsItIs(t *testing.T) {
	dir := t.TempDir()
	if l, err := poslog.Open(t.Context(), poslog.Config{Dir: dir, AsItIs: true}); err == nil {
		_ = l.Close()
		t.Error("a log was made")
	}
	l, err := poslog.Open(t.Context(), poslog.Config{Dir: dir, MinFree: -1, MaxBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = poslog.Open(t.Context(), poslog.Config{Dir: dir, MinFree: -1, AsItIs: true}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 20 { // the limit is still there
		if _, err = l.Append(t.Context(), make([]byte, 500)); err != nil {
			break
		}
	}
	if !errors.Is(err, tracking.ErrFull) {
		t.Errorf("after 10 kB in a log of 4 kB: %v", err)
	}
}
