package poslog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"corridor/tracking"
)

const (
	// How soon a consumer whose server has gone is noticed and made anew. The
	// client's own ordered consumer waits up to ten seconds for each try to do so.
	heartbeat   = time.Second
	pullExpires = 5 * time.Second
	shareTime   = 2 * time.Second // an append; one that is lost with its server is sent again
	createTime  = 2 * time.Second

	leaseTTL    = 3 * time.Second // of all leases: a bucket has one age for all its keys
	leaseBucket = "-lease"        // behind the stream's name
	valueBucket = "-shared"
)

var _ tracking.SharedLog = (*Log)(nil)

// Share appends a record behind whatever other processes append and returns when
// the cluster has it: on a majority of the replicas, and on their disks where the
// servers set sync_interval: always. It may be called by many at once.
func (l *Log) Share(ctx context.Context, record []byte) (uint64, error) {
	if len(record) > MaxRecord {
		return 0, fmt.Errorf("append to the log: record of %d bytes, at most %d", len(record), MaxRecord)
	}
	msg := &nats.Msg{Subject: subject, Data: record, Header: nats.Header{}}
	msg.Header.Set(jetstream.MsgIDHeader, rand.Text())
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		ask, cancel := context.WithTimeout(ctx, shareTime)
		ack, err := l.js.PublishMsg(ask, msg, jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			return ack.Sequence, nil
		}
		if final, err := judgeShared(err); final {
			return 0, fmt.Errorf("append to the log: %w", err)
		}
		l.cfg.Logger.Warn("the log did not answer, trying again", "err", err)
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("append to the log, outcome unknown: %w", errors.Join(context.Cause(ctx), err))
		case <-time.After(pause):
		}
	}
}

// judgeShared tells whether a failed publication is final. A cluster that elects a
// leader refuses for a moment: that is not.
func judgeShared(err error) (final bool, _ error) {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrMaxPayload):
		return true, err
	case !errors.As(err, &api):
		return false, err
	}
	switch api.ErrorCode {
	case codeStoreFailed, codeNoResources, codeStorageExceeded:
		if full, why := fullError(api); full {
			return true, why
		}
		return false, err
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return true, err
	}
	return false, err
}

// Follow calls fn for every record after the sequence as they are stored.
func (l *Log) Follow(ctx context.Context, after uint64, fn func(seq uint64, record []byte) error) error {
	ask, cancel := context.WithTimeout(ctx, createTime)
	cons, err := l.js.CreateConsumer(ask, l.cfg.Stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
		Replicas:          1,
	})
	cancel()
	if err != nil {
		return fmt.Errorf("follow the log: %w", err)
	}
	messages, err := cons.Messages(jetstream.PullExpiry(pullExpires), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return fmt.Errorf("follow the log: %w", err)
	}
	defer messages.Stop()
	for seq := after; ; {
		m, err := l.following(ctx, messages, seq)
		if err != nil {
			return fmt.Errorf("follow the log after record %d: %w", seq, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("follow the log after record %d: %w", seq, err)
		}
		if meta.Sequence.Stream != seq+1 {
			if seq > after { // lost on the way: once more from there
				return fmt.Errorf("follow the log: record %d did not come, %d did", seq+1, meta.Sequence.Stream)
			}
			return fmt.Errorf("follow the log: record %d is missing, %d follows: %w", seq+1, meta.Sequence.Stream, errDamaged)
		}
		seq++
		if err := fn(seq, m.Data()); err != nil {
			return err
		}
	}
}

// readShared is Read on an external server, where a reader may be placed on a server
// that has just gone: it begins anew where it was until it has come to the end.
func (l *Log) readShared(ctx context.Context, after, last uint64, fn func(seq uint64, record []byte) error) error {
	var stopped error
	for pause := firstPause; after < last; pause = min(2*pause, longestPause) {
		before := after
		err := l.Follow(ctx, after, func(seq uint64, record []byte) error {
			if stopped = fn(seq, record); stopped != nil {
				return stopped
			}
			if after = seq; after == last {
				return errEnd
			}
			return nil
		})
		switch {
		case stopped != nil:
			return stopped
		case errors.Is(err, errEnd):
			return nil
		case ctx.Err() != nil || errors.Is(err, errDamaged) || errors.Is(err, nats.ErrConnectionClosed):
			return fmt.Errorf("read the log: %w", err)
		}
		if after > before {
			pause = firstPause
		}
		l.cfg.Logger.Warn("the log cannot be read on, trying again", "after", after, "err", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("read the log: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
	return nil
}

// errEnd says that a reader has read all it was to read.
var errEnd = errors.New("the end")

// following waits for the record behind seq for as long as there is none.
func (l *Log) following(ctx context.Context, messages jetstream.MessagesContext, seq uint64) (jetstream.Msg, error) {
	for {
		wait, cancel := context.WithTimeout(ctx, stallTimeout)
		m, err := messages.Next(jetstream.NextContext(wait))
		cancel()
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		last, err := l.Last(ask)
		cancel()
		switch {
		case err != nil:
			return nil, err
		case last > seq:
			return nil, errStalled
		}
	}
}

var errStalled = errors.New("records are there but do not come")

// Lease implements tracking.SharedLog on a bucket whose keys grow old. ttl is at
// most three seconds: the bucket's age.
func (l *Log) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	kv, err := l.bucket(ctx, leaseBucket, min(ttl, leaseTTL))
	if err != nil {
		return false, fmt.Errorf("lease %s: %w", name, err)
	}
	_, err = kv.Create(ctx, name, []byte(holder))
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return false, fmt.Errorf("lease %s: %w", name, err)
	}
	have, err := kv.Get(ctx, name)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound): // it ended just now: next time
		return false, nil
	case err != nil:
		return false, fmt.Errorf("lease %s: %w", name, err)
	case string(have.Value()) != holder:
		return false, nil
	}
	_, err = kv.Update(ctx, name, []byte(holder), have.Revision())
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return false, nil // somebody else has it since
	}
	return err == nil, err
}

// Value returns what all processes of the log agreed on under a name: what the
// first of them made.
func (l *Log) Value(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	kv, err := l.bucket(ctx, valueBucket, 0)
	if err != nil {
		return nil, fmt.Errorf("shared %s: %w", name, err)
	}
	for {
		have, err := kv.Get(ctx, name)
		switch {
		case err == nil:
			return have.Value(), nil
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return nil, fmt.Errorf("shared %s: %w", name, err)
		}
		made, err := make()
		if err != nil {
			return nil, err
		}
		if _, err := kv.Create(ctx, name, made); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, fmt.Errorf("shared %s: %w", name, err)
		}
	}
}

// bucket opens a bucket with as many copies as the log has.
func (l *Log) bucket(ctx context.Context, suffix string, age time.Duration) (jetstream.KeyValue, error) {
	l.mu.Lock()
	kv := l.buckets[suffix]
	l.mu.Unlock()
	if kv != nil {
		return kv, nil
	}
	name := l.cfg.Stream + suffix
	kv, err := l.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = l.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, TTL: age, Replicas: max(1, l.stream.CachedInfo().Config.Replicas), Storage: jetstream.FileStorage,
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			kv, err = l.js.KeyValue(ctx, name)
		}
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets == nil {
		l.buckets = map[string]jetstream.KeyValue{}
	}
	l.buckets[suffix] = kv
	return kv, nil
}
