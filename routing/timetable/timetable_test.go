package timetable

import (
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
)

func reference(tb testing.TB) *Table {
	tb.Helper()
	t, err := Reference()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestRhythm(t *testing.T) {
	r, err := ParseRhythm("weekly Mon Fri 17:30")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for from, want := range map[string]string{
		"2026-12-01 00:00": "2026-12-04 17:30", // a Tuesday
		"2026-12-04 17:30": "2026-12-04 17:30",
		"2026-12-04 17:31": "2026-12-07 17:30",
		"2026-12-31 23:00": "2027-01-01 17:30",
	} {
		if got := r.Next(at(from)); !got.Equal(at(want)) {
			t.Errorf("after %s: %v, want %s", from, got, want)
		}
	}
	// A traveller in another zone sees the same moment.
	zone := time.FixedZone("east", 8*3600)
	if got := r.Next(at("2026-12-01 00:00").In(zone)); !got.Equal(at("2026-12-04 17:30")) {
		t.Errorf("in another zone %v", got)
	}
	if r.Every != 84 || !r.Fixed() || r.String() != "Mon, Fri" {
		t.Errorf("%+v %s", r, r)
	}
	for text, want := range map[string]string{"every 12h": "about twice a day", "every 24h": "about daily", "every 84h": "about 2 a week", "every 168h": "about weekly", "every 240h": "about every 10 days"} {
		if r, err := ParseRhythm(text); err != nil || r.String() != want {
			t.Errorf("%s: %v %v, want %s", text, r, err, want)
		}
	}
	for _, bad := range []string{"", "every", "every 0h", "every -3h", "weekly 10:00", "weekly Mon", "weekly Mon Mon 10:00", "weekly Day 10:00", "daily 5", "every NaNh"} {
		if r, err := ParseRhythm(bad); err == nil {
			t.Errorf("%q gives %+v", bad, r)
		}
	}
}

func stop(place string, c geodata.Country, lon, lat float64) Stop {
	eu := c == "DE" || c == "NL" || c == "FR"
	return Stop{Place: place, Country: c, Region: Region(c, orb.Point{lon, lat}), InEU: eu}
}

func TestFind(t *testing.T) {
	table := reference(t)
	qingdao, hamburg, osaka := stop("CNTAO", "CN", 120.3, 36.1), stop("DEHAM", "DE", 9.9, 53.5), stop("JPOSA", "JP", 135.4, 34.6)
	vladivostok, santos := stop("RUVVO", "RU", 131.9, 43.1), stop("BRSSZ", "BR", -46.3, -23.9)
	for _, c := range []struct {
		mode     geodata.Mode
		from, to Stop
		want     string
	}{
		{geodata.Sea, qingdao, hamburg, "SEA-AEN-CAPE SEA-AEN-SUEZ"},
		{geodata.Sea, hamburg, qingdao, "SEA-AEN-CAPE SEA-AEN-SUEZ"},
		{geodata.Sea, qingdao, osaka, "SEA-TAO-OSA-X SEA-CN-JP"},
		{geodata.Sea, qingdao, vladivostok, "SEA-TAO-VVO"},
		{geodata.Sea, qingdao, stop("RULED", "RU", 30.2, 59.9), "SEA-LED-CAPE SEA-LED-SUEZ"},
		{geodata.Sea, hamburg, santos, "SEA-ATL"},
		{geodata.Rail, qingdao, stop("RUMOW", "RU", 37.6, 55.7), "RAIL-TAO-MOW"},
		{geodata.Rail, stop("CNXIA", "CN", 108.9, 34.3), stop("DEDUI", "DE", 6.7, 51.4), "RAIL-XIY-DUI"},
		{geodata.Rail, vladivostok, stop("RUMOW", "RU", 37.6, 55.7), "RAIL-VVO"},
		{geodata.Air, santos, qingdao, "AIR-HUB"},
	} {
		var got []string
		for _, s := range table.Find(c.mode, c.from, c.to) {
			got = append(got, s.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s–%s: %v, want %s", c.mode, c.from.Place, c.to.Place, got, c.want)
		}
	}
}

// A row that names terminals names some that exist.
func TestNamedTerminalsExist(t *testing.T) {
	places, err := gazetteer.Open()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range geodata.Modes() {
		for _, x := range places.Terminals(m) {
			known[string(m)+" "+x.Place], known[string(m)+" "+x.ID] = true, true
		}
	}
	for _, s := range reference(t).services {
		for _, end := range [][]string{s.From, s.To} {
			named, found := false, false
			for _, e := range end {
				place := len(e) == 5 && strings.ToUpper(e) == e && !strings.Contains(e, "/") || strings.Contains(e, ":")
				named, found = named || place, found || !place || known[string(s.Mode)+" "+e]
			}
			if named && !found {
				t.Errorf("%s: no terminal by %s is known at %v, so that nothing ever takes it", s.ID, s.Mode, end)
			}
		}
	}
}

// Whatever the stops, there is a service: the network decides whether it runs.
func TestThereIsAlwaysAService(t *testing.T) {
	table := reference(t)
	for _, m := range []geodata.Mode{geodata.Sea, geodata.Rail, geodata.Air} {
		for _, a := range []geodata.Country{"CN", "BR", "RU", "NA", "JP"} {
			for _, b := range []geodata.Country{"DE", "AU", "KZ", "US"} {
				if len(table.Find(m, stop("", a, 0, 0), stop("", b, 0, 0))) == 0 {
					t.Errorf("no service by %s from %s to %s", m, a, b)
				}
			}
		}
	}
}

func TestReferenceIsSourced(t *testing.T) {
	table := reference(t)
	seen := map[string]bool{}
	for _, s := range table.services {
		if seen[s.ID] || s.Origin.Source == "" || s.Origin.Kind == "" || s.Origin.Confidence == "" || s.Rhythm.Every <= 0 {
			t.Errorf("service %+v", s)
		}
		seen[s.ID] = true
	}
	for id, d := range table.dwells {
		if d.P50 <= 0 || d.P90 < d.P50 || d.Origin.Kind == "" || d.What == "" {
			t.Errorf("dwell %s: %+v", id, d)
		}
	}
	if d := table.Dwell(SeaImport, "ru-fareast"); d.P50 <= table.Dwell(SeaImport, "n-europe").P50 {
		t.Error("the dwell of a region is not used")
	}
}

func TestReadServicesKeepsTheRest(t *testing.T) {
	text := strings.Join(serviceColumns, ",") + "\n" +
		"A,sea,CN,JP,Line,,every 24h,,,,2026,p,P,H,\n" +
		"B,camel,CN,JP,Line,,every 24h,,,,2026,p,P,H,\n" +
		"C,sea,CN,JP,Line,,sometimes,,,,2026,p,P,H,\n" +
		"D,rail,CN,RU,Train,,weekly Mon 08:00,,,,2026,p,P,H,\n"
	services, err := ReadServices(text)
	if len(services) != 2 || err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("%d services, %v", len(services), err)
	}
}

func TestLanes(t *testing.T) {
	lanes, err := Lanes()
	if err != nil || len(lanes) < 20 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	for _, l := range lanes {
		if l.Origin == "" || l.Destination == "" || l.DaysHigh < l.DaysLow {
			t.Errorf("%+v", l)
		}
	}
}

func TestRegions(t *testing.T) {
	for _, c := range []struct {
		c        geodata.Country
		lon, lat float64
		want     string
	}{
		{"RU", 131.9, 43.1, "ru-fareast"},
		{"RU", 30.2, 59.9, "n-europe"},
		{"RU", 37.8, 44.7, "med"},
		{"FR", 5.3, 43.3, "med"},
		{"FR", 0.1, 49.5, "n-europe"},
		{"US", -118.2, 33.7, "us-west"},
		{"US", -74, 40.6, "us-east"},
		{"SA", 39.1, 21.5, "red-sea"},
		{"SA", 50.2, 26.5, "gulf"},
		{"ES", -0.3, 39.4, "med"},
		{"ZA", 18.4, -33.9, "africa"},
	} {
		if got := Region(c.c, orb.Point{c.lon, c.lat}); got != c.want {
			t.Errorf("%s at %v, %v: %s, want %s", c.c, c.lon, c.lat, got, c.want)
		}
	}
}

func FuzzReadServices(f *testing.F) {
	f.Add(servicesCSV)
	f.Add(strings.Join(serviceColumns, ",") + "\nA,sea,*,*,,,weekly Sun 23:59,,,,,,,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		services, _ := ReadServices(text)
		now := time.Date(2026, 2, 28, 23, 59, 0, 0, time.UTC)
		for _, s := range services {
			if s.Rhythm.Fixed() {
				if next := s.Rhythm.Next(now); next.Before(now) || next.Sub(now) > 8*24*time.Hour {
					t.Fatalf("%s: after %v comes %v", s.ID, now, next)
				}
			}
		}
	})
}
