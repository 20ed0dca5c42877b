//go:build unix

package exact

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file into memory, to be read only.
func mapFile(path string) (file []byte, unmap func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() == 0 || info.Size() > 1<<46 {
		return nil, nil, fmt.Errorf("%s: %w: it is %d bytes long", path, ErrFormat, info.Size())
	}
	file, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s into memory: %w", path, err)
	}
	return file, func() error { return unix.Munmap(file) }, nil
}
