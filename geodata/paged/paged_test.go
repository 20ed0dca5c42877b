package paged_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"corridor/geodata/paged"
)

type fix struct {
	Lon, Lat float64
	Zone     uint8
	At       [3]int32
	Sure     bool
}

func open(t testing.TB, dir string) *paged.Store {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no mmap of the kind that is used here")
	}
	s, err := paged.Open(dir, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMoveKeepsWhatColumnsHold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		numbers := rapid.SliceOfN(rapid.Uint32(), 0, 5_000).Draw(t, "numbers")
		fixes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fix {
			return fix{rapid.Float64().Draw(t, "lon"), rapid.Float64().Draw(t, "lat"), rapid.Byte().Draw(t, "zone"), [3]int32{1, rapid.Int32().Draw(t, "at")}, rapid.Bool().Draw(t, "sure")}
		}), 0, 50).Draw(t, "fixes")
		b, n, f := slices.Clone(bytes), slices.Clone(numbers), slices.Clone(fixes)
		p := s.Move(paged.Of(&b), paged.Of(&n), paged.Of(&f))
		same := func(when string) {
			if !slices.Equal(b, bytes) || !slices.Equal(n, numbers) || !slices.Equal(f, fixes) {
				t.Fatalf("%s: columns differ", when)
			}
		}
		same("moved")
		p.Rest()
		same("after a rest")
		s.Recycle(p)
		p.KeepAlive()
	})
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files have names: %v", len(left), err)
	}
}

// What grows out of a column leaves the file.
func TestAppendToAMovedColumn(t *testing.T) {
	s := open(t, t.TempDir())
	n := make([]int32, 10, 100)
	s.Move(paged.Of(&n))
	if n = append(n, 7); n[10] != 7 {
		t.Error(n)
	}
}

func TestRecycledFilesGo(t *testing.T) {
	s := open(t, t.TempDir())
	kept := make([]uint64, 1000)
	s.Move(paged.Of(&kept))
	before := s.Bytes()
	func() {
		n := make([]uint64, 100_000)
		p := s.Move(paged.Of(&n))
		s.Recycle(p)
		if s.Bytes() < before+800_000 {
			t.Errorf("%d bytes, %d before", s.Bytes(), before)
		}
		p.KeepAlive()
	}()
	for s.Bytes() != before { // the test's time limit ends it
		runtime.GC()
		runtime.Gosched()
	}
	s.Rest()
	if kept[999] != 0 {
		t.Error("what is not recycled has gone")
	}
}

func TestNoStoreLeavesColumnsOnTheHeap(t *testing.T) {
	var s *paged.Store
	n := []int32{1, 2, 3}
	at := &n[0]
	p := s.Move(paged.Of(&n))
	if p != nil || &n[0] != at || s.Bytes() != 0 {
		t.Error("moved to nowhere")
	}
	s.Recycle(p)
	s.Rest()
	p.Rest()
	p.KeepAlive()
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	if _, err := paged.Open(filepath.Join(t.TempDir(), "not there"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	dir := t.TempDir()
	var told error
	s, err := paged.Open(dir, func(err error) { told = err })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	n := []int32{1, 2, 3}
	if p := s.Move(paged.Of(&n)); p != nil || told == nil || !slices.Equal(n, []int32{1, 2, 3}) {
		t.Errorf("pages %v, told %v, column %v", p, told, n)
	}
}

func TestPointersPanic(t *testing.T) {
	for name, of := range map[string]func(){
		"strings": func() { paged.Of(&[]string{"a"}) },
		"slices":  func() { paged.Of(&[][]byte{{1}}) },
		"structs": func() { paged.Of(&[]struct{ P *int }{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s may be moved", name)
				}
			}()
			of()
		}()
	}
}

func ExampleStore_Move() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.Remove(dir) }() // the files in it have no names
	store, err := paged.Open(dir, nil)
	if err != nil {
		store = nil // the heap will do
	}
	primes := []uint32{2, 3, 5, 7}
	store.Move(paged.Of(&primes)) // from here on they are only read
	_ = primes[3]
	// Output:
}
