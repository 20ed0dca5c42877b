package dist_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"corridor/web/dist"
)

// What index.html refers to must be there, and nothing may come from elsewhere.
func TestSiteIsWhole(t *testing.T) {
	page, err := fs.ReadFile(dist.FS(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	refs := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(page), -1)
	if len(refs) < 2 {
		t.Fatalf("index.html refers to %d files: want its script and its style at least", len(refs))
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref[1], "/") || strings.HasPrefix(ref[1], "//") {
			t.Errorf("index.html refers to %s: only own files are allowed", ref[1])
			continue
		}
		if _, err := fs.Stat(dist.FS(), strings.TrimPrefix(ref[1], "/")); err != nil {
			t.Errorf("index.html refers to %s: %v", ref[1], err)
		}
	}
	if regexp.MustCompile(`<script(?:>|[^>]*[^/]>[^<])`).Match(page) {
		t.Error("index.html holds an inline script, which the content security policy forbids")
	}
}
