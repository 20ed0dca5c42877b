// Package trackingtest has a tracking.Log in memory and switches for the faults
// a test wants of a Log or a Store. The Log passes the same suite as the real
// ones (poslog/logtest); the Store to wrap is store/memory.
package trackingtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"corridor/tracking"
)

// Log is a tracking.Log in memory. Closing it keeps the records: open the same
// Log again with Reopen.
type Log struct {
	epoch string

	mu      sync.Mutex // guards what follows
	records [][]byte
	closed  bool
	err     error
	lost    bool
	gate    chan struct{}
}

var _ tracking.Log = (*Log)(nil)

// NewLog makes an empty log.
func NewLog(epoch string) *Log { return &Log{epoch: epoch} }

// Fail makes appends fail with err until it is called with nil. With stored set
// the record is kept nevertheless, as when only the answer is lost.
func (l *Log) Fail(err error, stored bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err, l.lost = err, stored
}

// Hold makes appends wait until the returned function is called.
func (l *Log) Hold() (release func()) {
	gate := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate = gate
	return sync.OnceFunc(func() {
		l.mu.Lock()
		l.gate = nil
		l.mu.Unlock()
		close(gate)
	})
}

// Truncate forgets the newest records, as a damaged disk would.
func (l *Log) Truncate(keep int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = l.records[:keep]
}

// Reopen undoes Close.
func (l *Log) Reopen() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = false
	return l
}

// Append keeps a copy of the record.
func (l *Log) Append(ctx context.Context, record []byte) (uint64, error) {
	l.mu.Lock()
	gate := l.gate
	l.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return 0, tracking.ErrClosed
	case l.err != nil && !l.lost:
		return 0, l.err
	}
	l.records = append(l.records, bytes.Clone(record))
	return uint64(len(l.records)), l.err
}

// Read calls fn for every record after the sequence.
func (l *Log) Read(ctx context.Context, after uint64, fn func(seq uint64, record []byte) error) error {
	l.mu.Lock()
	records, closed := l.records[:len(l.records):len(l.records)], l.closed
	l.mu.Unlock()
	if closed {
		return tracking.ErrClosed
	}
	for i := after; i < uint64(len(records)); i++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if err := fn(i+1, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// Last returns the newest sequence.
func (l *Log) Last(context.Context) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, tracking.ErrClosed
	}
	return uint64(len(l.records)), nil
}

// Epoch is what NewLog was given.
func (l *Log) Epoch() string { return l.epoch }

// Close makes everything but Reopen fail.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}
