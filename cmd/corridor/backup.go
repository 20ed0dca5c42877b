package main

import (
	"archive/tar"
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"corridor/tracking/poslog"
	"corridor/tracking/store/sqlite"
	"corridor/web"
)

// A backup is a tar packed with zstd, which other programs read too:
//
//	manifest.json   what it is of: below
//	corridor.db     the store, of one moment
//	files/…         what else is in the data directory: keys, imported data
//	log             records one after the other: uvarint length, the record,
//	                4 bytes CRC-32C of it, little endian; the last one is that of
//	                the manifest
//
// The store is copied first and the log read afterwards, so that the log holds
// whatever the store is behind. Nothing stops meanwhile.
type manifest struct {
	Version int       `json:"version"` // 1
	Made    time.Time `json:"made"`
	Program string    `json:"program"`
	Epoch   string    `json:"epoch"`
	First   uint64    `json:"first"`   // record in the log
	Last    uint64    `json:"last"`    // record in the log; one less than first when it is empty
	Applied uint64    `json:"applied"` // the store is at this record
}

const (
	backupVersion = 1
	storeName     = "corridor.db"
	logName       = "log"
	manifestName  = "manifest.json"
	filesName     = "files/"
	lockName      = "lock"
)

// installation is what is backed up.
type installation struct {
	dir   string
	store *sqlite.DB
	log   *poslog.Log
	clock func() time.Time
}

// write makes a backup.
func (i installation) write(ctx context.Context, w io.Writer) (manifest, error) {
	m := manifest{Version: backupVersion, Made: i.clock().UTC(), Program: version, Epoch: i.log.Epoch()}
	// The copy lies beside the store: elsewhere there may be no room for it.
	scratch, err := os.MkdirTemp(i.dir, "backup-")
	if err != nil {
		return m, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	copied := filepath.Join(scratch, storeName)
	if err := i.store.Copy(ctx, copied); err != nil {
		return m, err
	}
	if err := i.measure(ctx, copied, &m); err != nil {
		return m, err
	}
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return m, err
	}
	out := tar.NewWriter(packed)
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	if err := addBytes(out, manifestName, body, m.Made); err != nil {
		return m, err
	}
	if err := addFile(out, storeName, copied); err != nil {
		return m, err
	}
	if err := i.addFiles(out); err != nil {
		return m, err
	}
	if err := i.addLog(ctx, out, scratch, m); err != nil {
		return m, err
	}
	return m, errors.Join(out.Close(), packed.Close())
}

// measure says where the copy and the log stand.
func (i installation) measure(ctx context.Context, copied string, m *manifest) error {
	store, err := sqlite.Open(ctx, copied)
	if err != nil {
		return err
	}
	applied, epoch, err := store.Applied(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if epoch != "" && epoch != m.Epoch {
		return fmt.Errorf("the store follows log %s, not %s", epoch, m.Epoch)
	}
	m.Applied = applied
	if m.First, err = i.log.First(ctx); err != nil {
		return err
	}
	m.Last, err = i.log.Last(ctx)
	return err
}

func addBytes(out *tar.Writer, name string, body []byte, at time.Time) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), ModTime: at}); err != nil {
		return err
	}
	_, err := out.Write(body)
	return err
}

func addFile(out *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.CopyN(out, f, info.Size())
	return err
}

// addFiles adds what is neither store nor log.
func (i installation) addFiles(out *tar.Writer) error {
	return filepath.WalkDir(i.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(i.dir, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		switch {
		case rel == ".":
			return nil
		case top == logName, strings.HasPrefix(top, storeName), top == lockName, strings.HasPrefix(top, "backup-"):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		return addFile(out, filesName+filepath.ToSlash(rel), path)
	})
}

// addLog adds the records up to the manifest's last. A tar wants to know sizes
// before, so they are written to a file first.
func (i installation) addLog(ctx context.Context, out *tar.Writer, scratch string, m manifest) error {
	path := filepath.Join(scratch, logName)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = i.log.Read(ctx, m.First-1, func(seq uint64, record []byte) error {
		if seq > m.Last {
			return errEnough
		}
		return writeRecord(buffered, record)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return addFile(out, logName, path)
}

var errEnough = errors.New("that is all")

func writeRecord(w *bufio.Writer, record []byte) error {
	var head [binary.MaxVarintLen64]byte
	_, _ = w.Write(head[:binary.PutUvarint(head[:], uint64(len(record)))]) // Flush says it
	_, _ = w.Write(record)
	var sum [4]byte
	binary.LittleEndian.PutUint32(sum[:], crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli)))
	_, err := w.Write(sum[:])
	return err
}

var errBackup = errors.New("the backup is damaged or of another kind")

// readRecords reads what writeRecord wrote.
func readRecords(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, 1<<20)
		for {
			n, err := binary.ReadUvarint(in)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && n > poslog.MaxRecord {
				err = fmt.Errorf("%w: a record of %d bytes", errBackup, n)
			}
			var body []byte
			if err == nil {
				body = make([]byte, n+4)
				_, err = io.ReadFull(in, body)
			}
			if err == nil && crc32.Checksum(body[:n], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(body[n:]) {
				err = fmt.Errorf("%w: a record does not match its checksum", errBackup)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read the log of the backup: %w", err))
				return
			}
			if !yield(body[:n], nil) {
				return
			}
		}
	}
}

// restoreBackup makes a data directory of a backup. dir must not exist or be empty;
// it appears whole or not at all.
func restoreBackup(ctx context.Context, r io.Reader, dir string) (m manifest, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return m, fmt.Errorf("%s is not empty: give a directory that is new", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return m, err
	}
	made, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".restoring-")
	if err != nil {
		return m, err
	}
	defer func() { _ = os.RemoveAll(made) }()
	if m, err = unpack(ctx, r, made); err != nil {
		return m, err
	}
	if err := checkRestored(ctx, made, m); err != nil {
		return m, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	return m, os.Rename(made, dir)
}

func unpack(ctx context.Context, r io.Reader, dir string) (m manifest, err error) {
	packed, err := zstd.NewReader(r)
	if err != nil {
		return m, err
	}
	defer packed.Close()
	in := tar.NewReader(packed)
	seen := map[string]bool{}
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, fmt.Errorf("%w: %w", errBackup, err)
		}
		if h.Name != manifestName && m.Version == 0 {
			return m, fmt.Errorf("%w: it does not begin with a manifest", errBackup)
		}
		seen[h.Name] = true
		switch {
		case h.Name == manifestName:
			if err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(&m); err != nil {
				return m, fmt.Errorf("%w: %w", errBackup, err)
			}
			if m.Version != backupVersion {
				return m, fmt.Errorf("%w: version %d, this program reads %d", errBackup, m.Version, backupVersion)
			}
		case h.Name == storeName:
			err = unpackFile(in, filepath.Join(dir, storeName), h)
		case h.Name == logName:
			err = poslog.Restore(ctx, filepath.Join(dir, logName), m.Epoch, m.First, readRecords(in))
		case strings.HasPrefix(h.Name, filesName) && filepath.IsLocal(h.Name[len(filesName):]):
			err = unpackFile(in, filepath.Join(dir, filepath.FromSlash(h.Name[len(filesName):])), h)
		default:
			err = fmt.Errorf("%w: it holds %q", errBackup, h.Name)
		}
		if err != nil {
			return m, err
		}
	}
	// The tar ends before the packed stream does, whose checksum comes last: a flipped
	// bit in the store shows nowhere else.
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return m, fmt.Errorf("%w: %w", errBackup, err)
	}
	if !seen[storeName] || !seen[logName] {
		return m, fmt.Errorf("%w: it ends too early", errBackup)
	}
	return m, nil
}

func unpackFile(in io.Reader, path string, h *tar.Header) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(h.Mode)&0o700|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Sync(), f.Close())
}

// checkRestored opens what was restored.
func checkRestored(ctx context.Context, dir string, m manifest) error {
	log, err := poslog.Open(ctx, poslog.Config{Dir: filepath.Join(dir, logName), MinFree: -1})
	if err != nil {
		return err
	}
	first, err := log.First(ctx)
	last, err2 := log.Last(ctx)
	if err = errors.Join(err, err2, log.Close()); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, storeName))
	if err != nil {
		return err
	}
	applied, _, err := store.Applied(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if first != m.First || last != m.Last || applied != m.Applied || applied > last {
		return fmt.Errorf("%w: the log holds %d to %d and the store is at %d, not %d to %d and %d", errBackup, first, last, applied, m.First, m.Last, m.Applied)
	}
	return nil
}

// backupHandler answers an administrator with a backup of the running installation.
func (a *app) backupHandler(server *web.Server, store any, log *poslog.Log) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		db, ok := store.(*sqlite.DB)
		if !ok || a.nats != "" {
			server.WriteProblem(w, r, web.NewProblem(http.StatusConflict, "not-embedded",
				"only an embedded installation is backed up here: use pg_dump for the database, and the cluster's own means for the log"))
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes as long as it takes
		w.Header().Set("Content-Type", "application/zstd")
		w.Header().Set("Content-Disposition", `attachment; filename="corridor.backup.tar.zst"`)
		m, err := installation{a.data, db, log, a.clock}.write(r.Context(), w)
		if err != nil {
			a.logger.Error("backup failed", "err", err)
			panic(http.ErrAbortHandler) // so that the client sees it cut off, not ended
		}
		a.logger.Info("backup made", "last", m.Last, "applied", m.Applied)
	})
}

func backupCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor backup [flags] FILE

Writes everything an embedded installation holds to one file: the log, the store,
keys and imported data. A running server is asked for it over its API, and goes on
meanwhile; when none runs on the data directory it is read from there.

`)
		flags.PrintDefaults()
	}
	data := flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` of the installation")
	url := flags.String("url", cmp.Or(os.Getenv("CORRIDOR_URL"), "http://localhost:8080"), "`URL` of the running server")
	key := flags.String("key", os.Getenv("CORRIDOR_ADMIN_KEY"), "an administrator's `key`; left out: CORRIDOR_ADMIN_KEY")
	files, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return &usageError{errors.New("give the file to write")}
	}
	m, err := writeBackup(ctx, files[0], func(w io.Writer) (manifest, error) {
		if _, err := os.Stat(filepath.Join(*data, storeName)); err == nil {
			release, err := lockDir(*data)
			if err == nil {
				defer func() { _ = release() }()
				return backupStopped(ctx, *data, w)
			}
		}
		return manifest{}, backupRunning(ctx, *url, *key, w)
	})
	if err != nil {
		return err
	}
	if m.Version > 0 {
		fmt.Fprintf(stdout, "%s: records %d to %d\n", files[0], m.First, m.Last)
	} else {
		fmt.Fprintln(stdout, files[0])
	}
	return nil
}

// writeBackup lets a file appear when it is whole.
func writeBackup(_ context.Context, path string, write func(io.Writer) (manifest, error)) (m manifest, err error) {
	if _, err := os.Stat(path); err == nil {
		return m, fmt.Errorf("%s exists: give another name", path)
	}
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return m, err
	}
	m, err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return m, errors.Join(err, os.Remove(f.Name()))
	}
	return m, os.Rename(f.Name(), path)
}

func backupStopped(ctx context.Context, dir string, w io.Writer) (m manifest, err error) {
	store, err := sqlite.Open(ctx, filepath.Join(dir, storeName))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	log, err := poslog.Open(ctx, poslog.Config{Dir: filepath.Join(dir, logName), MinFree: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return installation{dir, store, log, time.Now}.write(ctx, w)
}

func backupRunning(ctx context.Context, url, key string, w io.Writer) error {
	if key == "" {
		return errors.New("a server is asked for its backup with an administrator's key: set CORRIDOR_ADMIN_KEY or give --key; or give the --data of one that is stopped")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/api/v1/backup", http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask the server for a backup: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var p web.Problem
		_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&p) // the status says enough without
		return fmt.Errorf("the server at %s gives no backup: %s %s", url, res.Status, p.Detail)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the backup was cut off: %w", err)
	}
	return nil
}

func restoreCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor restore [flags] FILE

Makes the data directory of a new installation of what corridor backup wrote. It
appears when all of it was read and fits together.

`)
		flags.PrintDefaults()
	}
	data := flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` to make; it must not exist or be empty")
	files, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return &usageError{errors.New("give the file to restore")}
	}
	f, err := os.Open(files[0])
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := restoreBackup(ctx, f, *data)
	if err != nil {
		return fmt.Errorf("restore %s: %w", files[0], err)
	}
	fmt.Fprintf(stdout, "%s: records %d to %d of %s, made %s\n", *data, m.First, m.Last, m.Epoch, m.Made.Format(time.RFC3339))
	return nil
}
