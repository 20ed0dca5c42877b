package ais_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"corridor/carriers/ais"
	"corridor/tracking"
)

func read(t testing.TB, log string) ([]tracking.Position, *ais.Reader) {
	t.Helper()
	r := ais.NewReader(strings.NewReader(log))
	var ps []tracking.Position
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ps, r
		}
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const missing = -1

// TestGPSD compares with what gpsd says of the same lines, in its units: knots
// and, where it writes raw values, 1/600000°.
func TestGPSD(t *testing.T) {
	ps, r := read(t, file(t, "gpsd.log"))
	want := []struct {
		mmsi                    string
		lat, lon, knots, course float64
		sensors                 string
	}{
		{"371798000", 48.3816333, -123.3953833, 12.3, 224.0, `{"heading_deg":215,"nav_status":0}`},
		{"111232511", 58.1440000, -6.2788433, 42, 154.5, ``},
		{"367059850", 29.5436950, -88.8103917, 8.7, 335.9, ``},
		{"211707860", 30463944 / 600000., 4239011 / 600000., 0, missing, `{"nav_status":0}`},
		{"230108610", 36098238 / 600000., 14978829 / 600000., 7.3, 298, `{"heading_deg":298}`},
		{"230108610", 36098 / 600., 14978 / 600., 1, 30, `{"nav_status":0}`},
	}
	if len(ps) != len(want) {
		t.Fatalf("%d positions, want %d: %+v", len(ps), len(want), ps)
	}
	for i, w := range want {
		p := ps[i]
		if p.Unit != tracking.UnitID("MMSI-"+w.mmsi) || math.Abs(p.Lat-w.lat) > 1e-7 || math.Abs(p.Lon-w.lon) > 1e-7 || !p.Time.IsZero() || string(p.Sensors) != w.sensors {
			t.Errorf("position %d: %+v %s, want %+v", i, p, p.Sensors, w)
		}
		reading(t, fmt.Sprintf("speed %d", i), p.SpeedKMH, w.knots*1.852, w.knots == missing)
		reading(t, fmt.Sprintf("course %d", i), p.CourseDeg, w.course, w.course == missing)
	}
	wantShips := map[uint32]ais.Ship{
		367059850: {Name: "CAPT.J.RIMES", Type: 70},
		244710865: {Name: "PRINSES CHRISTINA", Destination: "JOBSHAVEN ROTTEDAM", Type: 69},
		230108610: {Type: 60},
	}
	if !maps.Equal(r.Ships(), wantShips) {
		t.Errorf("ships %+v\nwant %+v", r.Ships(), wantShips)
	}
	wantSkipped := map[string]int{string(ais.NotAIS): 1, string(ais.OtherType): 1, string(ais.ShipOnly): 2}
	if !maps.Equal(r.Skipped(), wantSkipped) {
		t.Errorf("skipped %v, want %v", r.Skipped(), wantSkipped)
	}
}

func reading(t *testing.T, what string, m tracking.Measure, want float64, missing bool) {
	t.Helper()
	got, known := m.Get()
	if known == missing || known && math.Abs(got-want) > 1e-4 {
		t.Errorf("%s: %v (known %v), want %v", what, got, known, want)
	}
}

func TestTagBlocks(t *testing.T) {
	ps, r := read(t, file(t, "norway.nm4"))
	if len(ps) != 2 || !ps[0].Time.Equal(time.Unix(1565218798, 0)) || !ps[1].Time.Equal(ps[0].Time) {
		t.Fatalf("%+v", ps)
	}
	if len(r.Ships()) != 1 || r.BadTags() != 2 { // the checksums of the grouped lines do not cover the group
		t.Errorf("%d ships, %d bad tags", len(r.Ships()), r.BadTags())
	}
}

const (
	one  = "!AIVDM,1,1,,A,139qWm0P00PPEm6M3Gj>4?vLR>`<,0*44"
	two1 = "!AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0*05"
	two2 = "!AIVDM,2,2,7,A,EQC`4Sm51A0C@08,2*50"
)

// sum puts the checksum behind a sentence.
func sum(body string) string {
	x := byte(0)
	for i := range len(body) {
		x ^= body[i]
	}
	return fmt.Sprintf("%s*%02X", body, x)
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		line string
		want time.Time
	}{
		{one, time.Time{}},
		{"1550303566167726840 " + one, time.Unix(0, 1550303566167726840)},
		{"1550303566167 " + one, time.UnixMilli(1550303566167)},
		{"1550303566 " + one, time.Unix(1550303566, 0)},
		{"2019-02-16T07:52:46.5Z " + one, time.Unix(1550303566, 5e8)},
		{"[2019-02-16 07:52:46] " + one, time.Unix(1550303566, 0)},
		{"2019-02-16 07:52:46.5," + one, time.Unix(1550303566, 5e8)},
		{"1550303566.5;" + one, time.Unix(1550303566, 5e8)},
		{"1550303566 " + `\` + sum("s:base") + `\` + one, time.Unix(1550303566, 0)},
		{"receiver 7: " + one, time.Time{}},
		{one + ",r003669945,1241544035", time.Unix(1241544035, 0)},
		{`\` + sum("g:1-1-7,s:r3669961,c:1241544035") + `\` + one, time.Unix(1241544035, 0)},
		{`\` + sum("s:base,c:1241544035123") + `\` + one, time.UnixMilli(1241544035123)},
		{`\` + sum("c:1") + `\` + one, time.Time{}}, // no time anyone would log
		{`\c:1241544035*00\` + one, time.Time{}},    // wrong checksum
	} {
		ps, r := read(t, tt.line)
		if len(ps) != 1 || !ps[0].Time.Equal(tt.want) {
			t.Errorf("%s: %+v, skipped %v; want %s", tt.line, ps, r.Skipped(), tt.want)
		}
	}
}

func TestSkipped(t *testing.T) {
	for _, tt := range []struct {
		name string
		log  string
		want map[string]int
	}{
		{"nothing", "", map[string]int{}},
		{"comments and blank lines", "# hello\n\n" + one, map[string]int{"comment": 2}},
		{"other NMEA", sum("GPGGA") + "\n$GPRMC,1*00\nnot NMEA at all\n", map[string]int{"not AIS": 3}},
		{"wrong checksum", strings.Replace(one, "*44", "*45", 1), map[string]int{"wrong or missing checksum": 1}},
		{"no checksum", strings.TrimSuffix(one, "*44"), map[string]int{"wrong or missing checksum": 1}},
		{"garbled", strings.Replace(one, "9", "8", 1), map[string]int{"wrong or missing checksum": 1}},
		{"empty payload", "!AIVDM,1,1,,B,,0*25", map[string]int{"empty payload": 1}},
		{"too few fields", "!" + sum("AIVDM,1,1,,A"), map[string]int{"malformed sentence": 1}},
		{"part 3 of 2", "!" + sum("AIVDM,2,3,7,A,EQC`4Sm51A0C@08,2"), map[string]int{"malformed sentence": 1}},
		{"characters outside the armour", "!" + sum("AIVDM,1,1,,A,139qWm\x7f000PPEm6M3Gj>4?vLR>`<,0"), map[string]int{"payload is no valid message": 1}},
		{"cut payload", "!" + sum("AIVDM,1,1,,A,139qWm0P00PPEm,0"), map[string]int{"payload is no valid message": 1}},
		{"MMSI 0", "!" + sum("AIVDM,1,1,,A,100000000PPEm6M3Gj>4?vLR>`<0,0"), map[string]int{"no MMSI": 1}},
		{"position 91, 181", "!" + sum("AIVDM,1,1,,A,139qWm0P00<tSF0l4Q@>4?vLR>`<,0"), map[string]int{"position not available": 1}},
		{"whole in two parts", two1 + "\n" + two2, map[string]int{"static data, no position": 1}},
		{"second part first", two2 + "\n" + two1, map[string]int{"static data, no position": 1}},
		{"another between", two1 + "\n" + one + "\n" + two2, map[string]int{"static data, no position": 1}},
		{"first part only", two1 + "\n" + one, map[string]int{string(ais.Orphan): 1}},
		{"second part only", two2, map[string]int{string(ais.Orphan): 1}},
		{"id used again", two1 + "\n" + two1 + "\n" + two2, map[string]int{string(ais.Orphan): 1, "static data, no position": 1}},
		{"second part too late", two1 + strings.Repeat("\n"+one, 300) + "\n" + two2, map[string]int{string(ais.Orphan): 2}},
		{"a long line", strings.Repeat("x", 10_000) + "\n" + one, map[string]int{"malformed sentence": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ps, r := read(t, tt.log)
			if !maps.Equal(r.Skipped(), tt.want) {
				t.Errorf("skipped %v, want %v", r.Skipped(), tt.want)
			}
			if n := strings.Count(tt.log, one+"\n") + strings.Count(tt.log+"\n", one+"\n") - strings.Count(tt.log, one+"\n"); len(ps) != n {
				t.Errorf("%d positions, want %d", len(ps), n)
			}
		})
	}
}

// FuzzReader reads anything: every line is accounted for, and what comes out is a
// place on earth.
func FuzzReader(f *testing.F) {
	f.Add([]byte(file(f, "gpsd.log")))
	f.Add([]byte(file(f, "norway.nm4")))
	f.Add([]byte("1550303566167726840 " + one + "\r\n" + two2 + "\n" + two1))
	f.Fuzz(func(t *testing.T, log []byte) {
		r := ais.NewReader(bytes.NewReader(log))
		n := 0
		for {
			p, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n++
			speed, _ := p.SpeedKMH.Get()
			course, _ := p.CourseDeg.Get()
			if !(math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180) || len(p.Unit) != len("MMSI-000000000") || speed < 0 || course < 0 || course >= 360 {
				t.Fatalf("%+v", p)
			}
		}
		for _, k := range r.Skipped() {
			n += k
		}
		// A message in parts takes several lines and counts once.
		if lines := bytes.Count(log, []byte("\n")) + 1; n > lines {
			t.Fatalf("%d positions and skipped lines of %d lines", n, lines)
		}
	})
}

// FuzzPayload goes past the checksum to the bits.
func FuzzPayload(f *testing.F) {
	for line := range strings.Lines(file(f, "gpsd.log")) {
		if fields := strings.Split(line, ","); len(fields) > 5 {
			f.Add(fields[5])
		}
	}
	f.Fuzz(func(t *testing.T, payload string) {
		m, reason, _ := ais.New().Line([]byte("!" + sum("AIVDM,1,1,,A,"+payload+",0")))
		if (m == nil) == (reason == "") {
			t.Fatalf("%+v, %q", m, reason)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	log := strings.Repeat("1550303566167726840 "+one+"\n", 1000)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		r := ais.NewReader(strings.NewReader(log))
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "lines/s")
}
