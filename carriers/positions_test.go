package carriers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"corridor/carriers"
	"corridor/tracking"
)

const good = `{"unit":"TRK-1","time":"2026-12-01T08:00:00Z","lat":36.07,"lon":120.32}`

func TestPositionRefusals(t *testing.T) {
	for _, tt := range []struct{ name, in, code, reason string }{
		{"good", good, "", ""},
		{"unknown fields are ignored", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"altitude":3}`, "", ""},
		{"null readings are missing", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"speed_kmh":null,"sensors":null}`, "", ""},
		{"no unit", `{"time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`, "unit", "unit is missing"},
		{"empty unit", `{"unit":"","time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`, "unit", "unit is missing"},
		{"unit is a number", `{"unit":7,"time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`, "unit", "unit must be a string, not a number"},
		{"no time", `{"unit":"A","lat":1,"lon":2}`, "time", "time is missing"},
		{"time is a number", `{"unit":"A","time":1764576000,"lat":1,"lon":2}`, "time", "time must be a string, not a number"},
		{"time has no zone", `{"unit":"A","time":"2026-12-01T08:00:00","lat":1,"lon":2}`, "time", `time "2026-12-01T08:00:00" is not RFC 3339, e.g. 2026-12-01T08:00:00Z`},
		{"month 13", `{"unit":"A","time":"2026-13-01T08:00:00Z","lat":1,"lon":2}`, "time", `time "2026-13-01T08:00:00Z" is not RFC 3339, e.g. 2026-12-01T08:00:00Z`},
		{"no lat", `{"unit":"A","time":"2026-12-01T08:00:00Z","lon":2}`, "latitude", "lat is missing"},
		{"null lat", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":null,"lon":2}`, "latitude", "lat is missing"},
		{"no lon", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1}`, "longitude", "lon is missing"},
		{"lat is text", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":"1","lon":2}`, "latitude", "lat must be a number, not a string"},
		{"lat overflows", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1e999,"lon":2}`, "latitude", "lat is out of range: number 1e999"},
		{"speed overflows float32", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"speed_kmh":1e39}`, "speed", "speed_kmh is out of range: 1e+39"},
		{"speed is text", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"speed_kmh":"fast"}`, "speed", "speed_kmh must be a number, not a string"},
		{"sensors is a list", `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"sensors":[1]}`, "sensors", "sensors must be an object"},
		{"a number", `17`, "type", "a position is a JSON object, not a number"},
		{"null", `null`, "type", "a position is a JSON object, not null"},
		{"an array", `[1]`, "type", "a position is a JSON object, not an array"},
		{"too long", `{"unit":"` + strings.Repeat("x", carriers.MaxPositionBytes) + `"}`, "too-long", "a position is at most 16384 bytes long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, form := range []struct{ contentType, body string }{
				{"application/json", "[" + good + "," + tt.in + "," + good + "]"},
				{"application/x-ndjson", good + "\n" + tt.in + "\r\n\n" + good},
			} {
				ps, at, refused, err := carriers.DecodePositions(strings.NewReader(form.body), form.contentType, 3)
				if err != nil {
					t.Fatalf("%s: %v", form.contentType, err)
				}
				wantAt, wantRefused := []int{0, 1, 2}, []tracking.Refusal(nil)
				if tt.code != "" {
					wantAt, wantRefused = []int{0, 2}, []tracking.Refusal{{Index: 1, Reason: tt.reason, Code: tt.code}}
				}
				if !reflect.DeepEqual(at, wantAt) || len(ps) != len(wantAt) {
					t.Errorf("%s: indexes %v, want %v (%d positions)", form.contentType, at, wantAt, len(ps))
				}
				if !reflect.DeepEqual(refused, wantRefused) {
					t.Errorf("%s: refused %+v, want %+v", form.contentType, refused, wantRefused)
				}
			}
		})
	}
}

func TestPositionFields(t *testing.T) {
	body := `[{"unit":"Ж-1","time":"2026-12-01T16:00:00.25+08:00","lat":-0.0,"lon":-179.9999999,"speed_kmh":0,"course_deg":359.5,"sensors":{"t": [2.5]}}]`
	ps, _, refused, err := carriers.DecodePositions(strings.NewReader(body), "", 10)
	if err != nil || len(refused) != 0 {
		t.Fatal(err, refused)
	}
	want := tracking.Position{
		Unit: "Ж-1", Time: time.Date(2026, 12, 1, 8, 0, 0, 250_000_000, time.UTC), Lon: -179.9999999,
		SpeedKMH: tracking.Known(0), CourseDeg: tracking.Known(359.5), Sensors: json.RawMessage(`{"t": [2.5]}`),
	}
	if !reflect.DeepEqual(ps[0], want) {
		t.Errorf("got %+v\nwant %+v", ps[0], want)
	}
	if _, known := ps[0].AccuracyM.Get(); known {
		t.Error("an accuracy that was not sent is known")
	}
}

func TestWholeBody(t *testing.T) {
	two := "[" + good + "," + good + "]"
	for _, tt := range []struct {
		name, contentType, body string
		n                       int // positions; -1: *MalformedError
	}{
		{"array", "application/json; charset=utf-8", " \n" + two + "\n", 2},
		{"array without content type", "", two, 2},
		{"array as curl -d sends it", "application/x-www-form-urlencoded", two, 2},
		{"empty array", "application/json", "[]", 0},
		{"byte order mark", "application/json", "\ufeff" + two, 2},
		{"ndjson", "application/x-ndjson", good + "\n" + good + "\n", 2},
		{"ndjson without content type", "text/plain", good + "\n\n" + good, 2},
		{"no lines", "application/x-ndjson", "\n", 0},
		{"one object over lines", "application/json", strings.ReplaceAll(good, ",", ",\n"), 1},
		{"objects under application/json", "application/json", good + "\n" + good, 2},
		{"a broken line is only its own", "application/x-ndjson", good + "\n" + good[:20] + "\n" + good, 2},
		{"a cut last line", "application/x-ndjson", good + "\n" + good[:20], 1},
		{"empty", "application/json", "  ", -1},
		{"cut array", "application/json", two[:len(two)-1], -1},
		{"array cut in an element", "application/json", two[:len(two)-9], -1},
		{"missing comma", "application/json", "[" + good + good + "]", -1},
		{"trailing comma", "application/json", "[" + good + ",]", -1},
		{"something after the array", "application/json", two + "{}", -1},
		{"wrong close", "application/json", "[" + good + "}", -1},
		{"not JSON", "application/json", "unit=TRK-1", -1},
		{"cut object", "application/json", good[:30], -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ps, at, _, err := carriers.DecodePositions(iotest.OneByteReader(strings.NewReader(tt.body)), tt.contentType, 10)
			var malformed *carriers.MalformedError
			switch {
			case tt.n < 0 && (!errors.As(err, &malformed) || ps != nil):
				t.Fatalf("error %v (%T), %d positions; want a MalformedError and none", err, err, len(ps))
			case tt.n >= 0 && (err != nil || len(ps) != tt.n || len(at) != tt.n):
				t.Fatalf("%d positions, %v; want %d", len(ps), err, tt.n)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for contentType, body := range map[string]string{
		"application/json":     "[" + strings.Repeat(good+",", 3) + good + "]",
		"application/x-ndjson": strings.Repeat(good+"\n", 4),
	} {
		if ps, _, _, err := carriers.DecodePositions(strings.NewReader(body), contentType, 4); err != nil || len(ps) != 4 {
			t.Errorf("%s: 4 of at most 4: %d, %v", contentType, len(ps), err)
		}
		var many *carriers.TooManyError
		if ps, _, _, err := carriers.DecodePositions(strings.NewReader(body), contentType, 3); !errors.As(err, &many) || many.Max != 3 || ps != nil {
			t.Errorf("%s: 4 of at most 3: %v", contentType, err)
		}
		limited := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(body)), 100)
		var big *http.MaxBytesError
		if ps, _, _, err := carriers.DecodePositions(limited, contentType, 4); !errors.As(err, &big) || ps != nil {
			t.Errorf("%s: body over its limit: %v", contentType, err)
		}
		lost := io.MultiReader(strings.NewReader(body[:100]), iotest.ErrReader(errors.New("connection lost")))
		if ps, _, _, err := carriers.DecodePositions(lost, contentType, 4); err == nil || !strings.Contains(err.Error(), "connection lost") || ps != nil {
			t.Errorf("%s: reader failing: %v", contentType, err)
		}
	}
}

// FuzzDecodePositions checks, whatever the bytes: every element is accounted for
// once and in order, what is accepted is sane, and what is accepted survives
// being sent again, in either form.
func FuzzDecodePositions(f *testing.F) {
	f.Add([]byte("["+good+","+good+"]"), "application/json")
	f.Add([]byte(good+"\n17\n"+good), "application/x-ndjson")
	f.Add([]byte(`[{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1e999,"sensors":{"a":[]}},null,7]`), "")
	f.Add([]byte("\ufeff \n{\"unit\":\"A\"}"), "application/json")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		const max = 50
		ps, at, refused, err := carriers.DecodePositions(bytes.NewReader(body), contentType, max)
		if err != nil {
			if ps != nil || at != nil || refused != nil {
				t.Fatal("an error and positions")
			}
			return
		}
		if len(ps) != len(at) || len(ps)+len(refused) > max {
			t.Fatalf("%d positions, %d indexes, %d refused", len(ps), len(at), len(refused))
		}
		seen := make(map[int]bool)
		for _, i := range at {
			seen[i] = true
		}
		for _, r := range refused {
			seen[r.Index] = true
			if r.Reason == "" || r.Code == "" {
				t.Fatalf("refusal without a reason: %+v", r)
			}
		}
		for i := range len(ps) + len(refused) {
			if !seen[i] {
				t.Fatalf("element %d is neither accepted nor refused", i)
			}
		}
		for i, p := range ps {
			if p.Unit == "" || p.Time.Location() != time.UTC {
				t.Fatalf("accepted %+v", p)
			}
			again, err := json.Marshal(p)
			if err != nil {
				t.Fatalf("accepted a position that cannot be written: %v", err)
			}
			q, refusal := carriers.DecodePosition(again)
			if refusal != nil {
				if len(again) > carriers.MaxPositionBytes { // escapes may make it longer
					continue
				}
				t.Fatalf("position %d is refused when sent again: %+v\n%s", i, refusal, again)
			}
			if q.Unit != p.Unit || !q.Time.Equal(p.Time) || q.Lat != p.Lat || q.Lon != p.Lon || q.SpeedKMH != p.SpeedKMH {
				t.Fatalf("position changed: %+v, %+v", p, q)
			}
		}
	})
}

func BenchmarkDecodePositions(b *testing.B) {
	var array, lines bytes.Buffer
	array.WriteByte('[')
	const n = 1000
	for i := range n {
		one := fmt.Sprintf(`{"unit":"TRK-%d","time":"2026-12-01T08:00:%02dZ","lat":36.07%04d,"lon":120.32%04d,"speed_kmh":62.5,"course_deg":271,"accuracy_m":8}`, i, i%60, i, i)
		if i > 0 {
			array.WriteByte(',')
		}
		array.WriteString(one)
		lines.WriteString(one + "\n")
	}
	array.WriteByte(']')
	for name, body := range map[string][]byte{"application/json": array.Bytes(), "application/x-ndjson": lines.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				ps, _, _, err := carriers.DecodePositions(bytes.NewReader(body), name, n)
				if err != nil || len(ps) != n {
					b.Fatal(len(ps), err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "positions/s")
		})
	}
}
