//go:build !unix

package poslog

import (
	"math"
	"os"
	"path/filepath"
)

// lockDir holds a file open; a system without flock does not stop a second
// process by it.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o640)
}

// freeBytes is not known here: the size limit of the log is the guard.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
