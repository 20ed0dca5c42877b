package gazetteer

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Record is a place as cmd/geodata writes it.
type Record struct {
	Place   geodata.Place
	Rank    uint8    // how much freight people care, 0 to 255
	Codes   []string // other UN/LOCODEs that mean it
	Aliases []string // other names
	Weak    []string // names it has gone by somewhere, that more often mean another place
}

// TerminalRecord is a terminal and the place it serves.
type TerminalRecord struct {
	Terminal geodata.Terminal
	Place    int      // index into Data.Places; -1: the place elsewhere with the code Terminal.Place
	Aliases  []string // other names
}

// Data is everything the gazetteer holds. Countries are names by ISO code.
type Data struct {
	Own       bool // the user's own, which win ties
	Places    []Record
	Terminals []TerminalRecord
	Countries map[geodata.Country]geodata.Names
}

// Format of the file, inside a raw DEFLATE stream. Strings are a varint length and
// bytes; numbers are varints unless told. Columns follow each other, so that like
// stands by like and compresses.
//
//	magic "gazetteer2\n", then a byte: 1 for the user's own places
//	countries: count, then code, en, zh, ru each, sorted by code
//	places: count; they stand in the order of their English name, folded and without spaces
//	  en: shared bytes with the one before, rest
//	  country: byte, index into countries
//	  code: two bytes, the last three characters in base 36 plus 1, 0 for none
//	  point: five bytes, latitude then longitude in 0.001° as an unsigned 40-bit number
//	  population, functions (byte), rank (byte)
//	names: count, in the order of their form without spaces: shared, rest, place, kind (byte)
//	codes: count, then five characters and place
//	terminals: count, then their fields
const (
	magic = "gazetteer2\n"
	most  = 1 << 21
)

// ErrFormat says bytes are not a gazetteer file.
var ErrFormat = errors.New("not a gazetteer file")

// kinds of a name.
const (
	kindZH = iota
	kindRU
	kindAlias
	kindWeak
)

// Encode writes the data in the form Open reads. It sorts the places.
func Encode(w io.Writer, d Data) error {
	order := make([]int, len(d.Places))
	keys := make([]string, len(d.Places))
	for i := range order {
		order[i] = i
		keys[i] = keyOf(d.Places[i].Place.Names.EN)
	}
	sort.SliceStable(order, func(i, j int) bool { return keys[order[i]] < keys[order[j]] })
	at := make([]int, len(order)) // where each place went
	for to, from := range order {
		at[from] = to
	}

	e := encoder{b: []byte(magic)}
	own := byte(0)
	if d.Own {
		own = 1
	}
	e.b = append(e.b, own)
	codes := make([]geodata.Country, 0, len(d.Countries))
	for c := range d.Countries {
		codes = append(codes, c)
	}
	sort.Slice(codes, func(i, j int) bool { return codes[i] < codes[j] })
	if len(codes) > 256 {
		return fmt.Errorf("%d countries, at most 256", len(codes))
	}
	country := map[geodata.Country]int{}
	e.uint(len(codes))
	for i, c := range codes {
		country[c] = i
		n := d.Countries[c]
		e.strings(string(c), n.EN, n.ZH, n.RU)
	}

	e.uint(len(order))
	last := ""
	for _, i := range order {
		last = e.shared(last, d.Places[i].Place.Names.EN)
	}
	for _, i := range order {
		n, ok := country[d.Places[i].Place.Country]
		if !ok {
			return fmt.Errorf("place %s is in %q, which is not among the countries", d.Places[i].Place.Names.EN, d.Places[i].Place.Country)
		}
		e.b = append(e.b, byte(n))
	}
	for _, i := range order {
		p := d.Places[i].Place
		tail := 0
		if p.Code != "" {
			if len(p.Code) != 5 || p.Code[:2] != string(p.Country) {
				return fmt.Errorf("place %s in %s has the code %q", p.Names.EN, p.Country, p.Code)
			}
			tail = packTail(p.Code[2:]) + 1
			if tail == 0 {
				return fmt.Errorf("place %s has the code %q", p.Names.EN, p.Code)
			}
		}
		e.b = binary.LittleEndian.AppendUint16(e.b, uint16(tail))
	}
	for _, i := range order {
		p := d.Places[i].Place.Point
		if !(math.Abs(p[0]) <= 180) || !(math.Abs(p[1]) <= 90) {
			return fmt.Errorf("place %s lies at %v", d.Places[i].Place.Names.EN, p)
		}
		e.point(p)
	}
	for _, i := range order {
		e.uint(d.Places[i].Place.Population)
	}
	for _, i := range order {
		e.b = append(e.b, byte(d.Places[i].Place.Functions))
	}
	for _, i := range order {
		e.b = append(e.b, d.Places[i].Rank)
	}

	e.names(d.Places, order)

	type code struct {
		text  string
		place int
	}
	var other []code
	for to, from := range order {
		for _, c := range d.Places[from].Codes {
			if len(c) != 5 || packTail(c[2:]) < 0 {
				return fmt.Errorf("place %s has the code %q", d.Places[from].Place.Names.EN, c)
			}
			other = append(other, code{c, to})
		}
	}
	sort.Slice(other, func(i, j int) bool { return other[i].text < other[j].text })
	owner := map[string]string{}
	for _, r := range d.Places {
		for _, c := range append(r.Codes[:len(r.Codes):len(r.Codes)], r.Place.Code) {
			if before, twice := owner[c]; twice && c != "" {
				return fmt.Errorf("the code %s belongs to %s and to %s", c, before, r.Place.Names.EN)
			}
			owner[c] = r.Place.Names.EN
		}
	}
	e.uint(len(other))
	for _, c := range other {
		e.b = append(e.b, c.text...)
		e.uint(c.place)
	}

	e.uint(len(d.Terminals))
	for _, r := range d.Terminals {
		t := r.Terminal
		e.strings(t.ID, t.Names.EN, t.Names.ZH, t.Names.RU, string(t.Mode), string(t.Country), t.Source)
		if r.Place < 0 {
			e.uint(0)
			e.strings(t.Place)
		} else {
			e.uint(at[r.Place] + 1)
		}
		e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(float32(t.Point[0])))
		e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(float32(t.Point[1])))
		flags := t.Tier << 1
		if t.Cargo {
			flags |= 1
		}
		e.uint(flags)
		e.uint(len(t.Gauges))
		for _, g := range t.Gauges {
			e.uint(g)
		}
		e.uint(len(t.Codes))
		e.strings(t.Codes...)
		e.uint(len(r.Aliases))
		e.strings(r.Aliases...)
	}

	z, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(e.b); err != nil {
		return err
	}
	return z.Close()
}

type encoder struct{ b []byte }

func (e *encoder) uint(n int) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

func (e *encoder) strings(ss ...string) {
	for _, s := range ss {
		e.uint(len(s))
		e.b = append(e.b, s...)
	}
}

func (e *encoder) shared(last, s string) string {
	n := 0
	for n < len(last) && n < len(s) && last[n] == s[n] {
		n++
	}
	e.uint(n)
	e.strings(s[n:])
	return s
}

// point rounds to 0.001°, which is 110 m: city centres are no better known.
func (e *encoder) point(p orb.Point) {
	lat, lon := uint64(math.Round((p[1]+90)*1000)), uint64(math.Round((p[0]+180)*1000))
	u := lat<<20 | lon // 18 and 19 bits
	e.b = append(e.b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24), byte(u>>32))
}

func (e *encoder) names(places []Record, order []int) {
	type name struct {
		key, text string
		place     int
		kind      byte
	}
	var all []name
	for to, from := range order {
		p := places[from]
		add := func(text string, kind byte) {
			if key := keyOf(text); key != "" {
				all = append(all, name{key, text, to, kind})
			}
		}
		add(p.Place.Names.ZH, kindZH)
		add(p.Place.Names.RU, kindRU)
		for _, a := range p.Aliases {
			add(a, kindAlias)
		}
		for _, a := range p.Weak {
			add(a, kindWeak)
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].key < all[j].key })
	e.uint(len(all))
	last := ""
	for _, n := range all {
		last = e.shared(last, n.text)
		e.uint(n.place)
		e.b = append(e.b, n.kind)
	}
}

const base36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// packTail turns three characters of a UN/LOCODE into a number, or -1.
func packTail(s string) int {
	n := 0
	for i := range len(s) {
		d := strings.IndexByte(base36, s[i])
		if d < 0 {
			return -1
		}
		n = n*36 + d
	}
	return n
}

func unpackTail(n int) string {
	return string([]byte{base36[n/36/36], base36[n/36%36], base36[n%36]})
}

// Decode reads a gazetteer that Encode wrote. Broken input is ErrFormat, never a
// panic.
func Decode(r io.Reader) (*Gazetteer, error) {
	l, err := decode(r)
	if err != nil {
		return nil, err
	}
	return assemble(nil, l)
}

func decode(r io.Reader) (*layer, error) {
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(r), 1<<27))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if !bytes.HasPrefix(raw, []byte(magic)) {
		return nil, ErrFormat
	}
	in := &decoder{b: raw[len(magic):]}
	g := &layer{own: in.count(1) == 1}
	for range in.count(256) {
		g.countries = append(g.countries, country{
			code:  geodata.Country(in.string()),
			names: geodata.Names{EN: in.string(), ZH: in.string(), RU: in.string()},
		})
		in.check(len(g.countries[len(g.countries)-1].code) == 2)
	}
	n := in.count(most)
	g.en = in.sharedStrings(n, nil)
	g.country = in.bytes(n)
	for _, c := range g.country {
		in.check(int(c) < len(g.countries))
	}
	tails := in.bytes(2 * n)
	g.tail = make([]uint16, len(tails)/2)
	for i := range g.tail {
		g.tail[i] = binary.LittleEndian.Uint16(tails[2*i:])
		in.check(int(g.tail[i]) <= 36*36*36)
	}
	points := in.bytes(5 * n)
	g.points = make([][2]float32, len(points)/5)
	for i := range g.points {
		b := points[5*i:]
		u := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32
		lat, lon := float64(u>>20)/1000-90, float64(u&(1<<20-1))/1000-180
		in.check(lat <= 90 && lon <= 180)
		g.points[i] = [2]float32{float32(lon), float32(lat)}
	}
	g.population = make([]uint32, n)
	for i := range g.population {
		g.population[i] = uint32(in.count(1 << 31))
	}
	g.functions = in.bytes(n)
	g.rank = in.bytes(n)

	m := in.count(most)
	g.namePlace, g.nameKind = make([]int32, 0, m), make([]byte, 0, m)
	g.names = in.sharedStrings(m, func() {
		g.namePlace = append(g.namePlace, int32(in.place(n)))
		g.nameKind = append(g.nameKind, in.byte())
	})
	for range in.count(most) {
		code, place := string(in.bytes(5)), int32(in.place(n))
		in.check(len(code) == 5 && packTail(code[2:]) >= 0)
		if in.failed {
			break
		}
		g.codes = append(g.codes, entry(packCode(code[:2], packTail(code[2:])), place))
	}
	for range in.count(most) {
		t := geodata.Terminal{
			ID: in.string(), Names: geodata.Names{EN: in.string(), ZH: in.string(), RU: in.string()},
			Mode: geodata.Mode(in.string()), Country: geodata.Country(in.string()), Source: in.string(),
		}
		place := in.count(n) - 1
		if place < 0 {
			t.Place = in.string()
			in.check(t.Place == "" || len(t.Place) == 5 && packTail(t.Place[2:]) >= 0)
		}
		if b := in.bytes(8); len(b) == 8 {
			t.Point = orb.Point{
				round4(math.Float32frombits(binary.LittleEndian.Uint32(b))),
				round4(math.Float32frombits(binary.LittleEndian.Uint32(b[4:]))),
			}
		}
		in.check(math.Abs(t.Point[0]) <= 180 && math.Abs(t.Point[1]) <= 90)
		flags := in.count(7)
		t.Cargo, t.Tier = flags&1 == 1, flags>>1
		for range in.count(8) {
			t.Gauges = append(t.Gauges, in.count(2000))
		}
		for range in.count(8) {
			t.Codes = append(t.Codes, in.string())
		}
		at := layerTerminal{t, int32(place), nil}
		for range in.count(32) {
			at.aliases = append(at.aliases, in.string())
		}
		g.terminals = append(g.terminals, at)
		if in.failed {
			break
		}
	}
	if in.failed || len(in.b) > 0 {
		return nil, ErrFormat
	}
	g.prepare()
	return g, nil
}

// round4 undoes what float32 does to a number of four decimals.
func round4(f float32) float64 { return math.Round(float64(f)*1e4) / 1e4 }

// decoder reads from b and remembers failure; after it everything is empty.
type decoder struct {
	b      []byte
	failed bool
}

func (in *decoder) check(ok bool) {
	if !ok {
		in.failed, in.b = true, nil
	}
}

func (in *decoder) count(atMost int) int {
	n, used := binary.Uvarint(in.b)
	in.check(used > 0 && n <= uint64(atMost))
	if in.failed {
		return 0
	}
	in.b = in.b[used:]
	return int(n)
}

func (in *decoder) place(n int) int {
	p := in.count(most)
	in.check(p < n)
	return p
}

// bytes is empty when there are not as many.
func (in *decoder) bytes(n int) []byte {
	in.check(n <= len(in.b))
	if in.failed {
		return nil
	}
	out := in.b[:n:n]
	in.b = in.b[n:]
	return out
}

func (in *decoder) byte() byte {
	if b := in.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (in *decoder) string() string { return string(in.bytes(in.count(1 << 12))) }

// sharedStrings reads n strings, each told by what it shares with the one before;
// after is called behind each.
func (in *decoder) sharedStrings(n int, after func()) texts {
	t := texts{ends: make([]uint32, 0, n), blob: make([]byte, 0, 12*n)}
	start := 0
	for range n {
		shared := in.count(1 << 12)
		rest := in.bytes(in.count(1 << 12))
		in.check(start+shared <= len(t.blob))
		if in.failed {
			return texts{}
		}
		next := len(t.blob)
		t.blob = append(t.blob, t.blob[start:start+shared]...)
		t.blob = append(t.blob, rest...)
		t.ends = append(t.ends, uint32(len(t.blob)))
		start = next
		if after != nil {
			after()
		}
	}
	return t
}

// texts is many strings in one piece of memory.
type texts struct {
	blob []byte
	ends []uint32
}

func (t *texts) len() int { return len(t.ends) }

func (t *texts) at(i int) string {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return string(t.blob[from:t.ends[i]])
}
