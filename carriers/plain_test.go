package carriers

import (
	"math"
	"reflect"
	"testing"
)

const plain = `{"unit":"TRK-1","time":"2026-12-01T08:00:00Z","lat":36.07,"lon":120.32,"speed_kmh":62.5,"course_deg":271,"accuracy_m":8}`

// The plain way is taken where it is meant to be, or it would save nothing.
func TestPlainPosition(t *testing.T) {
	for in, want := range map[string]bool{
		plain: true,
		` { "lon" : -0.5 , "lat":0, "time":"2026-12-31T08:00:00.25+08:00", "unit":"鲁B·K7723" } `: true,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"sensors":{}}`:                false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"speed_kmh":null}`:            false,
		`{"unit":"\u0041","time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`:                        false,
		`{"unit":"A","unit":"B","time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`:                  false,
		`{"Unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2}`:                             false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":01,"lon":2}`:                            false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1.,"lon":2}`:                            false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,}`:                            false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2}}`:                            false,
		`{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1}`:                                     false,
		`{}`: false,
		``:   false,
	} {
		if _, got := plainPosition([]byte(in)); got != want {
			t.Errorf("%s is plain: %v", in, got)
		}
		agree(t, []byte(in))
	}
}

// agree checks the plain way against encoding/json.
func agree(t *testing.T, raw []byte) {
	t.Helper()
	p, ok := plainPosition(raw)
	if !ok {
		return
	}
	want, reason, code := decodePosition(raw)
	if code != "" {
		t.Fatalf("%q is refused (%s) but was read as %+v", raw, reason, p)
	}
	if !reflect.DeepEqual(p, want) || math.Signbit(p.Lat) != math.Signbit(want.Lat) || math.Signbit(p.Lon) != math.Signbit(want.Lon) {
		t.Fatalf("%q is %+v, read as %+v", raw, want, p)
	}
}

func FuzzPlainPosition(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(`{"unit":"A","time":"2026-12-01T08:00:00.5+05:30","lat":-0,"lon":2e1,"sensors":{"t":4}}`))
	f.Add([]byte(`{"unit":"\xff","time":"2026-12-01T08:00:00Z","lat":1.50,"lon":179.9999999}`))
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, raw) })
}

func BenchmarkPosition(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := plainPosition([]byte(plain)); !ok {
				b.Fatal("not plain")
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, code := decodePosition([]byte(plain)); code != "" {
				b.Fatal(code)
			}
		}
	})
}
