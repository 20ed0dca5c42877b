// Package paged keeps large columns of numbers that never change in files that are
// mapped into memory, instead of on the heap: what is not looked at takes no memory,
// what is looked at can be taken away by the system and read again, and the garbage
// collector, which lets a heap grow to twice what is alive, has nothing to do with it.
//
// The files have no name: they are gone with the process. It is not a format to keep
// data in, nor for what is written after it was moved: that ends the process.
package paged

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// Store moves columns to files in a directory. A nil Store leaves them on the heap.
type Store struct {
	dir  string
	full func(error)

	mu    sync.Mutex       // guards files; also while one of them is unmapped
	files map[*byte][]byte // all that are mapped, by their first byte
}

// Open returns a store whose files are in a directory, which should be on a disk: in
// memory they take as much of it as the heap does. The error says why columns cannot
// be moved there; a nil Store leaves them on the heap then. full is told when later
// columns had to stay there, because the disk is full for one; nil tells nobody.
func Open(dir string, full func(error)) (*Store, error) {
	probe := make([]uint32, 1024)
	file, _, err := write(dir, []Column{Of(&probe)})
	if err != nil {
		return nil, fmt.Errorf("keep data in files in %s: %w", dir, err)
	}
	if err := unmap(file); err != nil {
		return nil, err
	}
	if full == nil {
		full = func(error) {}
	}
	return &Store{dir: dir, full: full, files: map[*byte][]byte{}}, nil
}

// Bytes is how much is in files, whether it is in memory at the moment or not.
func (s *Store) Bytes() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0
	for _, f := range s.files {
		sum += len(f)
	}
	return int64(sum)
}

// Column is a slice that can be moved.
type Column struct {
	bytes func() []byte
	point func(at unsafe.Pointer)
}

// Of is the column of a slice of numbers, or of arrays and structs of numbers. Anything
// with a pointer in it panics: the garbage collector would not see it in a file.
func Of[T any](slice *[]T) Column {
	t := reflect.TypeFor[T]()
	if !plain(t) {
		panic(fmt.Sprintf("paged: %s holds pointers", t))
	}
	size := int(t.Size())
	n := len(*slice)
	return Column{
		bytes: func() []byte {
			if n == 0 || size == 0 {
				return nil
			}
			return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*slice))), n*size)
		},
		point: func(at unsafe.Pointer) {
			if n > 0 && size > 0 {
				*slice = unsafe.Slice((*T)(at), n)
			}
		},
	}
}

func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// Pages is where columns are after they were moved. A nil one is the heap.
type Pages struct{ file []byte }

// alignment of a column in its file: a line of the processor's cache.
const alignment = 64

// Move writes columns to a file and lets their slices point there. They may not be
// written any more, and are valid for as long as the process runs or, after Recycle,
// as the Pages. Where that fails they stay where they are and the Pages are nil.
func (s *Store) Move(columns ...Column) *Pages {
	if s == nil {
		return nil
	}
	file, at, err := write(s.dir, columns)
	if err != nil {
		s.full(fmt.Errorf("keep data in a file in %s: %w", s.dir, err))
		return nil
	}
	if len(file) == 0 {
		return nil
	}
	for i, c := range columns {
		c.point(unsafe.Pointer(unsafe.SliceData(file[at[i]:])))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[&file[0]] = file
	return &Pages{file}
}

// write returns the mapped file and where each column begins in it.
func write(dir string, columns []Column) (file []byte, at []int, err error) {
	f, err := os.CreateTemp(dir, ".pages-*")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // the mapping stays
	if err := os.Remove(f.Name()); err != nil {
		return nil, nil, err
	}
	size := 0
	var padding [alignment]byte
	for _, c := range columns {
		at = append(at, size)
		b := c.bytes()
		if _, err := f.Write(b); err != nil {
			return nil, nil, err
		}
		size += len(b)
		if n := (alignment - size%alignment) % alignment; n > 0 {
			if _, err := f.Write(padding[:n]); err != nil {
				return nil, nil, err
			}
			size += n
		}
	}
	if size == 0 {
		return nil, nil, nil
	}
	file, err = mapFile(f, size+alignment) // an empty last column begins inside too
	return file, at, err
}

// Recycle lets the file go when nothing holds the Pages any more. Slices into it do
// not hold them: who reads the columns keeps the Pages alive meanwhile (KeepAlive).
func (s *Store) Recycle(p *Pages) {
	if p == nil {
		return
	}
	runtime.AddCleanup(p, func(file []byte) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.files, &file[0])
		_ = unmap(file)
	}, p.file)
}

// Rest lets all columns rest, see Pages.
func (s *Store) Rest() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		rest(f)
	}
}

// Resident is how much memory the process has, with what of its files is mapped; false
// where the system does not tell.
func Resident() (bytes int64, ok bool) {
	// Linux: size and resident size, in pages.
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// KeepAlive says that columns may have been read until here.
func (p *Pages) KeepAlive() { runtime.KeepAlive(p) }

// Rest tells the system that the columns may leave memory: what is looked at next is
// mapped again. For after work that went through all of them.
func (p *Pages) Rest() {
	if p != nil {
		rest(p.file)
	}
}
