package main

import (
	"bytes"
	"compress/bzip2"
	"context"
	"database/sql"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	_ "github.com/mattn/go-sqlite3" // a GeoPackage is an SQLite database
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"

	"corridor/geodata"
	"corridor/geodata/area"
)

// First-order divisions: Natural Earth's shapes (public domain), as QGIS packages
// them; which ISO 3166-2 code each has is told by its name or, failing that, by the
// UN/LOCODEs inside, whose rows name theirs. Names are CLDR's in English and those of
// the iso-codes project in Chinese and Russian.
var (
	regionShapes = source{
		Registry: "debian", Name: "qgis-common", Version: "3.22.16+dfsg-1",
		File:   "qgis-common_3.22.16+dfsg-1_all.deb",
		SHA256: "8c46e9da78b82772b23777643e02210c43945f01faee2316899f6438b65a5960",
	}
	regionCodes = source{
		Registry: "debian", Name: "iso-codes", Version: "4.15.0-1",
		File:   "iso-codes_4.15.0-1_all.deb",
		SHA256: "b1beb869303229c38288d4ddacfd582c91f594759b5767c9cecebd87f16ff70e",
	}
	regionNames = source{
		Registry: "npm", Name: "cldr-subdivisions-full", Version: "48.2.0",
		File:   "cldr-subdivisions-full-48.2.0.tgz",
		SHA256: "558fef1e523e21c2bff7ebf4ff6c7686e4e8594df82ac2cd94a71935662596cd",
	}

	// Of lands whose owner is disputed: who claims them and does not run them.
	//go:embed region_claims.csv
	regionClaimsCSV string
	// Names no source has, by hand.
	//go:embed region_names.csv
	regionNamesCSV string
)

// regionMap is the GeoPackage inside the Debian package.
const regionMap = "./usr/share/qgis/resources/data/world_map.gpkg"

// regionOwners run the regions the source gives no country, as in areaCodes.
var regionOwners = map[string]geodata.Country{
	"Somaliland": "SO", "Northern Cyprus": "CY", "Dhekelia": "CY", "Akrotiri": "CY", "Kashmir": "IN",
	"Guantanamo Bay USNB": "CU", "Cocos (Keeling) Islands": "CC", "Christmas Island": "CX", "Clipperton Island": "FR",
}

type regionRow struct {
	area.RegionShape
	names []string // all the names it goes by
}

func buildRegions(ctx context.Context, f *fetcher) error {
	rows, err := readRegionShapes(ctx, f)
	if err != nil {
		return err
	}
	if err := nameRegions(ctx, f, rows); err != nil {
		return err
	}
	if err := claimRegions(rows); err != nil {
		return err
	}
	out := make([]area.RegionShape, len(rows))
	var coded, zh, ru int
	for i, r := range rows {
		out[i] = r.RegionShape
		for has, n := range map[string]*int{r.Code: &coded, r.Names.ZH: &zh, r.Names.RU: &ru} {
			if has != "" {
				*n++
			}
		}
	}
	var b bytes.Buffer
	if err := area.EncodeRegions(&b, out); err != nil {
		return err
	}
	fmt.Printf("geodata: area: %d regions, %d with a code, %d with a Chinese and %d with a Russian name, %d bytes\n", len(out), coded, zh, ru, b.Len())
	return os.WriteFile(filepath.Join("geodata", "area", "regions.bin"), b.Bytes(), 0o644)
}

// gpkg writes the GeoPackage to a file of its own; the caller removes it.
func gpkg(ctx context.Context, f *fetcher) (string, error) {
	deb, err := f.fetch(ctx, regionShapes)
	if err != nil {
		return "", err
	}
	raw, err := readDeb(ctx, deb, regionMap)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "corridor-geodata-*.gpkg")
	if err != nil {
		return "", err
	}
	if _, err := file.Write(raw); err != nil {
		return "", errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file.Name(), file.Close()
}

// readGPKG calls row for each row of a query whose first column is a geometry.
func readGPKG(ctx context.Context, f *fetcher, query string, row func(g orb.Geometry, text []string) error) error {
	name, err := gpkg(ctx, f)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(name) }()
	db, err := sql.Open("sqlite3", "file:"+name+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		var blob []byte
		text := make([]sql.NullString, len(columns)-1)
		into := []any{&blob}
		for i := range text {
			into = append(into, &text[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		g, err := gpkgGeometry(blob)
		if err != nil {
			return err
		}
		plain := make([]string, len(text))
		for i, t := range text {
			plain[i] = t.String
		}
		if err := row(g, plain); err != nil {
			return err
		}
	}
	return rows.Err()
}

// gpkgGeometry reads WKB behind the GeoPackage header, whose third bits of flags tell
// how large its envelope is (OGC 12-128r17, 2.1.3).
func gpkgGeometry(b []byte) (orb.Geometry, error) {
	if len(b) < 8 || string(b[:2]) != "GP" {
		return nil, errors.New("not a GeoPackage geometry")
	}
	envelope := []int{0, 32, 48, 48, 64}[min(4, int(b[3]>>1&7))]
	if len(b) < 8+envelope {
		return nil, errors.New("GeoPackage geometry is cut short")
	}
	return wkb.Unmarshal(b[8+envelope:])
}

func readRegionShapes(ctx context.Context, f *fetcher) ([]*regionRow, error) {
	var out []*regionRow
	err := readGPKG(ctx, f, "select geom, iso_a2, name, woe_name, gn_name, woe_label from states_provinces order by iso_a2, name, fid", func(g orb.Geometry, t []string) error {
		shape, ok := g.(orb.MultiPolygon)
		if !ok {
			return fmt.Errorf("region %s is a %s", t[1], g.GeoJSONType())
		}
		r := &regionRow{}
		if r.Country = geodata.Country(t[0]); t[0] == "-1" {
			r.Country = regionOwners[t[1]]
		}
		label, _, _ := strings.Cut(t[4], ",")
		for _, n := range []string{t[1], t[2], t[3], label} {
			if n != "" && !slices.Contains(r.names, n) {
				r.names = append(r.names, n)
			}
		}
		if len(r.names) == 0 {
			return nil
		}
		r.Names.EN, r.Shape = r.names[0], rounded(shape)
		if len(r.Shape) > 0 {
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("world_map.gpkg: %w", err)
	}
	return out, nil
}

// rounded drops the points that fall together at 0.001°.
func rounded(in orb.MultiPolygon) orb.MultiPolygon {
	var out orb.MultiPolygon
	for _, polygon := range in {
		var p orb.Polygon
		for i, ring := range polygon {
			var r orb.Ring
			for _, at := range ring {
				q := orb.Point{math.Round(at[0]*1000) / 1000, math.Round(at[1]*1000) / 1000}
				if len(r) == 0 || r[len(r)-1] != q {
					r = append(r, q)
				}
			}
			if len(r) < 4 {
				if i == 0 {
					break
				}
				continue
			}
			p = append(p, r)
		}
		if len(p) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// nameRegions gives each region its ISO code and its names.
func nameRegions(ctx context.Context, f *fetcher, rows []*regionRow) error {
	iso, err := f.fetch(ctx, regionCodes)
	if err != nil {
		return err
	}
	raw, err := readDeb(ctx, iso, "./usr/share/iso-codes/json/iso_3166-2.json")
	if err != nil {
		return err
	}
	var list struct {
		All []struct{ Code, Name string } `json:"3166-2"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("iso_3166-2.json: %w", err)
	}
	translated := map[string]map[string]string{}
	for _, lang := range []string{"zh_CN", "ru"} {
		mo, err := readDeb(ctx, iso, "./usr/share/locale/"+lang+"/LC_MESSAGES/iso_3166-2.mo")
		if err != nil {
			return err
		}
		if translated[lang], err = readCatalogue(mo); err != nil {
			return fmt.Errorf("iso_3166-2.mo in %s: %w", lang, err)
		}
	}
	english, err := readSubdivisions(ctx, f)
	if err != nil {
		return err
	}
	byName := map[string][]string{} // country/key → codes
	official := map[string]string{}
	for _, e := range list.All {
		official[e.Code] = e.Name
	}
	called := map[string]string{} // country/key → the code of that ISO name
	for _, e := range list.All {
		for _, key := range regionKeys(e.Name) {
			called[e.Code[:2]+"/"+key] = e.Code
		}
	}
	// Codes were given anew in some countries. Where CLDR still has an old one, its
	// name is that of another code: none of that country's are taken.
	renumbered := map[string]bool{}
	for code, name := range english {
		for _, key := range regionKeys(name) {
			if other := called[code[:2]+"/"+key]; other != "" && other != code && official[code] != "" && !sameKeys(official[code], name) {
				renumbered[code[:2]] = true
			}
		}
	}
	for code := range english {
		if renumbered[code[:2]] {
			delete(english, code)
		}
	}
	for _, e := range list.All {
		for _, name := range []string{e.Name, english[e.Code]} {
			for _, key := range regionKeys(name) {
				k := e.Code[:2] + "/" + key
				if !slices.Contains(byName[k], e.Code) {
					byName[k] = append(byName[k], e.Code)
				}
			}
		}
	}
	votes, err := regionVotes(ctx, f, rows)
	if err != nil {
		return err
	}
	byHand, err := placesCSV(regionNamesCSV, 4)
	if err != nil {
		return fmt.Errorf("region_names.csv: %w", err)
	}
	hand := map[string]geodata.Names{}
	for _, row := range byHand {
		hand[row[0]] = geodata.Names{EN: row[1], ZH: row[2], RU: row[3]}
	}
	agree, differ := map[geodata.Country]int{}, map[geodata.Country]int{}
	for i, r := range rows {
		for _, name := range r.names {
			for _, key := range regionKeys(name) {
				if all := byName[string(r.Country)+"/"+key]; r.Code == "" && len(all) == 1 {
					r.Code = all[0]
				}
			}
		}
		switch {
		case r.Code == "" || votes[i] == "":
		case r.Code == votes[i]:
			agree[r.Country]++
		default:
			differ[r.Country]++
		}
	}
	for i, r := range rows {
		// UN/LOCODE has old codes too.
		if r.Code == "" && agree[r.Country] > 4*differ[r.Country] && official[votes[i]] != "" {
			r.Code = votes[i]
		}
		if r.Country == "RU" && (r.Names.EN == "Crimea" || r.Names.EN == "Sevastopol") {
			r.Code = map[string]string{"Crimea": "UA-43", "Sevastopol": "UA-40"}[r.Names.EN]
		}
		if n, ok := hand[string(r.Country)+"/"+r.names[0]]; ok {
			r.Names = n
			continue
		}
		if r.Code == "" {
			continue
		}
		name, known := official[r.Code]
		if english[r.Code] != "" {
			r.Names.EN = english[r.Code]
		}
		if known {
			r.Names.ZH, r.Names.RU = translated["zh_CN"][name], translated["ru"][name]
		}
		if n, ok := hand[r.Code]; ok {
			r.Names = n
		}
	}
	return nil
}

func sameKeys(a, b string) bool {
	for _, x := range regionKeys(a) {
		if slices.Contains(regionKeys(b), x) {
			return true
		}
	}
	return false
}

func readSubdivisions(ctx context.Context, f *fetcher) (map[string]string, error) {
	archive, err := f.fetch(ctx, regionNames)
	if err != nil {
		return nil, err
	}
	raw, err := readTgz(archive, "package/subdivisions/en/en.json")
	if err != nil {
		return nil, err
	}
	var in struct {
		Subdivisions struct {
			LocaleDisplayNames struct{ Subdivisions map[string]string }
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("cldr-subdivisions: %w", err)
	}
	out := map[string]string{}
	for code, name := range in.Subdivisions.LocaleDisplayNames.Subdivisions {
		if len(code) > 2 {
			out[strings.ToUpper(code[:2])+"-"+strings.ToUpper(code[2:])] = name
		}
	}
	return out, nil
}

// regionKeys are the forms of a name without the word for its kind.
func regionKeys(name string) []string {
	if name == "" {
		return nil
	}
	out := []string{placeKey(name)}
	words := strings.Fields(name)
	for i := 0; i < len(words); i++ {
		switch strings.Trim(placeKey(words[i]), " ") {
		case "sheng", "shi", "oblast", "oblysy", "kray", "kraj", "krai", "respublika", "republic", "province", "provincia", "state", "of", "region", "zizhiqu", "land", "oblasti", "autonomous", "prefecture", "department", "departement", "governorate", "district", "county", "wilaya", "viloyati", "velayat", "aimag", "city":
			words = slices.Delete(words, i, i+1)
			i--
		}
	}
	if bare := placeKey(strings.Join(words, "")); bare != "" && bare != out[0] {
		out = append(out, bare)
	}
	return out
}

// regionVotes tells the code of a region by the UN/LOCODEs inside its shape: more
// than half of at least three must name the same.
func regionVotes(ctx context.Context, f *fetcher, rows []*regionRow) (map[int]string, error) {
	shapes := make([]area.RegionShape, len(rows))
	for i, r := range rows {
		shapes[i] = r.RegionShape
		shapes[i].Code = fmt.Sprint(i) // to know it by
	}
	var b bytes.Buffer
	if err := area.EncodeRegions(&b, shapes); err != nil {
		return nil, err
	}
	lookup, err := area.DecodeRegions(&b)
	if err != nil {
		return nil, err
	}
	codes, err := readLocodes(ctx, f)
	if err != nil {
		return nil, err
	}
	votes := map[string]map[string]int{}
	for _, row := range codes {
		at, err := placesPoint(row[5], row[6])
		if err != nil || row[3] == "" {
			continue
		}
		if r, ok := lookup.Of(at); ok && string(r.Country) == row[0][:2] {
			if votes[r.Code] == nil {
				votes[r.Code] = map[string]int{}
			}
			votes[r.Code][row[0][:2]+"-"+row[3]]++
		}
	}
	out := map[int]string{}
	for i := range rows {
		all, best, most := 0, "", 0
		for code, n := range votes[fmt.Sprint(i)] {
			all += n
			if n > most || n == most && code < best {
				best, most = code, n
			}
		}
		if all >= 3 && 2*most > all {
			out[i] = best
		}
	}
	return out, nil
}

// readLocodes are the rows of the UN/LOCODE package, by code: code, name, function,
// subdivision, its name, latitude, longitude.
func readLocodes(ctx context.Context, f *fetcher) ([][]string, error) {
	file, err := f.fetch(ctx, placesLocode)
	if err != nil {
		return nil, err
	}
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	rows, err := csv.NewReader(bzip2.NewReader(in)).ReadAll()
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool { return len(row) != 7 || len(row[0]) != 5 })
	sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
	return rows, nil
}

func claimRegions(rows []*regionRow) error {
	claims, err := placesCSV(regionClaimsCSV, 3)
	if err != nil {
		return fmt.Errorf("region_claims.csv: %w", err)
	}
	for _, c := range claims {
		found := false
		for _, r := range rows {
			if string(r.Country) != c[0] || c[1] != "*" && r.names[0] != c[1] {
				continue
			}
			found, r.Disputed = true, true
			for _, by := range strings.FieldsFunc(c[2], func(r rune) bool { return r == ';' }) {
				r.ClaimedBy = append(r.ClaimedBy, geodata.Country(by))
			}
		}
		if !found {
			return fmt.Errorf("region_claims.csv: no region %q in %q", c[1], c[0])
		}
	}
	return nil
}
