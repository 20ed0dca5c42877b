package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows how far a long work is, on a terminal only: a file or a pipe gets
// results and nothing else. The line is drawn at most ten times a second and wiped
// at the end.
type progress struct {
	out   *os.File // nil: nobody looks
	what  string
	total int64 // bytes; 0: not known
	read  int64
	next  time.Time
}

func newProgress(w io.Writer, what string, total int64) *progress {
	p := &progress{what: what, total: total}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.out = f
	}
	return p
}

// step says what is being done now.
func (p *progress) step(what string) {
	p.what = what
	p.next = time.Time{}
	p.draw()
}

func (p *progress) draw() {
	if p.out == nil || time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(100 * time.Millisecond)
	if p.total > 0 {
		fmt.Fprintf(p.out, "\r\x1b[K%s %d%%", p.what, min(100, 100*p.read/p.total))
	} else {
		fmt.Fprintf(p.out, "\r\x1b[K%s …", p.what)
	}
}

// done wipes the line.
func (p *progress) done() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.out = nil
	}
}

func (p *progress) count(ctx context.Context, n int) error {
	p.read += int64(n)
	p.draw()
	return ctx.Err()
}

// reader is a reader that is watched, and that fails once ctx is done.
func (p *progress) reader(ctx context.Context, in io.Reader) io.Reader {
	return watchedReader{ctx, p, in}
}

type watchedReader struct {
	ctx context.Context
	p   *progress
	in  io.Reader
}

func (w watchedReader) Read(b []byte) (int, error) {
	n, err := w.in.Read(b)
	if e := w.p.count(w.ctx, n); e != nil {
		return n, e
	}
	return n, err
}

// readerAt is the same for random access.
func (p *progress) readerAt(ctx context.Context, in io.ReaderAt) io.ReaderAt {
	return watchedReaderAt{ctx, p, in}
}

type watchedReaderAt struct {
	ctx context.Context
	p   *progress
	in  io.ReaderAt
}

func (w watchedReaderAt) ReadAt(b []byte, at int64) (int, error) {
	n, err := w.in.ReadAt(b, at)
	if e := w.p.count(w.ctx, n); e != nil {
		return n, e
	}
	return n, err
}
