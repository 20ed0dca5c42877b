// Package logtest is the contract of tracking.Log as tests. Every implementation
// runs it.
package logtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"corridor/tracking"
)

// Opener opens the log, or opens it again after it was closed. Each call to the
// function given to Run makes an Opener for another, empty log.
type Opener func(t testing.TB) tracking.Log

// Run checks one implementation.
func Run(t *testing.T, fresh func(t testing.TB) Opener) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, Opener){
		"empty":              empty,
		"order":              order,
		"large records":      large,
		"reopen":             reopen,
		"read from anywhere": readFromAnywhere,
		"read sees an end":   readSeesAnEnd,
		"read stops":         readStops,
		"concurrent appends": concurrent,
		"closed":             closed,
	} {
		t.Run(name, func(t *testing.T) { check(t, fresh(t)) })
	}
	t.Run("epochs differ", func(t *testing.T) {
		a, b := open(t, fresh(t)), open(t, fresh(t))
		if a.Epoch() == "" || a.Epoch() == b.Epoch() {
			t.Errorf("epochs of two logs are %q and %q, want two different ones", a.Epoch(), b.Epoch())
		}
	})
}

func open(t testing.TB, o Opener) tracking.Log {
	t.Helper()
	l := o(t)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l tracking.Log, record []byte, want uint64) {
	t.Helper()
	if seq, err := l.Append(t.Context(), record); err != nil || seq != want {
		t.Fatalf("Append = %d, %v, want %d", seq, err, want)
	}
}

func all(t testing.TB, l tracking.Log, after uint64) [][]byte {
	t.Helper()
	var out [][]byte
	err := l.Read(t.Context(), after, func(seq uint64, r []byte) error {
		if want := after + uint64(len(out)) + 1; seq != want {
			t.Fatalf("Read gave record %d, want %d", seq, want)
		}
		out = append(out, bytes.Clone(r))
		return nil
	})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return out
}

func empty(t *testing.T, o Opener) {
	l := open(t, o)
	if last, err := l.Last(t.Context()); last != 0 || err != nil {
		t.Errorf("Last = %d, %v, want 0", last, err)
	}
	if got := all(t, l, 0); len(got) != 0 {
		t.Errorf("Read gave %d records of an empty log", len(got))
	}
}

func order(t *testing.T, o Opener) {
	l := open(t, o)
	for i := range uint64(50) {
		add(t, l, fmt.Appendf(nil, "record %d", i+1), i+1)
	}
	got := all(t, l, 0)
	if len(got) != 50 {
		t.Fatalf("Read gave %d records, want 50", len(got))
	}
	for i, r := range got {
		if want := fmt.Sprintf("record %d", i+1); string(r) != want {
			t.Errorf("record %d is %q, want %q", i+1, r, want)
		}
	}
	if last, err := l.Last(t.Context()); last != 50 || err != nil {
		t.Errorf("Last = %d, %v, want 50", last, err)
	}
}

func large(t *testing.T, o Opener) {
	l := open(t, o)
	big := bytes.Repeat([]byte("0123456789abcdef"), 60_000) // just under the 1 MB a NATS server takes by default
	add(t, l, big, 1)
	add(t, l, []byte{0}, 2)
	got := all(t, l, 0)
	if len(got) != 2 || !bytes.Equal(got[0], big) || !bytes.Equal(got[1], []byte{0}) {
		t.Error("records came back changed")
	}
}

func reopen(t *testing.T, o Opener) {
	l := o(t)
	epoch := l.Epoch()
	add(t, l, []byte("before"), 1)
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	l = open(t, o)
	if l.Epoch() != epoch {
		t.Errorf("epoch is %q after reopening, was %q", l.Epoch(), epoch)
	}
	add(t, l, []byte("after"), 2)
	if got := all(t, l, 0); len(got) != 2 || string(got[0]) != "before" || string(got[1]) != "after" {
		t.Errorf("log holds %q", got)
	}
}

func readFromAnywhere(t *testing.T, o Opener) {
	l := open(t, o)
	for i := range uint64(20) {
		add(t, l, []byte{byte(i + 1)}, i+1)
	}
	for after := range uint64(22) {
		got := all(t, l, after)
		if want := 20 - min(20, int(after)); len(got) != want {
			t.Errorf("Read after %d gave %d records, want %d", after, len(got), want)
		} else if want > 0 && got[0][0] != byte(after+1) {
			t.Errorf("Read after %d began with %d", after, got[0][0])
		}
	}
}

func readSeesAnEnd(t *testing.T, o Opener) {
	l := open(t, o)
	add(t, l, []byte("1"), 1)
	add(t, l, []byte("2"), 2)
	n := 0
	err := l.Read(t.Context(), 0, func(seq uint64, _ []byte) error {
		n++
		add(t, l, []byte("more"), uint64(2+n)) // must not be read by this Read
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("Read = %v after %d records, want the 2 present at the call", err, n)
	}
}

func readStops(t *testing.T, o Opener) {
	l := open(t, o)
	for i := range uint64(5) {
		add(t, l, []byte{byte(i)}, i+1)
	}
	stop := errors.New("enough")
	n := 0
	if err := l.Read(t.Context(), 0, func(uint64, []byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("Read = %v after %d records, want the callback's error after 1", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	err := l.Read(ctx, 0, func(uint64, []byte) error { n++; cancel(); return nil })
	if n < 5 && err == nil {
		t.Errorf("Read = nil after %d of 5 records of a cancelled context", n)
	}
}

func concurrent(t *testing.T, o Opener) {
	l := open(t, o)
	const writers, each = 8, 10
	seqs := make(chan uint64, writers*each)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				seq, err := l.Append(t.Context(), []byte{byte(w), byte(i)})
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				seqs <- seq
			}
		})
	}
	wg.Wait()
	close(seqs)
	seen := map[uint64]bool{}
	for s := range seqs {
		if seen[s] || s < 1 || s > writers*each {
			t.Errorf("sequence %d given twice or out of range", s)
		}
		seen[s] = true
	}
	next := [writers]byte{}
	for _, r := range all(t, l, 0) {
		if r[1] != next[r[0]] {
			t.Errorf("record %d of writer %d came out of order", r[1], r[0])
		}
		next[r[0]]++
	}
}

func closed(t *testing.T, o Opener) {
	l := o(t)
	add(t, l, []byte("x"), 1)
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := l.Append(t.Context(), []byte("y")); err == nil {
		t.Error("Append to a closed log succeeded")
	}
}
