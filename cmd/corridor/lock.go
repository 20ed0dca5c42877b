package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockDir makes this process the only server on a data directory. The kernel lets
// go of the lock however the process ends, so none is ever stale.
func lockDir(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := io.ReadAll(io.LimitReader(f, 20))
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			who := "another corridor"
			if pid := strings.TrimSpace(string(owner)); pid != "" {
				who += " (process " + pid + ")"
			}
			return nil, fmt.Errorf("%s is serving from %s: stop it, or give another --data", who, dir)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// Who holds it is for the message above only.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	}
	return f.Close, nil
}
