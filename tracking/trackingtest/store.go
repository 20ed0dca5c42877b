package trackingtest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"corridor/tracking"
)

// Store is another Store with switches for faults. The embedded one answers all
// that is not switched off.
type Store struct {
	tracking.Store

	applies atomic.Int64
	mu      sync.Mutex // guards what follows
	err     error
	gate    chan struct{}
}

// WrapStore puts switches around a store; store/memory is the one for tests.
func WrapStore(s tracking.Store) *Store { return &Store{Store: s} }

// Fail makes the store fail with err, as a database that is away does, until it
// is called with nil.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Hold makes Apply wait until the returned function is called, as a database
// under a lock does.
func (s *Store) Hold() (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
	return sync.OnceFunc(func() {
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		close(gate)
	})
}

// Applies is how many transactions were committed.
func (s *Store) Applies() int { return int(s.applies.Load()) }

func (s *Store) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Applied fails when it is told to.
func (s *Store) Applied(ctx context.Context) (uint64, string, error) {
	if err := s.fault(); err != nil {
		return 0, "", err
	}
	return s.Store.Applied(ctx)
}

// Apply fails or waits when it is told to.
func (s *Store) Apply(ctx context.Context, c tracking.Changes) error {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := s.fault(); err != nil {
		return err
	}
	if err := s.Store.Apply(ctx, c); err != nil {
		return err
	}
	s.applies.Add(1)
	return nil
}

// Track fails when it is told to.
func (s *Store) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.Store.Track(ctx, unit, q)
}

// Has fails when it is told to.
func (s *Store) Has(ctx context.Context, unit tracking.UnitID, times []time.Time) ([]bool, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.Store.Has(ctx, unit, times)
}

// Events fails when it is told to.
func (s *Store) Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	if err := s.fault(); err != nil {
		return nil, err
	}
	return s.Store.Events(ctx, shipment, afterSeq, afterN, limit)
}
