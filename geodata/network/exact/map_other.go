//go:build !unix

package exact

import "os"

// mapFile reads the file: where there is no mmap of the same kind, areas take
// their size in memory.
func mapFile(path string) (file []byte, unmap func() error, err error) {
	file, err = os.ReadFile(path)
	return file, func() error { return nil }, err
}
