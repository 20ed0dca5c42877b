package poslog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// First returns the oldest sequence that is kept; one after the last when none is.
func (l *Log) First(ctx context.Context) (uint64, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the beginning of the log: %w", err)
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, nil
	}
	return info.State.FirstSeq, nil
}

// Restore makes the log of an epoch anew in a directory that has none, its records
// numbered from first. It is on disk when Restore returns.
func Restore(ctx context.Context, dir, epoch string, first uint64, records iter.Seq2[[]byte, error]) error {
	if err := restore(ctx, dir, epoch, first, records); err != nil {
		return fmt.Errorf("restore the log in %s: %w", dir, err)
	}
	return nil
}

func restore(ctx context.Context, dir, epoch string, first uint64, records iter.Seq2[[]byte, error]) (err error) {
	if epoch == "" || first == 0 {
		return errors.New("the epoch or the first sequence is not given")
	}
	switch _, err := os.Stat(dir); {
	case err == nil:
		return errors.New("it exists already")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	// Nothing is acknowledged to anybody here: one sync at the end does.
	l, err := Open(ctx, Config{Dir: dir, NoSync: true, MinFree: -1, begin: beginning{epoch, first}})
	if err != nil {
		return err
	}
	for record, fault := range records {
		if fault == nil {
			_, fault = l.Append(ctx, record)
		}
		if fault != nil {
			return errors.Join(fault, l.Close())
		}
	}
	if err := l.Close(); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
