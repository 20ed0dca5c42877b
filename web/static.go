package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// static serves the built UI from memory: every file with an ETag, compressed when
// it is first asked for, and index.html for every path that is a page of the UI and
// not a file.
type static struct {
	files map[string]*asset // by path without a leading slash
}

type asset struct {
	body      []byte
	gzip      func() []byte // nil where it would not help
	mediaType string
	etag      string
	immutable bool // the name holds a hash of the content
}

func newStatic(files fs.FS) (*static, error) {
	s := &static{files: map[string]*asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		a := &asset{
			body:      body,
			mediaType: mediaType(name),
			etag:      `"` + hex.EncodeToString(sum[:12]) + `"`,
			immutable: strings.HasPrefix(name, "assets/"),
		}
		a.gzip = sync.OnceValue(func() []byte { return compress(a) })
		s.files[name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the built UI: %w", err)
	}
	if s.files["index.html"] == nil {
		return nil, fmt.Errorf("the built UI has no index.html: run make ui")
	}
	return s, nil
}

func (s *static) lookup(urlPath string) *asset {
	name := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if a := s.files[name]; a != nil {
		return a
	}
	if path.Ext(name) != "" {
		return nil // a file that is not there, not a page
	}
	return s.files["index.html"]
}

// isAssetMissing tells a missing file from a page of the UI.
func isAssetMissing(h http.Handler, urlPath string) bool {
	s, ok := h.(*static)
	return ok && s.lookup(urlPath) == nil
}

func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.lookup(r.URL.Path)
	if a == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.mediaType)
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	body, etag := a.body, a.etag
	if compressible(a.mediaType) {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			if small := a.gzip(); small != nil {
				body, etag = small, strings.TrimSuffix(a.etag, `"`)+`-gz"`
				h.Set("Content-Encoding", "gzip")
			}
		}
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// compress returns nil where it would not help.
func compress(a *asset) []byte {
	if !compressible(a.mediaType) || len(a.body) < 1024 {
		return nil
	}
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil // not at this level
	}
	// Writing to a buffer does not fail.
	_, _ = zw.Write(a.body)
	_ = zw.Close()
	if buf.Len() > len(a.body)*9/10 {
		return nil
	}
	return buf.Bytes()
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && !strings.Contains(q, "q=0") || name == "gzip" && strings.Contains(q, "q=0.") {
			return true
		}
	}
	return false
}

// mediaType does not ask the machine's mime tables: the answer must be the same
// everywhere.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".pbf":
		return "application/x-protobuf"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func compressible(mediaType string) bool {
	for _, p := range []string{"text/", "application/json", "application/manifest", "image/svg", "application/x-protobuf"} {
		if strings.HasPrefix(mediaType, p) {
			return true
		}
	}
	return false
}
