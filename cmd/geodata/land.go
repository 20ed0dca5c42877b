package main

import (
	"archive/zip"
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"corridor/geodata"
)

// The world's main roads and railways, simplified from OpenStreetMap by the
// authors of scgraph: undirected, nodes where lines meet, true lengths.
var landSource = source{
	Registry: "pypi", Name: "scgraph_data", Version: "2.0.0",
	File:   "scgraph_data-2.0.0-py3-none-any.whl",
	SHA256: "a8df15f4d9b4cce945f195b27c9e239ac49ebfa81aa948afc882b28653725406",
}

// buildLand makes geodata/network/land/data: one file for roads, one for rail.
func buildLand(ctx context.Context, f *fetcher) error {
	wheel, err := f.fetch(ctx, landSource)
	if err != nil {
		return err
	}
	for _, b := range []struct {
		mode geodata.Mode
		file string
	}{
		{geodata.Road, "scgraph_data/world_highways.py"},
		{geodata.Rail, "scgraph_data/world_railways.py"},
	} {
		areas, err := openAreas()
		if err != nil {
			return err
		}
		w, err := readLand(wheel, b.file)
		if err != nil {
			return fmt.Errorf("read %s: %w", b.file, err)
		}
		net, err := w.build(ctx, b.mode, areas)
		if err != nil {
			return fmt.Errorf("build %s: %w", b.mode, err)
		}
		out, err := net.Encode()
		if err != nil {
			return fmt.Errorf("encode %s: %w", b.mode, err)
		}
		name := filepath.Join("geodata", "network", "land", "data", string(b.mode)+".crln")
		if err := os.WriteFile(name, out, 0o644); err != nil {
			return err
		}
		fmt.Printf("land: %s has %d nodes, %d edges, %d bytes\n", name, len(net.Lat), len(net.Edges), len(out))
	}
	return nil
}

// readLand reads one graph of the wheel.
func readLand(wheel, file string) (*lines, error) {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	src, err := archive.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }()
	return parseLand(src)
}

// parseLand reads a Python file that holds
//
//	graph=[{1: 1.233, 2: 0.852}, {0: 1.233}, …]     neighbour: kilometres
//	nodes=[[41.1, 129.4], …]                        latitude, longitude
func parseLand(src io.Reader) (*lines, error) {
	p := &literals{r: bufio.NewReaderSize(src, 1<<20)}
	w := &lines{}
	p.skipTo("graph=[")
	for p.more('{', ']') {
		u := int32(w.sources)
		w.sources++
		for p.next('}') {
			v := int32(p.milli() / 1000)
			p.expect(':')
			if metres := p.milli(); u < v {
				w.edges = append(w.edges, line{a: u, b: v, metres: int32(metres)})
			}
		}
	}
	p.skipTo("nodes=[")
	for p.more('[', ']') {
		lat := p.milli()
		p.expect(',')
		lon := p.milli()
		p.expect(']')
		w.nodes = append(w.nodes, vertex{lat: int32(lat), lon: int32(lon)})
	}
	if p.err != nil {
		return nil, p.err
	}
	if len(w.nodes) != w.sources {
		return nil, fmt.Errorf("%d nodes but %d adjacency lists", len(w.nodes), w.sources)
	}
	for _, e := range w.edges {
		if int(e.b) >= len(w.nodes) {
			return nil, fmt.Errorf("edge to node %d of %d", e.b, len(w.nodes))
		}
	}
	return w, nil
}

// literals scans Python literals of numbers. It keeps its first error.
type literals struct {
	r   *bufio.Reader
	err error
}

func (p *literals) skipTo(text string) {
	at := 0
	for p.err == nil && at < len(text) {
		switch p.byte() {
		case text[at]:
			at++
		case text[0]:
			at = 1
		default:
			at = 0
		}
	}
}

func (p *literals) byte() byte {
	if p.err != nil {
		return 0
	}
	c, err := p.r.ReadByte()
	if err != nil {
		p.err = fmt.Errorf("unfinished literal: %w", err)
	}
	return c
}

// token is the next byte that is neither blank nor a comma between items.
func (p *literals) token() byte {
	for {
		if c := p.byte(); c != ' ' && c != '\n' && c != ',' || p.err != nil {
			return c
		}
	}
}

// more reads the opening of one more item, or the end of the list.
func (p *literals) more(open, end byte) bool {
	c := p.token()
	if p.err != nil || c == end {
		return false
	}
	if c != open {
		p.err = fmt.Errorf("%q where %q or %q should be", c, open, end)
		return false
	}
	return true
}

// next tells whether another value comes before the end.
func (p *literals) next(end byte) bool {
	c := p.token()
	if p.err != nil || c == end {
		return false
	}
	p.err = p.r.UnreadByte()
	return p.err == nil
}

func (p *literals) expect(want byte) {
	for {
		c := p.byte()
		if c == ' ' {
			continue
		}
		if p.err == nil && c != want {
			p.err = fmt.Errorf("%q where %q should be", c, want)
		}
		return
	}
}

// milli reads a decimal number as thousandths, rounding further digits.
func (p *literals) milli() int64 {
	c := p.byte()
	for c == ' ' {
		c = p.byte()
	}
	sign := int64(1)
	if c == '-' {
		sign, c = -1, p.byte()
	}
	if c < '0' || c > '9' {
		if p.err == nil {
			p.err = fmt.Errorf("%q where a number should be", c)
		}
		return 0
	}
	v, decimals := int64(0), -1
	for ; ; c = p.byte() {
		switch {
		case c == '.' && decimals < 0:
			decimals = 0
		case c >= '0' && c <= '9' && decimals == 3:
			if c >= '5' {
				v++
			}
			decimals = 4
		case c >= '0' && c <= '9' && decimals < 3:
			v = v*10 + int64(c-'0')
			if decimals >= 0 {
				decimals++
			}
		case c >= '0' && c <= '9':
		case strings.IndexByte("eE", c) >= 0:
			p.err = fmt.Errorf("a number in exponent form")
			return 0
		default:
			if p.err == nil {
				p.err = p.r.UnreadByte()
			}
			for decimals = max(decimals, 0); decimals < 3; decimals++ {
				v *= 10
			}
			return sign * v
		}
		if p.err != nil {
			return 0
		}
	}
}
