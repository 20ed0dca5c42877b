package plausible_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking/plausible"
)

// minute is a point at so many minutes.
func minute(m, lat, lon float64) plausible.Point {
	return plausible.Point{MS: int64(m * 60_000), Lat: lat, Lon: lon}
}

func TestTrack(t *testing.T) {
	road := plausible.TopKMH(geodata.Road)
	for _, tt := range []struct {
		name   string
		top    float64
		points []plausible.Point
		want   string
	}{
		{"nothing", road, nil, ""},
		{"one", road, []plausible.Point{minute(0, 50, 10)}, "."},
		{"a drive", road, []plausible.Point{minute(0, 50, 10), minute(1, 50, 10.02), minute(2, 50, 10.04)}, "..."},
		{"a jump and back", road, []plausible.Point{minute(0, 50, 10), minute(1, 52, 30), minute(2, 50, 10.04)}, ".j."},
		{"two jumps to one place", road, []plausible.Point{minute(0, 50, 10), minute(1, 52, 30), minute(2, 52, 30), minute(3, 50, 10.04)}, ".jj."},
		{"it really is there", road, []plausible.Point{minute(0, 50, 10), minute(1, 52, 30), minute(2, 52, 30.01), minute(3, 52, 30.02), minute(4, 52, 30.03)}, "....."},
		{"nowhere", road, []plausible.Point{minute(0, 50, 10), minute(1, 0, 0), minute(2, 50, 10.04)}, ".n."},
		{"nowhere first", road, []plausible.Point{minute(0, 0, 0), minute(1, 50, 10), minute(2, 50, 10.02)}, "n.."},
		{"in the gulf of Guinea", road, []plausible.Point{minute(0, 0.01, 0.01), minute(1, 0.01, 0.02)}, ".."},
		{"swapped", road, []plausible.Point{minute(0, 40, 44), minute(1, 44, 40), minute(2, 40, 44.02)}, ".s."},
		{"mirrored", road, []plausible.Point{minute(0, 40, 44), minute(1, 40, -44), minute(2, -40, 44), minute(3, -40, -44), minute(4, 40, 44.02)}, ".mmm."},
		{"a ferry", road, []plausible.Point{minute(0, 54, 11), minute(120, 54.6, 12), minute(240, 55.3, 13)}, "..."},
		{"a gap in a tunnel", road, []plausible.Point{minute(0, 46.4, 8.5), minute(20, 46.6, 8.7)}, ".."},
		{"over ±180", plausible.TopKMH(geodata.Sea), []plausible.Point{minute(0, 50, 179.99), minute(10, 50, -179.98)}, ".."},
		{"over the pole", plausible.TopKMH(geodata.Air), []plausible.Point{minute(0, 89.9, 10), minute(3, 89.9, -170)}, ".."},
		{"a receiver that stands still in a tunnel", road, []plausible.Point{
			{MS: 0, Lat: 50, Lon: 10, SpeedKMH: 80},
			{MS: 300_000, Lat: 50, Lon: 10, SpeedKMH: 80},
			{MS: 600_000, Lat: 50, Lon: 10, SpeedKMH: 80},
			{MS: 660_000, Lat: 50, Lon: 10.2, SpeedKMH: 80},
		}, ".ff."},
		{"parked", road, []plausible.Point{minute(0, 50, 10), minute(1, 50.0001, 10.0001), minute(2, 50, 10), minute(3, 50.0002, 10), minute(4, 50.01, 10)}, ".p.p."},
		{"an aircraft nobody said was one", road, []plausible.Point{minute(0, 50, 0), minute(10, 50, 2), minute(20, 50, 4), minute(30, 50, 6), minute(40, 50, 8)}, "....."},
		{"as fast as it says", road, []plausible.Point{minute(0, 50, 0), {MS: 600_000, Lat: 50, Lon: 2, SpeedKMH: 860}}, ".."},
		{"as inaccurate as it says", road, []plausible.Point{minute(0, 50, 10), {MS: 10_000, Lat: 50.03, Lon: 10, AccuracyM: 3500}}, ".."},
	} {
		var got strings.Builder
		for _, d := range plausible.Track(tt.points, tt.top) {
			got.WriteString(map[plausible.Doubt]string{
				plausible.None: ".", plausible.Jump: "j", plausible.Swapped: "s", plausible.Mirrored: "m",
				plausible.Null: "n", plausible.Frozen: "f", plausible.Parked: "p",
			}[d])
		}
		if got.String() != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, &got, tt.want)
		}
	}
}

// Of a drive at any speed the mode allows nothing is doubted, whichever of its fixes
// are left out, and one put far away is the one that is doubted.
func TestDriveIsBelieved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom(geodata.Modes()).Draw(t, "mode")
		top := plausible.TopKMH(mode)
		lat, lon := rapid.Float64Range(1, 75).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")
		var drive []plausible.Point
		ms := int64(0)
		for range rapid.IntRange(2, 40).Draw(t, "fixes") {
			seconds := rapid.Float64Range(1, 3600).Draw(t, "seconds")
			km := 0.95 * top * seconds / 3600 * rapid.Float64Range(0, 1).Draw(t, "speed")
			angle := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle")
			ms += int64(seconds * 1000)
			lat = math.Max(0.5, math.Min(80, lat+km/111.2*math.Cos(angle)))
			lon = math.Mod(lon+km/111.2/math.Cos(80*math.Pi/180)*math.Sin(angle)*0.17+540, 360) - 180
			if rapid.Bool().Draw(t, "kept") {
				drive = append(drive, plausible.Point{MS: ms, Lat: lat, Lon: lon})
			}
		}
		for i, d := range plausible.Track(drive, top) {
			if d.Misplaces() {
				t.Fatalf("fix %d of %v is doubted: %v", i, drive, d)
			}
		}
		if len(drive) < 3 || mode == geodata.Air {
			return
		}
		bad := rapid.IntRange(1, len(drive)-2).Draw(t, "bad")
		if drive[bad].MS-drive[bad-1].MS > 3_600_000 {
			return // it might have got there
		}
		drive[bad].Lat, drive[bad].Lon = 85, math.Mod(drive[bad].Lon+360, 360)-180 // the other side of the pole
		if !plausible.Track(drive, top)[bad].Misplaces() {
			t.Fatalf("fix %d of %v is believed", bad, drive)
		}
	})
}

func TestDoubtText(t *testing.T) {
	for _, d := range append(plausible.Doubts(), plausible.None) {
		b, _ := d.MarshalText()
		var back plausible.Doubt
		if err := back.UnmarshalText(b); err != nil || back != d {
			t.Errorf("%v: %s, %v", d, b, err)
		}
	}
	var d plausible.Doubt
	if d.UnmarshalText([]byte("spooky")) == nil {
		t.Error("spooky is taken")
	}
	if fmt.Sprint(plausible.Doubt(200)) == "" || slices.Contains(plausible.Doubts(), plausible.None) {
		t.Error("unknown doubts")
	}
}

// BenchmarkJudge is a fix of a unit that drives on.
func BenchmarkJudge(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	points := make([]plausible.Point, 1024)
	for i := range points {
		points[i] = minute(float64(i), 50+float64(i)/1000+r.Float64()/10000, 10+float64(i)/1000)
	}
	var j plausible.Judge
	top := plausible.TopKMH(geodata.Road)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := i % (len(points) - 1)
		if j.Next(&points[k], points[k+1], top) != plausible.None {
			b.Fatal("doubted")
		}
	}
}
