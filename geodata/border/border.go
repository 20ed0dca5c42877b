// Package border holds the reference data on border posts: where freight may
// cross between two countries, by which mode, and how long it takes. It says
// nothing about today: tracking observes that, and users override it.
//
// borders.csv is a copy of the project's facts (its origins are told per row);
// names.csv adds Chinese and Russian names, and sides.csv a point in each country,
// worked out from the countries' shapes by cmd/geodata. All are embedded.
package border

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
)

var (
	//go:embed borders.csv
	bordersCSV string
	//go:embed names.csv
	namesCSV string
	//go:embed sides.csv
	sidesCSV string
	//go:embed others.csv
	othersCSV string
	//go:embed others_sides.csv
	othersSidesCSV string
	//go:embed tir.csv
	tirCSV string
)

// Posts returns every post in the order of its id. The caller owns the slice.
func Posts() ([]geodata.BorderPost, error) {
	posts, err := Read(strings.NewReader(bordersCSV))
	if err != nil {
		return nil, fmt.Errorf("read embedded borders.csv: %w", err)
	}
	if err := addNames(posts, strings.NewReader(namesCSV)); err != nil {
		return nil, fmt.Errorf("read embedded names.csv: %w", err)
	}
	if err := addSides(posts, strings.NewReader(sidesCSV)); err != nil {
		return nil, fmt.Errorf("read embedded sides.csv: %w", err)
	}
	if err := addTIR(posts, strings.NewReader(tirCSV)); err != nil {
		return nil, fmt.Errorf("read embedded tir.csv: %w", err)
	}
	sort.Slice(posts, func(i, j int) bool { return posts[i].ID < posts[j].ID })
	return posts, nil
}

// Others returns the main posts of the rest of the world, in the order of their
// id: general knowledge with assumed dwells (K and A), so that a journey from
// Tashkent or over the Rio Grande can be planned at all. Unlike Posts they do not
// claim to be all there is between two countries.
func Others() ([]geodata.BorderPost, error) {
	posts, extra, err := read(strings.NewReader(othersCSV), "zh", "ru")
	if err != nil {
		return nil, fmt.Errorf("read embedded others.csv: %w", err)
	}
	for i := range posts {
		posts[i].Names.ZH, posts[i].Names.RU = extra[i][0], extra[i][1]
	}
	if err := addSides(posts, strings.NewReader(othersSidesCSV)); err != nil {
		return nil, fmt.Errorf("read embedded others_sides.csv: %w", err)
	}
	if err := addTIR(posts, strings.NewReader(tirCSV)); err != nil {
		return nil, fmt.Errorf("read embedded tir.csv: %w", err)
	}
	sort.Slice(posts, func(i, j int) bool { return posts[i].ID < posts[j].ID })
	return posts, nil
}

// All returns the posts a planner works with, in the order of their id: Posts, and
// what Others adds to them.
func All() ([]geodata.BorderPost, error) {
	all, err := Posts()
	if err != nil {
		return nil, err
	}
	more, err := More(all)
	if err != nil {
		return nil, err
	}
	all = append(all, more...)
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all, nil
}

// besidePost is how far from a known post of the same countries and mode another
// is the same one.
const besidePost = 30 // km

// More returns those of Others that are not among the posts, by id or by place.
// Between the EU and Norway and Russia or Belarus, where it changes by decree what
// lorries may use, posts that are there are taken to be all.
func More(posts []geodata.BorderPost) ([]geodata.BorderPost, error) {
	others, err := Others()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(others, func(b geodata.BorderPost) bool {
		return slices.ContainsFunc(posts, func(o geodata.BorderPost) bool {
			return o.ID == b.ID || samePair(o, b) && (decreed(b.Countries) || path.Distance(o.Point, b.Point) < besidePost)
		})
	}), nil
}

func decreed(pair [2]geodata.Country) bool {
	east := func(c geodata.Country) bool { return c == "RU" || c == "BY" }
	west := func(c geodata.Country) bool {
		return slices.Contains([]geodata.Country{"EE", "FI", "LT", "LV", "NO", "PL"}, c)
	}
	return east(pair[0]) && west(pair[1]) || west(pair[0]) && east(pair[1])
}

// samePair reports whether two posts join the same countries by a mode in common.
func samePair(a, b geodata.BorderPost) bool {
	return (a.Countries == b.Countries || a.Countries == [2]geodata.Country{b.Countries[1], b.Countries[0]}) &&
		slices.ContainsFunc(b.Modes, a.Serves)
}

var columns = []string{
	"id", "name", "countries", "mode", "lat", "lon", "gauge_change",
	"dwell_p50_h", "dwell_p90_h", "dwell_origin", "coord_origin", "conf", "note",
}

// Read reads posts in the form of borders.csv. An error names the line and the
// column at fault.
func Read(r io.Reader) ([]geodata.BorderPost, error) {
	posts, _, err := read(r)
	return posts, err
}

// read reads posts and the columns that follow the usual ones.
func read(r io.Reader, more ...string) (posts []geodata.BorderPost, extra [][]string, err error) {
	in := csv.NewReader(r)
	head, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read the header: %w", err)
	}
	if got, want := strings.Join(head, ","), strings.Join(append(columns[:len(columns):len(columns)], more...), ","); got != want {
		return nil, nil, fmt.Errorf("header is %q, want %q", got, want)
	}
	seen := map[string]bool{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return posts, extra, nil
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := in.FieldPos(0)
		post, err := parse(row)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", line, err)
		}
		if seen[post.ID] {
			return nil, nil, fmt.Errorf("line %d: id %s is there twice", line, post.ID)
		}
		seen[post.ID] = true
		posts, extra = append(posts, post), append(extra, row[len(columns):])
	}
}

func parse(row []string) (geodata.BorderPost, error) {
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	id, name, note := row[0], row[1], row[12]
	post := geodata.BorderPost{ID: id, Name: name, Names: geodata.Names{EN: name}, Note: note}
	if id == "" || name == "" {
		return post, errors.New("id and name may not be empty")
	}
	var err error
	if post.Countries, err = pair(row[2]); err != nil {
		return post, err
	}
	if post.Modes, post.Closed, err = modes(row[3]); err != nil {
		return post, err
	}
	if post.Point, err = point(row[4], row[5]); err != nil {
		return post, err
	}
	post.Sides = [2]orb.Point{post.Point, post.Point}
	if post.Gauges, err = gauges(row[6]); err != nil {
		return post, err
	}
	post.GaugeChange = post.Gauges[0] != post.Gauges[1]
	if post.Dwell, err = dwell(row[7], row[8]); err != nil {
		return post, err
	}
	if post.Dwell == (geodata.Dwell{}) && !post.Closed {
		return post, errors.New("dwell_p50_h and dwell_p90_h: an open post needs them")
	}
	if post.DwellOrigin, err = origin(row[9], row[11]); err != nil {
		return post, err
	}
	return post, readNote(&post)
}

func pair(s string) (out [2]geodata.Country, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok || !country(a) || !country(b) || a == b {
		return out, fmt.Errorf("countries: %q is not a pair such as CN-RU", s)
	}
	return [2]geodata.Country{geodata.Country(a), geodata.Country(b)}, nil
}

func country(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// modes reads "road", "road+rail"; "foot" is a post closed to freight.
func modes(s string) (out []geodata.Mode, closed bool, err error) {
	if s == "foot" {
		return nil, true, nil
	}
	for _, word := range strings.Split(s, "+") {
		m, err := geodata.ParseMode(word)
		if err != nil || m == geodata.Air {
			return nil, false, fmt.Errorf("mode: %q is not road, rail, sea, foot or some of them joined by +", s)
		}
		out = append(out, m)
	}
	return out, false, nil
}

func point(lat, lon string) (orb.Point, error) {
	y, errY := strconv.ParseFloat(lat, 64)
	x, errX := strconv.ParseFloat(lon, 64)
	if errY != nil || errX != nil || !(y >= -90 && y <= 90) || !(x >= -180 && x <= 180) {
		return orb.Point{}, fmt.Errorf("lat, lon: %q, %q is not a point on earth", lat, lon)
	}
	return orb.Point{x, y}, nil
}

func gauges(s string) (out [2]int, err error) {
	if s == "" {
		return out, nil
	}
	a, b, ok := strings.Cut(s, "/")
	out[0], _ = strconv.Atoi(a)
	out[1], _ = strconv.Atoi(b)
	if !ok || out[0] < 600 || out[0] > 1700 || out[1] < 600 || out[1] > 1700 {
		return out, fmt.Errorf("gauge_change: %q is not two track gauges in mm such as 1435/1520", s)
	}
	return out, nil
}

func dwell(p50, p90 string) (d geodata.Dwell, err error) {
	if p50 == "" && p90 == "" {
		return d, nil
	}
	var err50, err90 error
	d.P50, err50 = strconv.ParseFloat(p50, 64)
	d.P90, err90 = strconv.ParseFloat(p90, 64)
	if err50 != nil || err90 != nil || !(d.P50 > 0) || !(d.P90 >= d.P50) || d.P90 > 10000 {
		return d, fmt.Errorf("dwell_p50_h, dwell_p90_h: %q, %q are not hours with 0 < P50 <= P90", p50, p90)
	}
	return d, nil
}

var year = regexp.MustCompile(`\b(20\d\d)(?:-(\d\d))?\b`)

// origin reads "A", "P" or "P mean 1.99 h in (2023)".
func origin(s, confidence string) (geodata.Origin, error) {
	kind, source, _ := strings.Cut(s, " ")
	if len(kind) != 1 || !strings.Contains("PGKA", kind) {
		return geodata.Origin{}, fmt.Errorf("dwell_origin: %q does not begin with P, G, K or A", s)
	}
	if len(confidence) != 1 || !strings.Contains("HML", confidence) {
		return geodata.Origin{}, fmt.Errorf("conf: %q is not H, M or L", confidence)
	}
	o := geodata.Origin{Kind: kind, Confidence: confidence, Source: source}
	if m := year.FindStringSubmatch(source); m != nil {
		o.AsOf = m[1]
		if m[2] != "" { // "2022-24": the end of the span
			o.AsOf = m[1][:2] + m[2]
		}
	}
	return o, nil
}

var (
	regimeNote = regexp.MustCompile(`regime (congested|restricted) (\w+ \d{4}): P50 ([\d.]+) P90 ([\d.]+)`)
	hoursNote  = regexp.MustCompile(`\b(\d\d:\d\d-\d\d:\d\d)\b`)
	ferryNote  = regexp.MustCompile(`; (\w+) at (-?[\d.]+) (-?[\d.]+)$`)
	months     = map[string]string{
		"Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
		"Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
	}
)

// readNote takes from the note what the planner can use: a dated regime, opening
// hours and the far port of a ferry.
func readNote(post *geodata.BorderPost) error {
	if m := regimeNote.FindStringSubmatch(post.Note); m != nil {
		d, err := dwell(m[3], m[4])
		if err != nil {
			return fmt.Errorf("note: %w", err)
		}
		month, yr, _ := strings.Cut(m[2], " ")
		if months[month] == "" {
			return fmt.Errorf("note: %q is not a month", m[2])
		}
		post.Regimes = append(post.Regimes, geodata.Regime{Name: m[1], Dwell: d, AsOf: yr + "-" + months[month]})
	}
	if m := hoursNote.FindStringSubmatch(post.Note); m != nil {
		post.Hours = m[1]
	}
	if m := ferryNote.FindStringSubmatch(post.Note); m != nil {
		far, err := point(m[2], m[3])
		if err != nil {
			return fmt.Errorf("note: %w", err)
		}
		post.Sides[1] = far
		post.Note = strings.TrimSuffix(post.Note, m[0])
	}
	return nil
}

// alat is the far port of the Caspian ferries whose rows give only the near one.
var alat = orb.Point{49.4042, 40.0169}

// addSides fills the points in each country from rows of id and two points.
func addSides(posts []geodata.BorderPost, r io.Reader) error {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return err
	}
	byID := make(map[string]*geodata.BorderPost, len(posts))
	for i := range posts {
		byID[posts[i].ID] = &posts[i]
		if p := &posts[i]; p.Serves(geodata.Sea) && p.Sides[0] == p.Sides[1] && strings.HasSuffix(p.ID, "-ALT") {
			p.Sides[1] = alat
		}
	}
	for i, row := range rows[min(1, len(rows)):] {
		post := byID[row[0]]
		if post == nil || len(row) != 5 {
			return fmt.Errorf("line %d: %q is not id and two points of a known post", i+2, strings.Join(row, ","))
		}
		for side := range post.Sides {
			if post.Sides[side], err = point(row[1+2*side], row[2+2*side]); err != nil {
				return fmt.Errorf("line %d: %w", i+2, err)
			}
		}
	}
	return nil
}

// addTIR tells where lorries under TIR carnets may cross, from rows of a post or a
// country, yes or no, the year and the source. A country's no holds for all its
// posts; rows of other posts are not for these. Railways have no carnets.
func addTIR(posts []geodata.BorderPost, r io.Reader) error {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return err
	}
	for i, row := range rows[min(1, len(rows)):] {
		var tir geodata.Known
		if len(row) != 4 || tir.UnmarshalText([]byte(row[1])) != nil || tir == geodata.Unknown || row[3] == "" {
			return fmt.Errorf("line %d: %q is not a post or country, yes or no, a year and a source", i+2, strings.Join(row, ","))
		}
		for j := range posts {
			p := &posts[j]
			abroad := tir == geodata.No && (string(p.Countries[0]) == row[0] || string(p.Countries[1]) == row[0])
			if p.Serves(geodata.Road) && (p.ID == row[0] || abroad) {
				p.TIR, p.TIROrigin = tir, geodata.Origin{Kind: "K", Confidence: "M", Source: row[3], AsOf: row[2]}
			}
		}
	}
	return nil
}

// addNames fills Chinese and Russian names from rows of id, zh, ru.
func addNames(posts []geodata.BorderPost, r io.Reader) error {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return err
	}
	byID := make(map[string]*geodata.BorderPost, len(posts))
	for i := range posts {
		byID[posts[i].ID] = &posts[i]
	}
	for i, row := range rows[min(1, len(rows)):] {
		post := byID[row[0]]
		if post == nil || len(row) != 3 {
			return fmt.Errorf("line %d: %q is not id, zh, ru of a known post", i+2, strings.Join(row, ","))
		}
		post.Names.ZH, post.Names.RU = row[1], row[2]
	}
	return nil
}
