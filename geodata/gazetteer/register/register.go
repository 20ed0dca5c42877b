// Package register reads tables of places that others keep: the UN/LOCODE code list
// as UNECE publishes it, the World Port Index of the U.S. National
// Geospatial-Intelligence Agency, and a plain table of one's own places. It turns
// bytes into rows; which are new and what they mean to the gazetteer is for its user
// to say.
//
// All are CSV and told apart by their first line. A row that makes no sense is
// refused with its line and costs the others nothing. UN/LOCODE comes without a
// header, in three parts, in UTF-8 or in the Windows code page.
package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/paulmach/orb"
	"golang.org/x/text/encoding/charmap"

	"corridor/geodata"
)

// Form is a kind of table.
type Form string

// The forms that are read.
const (
	UNLOCODE Form = "UN/LOCODE"
	WPI      Form = "World Port Index"
	Own      Form = "own places"
)

// Row is a place of a table.
type Row struct {
	Line      int
	Code      string // UN/LOCODE, or an identifier of the user's own; "" when it has none
	Names     geodata.Names
	Aliases   []string
	Country   geodata.Country // "" when the table names none
	Point     orb.Point
	Located   bool // the table gives a point; UN/LOCODE does not always
	Functions geodata.Function
	IATA      string
	Gauges    []int // of a rail terminal, in mm
	Cargo     bool  // of an airport
	Size      int   // of a port: 1 large, 2 medium, 3 small; 0 unknown
}

// Table is what was read.
type Table struct {
	Form    Form
	Rows    []Row
	Silent  int // rows that rightly say nothing: countries, references, codes to be removed
	Refused []RowError
}

// RowError says why a row was not taken.
type RowError struct {
	Line   int // from 1, as an editor counts
	Reason string
}

func (e RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ErrForm says that a file is none of the tables.
var ErrForm = errors.New("not a table of places")

// Header is the first line of a table of one's own places. name, lat and lon are
// needed; the order is free.
const Header = "code,name,name_zh,name_ru,aliases,country,lat,lon,functions,iata,cargo,gauges"

// maxBytes is the size of a table; UN/LOCODE's largest part has 3 MB.
const maxBytes = 256 << 20

// Read reads a whole table. What is no table at all is ErrForm.
func Read(r io.Reader) (Table, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return Table{}, err
	}
	if len(raw) > maxBytes {
		return Table{}, fmt.Errorf("%w: it is larger than %d MB", ErrForm, maxBytes>>20)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		if raw, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			return Table{}, fmt.Errorf("%w: it is neither UTF-8 nor the Windows code page: %w", ErrForm, err)
		}
	}
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	comma := ','
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		comma = ';' // as spreadsheets write where the comma is the decimal sign
	}
	in := csv.NewReader(bytes.NewReader(raw))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = comma, -1, true, true
	head, err := in.Read()
	if err != nil {
		return Table{}, fmt.Errorf("%w: it is empty", ErrForm)
	}
	t := Table{}
	read, err := t.reader(slices.Clone(head), comma == ';')
	if err != nil {
		return Table{}, err
	}
	if t.Form == UNLOCODE { // it has no header
		t.take(head, 1, read)
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			t.Refused = append(t.Refused, RowError{parse.Line, "it is no CSV: " + parse.Err.Error()})
			continue
		}
		if err != nil {
			return Table{}, err
		}
		line, _ := in.FieldPos(0)
		t.take(row, line, read)
	}
}

// rowReader reads one row; ok is false for one that rightly says nothing.
type rowReader func(row []string) (r Row, ok bool, err error)

func (t *Table) take(row []string, line int, read rowReader) {
	r, ok, err := read(row)
	switch {
	case err != nil:
		t.Refused = append(t.Refused, RowError{line, err.Error()})
	case !ok:
		t.Silent++
	default:
		r.Line = line
		t.Rows = append(t.Rows, r)
	}
}

// reader tells the form by the first line.
func (t *Table) reader(head []string, decimalComma bool) (rowReader, error) {
	at := columns{index: map[string]int{}, decimalComma: decimalComma}
	for i, name := range head {
		if key := headerKey(name); key != "" {
			if _, twice := at.index[key]; !twice {
				at.index[key] = i
			}
		}
	}
	switch {
	case at.has("latitude", "longitude") && (at.has("mainportname") || at.has("portname")):
		t.Form = WPI
		return at.port, nil
	case at.has("name", "lat", "lon"):
		t.Form = Own
		for name := range at.index {
			if !slices.Contains(strings.Split(strings.ReplaceAll(Header, "_", ""), ","), name) {
				return nil, fmt.Errorf("%w: there is no column %q; use %s", ErrForm, name, Header)
			}
		}
		return at.own, nil
	case len(head) >= 11 && len(head) <= 13 && len(strings.TrimSpace(head[1])) == 2 && len(strings.TrimSpace(head[0])) <= 1:
		t.Form = UNLOCODE
		return locode, nil
	}
	return nil, fmt.Errorf("%w: its first line is that of neither UN/LOCODE nor the World Port Index, nor has it the columns name, lat and lon; use %s", ErrForm, Header)
}

// headerKey is the name of a column without case and signs: "Main Port Name",
// "main_port_name" and "MAINPORTNAME" are one.
func headerKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// columns are the places of columns by name.
type columns struct {
	index        map[string]int
	decimalComma bool
}

func (c columns) has(names ...string) bool {
	for _, n := range names {
		if _, ok := c.index[n]; !ok {
			return false
		}
	}
	return true
}

// of is the value of the first of the columns that is there, and not empty.
func (c columns) of(row []string, names ...string) string {
	for _, n := range names {
		if i, ok := c.index[n]; ok && i < len(row) {
			if s := strings.TrimSpace(row[i]); s != "" {
				return s
			}
		}
	}
	return ""
}

func (c columns) point(lat, lon string) (orb.Point, error) {
	if c.decimalComma {
		lat, lon = strings.ReplaceAll(lat, ",", "."), strings.ReplaceAll(lon, ",", ".")
	}
	y, errY := strconv.ParseFloat(lat, 64)
	x, errX := strconv.ParseFloat(lon, 64)
	if errY != nil || errX != nil {
		return orb.Point{}, fmt.Errorf("its coordinates %q, %q are no numbers: give degrees such as 36.07", lat, lon)
	}
	return onEarth(x, y)
}

func onEarth(x, y float64) (orb.Point, error) {
	if !(math.Abs(y) <= 90) || !(math.Abs(x) <= 180) {
		return orb.Point{}, fmt.Errorf("its coordinates %v, %v are not on earth: latitude is in [-90, 90], longitude in [-180, 180]", y, x)
	}
	return orb.Point{x, y}, nil
}

func list(s string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '|' || r == ';' || r == ',' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func letters(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// IsLocode reports whether a code has the form of a UN/LOCODE.
func IsLocode(s string) bool {
	return len(s) == 5 && letters(s[:2], 2) && strings.Trim(s[2:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// own reads a row of the user's own places.
func (c columns) own(row []string) (Row, bool, error) {
	if strings.TrimSpace(strings.Join(row, "")) == "" {
		return Row{}, false, nil
	}
	r := Row{
		Code:    c.of(row, "code"),
		Names:   geodata.Names{EN: c.of(row, "name"), ZH: c.of(row, "namezh"), RU: c.of(row, "nameru")},
		Aliases: list(c.of(row, "aliases")),
		Country: geodata.Country(strings.ToUpper(c.of(row, "country"))),
		IATA:    strings.ToUpper(c.of(row, "iata")),
		Located: true,
	}
	if up := strings.ToUpper(strings.ReplaceAll(r.Code, " ", "")); IsLocode(up) {
		r.Code = up
	}
	if r.Names.EN == "" {
		return r, false, errors.New("it has no name")
	}
	if len(r.Names.EN) > 200 || len(r.Names.ZH) > 200 || len(r.Names.RU) > 200 || len(r.Code) > 60 {
		return r, false, errors.New("its name or code is too long: at most 200 and 60 bytes")
	}
	if r.Country != "" && !letters(string(r.Country), 2) {
		return r, false, fmt.Errorf("its country %q is not two letters of ISO 3166, such as CN", r.Country)
	}
	if r.IATA != "" && !letters(r.IATA, 3) {
		return r, false, fmt.Errorf("its IATA code %q is not three letters", r.IATA)
	}
	var err error
	if r.Point, err = c.point(c.of(row, "lat"), c.of(row, "lon")); err != nil {
		return r, false, err
	}
	for _, name := range list(c.of(row, "functions")) {
		f, ok := map[string]geodata.Function{
			"seaport": geodata.HasSeaport, "port": geodata.HasSeaport, "rail": geodata.HasRail, "road": geodata.HasRoad,
			"airport": geodata.HasAirport, "border": geodata.HasBorder, "city": geodata.IsCity,
		}[strings.ToLower(name)]
		if !ok {
			return r, false, fmt.Errorf("its function %q is unknown: use seaport, rail, road, airport, border or city, parted by |", name)
		}
		r.Functions |= f
	}
	for _, g := range list(c.of(row, "gauges")) {
		mm, err := strconv.Atoi(g)
		if err != nil || mm < 500 || mm > 2000 {
			return r, false, fmt.Errorf("its gauge %q is not millimetres such as 1435 or 1520", g)
		}
		r.Gauges = append(r.Gauges, mm)
	}
	if r.Functions&geodata.HasRail != 0 && len(r.Gauges) == 0 {
		return r, false, errors.New("a rail terminal needs its gauges in mm, e.g. 1435 or 1435|1520")
	}
	switch s := strings.ToLower(c.of(row, "cargo")); s {
	case "", "no", "false", "0":
	case "yes", "true", "1":
		r.Cargo = true
	default:
		return r, false, fmt.Errorf("cargo is %q: use yes or no", s)
	}
	return r, true, nil
}

// port reads a row of the World Port Index.
func (c columns) port(row []string) (Row, bool, error) {
	r := Row{
		Names:     geodata.Names{EN: c.of(row, "mainportname", "portname")},
		Functions: geodata.HasSeaport, Located: true,
	}
	if r.Names.EN == "" {
		return r, false, errors.New("it has no name")
	}
	if len(r.Names.EN) > 200 {
		return r, false, errors.New("its name is longer than 200 bytes")
	}
	if other := c.of(row, "alternateportname"); other != "" && len(other) < 200 {
		r.Aliases = list(other)
	}
	if code := strings.ToUpper(strings.ReplaceAll(c.of(row, "unlocode"), " ", "")); IsLocode(code) {
		r.Code, r.Country = code, geodata.Country(code[:2])
	}
	switch strings.ToUpper(c.of(row, "harborsize")) {
	case "L", "LARGE":
		r.Size = 1
	case "M", "MEDIUM":
		r.Size = 2
	case "S", "V", "SMALL", "VERY SMALL":
		r.Size = 3
	}
	var err error
	if r.Point, err = c.point(c.of(row, "latitude"), c.of(row, "longitude")); err != nil {
		return r, false, err
	}
	return r, true, nil
}

// Columns of UN/LOCODE's code list.
const (
	locodeChange = iota
	locodeCountry
	locodePlace
	locodeName
	locodePlainName
	locodeSubdivision
	locodeStatus
	locodeFunction
	locodeDate
	locodeIATA
	locodeCoordinates
	locodeRemarks
)

// locode reads a row of UN/LOCODE.
func locode(row []string) (Row, bool, error) {
	cell := func(i int) string {
		if i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	country, place, name := cell(locodeCountry), cell(locodePlace), cell(locodeName)
	switch {
	case strings.TrimSpace(strings.Join(row, "")) == "",
		place == "" && strings.HasPrefix(name, "."), // the name of the country
		cell(locodeChange) == "X",                   // to be removed
		cell(locodeChange) == "=":                   // "Peking = Beijing", a reference
		return Row{}, false, nil
	}
	r := Row{Code: country + place, Country: geodata.Country(country), Names: geodata.Names{EN: name}}
	if len(row) < locodeCoordinates+1 {
		return r, false, fmt.Errorf("it has %d columns, want 12", len(row))
	}
	if !IsLocode(r.Code) {
		return r, false, fmt.Errorf("%q is no UN/LOCODE", country+" "+place)
	}
	if name == "" {
		return r, false, fmt.Errorf("%s has no name", r.Code)
	}
	if len(name) > 200 {
		return r, false, fmt.Errorf("the name of %s is longer than 200 bytes", r.Code)
	}
	if plain := cell(locodePlainName); plain != "" && plain != name && len(plain) <= 200 {
		r.Aliases = append(r.Aliases, plain)
	}
	if iata := cell(locodeIATA); letters(iata, 3) {
		r.IATA = iata
	}
	for _, f := range cell(locodeFunction) {
		switch f {
		case '1':
			r.Functions |= geodata.HasSeaport
		case '2':
			r.Functions |= geodata.HasRail
		case '3', '6':
			r.Functions |= geodata.HasRoad
		case '4':
			r.Functions |= geodata.HasAirport
		case 'B':
			r.Functions |= geodata.HasBorder
		}
	}
	if s := cell(locodeCoordinates); s != "" {
		var err error
		if r.Point, err = Coordinates(s); err != nil {
			return r, false, fmt.Errorf("%s: %w", r.Code, err)
		}
		r.Located = true
	}
	return r, true, nil
}

// Coordinates reads degrees and minutes as UN/LOCODE writes them: "3604N 12019E".
func Coordinates(s string) (orb.Point, error) {
	bad := fmt.Errorf("its coordinates %q are not like 3604N 12019E", s)
	lat, lon, ok := strings.Cut(strings.TrimSpace(s), " ")
	lon = strings.TrimSpace(lon)
	if !ok || len(lat) != 5 || len(lon) != 6 {
		return orb.Point{}, bad
	}
	part := func(s string, plus, minus byte) (float64, bool) {
		digits, sign := s[:len(s)-1], s[len(s)-1]
		if strings.Trim(digits, "0123456789") != "" || sign != plus && sign != minus {
			return 0, false
		}
		n, err := strconv.Atoi(digits)
		minutes := n % 100
		if err != nil || minutes >= 60 {
			return 0, false
		}
		v := float64(n/100) + float64(minutes)/60
		if sign == minus {
			v = -v
		}
		return math.Round(v*1e4) / 1e4, true
	}
	y, okY := part(lat, 'N', 'S')
	x, okX := part(lon, 'E', 'W')
	if !okY || !okX {
		return orb.Point{}, bad
	}
	return onEarth(x, y)
}
