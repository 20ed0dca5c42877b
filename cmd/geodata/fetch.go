package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is one pinned package of a public registry. Packages come by name
// through the registry's own client, so proxies and mirrors keep working.
type source struct {
	Registry string // npm, pypi, debian, go, crates
	Name     string
	Version  string
	File     string // of the archive the client leaves; for go, a path inside the module
	SHA256   string // of File
}

type fetcher struct{ dir string }

// fetch returns the path of the source's file in the cache, downloading it when
// it is not there, and refuses one whose checksum differs.
func (f *fetcher) fetch(ctx context.Context, s source) (string, error) {
	dir := filepath.Join(f.dir, s.Registry+"-"+strings.NewReplacer("/", "-", "@", "").Replace(s.Name)+"-"+s.Version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, s.File)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if s.Registry == "go" {
			return f.fetchModule(ctx, s)
		}
		if err := download(ctx, dir, s); err != nil {
			return "", err
		}
	}
	return path, verify(path, s)
}

func download(ctx context.Context, dir string, s source) error {
	var cmd *exec.Cmd
	switch s.Registry {
	case "npm":
		cmd = exec.CommandContext(ctx, "npm", "pack", "--silent", s.Name+"@"+s.Version)
	case "pypi":
		cmd = exec.CommandContext(ctx, "pip", "download", "--quiet", "--no-deps", s.Name+"=="+s.Version)
	case "debian":
		cmd = exec.CommandContext(ctx, "apt-get", "download", "--quiet", s.Name+"="+s.Version)
	default:
		return fmt.Errorf("fetch %s: no client for registry %q", s.Name, s.Registry)
	}
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch %s %s from %s: %w\n%s", s.Name, s.Version, s.Registry, err, out)
	}
	return nil
}

func (f *fetcher) fetchModule(ctx context.Context, s source) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", s.Name+"@"+s.Version)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch %s %s: %w\n%s", s.Name, s.Version, err, out)
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", s.Name+"@"+s.Version).Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", s.Name, err)
	}
	path := filepath.Join(strings.TrimSpace(string(root)), s.File)
	return path, verify(path, s)
}

func verify(path string, s source) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != s.SHA256 {
		return fmt.Errorf("%s %s: %s has sha256 %s, want %s", s.Name, s.Version, filepath.Base(path), got, s.SHA256)
	}
	return nil
}
