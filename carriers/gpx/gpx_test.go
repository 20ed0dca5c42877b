package gpx_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"corridor/carriers/gpx"
	"corridor/tracking"
)

// The beginning of around-visnjan-with-car.gpx of tkrajina/gpxpy, Apache-2.0.
const visnjan = `<?xml version="1.0" encoding="UTF-8" standalone="no" ?><gpx xmlns="http://www.topografix.com/GPX/1/1" creator="eTrex 20x" version="1.1">
<metadata><time>2012-05-01T00:00:00Z</time></metadata><wpt lat="1" lon="2"><time>2012-05-01T00:00:00Z</time></wpt>
<trk><name>17-SRP-15 16:43:37</name><trkseg>
<trkpt lat="45.2795197722" lon="13.7206928246"><ele>241.89</ele><time>2015-08-17T14:30:09Z</time></trkpt>
<trkpt lat="45.2795197722" lon="13.7206928246"><ele>241.89</ele><time>2015-08-17T14:30:16.500Z</time>
 <extensions><gpxtpx:TrackPointExtension xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2"><gpxtpx:speed>10</gpxtpx:speed><gpxtpx:course>360</gpxtpx:course></gpxtpx:TrackPointExtension></extensions></trkpt>
</trkseg></trk></gpx>`

func read(t testing.TB, in string) ([]tracking.Position, *gpx.Reader) {
	t.Helper()
	r := gpx.NewReader(strings.NewReader(in))
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

func TestTrack(t *testing.T) {
	ps, r := read(t, visnjan)
	if len(ps) != 2 || ps[0].Lat != 45.2795197722 || ps[0].Lon != 13.7206928246 || ps[0].Unit != "" ||
		!ps[0].Time.Equal(time.Date(2015, 8, 17, 14, 30, 9, 0, time.UTC)) || !ps[1].Time.Equal(time.Date(2015, 8, 17, 14, 30, 16, 5e8, time.UTC)) {
		t.Fatalf("%+v", ps)
	}
	if _, known := ps[0].SpeedKMH.Get(); known {
		t.Error("a speed that is not there")
	}
	if ps[1].SpeedKMH != tracking.Known(36) || ps[1].CourseDeg != tracking.Known(0) {
		t.Errorf("speed and course of the extension: %+v", ps[1])
	}
	if want := map[string]int{"way point": 1}; !maps.Equal(r.Skipped(), want) {
		t.Errorf("skipped %v", r.Skipped())
	}
}

func TestVariants(t *testing.T) {
	ps, r := read(t, `<gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">
		<trk><trkseg><trkpt lat="1" lon="2"><speed>5</speed><course>90</course></trkpt></trkseg>
		<trkseg><trkpt lat="x" lon="2"/><trkpt lon="2"/><trkpt lat="1" lon="2"><time>yesterday</time></trkpt></trkseg></trk>
		<trk><trkseg><trkpt lat=" -1 " lon="-2"><time>2015-08-17T14:30:09</time></trkpt></trkseg></trk><rte><rtept lat="5" lon="6"/></rte></gpx>`)
	if len(ps) != 2 || !ps[0].Time.IsZero() || ps[0].SpeedKMH != tracking.Known(18) || ps[0].CourseDeg != tracking.Known(90) {
		t.Fatalf("%+v", ps)
	}
	if ps[1].Unit != "track-2" || ps[1].Lat != -1 || ps[1].Time.IsZero() {
		t.Errorf("%+v", ps[1])
	}
	if want := map[string]int{"latitude or longitude is no number": 2, "time not understood": 1, "route": 1}; !maps.Equal(r.Skipped(), want) {
		t.Errorf("skipped %v", r.Skipped())
	}
}

func TestLatin1(t *testing.T) {
	ps, _ := read(t, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><gpx><trk><name>Stra\xdfe</name><trkseg><trkpt lat=\"1\" lon=\"2\"/></trkseg></trk></gpx>")
	if len(ps) != 1 {
		t.Errorf("%+v", ps)
	}
}

func TestFaults(t *testing.T) {
	for name, in := range map[string]string{
		"empty":            "",
		"not GPX":          "<kml></kml>",
		"cut":              visnjan[:len(visnjan)-60],
		"cut in a point":   visnjan[:strings.Index(visnjan, "241.89")],
		"not XML":          "unit,time",
		"unknown encoding": `<?xml version="1.0" encoding="EBCDIC"?><gpx/>`,
	} {
		r := gpx.NewReader(strings.NewReader(in))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if err == io.EOF || !strings.HasPrefix(err.Error(), "read GPX: ") { //nolint:errorlint // the very value means the end
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(visnjan))
	f.Add([]byte(`<gpx><trk><trkseg><trkpt lat="1" lon="2"><speed>5</speed></trkpt></trkseg></trk></gpx>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := gpx.NewReader(bytes.NewReader(b))
		for {
			p, err := r.Next()
			if err != nil {
				return
			}
			if v, ok := p.SpeedKMH.Get(); math.IsNaN(p.Lat+p.Lon) || math.IsInf(p.Lat+p.Lon, 0) || ok && v < 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
