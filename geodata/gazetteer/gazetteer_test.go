package gazetteer_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/gazetteer"
	"corridor/geodata/path"
)

var embedded = sync.OnceValues(gazetteer.Open)

func open(t testing.TB) *gazetteer.Gazetteer {
	t.Helper()
	g, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestResolve(t *testing.T) {
	g := open(t)
	for code, queries := range map[string][]string{
		"CNTAO": {"CNTAO", "cntao", "CN TAO", "cn-tao", "Qingdao", "QINGDAO", " qingdao ", "青岛", "Циндао", "Tsingtao", "CNQDG", "Qingdao, China", "Qingdao (CN)", "Port of Qingdao", "青岛港", "TAO"},
		"RUMOW": {"RUMOW", "Moscow", "Москва", "莫斯科", "Moskva", "Moscow, Russia", "москва"},
		"RULED": {"St Petersburg", "St. Petersburg", "Saint Petersburg", "Sankt-Peterburg", "Санкт-Петербург", "圣彼得堡", "Leningrad"},
		"KZALA": {"Almaty", "Алматы", "阿拉木图", "阿拉木圖"},
		"DEDUI": {"Duisburg", "杜伊斯堡", "Дуйсбург"},
		"DEHAM": {"Hamburg", "Гамбург", "汉堡", "Hamburg, Germany", "HAMBURG"},
		"CNXIA": {"Xi'an", "Xian", "Xi’an", "西安", "Сиань", "CNSIA"},
		"PLLOD": {"Łódź", "Lodz", "LODZ", "Лодзь"},
		"FRPAR": {"Paris", "PARIS"}, // PARIS could be a code of Panama's
		"ITGOA": {"Genoa", "Genova", "热那亚"},
		"CNSHA": {"Shanghai", "上海", "上海港", "Шанхай"},
		"RUVVO": {"Vladivostok", "Владивосток", "海参崴"},
		"KRPUS": {"Busan", "Pusan", "釜山", "Пусан"},
		"TRIST": {"Istanbul", "İstanbul", "Стамбул"},
		"BYBQT": {"Brest, Belarus", "Brest BY", "Брест"},
		"FRBES": {"Brest, France", "FRBES"},
		"CNYTN": {"Yantian", "盐田"},
		"CNMLX": {"Manzhouli", "满洲里"},
		"DEMUC": {"Munich", "München", "Muenchen"},
	} {
		for _, q := range queries {
			if q == "Brest BY" { // a country needs a comma or brackets
				continue
			}
			p, err := g.Resolve(q)
			if err != nil || p.Code != code {
				t.Errorf("Resolve(%q) = %s, %v, want %s", q, p.Label("en"), err, code)
			}
		}
	}
}

// Places without a UN/LOCODE are found by name, in the right country.
func TestResolveByNameOnly(t *testing.T) {
	g := open(t)
	for q, want := range map[string]geodata.Country{
		"Cao county": "CN", "曹县": "CN", "Selyatino": "RU", "Селятино": "RU", "Bely Rast": "RU", "Dostyk": "KZ",
		"Altynkol": "KZ", "阿拉山口": "CN", "Małaszewicze": "PL", "Malaszewicze": "PL", "Hamburg, US": "US", "Khorgos": "CN", "Khorgos, KZ": "KZ", "Khorgos, Kazakhstan": "KZ",
	} {
		if p, err := g.Resolve(q); err != nil || p.Country != want {
			t.Errorf("Resolve(%q) = %s in %s, %v, want one in %s", q, p.Label("en"), p.Country, err, want)
		}
	}
}

// Where the sources have an airport or a town hundreds of kilometres away.
func TestPointsTheSourcesHaveWrong(t *testing.T) {
	g := open(t)
	for code, want := range map[string]orb.Point{
		"CNTAO": {120.38, 36.07}, "CNSHA": {121.47, 31.23}, "USLAX": {-118.25, 34.05}, "CNNGB": {121.55, 29.87},
		"CNXMN": {118.08, 24.48}, "CNYTN": {114.27, 22.57}, "RUVVO": {131.89, 43.11}, "AEDXB": {55.3, 25.27}, "TRAMB": {28.68, 40.97},
	} {
		p, err := g.Resolve(code)
		if err != nil {
			t.Error(err)
			continue
		}
		if km := path.Distance(p.Point, want); km > 8 {
			t.Errorf("%s lies at %v, %.0f km from where it is", code, p.Point, km)
		}
	}
}

func TestResolvePoint(t *testing.T) {
	g := open(t)
	for _, q := range []string{"36.07,120.38", "36.07, 120.38", " 36.07 120.38 ", "+36.07,120.38"} {
		p, err := g.Resolve(q)
		if err != nil || p.Point != (orb.Point{120.38, 36.07}) || p.Country != "CN" || p.TimeZone != "Asia/Shanghai" {
			t.Errorf("Resolve(%q) = %+v, %v", q, p, err)
		}
	}
	if p, err := g.Resolve("0,-30"); err != nil || p.Country != "" {
		t.Errorf("the high seas are %q, %v", p.Country, err)
	}
	for q, want := range map[string]string{
		"91,10": "latitude 91", "-90.01,0": "latitude", "10,181": "longitude 181", "1e999,0": "latitude", "0 -200": "longitude",
	} {
		_, err := g.Resolve(q)
		var unknown *geodata.UnknownPlaceError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("Resolve(%q): %v, want an error about the %s", q, err, want)
		}
	}
}

func TestResolveUnknown(t *testing.T) {
	g := open(t)
	for q, first := range map[string]string{
		"Quindao": "CNTAO", "Moskow": "RUMOW", "Hambrug": "DEHAM", "Vladivostock": "RUVVO", "Шанхаи": "CNSHA",
		"Rotterdm, NL": "NLRTM", "Duisbourg": "DEDUI",
	} {
		p, err := g.Resolve(q)
		if err == nil {
			if p.Code != first {
				t.Errorf("Resolve(%q) = %s, want %s or a suggestion", q, p.Label("en"), first)
			}
			continue
		}
		var unknown *geodata.UnknownPlaceError
		if !errors.As(err, &unknown) || len(unknown.Nearest) == 0 || unknown.Nearest[0].Code != first {
			t.Errorf("Resolve(%q): %v, want %s suggested first", q, err, first)
		}
	}
	for _, q := range []string{"", "   ", "???", "qqqqqqqqqqqq", "ZZZZZ", "NaN,NaN", "Inf,0", "1,2,3", strings.Repeat("港", 1000)} {
		var unknown *geodata.UnknownPlaceError
		if p, err := g.Resolve(q); !errors.As(err, &unknown) {
			t.Errorf("Resolve(%q) = %s, %v, want *UnknownPlaceError", q, p.Label("en"), err)
		}
	}
}

func TestSearch(t *testing.T) {
	g := open(t)
	for q, want := range map[string]string{
		"Qing": "CNTAO", "青": "CNTAO", "Цин": "CNTAO", "CNTA": "CNTAO", "cnqdg": "CNTAO", "TAO": "CNTAO", "UUEE": "RUMOW",
		"mos": "RUMOW", "мос": "RUMOW", "莫": "RUMOW", "北": "CNBJS", "PVG": "CNSHA", "duis": "DEDUI", "алма": "KZALA", "new y": "USNYC",
		"st pet": "RULED", "saint pet": "RULED", "xian": "CNXIA", "hamburg, us": "USH9G", "Rotterdm": "NLRTM",
	} {
		got := g.Search(q, 8)
		if len(got) == 0 || got[0].Place.Code != want {
			t.Errorf("Search(%q) begins with %v, want %s", q, labels(got), want)
		}
	}
	if got := g.Search("s", 5); len(got) != 5 {
		t.Errorf("Search(s, 5) gave %d", len(got))
	}
	for _, q := range []string{"", "  ", "!!"} {
		if got := g.Search(q, 5); got != nil {
			t.Errorf("Search(%q) = %v", q, labels(got))
		}
	}
	if g.Search("q", 0) != nil || g.Search("q", -1) != nil {
		t.Error("a limit of nothing gives nothing")
	}
}

func labels(matches []geodata.Match) (out []string) {
	for _, m := range matches {
		out = append(out, m.ID+" "+m.Place.Names.EN)
	}
	return out
}

// What Search lists, Resolve accepts by its code.
func TestSearchAgreesWithResolve(t *testing.T) {
	g := open(t)
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.StringMatching(`[a-z]{1,3}|[а-я]{1,2}|[北上青大南西东中新]`).Draw(t, "q")
		seen := map[string]bool{}
		for _, m := range g.Search(q, 10) {
			p := m.Place
			if p.Code == "" || m.ID != p.Code {
				continue
			}
			if seen[p.Code] {
				t.Fatalf("%s is there twice", p.Code)
			}
			seen[p.Code] = true
			same, err := g.Resolve(p.Code)
			// Five letters may name a famous town too: PARIS is not Panama.
			if err != nil || same.Code != p.Code && same.Population < 100000 {
				t.Fatalf("%s resolves to %s, %v", p.Label("en"), same.Label("en"), err)
			}
		}
	})
}

func TestTerminals(t *testing.T) {
	g := open(t)
	a, err := area.Open()
	if err != nil {
		t.Fatal(err)
	}
	least := map[geodata.Mode]int{geodata.Sea: 1000, geodata.Rail: 150, geodata.Air: 3000}
	seen := map[string]bool{}
	for m, n := range least {
		all := g.Terminals(m)
		if len(all) < n {
			t.Errorf("%d %s terminals, want %d", len(all), m, n)
		}
		for _, tt := range all {
			if seen[tt.ID] || !strings.HasPrefix(tt.ID, string(m)+":") || tt.Names.EN == "" || tt.Source == "" || tt.Mode != m {
				t.Errorf("odd or twice: %+v", tt)
			}
			seen[tt.ID] = true
			if m == geodata.Rail && len(tt.Gauges) == 0 {
				t.Errorf("%s has no gauge", tt.ID)
			}
			if m == geodata.Sea {
				if _, ok := a.Shore(tt.Point, 20); !ok && tt.Source == "harbour by hand, general knowledge, checked against the coast" && !riverPorts[tt.ID] {
					t.Errorf("%s at %v is farther than 20 km from the sea", tt.ID, tt.Point)
				}
			}
			if same, ok := g.Terminal(tt.ID); !ok || same.Point != tt.Point {
				t.Errorf("Terminal(%s) = %v, %v", tt.ID, same, ok)
			}
		}
	}
	cargo := 0
	for _, tt := range g.Terminals(geodata.Air) {
		if tt.Cargo {
			cargo++
		}
	}
	if cargo < 80 {
		t.Errorf("%d airports take cargo", cargo)
	}
	if len(g.Terminals(geodata.Road)) != 0 {
		t.Error("roads have no terminals")
	}
}

// riverPorts lie far from the sea of the shapes on purpose.
var riverPorts = map[string]bool{
	"sea:CNWUH": true, "sea:CNCKG": true, "sea:CNNKG": true, "sea:CNZJG": true, "sea:CDMAT": true, "sea:PYASU": true, "sea:BRMAO": true,
	"sea:USPDX": true, "sea:CAMTR": true, "sea:RUROV": true, "sea:RUASF": true, "sea:RUOYA": true, "sea:FRURO": true, "sea:DEBRE": true,
	"sea:MDGIU": true, "sea:USMSY": true, "sea:USPHL": true, "sea:BEANR": true, "sea:DEHAM": true, "sea:CNHUA": true,
	"sea:INCCU": true, "sea:BDMGL": true, "sea:MMRGN": true, "sea:VNSGN": true, "sea:FRBOD": true, "sea:COBAQ": true, "sea:SRPBM": true,
	"sea:ECGYE": true, "sea:RUKGD": true, "sea:USSAV": true, "sea:NLRTM": true,
	"sea:USCLE": true, "sea:USCHI": true, "sea:USDLH": true, "sea:USDET": true, "sea:USMKE": true, "sea:CATOR": true, "sea:CAHAM": true,
	"sea:CATHU": true, // on the Great Lakes
	"sea:CNYSA": true, // on islets the shapes lack
}

func TestNear(t *testing.T) {
	g := open(t)
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		n := rapid.IntRange(1, 8).Draw(t, "n")
		near := g.Near(p, geodata.Sea, n)
		if len(near) != n {
			t.Fatalf("%d terminals, want %d", len(near), n)
		}
		best := math.Inf(1)
		for _, tt := range g.Terminals(geodata.Sea) {
			best = math.Min(best, path.Distance(p, tt.Point))
		}
		last := 0.0
		for i, tt := range near {
			km := path.Distance(p, tt.Point)
			if km < last-1e-6 || i == 0 && math.Abs(km-best) > 1e-6 {
				t.Fatalf("%d: %s at %v km after %v, the nearest is %v", i, tt.ID, km, last, best)
			}
			last = km
		}
	})
	if near := g.Near(orb.Point{120.3, 36.1}, geodata.Sea, 1); near[0].ID != "sea:CNTAO" || near[0].Place != "CNTAO" {
		t.Errorf("near Qingdao is %+v", near[0])
	}
	if near := g.Near(orb.Point{120.04, 36.2}, geodata.Rail, 1); near[0].ID != "rail:cn-jiaozhou" {
		t.Errorf("near Jiaozhou is %s", near[0].ID)
	}
	if g.Near(orb.Point{}, geodata.Sea, 0) != nil {
		t.Error("none were asked for")
	}
}

func TestTimeZonesOfPlaces(t *testing.T) {
	g := open(t)
	for code, zone := range map[string]string{"CNTAO": "Asia/Shanghai", "RUVVO": "Asia/Vladivostok", "USLAX": "America/Los_Angeles", "KZALA": "Asia/Almaty"} {
		p, err := g.Resolve(code)
		if err != nil || p.TimeZone != zone {
			t.Errorf("%s is in %q, %v, want %s", code, p.TimeZone, err, zone)
		}
		if _, err := time.LoadLocation(p.TimeZone); err != nil {
			t.Error(err)
		}
	}
}

func TestNearest(t *testing.T) {
	p, km, ok := open(t).Nearest(orb.Point{120.2, 36.15}, 50, 100)
	if !ok || p.Code != "CNTAO" || km > 25 {
		t.Errorf("%s at %.0f km, %v", p.Label("en"), km, ok)
	}
	if p, _, ok := open(t).Nearest(orb.Point{-140, -40}, 100, 0); ok {
		t.Errorf("in the South Pacific: %s", p.Label("en"))
	}
}

func TestCountryNames(t *testing.T) {
	if n := open(t).CountryNames("KZ"); n != (geodata.Names{EN: "Kazakhstan", ZH: "哈萨克斯坦", RU: "Казахстан"}) {
		t.Errorf("KZ is %+v", n)
	}
	if n := open(t).CountryNames("??"); n.EN != "??" {
		t.Errorf("?? is %+v", n)
	}
}

func small() gazetteer.Data {
	return gazetteer.Data{
		Countries: map[geodata.Country]geodata.Names{"AA": {EN: "Aland", ZH: "甲", RU: "А"}, "BB": {EN: "Beland"}},
		Places: []gazetteer.Record{
			{Place: geodata.Place{Code: "BBXYZ", Names: geodata.Names{EN: "Zeta", ZH: "泽", RU: "Зета"}, Country: "BB", Point: orb.Point{-180, 90}, Population: 7}, Rank: 9, Aliases: []string{"Sixth"}},
			{Place: geodata.Place{Names: geodata.Names{EN: "Éta"}, Country: "AA", Point: orb.Point{12.345, -67.891}}, Codes: []string{"AA234"}},
		},
		Terminals: []gazetteer.TerminalRecord{{Terminal: geodata.Terminal{ID: "rail:x", Names: geodata.Names{EN: "X"}, Mode: geodata.Rail, Country: "BB", Point: orb.Point{1.2345, 6.789}, Gauges: []int{1435, 1520}, Cargo: true, Source: "test"}, Place: 0}},
	}
}

func TestEncodeDecode(t *testing.T) {
	var b bytes.Buffer
	if err := gazetteer.Encode(&b, small()); err != nil {
		t.Fatal(err)
	}
	g, err := gazetteer.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"BBXYZ", "zeta", "泽", "зета", "sixth", "Zeta, Beland"} {
		p, err := g.Resolve(q)
		if err != nil || p.Names != (geodata.Names{EN: "Zeta", ZH: "泽", RU: "Зета"}) || p.Point != (orb.Point{-180, 90}) || p.Population != 7 {
			t.Errorf("Resolve(%q) = %+v, %v", q, p, err)
		}
	}
	if p, err := g.Resolve("aa 234"); err != nil || p.Names.EN != "Éta" || p.Point != (orb.Point{12.345, -67.891}) || p.Code != "" {
		t.Errorf("second code: %+v, %v", p, err)
	}
	tt := g.Terminals(geodata.Rail)
	if len(tt) != 1 || fmt.Sprint(tt[0].Gauges) != "[1435 1520]" || tt[0].Place != "BBXYZ" || tt[0].Point != (orb.Point{1.2345, 6.789}) || !tt[0].Cargo {
		t.Errorf("terminals %+v", tt)
	}
	for n := range b.Len() - 6 {
		if _, err := gazetteer.Decode(bytes.NewReader(b.Bytes()[:n])); !errors.Is(err, gazetteer.ErrFormat) {
			t.Fatalf("cut to %d of %d bytes: %v", n, b.Len(), err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for what, change := range map[string]func(*gazetteer.Data){
		"country":     func(d *gazetteer.Data) { d.Places[0].Place.Country = "CC" },
		"code":        func(d *gazetteer.Data) { d.Places[0].Place.Code = "AAXYZ" },
		"second code": func(d *gazetteer.Data) { d.Places[0].Codes = []string{"bb"} },
		"point":       func(d *gazetteer.Data) { d.Places[0].Place.Point[1] = 91 },
	} {
		d := small()
		change(&d)
		if err := gazetteer.Encode(&bytes.Buffer{}, d); err == nil {
			t.Errorf("a wrong %s was written", what)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"CNTAO", "Qingdao", "36.07,120.38", "91,0", "青岛", "Hamburg, US", "港", "(", ",", "\xff\xfe", "cn"} {
		f.Add(s)
	}
	g := open(f)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := g.Resolve(s)
		var unknown *geodata.UnknownPlaceError
		switch {
		case err != nil && !errors.As(err, &unknown):
			t.Errorf("Resolve(%q): %v", s, err)
		case err == nil && (p.Names.EN == "" || math.Abs(p.Point[1]) > 90 || math.Abs(p.Point[0]) > 180):
			t.Errorf("Resolve(%q) = %+v", s, p)
		}
		g.Search(s, 5)
	})
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := gazetteer.Encode(&b, small()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		g, err := gazetteer.Decode(bytes.NewReader(in))
		if err != nil {
			return
		}
		g.Search("z", 3)
		g.Near(orb.Point{}, geodata.Rail, 3)
	})
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gazetteer.Open(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	g := open(b)
	for _, q := range []string{"CNTAO", "Qingdao", "Москва", "36.07,120.38", "Quindao"} {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				_, _ = g.Resolve(q)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	g := open(b)
	for _, q := range []string{"s", "qing", "青", "Rotterdm"} {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				g.Search(q, 8)
			}
		})
	}
}

func BenchmarkNear(b *testing.B) {
	g := open(b)
	for b.Loop() {
		g.Near(orb.Point{120, 36}, geodata.Air, 4)
	}
}

func ExampleGazetteer_Resolve() {
	g, err := gazetteer.Open()
	if err != nil {
		panic(err)
	}
	p, _ := g.Resolve("Циндао")
	fmt.Println(p.Label("en"), p.Names.ZH, p.Country, p.TimeZone)
	_, err = g.Resolve("Quindao")
	fmt.Println(err)
	// Output:
	// Qingdao CNTAO 青岛 CN Asia/Shanghai
	// unknown place "Quindao"; did you mean Qingdao CNTAO, Quy Nhon VNUIH, Quibdó COUIB?
}

func TestLocate(t *testing.T) {
	g := open(t)
	for _, tt := range []struct {
		lat, lon              float64
		country               geodata.Country
		region, zone, nearest string
		atSea                 bool
	}{
		{36.07, 120.38, "CN", "Shandong", "Asia/Shanghai", "CNTAO", false},
		{44.95, 34.10, "RU", "Crimea", "Europe/Simferopol", "UASIP", false},
		{-17.0, 179.9, "FJ", "Northern", "Pacific/Fiji", "", true},
		{66.3, -179.0, "RU", "Chukotka", "Asia/Anadyr", "", false},
		{0, -140, "", "", "Etc/GMT+9", "", true},
		{34.5, 77.5, "IN", "Jammu and Kashmir", "Asia/Kolkata", "", false},
		{51.43, 6.76, "DE", "North Rhine-Westphalia", "Europe/Berlin", "DEDUI", false},
	} {
		l, err := g.Locate(orb.Point{tt.lon, tt.lat})
		if err != nil {
			t.Fatal(err)
		}
		var region, nearest string
		if l.Region != nil {
			region = l.Region.Names.EN
		}
		if l.Nearest != nil {
			nearest = l.Nearest.Code
		}
		if l.Country != tt.country || region != tt.region || l.TimeZone != tt.zone || l.AtSea != tt.atSea || tt.nearest != "" && nearest != tt.nearest {
			t.Errorf("%v,%v: %s, %q, %s, at sea %v, near %s; want %+v", tt.lat, tt.lon, l.Country, region, l.TimeZone, l.AtSea, nearest, tt)
		}
	}
	for _, p := range []orb.Point{{181, 0}, {0, 90.1}, {math.NaN(), 0}, {0, math.Inf(1)}} {
		if l, err := g.Locate(p); err == nil {
			t.Errorf("%v is %+v", p, l)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	g := open(b)
	for b.Loop() {
		if _, err := g.Locate(orb.Point{120.38, 36.07}); err != nil {
			b.Fatal(err)
		}
	}
}

// A place has a time of its country, though its point is only good to 2 km.
func TestTimeZonesAtBorders(t *testing.T) {
	g := open(t)
	for query, want := range map[string]string{
		"MAPTM": "Africa/Casablanca", "MYTPP": "Asia/Kuala_Lumpur", "rail:pl-malaszewicze": "Europe/Warsaw",
		"CNTAO": "Asia/Shanghai", "UASIP": "Europe/Simferopol", "Pristina": "Europe/Belgrade", "Narva": "Europe/Tallinn", "Brest, BY": "Europe/Minsk",
		"HUZAH": "Europe/Budapest", "MNZUU": "Asia/Ulaanbaatar", "Ciudad Juarez": "America/Ciudad_Juarez", "CNURC": "Asia/Shanghai", "Kashgar": "Asia/Shanghai",
	} {
		p, err := g.Resolve(query)
		if err != nil || p.TimeZone != want {
			t.Errorf("%s: %s, want %s (%v)", query, p.TimeZone, want, err)
		}
	}
	l, err := g.Locate(orb.Point{23.53, 52.02}) // by the Bug, on the Polish side
	if err != nil || l.TimeZone != "Europe/Warsaw" {
		t.Errorf("%s (%v)", l.TimeZone, err)
	}
}
