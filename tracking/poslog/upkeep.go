package poslog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"corridor/tracking"
)

const (
	snapshotFile   = "snapshot"
	snapshotBucket = "-snapshot"
	snapshotObject = "state"

	// When nine tenths of the room are taken a quarter of the records goes.
	pressing = 0.9
	relief   = 4
)

var (
	_ tracking.Snapshots = (*Log)(nil)
	_ tracking.Trimmer   = (*Log)(nil)
)

// Trim removes records up to the sequence: those older than Keep, and when the log
// nears MaxBytes or the disk MinFree, as many of the oldest as give room again.
func (l *Log) Trim(ctx context.Context, upTo uint64) (removed uint64, err error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("trim the log: %w", err)
	}
	s := info.State
	if s.Msgs == 0 || upTo < s.FirstSeq {
		return 0, nil
	}
	from := s.FirstSeq // becomes the first to stay
	if l.cfg.Keep > 0 {
		if from, err = l.since(ctx, time.Now().Add(-l.cfg.Keep), s.FirstSeq, upTo+1); err != nil {
			return 0, fmt.Errorf("trim the log: %w", err)
		}
	}
	if l.pressed(s.Bytes) {
		from = max(from, s.FirstSeq+s.Msgs/relief+1)
	}
	if from = min(from, upTo+1); from <= s.FirstSeq {
		return 0, nil
	}
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(from)); err != nil {
		return 0, fmt.Errorf("trim the log: %w", err)
	}
	l.cfg.Logger.Info("the log let go of old records", "up_to", from-1, "records", from-s.FirstSeq)
	return from - s.FirstSeq, nil
}

func (l *Log) pressed(bytes uint64) bool {
	if l.cfg.MaxBytes > 0 && float64(bytes) > pressing*float64(l.cfg.MaxBytes) {
		return true
	}
	if l.srv == nil || l.cfg.MinFree < 0 {
		return false
	}
	free, err := freeBytes(l.cfg.Dir)
	return err == nil && float64(free) < float64(l.cfg.MinFree)/pressing
}

// since finds the first record in [from, to) that was stored at the time or later.
func (l *Log) since(ctx context.Context, at time.Time, from, to uint64) (uint64, error) {
	var failed error
	n := sort.Search(int(to-from), func(i int) bool {
		if failed != nil {
			return true
		}
		m, err := l.stream.GetMsg(ctx, from+uint64(i))
		if err != nil {
			failed = err
			return true
		}
		return !m.Time.Before(at)
	})
	return from + uint64(n), failed
}

// SaveSnapshot implements tracking.Snapshots: in a file beside an embedded log, in
// an object store of an external cluster.
func (l *Log) SaveSnapshot(ctx context.Context, b []byte) error {
	if l.srv == nil {
		bucket, err := l.objects(ctx)
		if err == nil {
			_, err = bucket.PutBytes(ctx, snapshotObject, b)
		}
		if err != nil {
			return fmt.Errorf("save the snapshot: %w", err)
		}
		return nil
	}
	if free, err := freeBytes(l.cfg.Dir); err == nil && l.cfg.MinFree > 0 && free-int64(len(b)) < l.cfg.MinFree {
		return fmt.Errorf("save the snapshot: %d MB left on the disk of %s, %d MB are kept free", free>>20, l.cfg.Dir, l.cfg.MinFree>>20)
	}
	path := filepath.Join(l.cfg.Dir, snapshotFile)
	if err := writeSynced(path+".new", b); err != nil {
		return fmt.Errorf("save the snapshot: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save the snapshot: %w", err)
	}
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// LoadSnapshot implements tracking.Snapshots.
func (l *Log) LoadSnapshot(ctx context.Context) ([]byte, error) {
	if l.srv == nil {
		bucket, err := l.objects(ctx)
		if err != nil {
			return nil, fmt.Errorf("load the snapshot: %w", err)
		}
		b, err := bucket.GetBytes(ctx, snapshotObject)
		if errors.Is(err, jetstream.ErrObjectNotFound) {
			return nil, nil
		}
		return b, err
	}
	b, err := os.ReadFile(filepath.Join(l.cfg.Dir, snapshotFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (l *Log) objects(ctx context.Context) (jetstream.ObjectStore, error) {
	return l.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: l.cfg.Stream + snapshotBucket, Replicas: max(1, l.stream.CachedInfo().Config.Replicas), Storage: jetstream.FileStorage,
	})
}
