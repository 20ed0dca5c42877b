//go:build unix

package paged

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(file []byte) error { return unix.Munmap(file) }

func rest(file []byte) { _ = unix.Madvise(file, unix.MADV_DONTNEED) } // advice may be ignored
