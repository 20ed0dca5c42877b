package chunk

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/tracking"
)

// same compares rows with missing readings equal to each other.
func same(a, b Row) bool {
	bits := math.Float32bits
	eq := func(x, y float32) bool { return bits(x) == bits(y) || x != x && y != y }
	if !eq(a.SpeedKMH, b.SpeedKMH) || !eq(a.CourseDeg, b.CourseDeg) || !eq(a.AccuracyM, b.AccuracyM) || !bytes.Equal(a.Sensors, b.Sensors) {
		return false
	}
	for _, r := range []*Row{&a, &b} {
		r.SpeedKMH, r.CourseDeg, r.AccuracyM, r.Sensors = 0, 0, 0, nil
	}
	return reflect.DeepEqual(a, b)
}

func roundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, rows []Row,
) []byte {
	t.Helper()
	b, err := Encode(nil, rows)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	got, err := Decode(nil, b)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !slices.EqualFunc(got, rows, same) {
		t.Fatalf("rows changed:\n%+v\n%+v", rows, got)
	}
	seconds, err := Seconds(nil, b)
	if err != nil || !slices.EqualFunc(seconds, rows, func(s int64, r Row) bool { return s == r.Second() }) {
		t.Fatalf("seconds %v, %v", seconds, err)
	}
	return b
}

// genRow draws rows from tame to absurd, so that every branch of the coder is met.
func genRow() *rapid.Generator[Row] {
	return rapid.Custom(func(t *rapid.T) Row {
		reading := rapid.OneOf(
			rapid.Just(float32(math.NaN())),
			rapid.Map(rapid.IntRange(0, 3600), func(n int) float32 { return float32(n) / 10 }),
			rapid.Map(rapid.IntRange(0, 1022), func(n int) float32 { return float32(float64(n) * 0.1852) }),
			rapid.Float32(),
		)
		ms := rapid.OneOf(
			rapid.Map(rapid.Int64Range(1_790_000_000, 1_790_001_000), func(s int64) int64 { return s * 1000 }),
			rapid.Int64Range(1_790_000_000_000, 1_790_000_100_000),
			rapid.Int64Range(-maxMS, maxMS),
		)
		return Row{
			TimeMS:     ms.Draw(t, "time"),
			ReceivedMS: ms.Draw(t, "received"),
			Seq:        rapid.OneOf(rapid.Uint64Range(0, 1000), rapid.Uint64Range(0, maxSeq-1)).Draw(t, "seq"),
			LatE7:      rapid.OneOf(rapid.Int32Range(360_000_000, 360_010_000), rapid.Int32Range(-maxLatE7, maxLatE7)).Draw(t, "lat"),
			LonE7:      rapid.OneOf(rapid.Int32Range(1_200_000_000, 1_200_010_000), rapid.Int32Range(-maxLonE7, maxLonE7)).Draw(t, "lon"),
			SpeedKMH:   reading.Draw(t, "speed"),
			CourseDeg:  reading.Draw(t, "course"),
			AccuracyM:  reading.Draw(t, "accuracy"),
			Simulated:  rapid.Bool().Draw(t, "simulated"),
			Sensors:    rapid.SampledFrom([][]byte{nil, nil, []byte(`{"t":2.5}`), []byte(`{"door":"open","t":[1,2]}`)}).Draw(t, "sensors"),
		}
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, Sort(rapid.SliceOfN(genRow(), 1, 40).Draw(t, "rows")))
	})
}

func TestAppend(t *testing.T) {
	rows := drive(100, 10)
	var b []byte
	var err error
	for _, cut := range [][2]int{{0, 1}, {1, 40}, {40, 41}, {41, 100}} {
		if b, err = Encode(b, rows[cut[0]:cut[1]]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Decode(nil, b)
	if err != nil || !slices.EqualFunc(got, rows, same) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if seconds, err := Seconds(nil, b); err != nil || len(seconds) != len(rows) || seconds[99] != rows[99].Second() {
		t.Fatalf("%d seconds, %v", len(seconds), err)
	}
	older, err := Encode(b, rows[:1])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(nil, older); !errors.Is(err, ErrCorrupt) || len(got) != 0 {
		t.Errorf("an older block behind: %d rows, %v", len(got), err)
	}
}

func TestRoundTripExtremes(t *testing.T) {
	nan := float32(math.NaN())
	far := Row{TimeMS: maxMS, ReceivedMS: -maxMS, Seq: maxSeq - 1, LatE7: maxLatE7, LonE7: -maxLonE7, SpeedKMH: math.MaxFloat32, CourseDeg: float32(math.Inf(1)), AccuracyM: float32(math.Copysign(0, -1))}
	near := Row{TimeMS: -maxMS, ReceivedMS: maxMS, LatE7: -maxLatE7, LonE7: maxLonE7, SpeedKMH: -math.MaxFloat32, CourseDeg: nan, AccuracyM: math.SmallestNonzeroFloat32}
	roundTrip(t, []Row{far})
	roundTrip(t, []Row{near, far})
	roundTrip(t, []Row{near, {TimeMS: -1, SpeedKMH: nan, CourseDeg: nan, AccuracyM: nan}, {TimeMS: 1, SpeedKMH: 1, CourseDeg: 2, AccuracyM: 3}, far})
	date := make([]Row, 100) // over the antimeridian and back
	for i := range date {
		date[i] = Row{TimeMS: int64(i) * 1000, LonE7: maxLonE7 - int32(i%2)*2*maxLonE7}
	}
	roundTrip(t, date)
}

// TestFormat pins the bytes of version 1: chunks are kept for years. When it
// fails, either the change was not meant or it is a new version.
func TestFormat(t *testing.T) {
	rows := drive(5, 60)
	rows[1].SpeedKMH = float32(math.NaN())
	rows[2].Simulated = true
	rows[3].Sensors = []byte(`{"door":"open"}`)
	rows[4].AccuracyM = 4.53
	const want = "010e056016144c0000000f7b22646f6f72223a226f70656e227d0041aac4ee000798883dcb50484072e20995510ab68734737317da002a1d2015d9e95c491f3454b00a686a06503628400258e290380ae02250373a02290c2048c2a2b20019235cd4608855904fc9"
	if got := hex.EncodeToString(roundTrip(t, rows)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		rows []Row
		want error
	}{
		"nothing":            {nil, ErrRange},
		"too many":           {make([]Row, MaxRows+1), ErrRange},
		"same second":        {[]Row{{TimeMS: 1000}, {TimeMS: 1999}}, ErrUnsorted},
		"going back":         {[]Row{{TimeMS: 5000}, {TimeMS: 1000}}, ErrUnsorted},
		"north of the pole":  {[]Row{{LatE7: maxLatE7 + 1}}, ErrRange},
		"east of the date":   {[]Row{{LonE7: maxLonE7 + 1}}, ErrRange},
		"time after the end": {[]Row{{TimeMS: maxMS + 1}}, ErrRange},
		"no coordinate":      {[]Row{FromFix(tracking.Fix{Position: tracking.Position{Lat: math.NaN(), Lon: 1e300}})}, ErrRange},
		"sequence too large": {[]Row{{Seq: maxSeq}}, ErrRange},
	} {
		if b, err := Encode(nil, tt.rows); !errors.Is(err, tt.want) || b != nil {
			t.Errorf("%s: %v, %v; want %v", name, b, err, tt.want)
		}
	}
}

func TestDamageIsSeen(t *testing.T) {
	b, err := Encode(nil, drive(200, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if _, err := Decode(nil, b); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	for n := range b {
		if _, err := Decode(nil, b[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestFixKeepsWhatIsStored(t *testing.T) {
	f := tracking.Fix{
		Position: tracking.Position{
			Unit: "TRK-1", Time: time.Date(2026, 12, 1, 8, 0, 0, 123e6, time.UTC), Lat: 36.0712345, Lon: -179.9999999,
			SpeedKMH: tracking.Known(62.5), Sensors: []byte(`{"t":1}`),
		},
		Received: time.Date(2026, 12, 1, 8, 0, 1, 0, time.UTC), Seq: 7, Simulated: true,
	}
	row := FromFix(f)
	if got := row.Fix("TRK-1"); !reflect.DeepEqual(got, f) {
		t.Errorf("got  %+v\nwant %+v", got, f)
	}
}

func TestSortAndMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.Custom(func(t *rapid.T) Row {
			return Row{TimeMS: rapid.Int64Range(-5000, 5000).Draw(t, "ms"), Seq: rapid.Uint64().Draw(t, "seq")}
		})
		old, late := rapid.SliceOf(row).Draw(t, "old"), rapid.SliceOf(row).Draw(t, "late")
		want := map[int64]Row{}
		for _, r := range append(slices.Clone(old), late...) {
			if _, held := want[r.Second()]; !held {
				want[r.Second()] = r
			}
		}
		got := Merge(Sort(old), Sort(late))
		if len(got) != len(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i, r := range got {
			if i > 0 && got[i-1].Second() >= r.Second() || !same(r, want[r.Second()]) {
				t.Fatalf("row %d: %+v", i, r)
			}
		}
	})
}

// FuzzDecode feeds the decoder columns whose checksum is taken as right, so that
// they are read to the end: whatever it accepts must survive a round trip.
func FuzzDecode(f *testing.F) {
	for _, rows := range [][]Row{drive(1, 1), drive(50, 1), drive(50, 300), {{TimeMS: 5, Sensors: []byte("{}"), Simulated: true}}} {
		b, err := Encode(nil, rows)
		if err != nil {
			f.Fatal(err)
		}
		n, sizeN := binary.Uvarint(b[2:])
		_, sizeL := binary.Uvarint(b[2+sizeN:])
		f.Add(b[1], n, b[2+sizeN+sizeL:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, flags byte, n uint64, body []byte) {
		h, err := newBlock(flags, n, body)
		if err != nil {
			return
		}
		rows, err := h.decode(nil)
		if err != nil {
			return
		}
		roundTrip(t, rows)
	})
}

// FuzzBytes feeds the decoder anything.
func FuzzBytes(f *testing.F) {
	b, err := Encode(nil, drive(3, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(append(bytes.Clone(b), b...))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := Decode(nil, b)
		if err != nil && len(rows) > 0 {
			t.Fatal("rows and an error")
		}
		if err == nil && len(rows) > 0 && len(rows) <= MaxRows {
			roundTrip(t, rows)
		}
	})
}

// drive is a truck that reports speed, course and accuracy every interval
// seconds, on a road that bends, with the noise a GPS receiver has, through a
// server that stamps milliseconds and shares its log with other units.
func drive(n int, interval int64) []Row {
	rng := rand.New(rand.NewPCG(1, uint64(interval)))
	rows := make([]Row, n)
	lat, lon, course, speed := 48.16, 11.56, 70.0, 60.0
	start := int64(1_790_000_000)
	seq := 1000.0
	for i := range rows {
		t := start + int64(i)*interval
		for range interval {
			course += rng.NormFloat64() * 1.2
			speed = min(max(speed+rng.NormFloat64()*0.8, 0), 88)
			lat += speed / 3.6 * math.Cos(course*math.Pi/180) / 111_200
			lon += speed / 3.6 * math.Sin(course*math.Pi/180) / 111_200 / math.Cos(lat*math.Pi/180)
		}
		seq += float64(interval)*20 + rng.Float64()*float64(min(interval, 20))
		heading := math.Mod(math.Mod(course, 360)+360, 360)
		rows[i] = Row{
			TimeMS: t * 1000, ReceivedMS: t*1000 + 300 + rng.Int64N(500), Seq: uint64(seq),
			LatE7: int32((lat + rng.NormFloat64()*3e-6) * 1e7), LonE7: int32((lon + rng.NormFloat64()*3e-6) * 1e7),
			SpeedKMH: float32(math.Round(speed)), CourseDeg: float32(math.Round(heading)), AccuracyM: float32(4 + rng.IntN(3)),
		}
	}
	return rows
}

// TestSize holds the format to its promise: at most 12 bytes a position, with
// every reading there, at 1 Hz and at one fix in five minutes.
func TestSize(t *testing.T) {
	for _, interval := range []int64{1, 10, 60, 300} {
		const n, chunk = 4096, 256
		size := 0
		rows := drive(n, interval)
		for i := 0; i < n; i += chunk {
			size += len(roundTrip(t, rows[i:i+chunk]))
		}
		per := float64(size) / n
		t.Logf("one fix in %3d s: %.2f bytes a position", interval, per)
		if per > 12 {
			t.Errorf("one fix in %d s: %.2f bytes a position, more than 12", interval, per)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	rows := drive(256, 10)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = Encode(buf[:0], rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "positions/s")
	b.ReportMetric(float64(len(buf))/float64(len(rows)), "bytes/position")
}

func BenchmarkDecode(b *testing.B) {
	buf, err := Encode(nil, drive(256, 10))
	if err != nil {
		b.Fatal(err)
	}
	var rows []Row
	b.ReportAllocs()
	for b.Loop() {
		if rows, err = Decode(rows[:0], buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "positions/s")
}
