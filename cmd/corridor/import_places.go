package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
	"corridor/geodata/gazetteer/register"
	"corridor/geodata/path"
)

// placesDir is where imported places are kept under the data directory: of each set
// the table as it came (NAME.csv) and what was made of it (NAME.bin).
const placesDir = "places"

// Ranks of imported places on the gazetteer's scale, where Shanghai has 200 and a town
// of 10,000 has 45.
const (
	ownRank     = 130
	codeRank    = 6
	portRank    = 14
	samePortKM  = 8  // a port of the World Port Index nearer to one of ours is that one
	ownPortTier = 2  // the planner calls at main and regional ports only
	longestSlug = 40 // of an identifier made of a name
)

func placesKind() importKind {
	return importKind{
		name: "places", summary: "places: UN/LOCODE, the World Port Index, or your own as CSV",
		usage: `Reads a table of places and adds those that are new: they are found by search and
stand for the ends of plans and distances. The table is told by its first line:

  UN/LOCODE         the CSV files of UNECE's release (CodeListPart1.csv to Part3), as
                    they are; rows without coordinates are left out
  World Port Index  the CSV of NGA's publication 150; ports within 8 km of a known one
                    are left out
  your own          with the header
                    ` + register.Header + `
                    of which name, lat and lon are needed. aliases and functions
                    (seaport, rail, road, airport, border, city) are parted by |, a
                    rail terminal has gauges such as 1435|1520. A code is a UN/LOCODE
                    or any identifier of yours.

Your own places win where names or codes are the same. A file imported again replaces
what it left; to take places away, delete its files in DIR/places.
`,
		prepare: func(flags *flag.FlagSet) importFunc {
			name := flags.String("name", "", "`name` of the set it replaces; left out: the name of the file")
			return func(ctx context.Context, in importJob) (importReport, error) { return importPlaces(ctx, in, *name) }
		},
	}
}

func importPlaces(_ context.Context, in importJob, name string) (importReport, error) {
	raw, err := os.ReadFile(in.file)
	if err != nil {
		return importReport{}, err
	}
	table, err := register.Read(bytes.NewReader(raw))
	if err != nil {
		return importReport{}, err
	}
	g, err := gazetteer.Open()
	if err != nil {
		return importReport{}, err
	}
	name = placeSet(table.Form, name, in.file)
	made, err := newPlaces(g, table, name)
	if err != nil {
		return importReport{}, err
	}
	r := importReport{
		What: "places from " + string(table.Form), Stored: filepath.Join(in.data, placesDir, name+".csv"),
		Loaded: made.added, Known: made.known, Skipped: table.Silent + made.silent,
	}
	if table.Form == register.Own {
		r.What = "places of your own"
	}
	for _, bad := range made.refused {
		r.Refused = append(r.Refused, refusedRow{bad.Line, bad.Reason})
	}
	if r.Loaded == 0 && r.Known == 0 {
		if len(r.Refused) > 0 {
			return r, fmt.Errorf("none of its %d rows could be taken; the first, line %d: %s", len(r.Refused), r.Refused[0].Line, r.Refused[0].Reason)
		}
		return r, errors.New("it holds no places")
	}
	dir := filepath.Join(in.data, placesDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return r, err
	}
	var packed bytes.Buffer
	if err := gazetteer.Encode(&packed, made.data); err != nil {
		return r, err
	}
	// What is made last is what is read first: a table without it is made anew.
	if err := os.Remove(filepath.Join(dir, name+".bin")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := replaceFile(filepath.Join(dir, name+".csv"), raw); err != nil {
		return r, err
	}
	return r, replaceFile(filepath.Join(dir, name+".bin"), packed.Bytes())
}

var locodePart = regexp.MustCompile(`(?i)part[ _-]?([1-9])`)

// placeSet names the set a table belongs to, so that the next release of a list stands
// for the last.
func placeSet(form register.Form, name, file string) string {
	switch {
	case form == register.UNLOCODE && name == "":
		if part := locodePart.FindStringSubmatch(filepath.Base(file)); part != nil {
			return "unlocode-part" + part[1]
		}
		return "unlocode"
	case form == register.WPI && name == "":
		return "wpi"
	case name == "":
		name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	prefix := map[register.Form]string{register.UNLOCODE: "unlocode-", register.WPI: "wpi-", register.Own: "own-"}[form]
	return prefix + slug(name)
}

// slug makes an identifier of a name.
func slug(s string) string {
	var b strings.Builder
	for _, r := range gazetteer.Fold(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
		if b.Len() >= longestSlug {
			break
		}
	}
	if b.Len() == 0 {
		return "places"
	}
	return b.String()
}

// madePlaces is what a table adds to the gazetteer.
type madePlaces struct {
	data    gazetteer.Data
	added   int
	known   int
	silent  int // rows without coordinates
	refused []register.RowError

	set   string
	codes map[string]int // line by code
	ids   map[string]int // line by terminal
}

// newPlaces keeps the rows of a table that are new.
func newPlaces(g *gazetteer.Gazetteer, table register.Table, set string) (*madePlaces, error) {
	m := &madePlaces{
		data: gazetteer.Data{Own: table.Form == register.Own, Countries: map[geodata.Country]geodata.Names{}},
		set:  set, refused: table.Refused, codes: map[string]int{}, ids: map[string]int{},
	}
	for _, row := range table.Rows {
		var err error
		switch table.Form {
		case register.UNLOCODE:
			err = m.locode(g, row)
		case register.WPI:
			err = m.port(g, row)
		default:
			err = m.own(g, row)
		}
		if err != nil {
			m.refused = append(m.refused, register.RowError{Line: row.Line, Reason: err.Error()})
		}
	}
	slices.SortStableFunc(m.refused, func(a, b register.RowError) int { return a.Line - b.Line })
	return m, nil
}

// add keeps a place and returns its index.
func (m *madePlaces) add(g *gazetteer.Gazetteer, row register.Row, rank uint8) (int, error) {
	p := geodata.Place{Names: row.Names, Country: row.Country, Point: row.Point, Functions: row.Functions}
	if register.IsLocode(row.Code) {
		if row.Code[:2] != string(p.Country) {
			return 0, fmt.Errorf("its code %s is not one of its country %s", row.Code, p.Country)
		}
		if line, twice := m.codes[row.Code]; twice {
			return 0, fmt.Errorf("its code %s is on line %d too", row.Code, line)
		}
		m.codes[row.Code] = row.Line
		p.Code = row.Code
	} else if row.Code != "" {
		row.Aliases = append(row.Aliases, row.Code)
	}
	if gazetteer.Fold(p.Names.EN) == "" {
		return 0, fmt.Errorf("its name %q has no letters", p.Names.EN)
	}
	names := g.CountryNames(p.Country)
	if names.EN == string(p.Country) {
		return 0, fmt.Errorf("there is no country %q", p.Country)
	}
	m.data.Countries[p.Country] = names
	m.data.Places = append(m.data.Places, gazetteer.Record{Place: p, Rank: rank, Aliases: row.Aliases})
	m.added++
	return len(m.data.Places) - 1, nil
}

func (m *madePlaces) locode(g *gazetteer.Gazetteer, row register.Row) error {
	switch {
	case g.HasCode(row.Code):
		m.known++
		return nil
	case !row.Located:
		m.silent++
		return nil
	}
	rank := uint8(codeRank)
	if row.Functions&geodata.HasSeaport != 0 {
		rank = portRank
	}
	_, err := m.add(g, row, rank)
	return err
}

func (m *madePlaces) port(g *gazetteer.Gazetteer, row register.Row) error {
	if _, ok := g.Terminal("sea:" + row.Code); ok && row.Code != "" {
		m.known++
		return nil
	}
	if near := g.Near(row.Point, geodata.Sea, 1); len(near) > 0 && path.Distance(near[0].Point, row.Point) < samePortKM {
		m.known++
		return nil
	}
	t := geodata.Terminal{
		ID: "sea:" + row.Code, Names: row.Names, Mode: geodata.Sea, Country: row.Country, Point: row.Point,
		Tier: 3, Source: "World Port Index",
	}
	if row.Code == "" {
		t.ID = "sea:wpi-" + slug(row.Names.EN)
	}
	if row.Size == 1 {
		t.Tier = ownPortTier
	}
	if line, twice := m.ids[t.ID]; twice {
		return fmt.Errorf("%s is on line %d too", row.Names.EN, line)
	}
	if row.Country == "" {
		l, err := g.Locate(row.Point)
		if err != nil {
			return err
		}
		if l.Country == "" {
			return fmt.Errorf("%s lies at %.3f,%.3f, far from any coast", row.Names.EN, row.Point[1], row.Point[0])
		}
		row.Country, t.Country = l.Country, l.Country
	}
	if g.HasCode(row.Code) { // the place is known, its port is not
		m.ids[t.ID] = row.Line
		t.Place = row.Code
		m.data.Terminals = append(m.data.Terminals, gazetteer.TerminalRecord{Terminal: t, Place: -1})
		m.added++
		return nil
	}
	at, err := m.add(g, row, portRank)
	if err != nil {
		return err
	}
	m.ids[t.ID] = row.Line
	m.data.Terminals = append(m.data.Terminals, gazetteer.TerminalRecord{Terminal: t, Place: at})
	return nil
}

func (m *madePlaces) own(g *gazetteer.Gazetteer, row register.Row) error {
	if row.Country == "" && register.IsLocode(row.Code) {
		row.Country = geodata.Country(row.Code[:2])
	}
	if row.Country == "" {
		l, err := g.Locate(row.Point)
		if err != nil {
			return err
		}
		if row.Country = l.Country; l.Country == "" {
			return errors.New("it lies on the high seas: give its country")
		}
	}
	var terminals []geodata.Terminal
	key := row.Code
	if !register.IsLocode(key) {
		if key == "" {
			key = row.Names.EN
		}
		key = "own-" + slug(key)
	}
	for _, f := range []struct {
		has  geodata.Function
		mode geodata.Mode
	}{{geodata.HasSeaport, geodata.Sea}, {geodata.HasRail, geodata.Rail}, {geodata.HasAirport, geodata.Air}} {
		if row.Functions&f.has == 0 {
			continue
		}
		t := geodata.Terminal{ID: string(f.mode) + ":" + key, Names: row.Names, Mode: f.mode, Country: row.Country, Point: row.Point, Source: "own places, " + m.set}
		switch f.mode {
		case geodata.Sea:
			t.Tier = ownPortTier
		case geodata.Rail:
			t.Gauges = row.Gauges
		case geodata.Air:
			if t.Cargo = row.Cargo; row.IATA != "" {
				t.ID, t.Codes = "air:"+row.IATA, []string{row.IATA}
			}
		}
		if line, twice := m.ids[t.ID]; twice {
			return fmt.Errorf("it has the code or name of line %d", line)
		}
		terminals = append(terminals, t)
	}
	at, err := m.add(g, row, ownRank)
	if err != nil {
		return err
	}
	for _, t := range terminals {
		m.ids[t.ID] = row.Line
		m.data.Terminals = append(m.data.Terminals, gazetteer.TerminalRecord{Terminal: t, Place: at, Aliases: row.Aliases})
	}
	return nil
}

// openPlaces opens the gazetteer with what was imported into the data directory; ""
// is none.
func openPlaces(data string) (*gazetteer.Gazetteer, error) {
	return openPlacesWith(data, gazetteer.Config{})
}

func openPlacesWith(data string, with gazetteer.Config) (*gazetteer.Gazetteer, error) {
	files, err := imported(data, placesDir, ".csv")
	if err != nil || len(files) == 0 {
		if err != nil {
			return nil, err
		}
		return gazetteer.New(with)
	}
	// Later layers cover earlier ones: lists of the world below the user's own.
	slices.SortStableFunc(files, func(a, b string) int { return placeOrder(a) - placeOrder(b) })
	layers := make([]io.Reader, len(files))
	for i, file := range files {
		if layers[i], err = placeLayer(file, false); err != nil {
			return nil, err
		}
	}
	with.Over = layers
	g, err := gazetteer.New(with)
	if !errors.Is(err, gazetteer.ErrFormat) {
		return g, err
	}
	// Written by another version: the tables are read anew.
	for i, file := range files {
		if layers[i], err = placeLayer(file, true); err != nil {
			return nil, err
		}
	}
	return gazetteer.New(with)
}

func placeOrder(file string) int {
	return slices.IndexFunc([]string{"unlocode", "wpi", ""}, func(p string) bool { return strings.HasPrefix(filepath.Base(file), p) })
}

// placeLayer is the packed form of an imported table, made anew when it is not there
// or is not to be trusted.
func placeLayer(file string, anew bool) (io.Reader, error) {
	packed := strings.TrimSuffix(file, ".csv") + ".bin"
	if !anew {
		switch raw, err := os.ReadFile(packed); {
		case err == nil:
			return bytes.NewReader(raw), nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	table, err := register.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	g, err := gazetteer.Open()
	if err != nil {
		return nil, err
	}
	made, err := newPlaces(g, table, strings.TrimSuffix(filepath.Base(file), ".csv"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := gazetteer.Encode(&b, made.data); err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	// The directory may be of somebody else; then it is made anew each time.
	_ = replaceFile(packed, b.Bytes())
	return &b, nil
}
