package exact

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Folder is where areas are kept below a data directory, one file each.
const (
	Folder    = "osm"
	extension = ".crex"
)

// replaced is the share of an area that a newer import must cover to take its
// place.
const replaced = 0.95

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// NameOf is the name of the area an extract is of: its file name without what
// download servers add, such as -latest or a date.
func NameOf(file string) string {
	s := strings.ToLower(filepath.Base(file))
	for _, ext := range []string{".pbf", ".osm", ".gz"} {
		s = strings.TrimSuffix(s, ext)
	}
	s = regexp.MustCompile(`[-_.](latest|internal|\d{6}|\d{8})$`).ReplaceAllString(s, "")
	if s = strings.Trim(unfit.ReplaceAllString(s, "-"), "-"); len(s) > 80 {
		s = s[:80]
	}
	return cmp.Or(s, "area")
}

// Save stores an area below a data directory, in place of an earlier import of the
// same name and of those that it covers. It returns the file and the names of the
// areas that are gone.
func Save(data string, a *Area) (file string, gone []string, err error) {
	if a.Name != strings.Trim(unfit.ReplaceAllString(a.Name, "-"), "-") || a.Name == "" || len(a.Name) > 80 {
		return "", nil, fmt.Errorf("an area cannot be called %q: use letters a to z, digits and hyphens", a.Name)
	}
	dir := filepath.Join(data, Folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the folder of imports: %w", err)
	}
	file = filepath.Join(dir, a.Name+extension)
	if err := a.Write(file); err != nil {
		return "", nil, fmt.Errorf("store the import in %s: %w", dir, err)
	}
	olds, _ := OpenAll(data)
	for _, old := range olds {
		if old.Name != a.Name && old.cover.within(a.cover) >= replaced && old.Imported <= a.Imported {
			if err := os.Remove(filepath.Join(dir, old.Name+extension)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return file, gone, fmt.Errorf("remove the older import %s that this one covers: %w", old.Name, err)
			}
			gone = append(gone, old.Name)
		}
		_ = old.Close()
	}
	return file, gone, nil
}

// OpenAll opens the areas below a data directory, the newest first. Those that
// cannot be opened are told in problems and left out.
func OpenAll(data string) (areas []*Area, problems []error) {
	files, err := filepath.Glob(filepath.Join(data, Folder, "*"+extension))
	if err != nil {
		return nil, []error{err}
	}
	for _, file := range files {
		a, err := Open(file)
		if err != nil {
			problems = append(problems, fmt.Errorf("import %s is left out: %w", strings.TrimSuffix(filepath.Base(file), extension), err))
			continue
		}
		areas = append(areas, a)
	}
	slices.SortStableFunc(areas, func(a, b *Area) int {
		return cmp.Or(cmp.Compare(b.Imported, a.Imported), cmp.Compare(a.Name, b.Name))
	})
	return areas, problems
}

// within is the share of the cells of c that d has too.
func (c *cover) within(d *cover) float64 {
	mine, both := 0, 0
	for y := range c.high {
		for x := range c.wide {
			if !c.bit(x, y) {
				continue
			}
			mine++
			u, v := x+c.x-d.x, y+c.y-d.y
			if u >= 0 && v >= 0 && u < d.wide && v < d.high && d.bit(u, v) {
				both++
			}
		}
	}
	return float64(both) / float64(max(mine, 1))
}
