// Package cmd_test guards the order in which the folders of Corridor may know
// each other.
package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ladder is the order of the folders: each imports only those before it.
var ladder = []string{"geodata", "routing", "tracking", "carriers", "web", "cmd"}

const module = "corridor"

// only names the one package that may import a large dependency, so that it can
// be read, tested and replaced in one place.
var only = map[string][]string{
	"github.com/uber/h3-go":          {"geodata/cell"},
	"github.com/twpayne/go-geom":     {"geodata/track"},
	"github.com/jackc/pgx":           {"tracking/store/postgres"},
	"github.com/mattn/go-sqlite3":    {"tracking/store/sqlite", "cmd/geodata"},
	"github.com/nats-io":             {"tracking/poslog", "tracking/poslog/logtest"},
	"github.com/gorilla/websocket":   {"web/stream", "web/feed"},
	"github.com/danielgtaylor/huma":  {"web/api"},
	"github.com/BertoldVdb/go-ais":   {"carriers/ais"},
	"github.com/tkrajina/gpxgo":      {"carriers/gpx"},
	"github.com/nspcc-dev/locode-db": {"cmd/geodata"},
}

type file struct {
	path    string // slash-separated, from the root of the module
	syntax  *ast.File
	isTest  bool
	imports []string
}

// sources parses every Go file itself: a list from `go list` would come stale
// out of the test cache.
func sources(t *testing.T) []file {
	t.Helper()
	const root = ".."
	var files []file
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "node_modules" || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), syntax: syntax, isTest: strings.HasSuffix(path, "_test.go")}
		for _, spec := range syntax.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d Go files: the walk is looking in the wrong place", len(files))
	}
	return files
}

func TestImportsClimbTheLadder(t *testing.T) {
	for _, f := range sources(t) {
		from, _, _ := strings.Cut(f.path, "/")
		rung := slices.Index(ladder, from)
		if rung < 0 {
			t.Errorf("%s: top-level folder %q has no rung on the ladder %v", f.path, from, ladder)
			continue
		}
		for _, imp := range f.imports {
			rest, ok := strings.CutPrefix(imp, module+"/")
			if !ok || from == "cmd" {
				continue
			}
			to, below, deep := strings.Cut(rest, "/")
			switch target := slices.Index(ladder, to); {
			case target < 0:
				t.Errorf("%s imports %s, which is outside the ladder", f.path, imp)
			case target > rung:
				t.Errorf("%s imports %s: %s may only know %v", f.path, imp, from, ladder[:rung])
			case target < rung && deep && to != "geodata":
				t.Errorf("%s imports %s: across folders only %q itself may be imported, not %q", f.path, imp, to, below)
			}
		}
	}
}

func TestLargeDependenciesHaveOneHome(t *testing.T) {
	for _, f := range sources(t) {
		dir := f.path[:strings.LastIndexByte(f.path, '/')]
		for _, imp := range f.imports {
			for dep, homes := range only {
				if (imp == dep || strings.HasPrefix(imp, dep+"/")) && !f.isTest && !slices.Contains(homes, dir) {
					t.Errorf("%s imports %s, which belongs behind %v", f.path, imp, homes)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sources(t) {
		if f.isTest {
			continue
		}
		dir := f.path[:strings.LastIndexByte(f.path, '/')]
		documented[dir] = documented[dir] || f.syntax.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: say what it is for, what it is not for and what to read next", dir)
		}
	}
}
