package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
)

// The format allows blocks of these sizes; a larger one is refused unread.
const (
	maxHeaderBytes = 64 << 10
	maxBlobBytes   = 32 << 20
	maxRawBytes    = 32 << 20
)

// Options choose what Scan reads. What is not wanted is skipped undecoded.
type Options struct {
	Nodes, Ways bool
	// Workers is how many blocks are decoded at once; 0 means one.
	Workers int
	// Progress, if set, is told how many bytes have been read, after each block and
	// from the caller's goroutine.
	Progress func(read int64)
}

// Scan reads a whole extract and hands its blocks to visit in the order of the
// file, from the caller's goroutine. It ends with the first error, which is a
// *FormatError for bytes that are not an extract (wrapping ErrTruncated where
// the file ends too early), visit's own, or the context's.
func Scan(ctx context.Context, r io.Reader, o Options, visit func(*Block) error) (Header, error) {
	f := &frames{r: r}
	kind, blob, err := f.next()
	if errors.Is(err, io.EOF) {
		return Header{}, bad("the file is empty")
	}
	if err != nil {
		return Header{}, err
	}
	if kind != "OSMHeader" {
		return Header{}, bad("it begins with a block of type %q instead of OSMHeader: this is not an .osm.pbf file", kind)
	}
	raw, err := unpack(blob)
	if err != nil {
		return Header{}, err
	}
	header, err := decodeHeader(raw)
	if err != nil {
		return Header{}, err
	}

	type result struct {
		block *Block
		read  int64
		err   error
	}
	group, work := errgroup.WithContext(ctx)
	workers := max(o.Workers, 1)
	queue := make(chan chan result, 2*workers)
	group.Go(func() error {
		defer close(queue)
		slots := make(chan struct{}, workers)
		for {
			offset := f.read
			kind, blob, err := f.next()
			done := make(chan result, 1)
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				done <- result{err: at(offset, err)}
			case kind != "OSMData":
				continue // the format lets readers skip blocks they do not know
			default:
				select {
				case slots <- struct{}{}:
				case <-work.Done():
					return nil
				}
				read := f.read
				group.Go(func() error {
					defer func() { <-slots }()
					raw, err := unpack(blob)
					if err != nil {
						done <- result{err: at(offset, err)}
						return nil
					}
					b, err := decodeBlock(raw, o)
					if err != nil {
						err = at(offset, err)
					}
					done <- result{b, read, err}
					return nil
				})
			}
			select {
			case queue <- done:
			case <-work.Done():
				return nil
			}
			if err != nil {
				return nil
			}
		}
	})
	var failed error
	for done := range queue {
		if failed != nil {
			continue // let the reader end
		}
		select {
		case r := <-done:
			failed = r.err
			if failed == nil {
				failed = visit(r.block)
			}
			if failed == nil && o.Progress != nil {
				o.Progress(r.read)
			}
		case <-ctx.Done():
			failed = ctx.Err()
		}
		if failed != nil {
			// The reader sees it as a group that is done.
			group.Go(func() error { return failed })
		}
	}
	if err := group.Wait(); failed == nil {
		failed = err
	}
	if failed == nil {
		failed = ctx.Err()
	}
	return header, failed
}

// at tells where in the file an error about its bytes is.
func at(offset int64, err error) error {
	var format *FormatError
	if errors.As(err, &format) && format.Offset == 0 {
		format.Offset = offset
	}
	return err
}

// frames cuts the file into blobs: a length, a header with a type and a size,
// and the blob.
type frames struct {
	r     io.Reader
	read  int64
	count int
}

func (f *frames) next() (kind string, blob []byte, err error) {
	var length [4]byte
	n, err := io.ReadFull(f.r, length[:])
	if n == 0 && errors.Is(err, io.EOF) {
		return "", nil, io.EOF
	}
	if err != nil {
		return "", nil, short(err)
	}
	size := binary.BigEndian.Uint32(length[:])
	if size == 0 || size > maxHeaderBytes {
		if f.count == 0 {
			return "", nil, bad("%s", guess(length[:]))
		}
		return "", nil, bad("a block header of %d bytes, over the format's limit of %d: the file is damaged, get it again", size, maxHeaderBytes)
	}
	head := make([]byte, size)
	if _, err := io.ReadFull(f.r, head); err != nil {
		if f.count == 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return "", nil, bad("%s", guess(length[:]))
		}
		return "", nil, short(err)
	}
	var bytes uint64
	m := message{head}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			if f.count == 0 {
				return "", nil, bad("%s", guess(length[:]))
			}
			return "", nil, err
		}
		switch field {
		case 1:
			kind = string(data)
		case 3:
			bytes = value
		}
	}
	if kind == "" {
		return "", nil, bad("a block without a type: the file is damaged or not an .osm.pbf file")
	}
	if bytes > maxBlobBytes {
		return "", nil, bad("a block of %d bytes, over the format's limit of %d: the file is damaged, get it again", bytes, maxBlobBytes)
	}
	blob = make([]byte, bytes)
	if _, err := io.ReadFull(f.r, blob); err != nil {
		return "", nil, short(err)
	}
	f.count++
	f.read += 4 + int64(size) + int64(bytes)
	return kind, blob, nil
}

// short makes an early end of the file say what to do.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{Reason: "truncated", Err: ErrTruncated}
	}
	return fmt.Errorf("read: %w", err)
}

// guess tells from its first bytes what a file is that is not an extract.
func guess(first []byte) string {
	const not = "this is not an .osm.pbf file"
	switch {
	case bytes.HasPrefix(first, []byte("<?xm")), bytes.HasPrefix(first, []byte("<osm")):
		return not + " but OSM XML: convert it with osmium cat FILE -o FILE.osm.pbf"
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}), bytes.HasPrefix(first, []byte("BZh")), bytes.HasPrefix(first, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return not + " but something compressed: unpack it first; .osm.pbf is compressed inside"
	case bytes.HasPrefix(first, []byte("PK")):
		return not + " but a zip archive: unpack it first"
	case bytes.HasPrefix(first, []byte("<!DO")), bytes.HasPrefix(first, []byte("<htm")):
		return not + " but a web page: the download gave an error page, get it again"
	}
	return not + ": get an extract in PBF format"
}
