package stream

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// pair is a connection through the kernel, or one without.
func pair(t *testing.T, tcp bool) (near, far net.Conn) {
	t.Helper()
	if !tcp {
		near, far = net.Pipe()
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if near, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far
}

// TestOutlet writes to one who is slow to read, without ever waiting: every byte
// comes, in order.
func TestOutlet(t *testing.T) {
	for _, tcp := range []bool{true, false} {
		near, far := pair(t, tcp)
		o := newOutlet(near, time.Minute)
		freed := make(chan struct{}, 10_000)
		o.free = func() { freed <- struct{}{} }
		rnd := rand.New(rand.NewPCG(1, 1))
		var want bytes.Buffer
		for range 300 {
			b := make([]byte, 1+rnd.IntN(150_000))
			for i := 0; i < len(b); i += 7 {
				b[i] = byte(rnd.Uint32())
			}
			want.Write(b)
			if n, err := o.Write(b); n != len(b) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(b), err)
			}
		}
		if stuck, err := o.status(); !stuck || err != nil {
			t.Fatalf("tcp %v: stuck %v, %v: 22 MB cannot have gone", tcp, stuck, err)
		}
		got := make([]byte, want.Len())
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("tcp %v: other bytes came than were written", tcp)
		}
		<-freed
		if stuck, err := o.status(); stuck || err != nil {
			t.Errorf("tcp %v: stuck %v, %v after all was read", tcp, stuck, err)
		}
		go func() { _, _ = io.CopyN(io.Discard, far, 2) }()
		if _, err := o.Write([]byte("ok")); err != nil {
			t.Error(err)
		}
	}
}

// TestOutletGivesUp writes to one who never reads, and to one who is gone.
func TestOutletGivesUp(t *testing.T) {
	for _, gone := range []bool{false, true} {
		near, far := pair(t, true)
		o := newOutlet(near, 10*time.Millisecond)
		freed := make(chan struct{}, 100)
		o.free = func() { freed <- struct{}{} }
		if gone {
			_ = far.Close()
		}
		if _, err := o.Write(make([]byte, 32<<20)); err == nil { // more than any kernel keeps
			<-freed
		}
		if stuck, err := o.status(); stuck || err == nil {
			t.Errorf("gone %v: stuck %v, %v", gone, stuck, err)
		}
		if _, err := o.Write([]byte("x")); err == nil {
			t.Errorf("gone %v: it goes on writing", gone)
		}
	}
}
