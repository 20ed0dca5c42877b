package replay_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"corridor/carriers/replay"
	"corridor/tracking"
)

const (
	csv   = "unit,time,lat,lon\nB,2026-12-01 08:00:10,1,2\nA,2026-12-01 08:00:00,1,2\nA,2026-12-01 08:00:20,1,2\n"
	nmea  = "# a log\n$GPGGA,1*00\n!AIVDM,1,1,,A,139qWm0P00PPEm6M3Gj>4?vLR>`<,0*44\n"
	track = `<?xml version="1.0"?><gpx><trk><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>`
)

func TestDetect(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(csv))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, in string
		want     replay.Format
	}{
		{"csv", csv, replay.CSV},
		{"csv, packed", packed.String(), replay.CSV},
		{"csv with a byte order mark", "\ufeff" + csv, replay.CSV},
		{"ais", nmea, replay.AIS},
		{"ais with times", "1550303566 " + strings.Split(nmea, "\n")[2], replay.AIS},
		{"ais with tags", `\c:1565218798*53\!BSVDM,1,1,,A,13mb9U0P00PRk8fT5nw>4?wj2006,0*5D`, replay.AIS},
		{"gpx", "\n" + track, replay.GPX},
		{"json", `[{"lat":1,"lon":2}]`, replay.JSON},
		{"ndjson", `{"lat":1,"lon":2}` + "\n" + `{"lat":1,"lon":2}`, replay.JSON},
		{"trace", `{"icao":"ac671b","timestamp":1738703622.619,"trace":[[0,1,2,3,4,5]]}`, replay.Trace},
		{"sbs", "MSG,3,,,4B1908,,,,,,,2525,,,33.96693,-118.25598,,,0,0,0,0\n", replay.SBS},
		{"one line without an end", "lat,lon", replay.CSV},
	} {
		rec, format, err := replay.Open(strings.NewReader(tt.in), replay.Auto, nil)
		if err != nil || format != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, format, err, tt.want)
			continue
		}
		if s, err := replay.Load(rec, replay.LoadOptions{}); err != nil || (len(s.Positions) == 0 && tt.name != "one line without an end") {
			t.Errorf("%s: %d positions, %v", tt.name, len(s.Positions), err)
		}
	}
	for name, in := range map[string]string{"nothing": "", "prose": "Dear Sir,\nthe truck is late.\n", "bytes": "\x00\x01\x02\x03,\x04", "protobuf": "\n\r\n\x032.0\x10\x00"} {
		if _, _, err := replay.Open(strings.NewReader(in), replay.Auto, nil); err == nil {
			t.Errorf("%s is a recording", name)
		}
	}
}

func load(t testing.TB, in string, o replay.LoadOptions) replay.Script {
	t.Helper()
	rec, _, err := replay.Open(strings.NewReader(in), replay.Auto, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.Load(rec, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoad(t *testing.T) {
	s := load(t, csv, replay.LoadOptions{})
	var order []string
	for _, p := range s.Positions {
		order = append(order, string(p.Unit)+p.Time.Format("05"))
	}
	if want := []string{"A00", "B10", "A20"}; !slices.Equal(order, want) || s.Units != 2 || s.Length() != 20*time.Second {
		t.Errorf("order %v, want %v; %d units, %s", order, want, s.Units, s.Length())
	}
	for _, tt := range []struct {
		in   string
		o    replay.LoadOptions
		want tracking.UnitID
	}{
		{track, replay.LoadOptions{Name: "/tmp/my drive.gpx"}, "my drive"},
		{track, replay.LoadOptions{Name: "/tmp/my#drive .gpx"}, "my-drive"},
		{track, replay.LoadOptions{}, "replay"},
		{track, replay.LoadOptions{Name: "x.gpx", Unit: "TRK-1"}, "TRK-1"},
		{csv, replay.LoadOptions{Name: "x.csv"}, "A"},
		{`[{"id":"\\x0001","lat":1,"lon":2}]`, replay.LoadOptions{}, "x0001"},
		{`[{"id":"` + strings.Repeat("ж", 100) + `","lat":1,"lon":2}]`, replay.LoadOptions{}, tracking.UnitID(strings.Repeat("ж", 32))},
	} {
		if got := load(t, tt.in, tt.o).Positions[0].Unit; got != tt.want {
			t.Errorf("%q %+v: unit %q, want %q", tt.in[:10], tt.o, got, tt.want)
		}
	}
}

func TestStamps(t *testing.T) {
	s := load(t, "unit,lat,lon\nA,1,2\nB,1,2\nA,1,2\nB,1,2\nC,1,2\n", replay.LoadOptions{Rate: 4})
	var at []time.Duration
	for _, p := range s.Positions {
		at = append(at, p.Time.Sub(s.Positions[0].Time))
	}
	// A and B may report once a second.
	want := []time.Duration{0, 250 * time.Millisecond, time.Second, 1250 * time.Millisecond, 1500 * time.Millisecond}
	if !slices.Equal(at, want) || s.Stamped != 5 {
		t.Errorf("%v, want %v; %d stamped", at, want, s.Stamped)
	}
	s = load(t, "unit,time,lat,lon\nA,,1,2\nB,2026-12-01 08:00:00,1,2\nC,,1,2\nD,2026-12-01 08:00:05,1,2\n", replay.LoadOptions{})
	if s.Stamped != 2 || s.Positions[0].Time != s.Positions[2].Time || s.Length() != 5*time.Second {
		t.Errorf("%+v", s)
	}
}

// TestBrokenRecording gives what came before the fault.
func TestBrokenRecording(t *testing.T) {
	rec, _, err := replay.Open(strings.NewReader(track[:len(track)-20]), replay.Auto, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := replay.Load(rec, replay.LoadOptions{}); err == nil || len(s.Positions) != 1 {
		t.Errorf("%d positions, %v", len(s.Positions), err)
	}
}

func TestShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(1_400_000_000, 0)
		var s replay.Script
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			s.Positions = append(s.Positions, tracking.Position{Unit: "A", Time: at})
			at = at.Add(time.Duration(rapid.IntRange(0, 5_000_000).Draw(t, "ms")) * time.Millisecond)
		}
		length := s.Length()
		offset := s.Positions[len(s.Positions)/2].Time.Sub(s.Positions[0].Time)
		speed := rapid.Float64Range(1, 1000).Draw(t, "speed")
		now := time.Unix(1_790_000_000, 0)
		s.ShiftTo(s.StartFor(now, speed))
		if s.Length() != length || s.Positions[len(s.Positions)/2].Time.Sub(s.Positions[0].Time) != offset {
			t.Fatal("times between positions changed")
		}
		for _, p := range s.Positions {
			sent := now.Add(time.Duration(float64(p.Time.Sub(s.Positions[0].Time)) / speed))
			if p.Time.After(sent.Add(time.Microsecond)) { // float64 rounds
				t.Fatalf("at %s a position of %s is sent", sent, p.Time)
			}
		}
		end := now.Add(time.Duration(float64(length) / speed))
		if last := s.Positions[len(s.Positions)-1].Time; end.Sub(last).Abs() > time.Second {
			t.Fatalf("the last is sent at %s and of %s", end, last)
		}
	})
}

// server answers as Corridor does, without a network: positions are duplicates
// when unit and second are known.
type server struct {
	mu     sync.Mutex
	known  map[string]bool
	at     []time.Time // of each request
	sizes  []int
	urls   []string
	before func(n int, request *http.Request) (status int, header http.Header, lose bool, err error)
	most   int // positions in a request; 0: any
	later  int // how often to refuse the first position of a request as "later"
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.at)
	s.at, s.urls = append(s.at, time.Now()), append(s.urls, r.URL.String())
	var lose bool
	if s.before != nil {
		status, header, drop, err := s.before(n, r)
		if err != nil {
			return nil, err
		}
		if status != 0 {
			return answer(status, header, `{"title":"Refused","detail":"for the test"}`), nil
		}
		lose = drop
	}
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	receipt := tracking.Receipt{Refused: []tracking.Refusal{}}
	lines := bufio.NewScanner(r.Body)
	var ps []tracking.Position
	for lines.Scan() {
		var p tracking.Position
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return answer(400, nil, "{}"), nil
		}
		ps = append(ps, p)
	}
	s.sizes = append(s.sizes, len(ps))
	if s.most > 0 && len(ps) > s.most {
		return answer(413, nil, `{"title":"Too large"}`), nil
	}
	for i, p := range ps {
		key := string(p.Unit) + p.Time.Format(time.RFC3339)
		switch {
		case i == 0 && s.later > 0:
			s.later--
			receipt.Refused = append(receipt.Refused, tracking.Refusal{Index: i, Code: tracking.CodeLater, Reason: "ask again"})
		case p.Lat > 90:
			receipt.Refused = append(receipt.Refused, tracking.Refusal{Index: i, Code: "latitude", Reason: "latitude out of range"})
		case s.known[key]:
			receipt.Duplicates++
		default:
			s.known[key] = true
			receipt.Stored++
		}
	}
	if lose {
		return nil, errors.New("connection reset")
	}
	body, err := json.Marshal(receipt)
	if err != nil {
		return nil, err
	}
	return answer(200, nil, string(body)), nil
}

func answer(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// script is n positions of one unit, a second apart.
func script(n int) replay.Script {
	var s replay.Script
	for i := range n {
		s.Positions = append(s.Positions, tracking.Position{Unit: "A", Time: time.Unix(1_790_000_000+int64(i), 0).UTC(), Lat: 1, Lon: 2})
	}
	return s
}

func play(t *testing.T, srv *server, s replay.Script, c replay.Config) (replay.Tally, error) {
	t.Helper()
	c.URL, c.Key, c.Client = "http://corridor.test/base/", "K", &http.Client{Transport: srv}
	return replay.Play(t.Context(), s, c)
}

func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{}
		s := script(25)
		s.Positions[3].Lat = 91
		s.Positions[5] = s.Positions[4]
		begin := time.Now()
		tally, err := play(t, srv, s, replay.Config{Batch: 10, Mode: "sea", Simulated: true})
		if err != nil || tally.Sent != 25 || tally.Stored != 23 || tally.Duplicates != 1 || !maps.Equal(tally.Refused, map[string]int{"latitude": 1}) || tally.Retries != 0 {
			t.Errorf("%+v, %v", tally, err)
		}
		if !slices.Equal(srv.sizes, []int{10, 10, 5}) || time.Since(begin) != 0 {
			t.Errorf("requests of %v in %s", srv.sizes, time.Since(begin))
		}
		if want := "http://corridor.test/base/api/v1/positions?mode=sea&simulated=true"; srv.urls[0] != want {
			t.Errorf("posted to %s, want %s", srv.urls[0], want)
		}
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{}
		begin := time.Now()
		tally, err := play(t, srv, script(601), replay.Config{Speed: 60})
		if err != nil || tally.Stored != 601 {
			t.Fatalf("%+v, %v", tally, err)
		}
		if took := time.Since(begin); took < 10*time.Second || took > 10*time.Second+100*time.Millisecond {
			t.Errorf("ten minutes at 60 times took %s", took)
		}
		for i := 1; i < len(srv.at); i++ {
			if gap := srv.at[i].Sub(srv.at[i-1]); gap < 50*time.Millisecond {
				t.Fatalf("two requests %s apart", gap)
			}
		}
	})
}

// TestNothingLost lets everything go wrong that may pass.
func TestNothingLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{later: 2, before: func(n int, _ *http.Request) (int, http.Header, bool, error) {
			switch n {
			case 0:
				return 0, nil, false, errors.New("connection refused")
			case 1:
				return 503, nil, false, nil
			case 2:
				return 429, http.Header{"Retry-After": {"7"}}, false, nil
			case 4, 5:
				return 0, nil, true, nil // taken in, but the answer is lost
			}
			return 0, nil, false, nil
		}}
		var progress []replay.Tally
		tally, err := play(t, srv, script(30), replay.Config{Batch: 10, Progress: func(t replay.Tally) { progress = append(progress, t) }})
		if err != nil || tally.Sent != 30 || tally.Stored+tally.Duplicates != 30 || len(srv.known) != 30 || len(tally.Refused) != 0 {
			t.Errorf("%+v, %d known, %v", tally, len(srv.known), err)
		}
		if gap := srv.at[3].Sub(srv.at[2]); gap < 7*time.Second {
			t.Errorf("came back after %s, asked for 7 s", gap)
		}
		if tally.Retries < 5 {
			t.Errorf("%d retries", tally.Retries)
		}
		if len(progress) == 0 || progress[0].Waiting == nil || progress[len(progress)-1].Waiting != nil {
			t.Error("progress does not tell that it waited")
		}
	})
}

func TestTooLargeIsHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{most: 3}
		tally, err := play(t, srv, script(10), replay.Config{})
		if err != nil || tally.Sent != 10 || tally.Stored != 10 {
			t.Errorf("%+v, %v", tally, err)
		}
	})
}

func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server{before: func(n int, _ *http.Request) (int, http.Header, bool, error) {
			if n == 0 {
				return 0, nil, false, nil
			}
			return 0, nil, false, errors.New("connection refused")
		}}
		begin := time.Now()
		tally, err := play(t, srv, script(20), replay.Config{Batch: 10, Patience: time.Minute})
		if err == nil || !strings.Contains(err.Error(), "connection refused") || tally.Sent != 10 || tally.Stored != 10 {
			t.Errorf("%+v, %v", tally, err)
		}
		if took := time.Since(begin); took < time.Minute || took > 2*time.Minute {
			t.Errorf("gave up after %s", took)
		}
	})
	for status, word := range map[int]string{401: "401 Refused: for the test", 403: "403 Refused: for the test", 400: "400", 404: "404"} {
		srv := &server{before: func(int, *http.Request) (int, http.Header, bool, error) { return status, nil, false, nil }}
		tally, err := play(t, srv, script(5), replay.Config{})
		var wrong *replay.StatusError
		if !errors.As(err, &wrong) || wrong.Status != status || !strings.Contains(err.Error(), word) || len(srv.at) != 1 || tally.Sent != 0 {
			t.Errorf("%d: %v after %d requests", status, err, len(srv.at))
		}
	}
}

func TestNotCorridor(t *testing.T) {
	client := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return answer(200, nil, "<html>"), nil })}
	if _, err := replay.Play(t.Context(), script(1), replay.Config{URL: "http://elsewhere.test", Client: client}); err == nil || !strings.Contains(err.Error(), "is --url right?") {
		t.Errorf("%v", err)
	}
	for _, url := range []string{"", "localhost:8080", "ftp://x", "http://"} {
		if _, err := replay.Play(t.Context(), script(1), replay.Config{URL: url, Client: client}); err == nil {
			t.Errorf("%q is a server", url)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		srv := &server{}
		tally, err := replay.Play(ctx, script(100), replay.Config{URL: "http://corridor.test", Client: &http.Client{Transport: srv}, Speed: 1})
		if !errors.Is(err, context.DeadlineExceeded) || tally.Sent < 3 || tally.Sent > 4 {
			t.Errorf("%+v, %v", tally, err)
		}
	})
}

// TestTwice sends a recording, loses the process in the middle and sends it again.
func TestTwice(t *testing.T) {
	srv := &server{}
	s := script(50)
	half := replay.Script{Positions: slices.Clone(s.Positions[:20])}
	if _, err := play(t, srv, half, replay.Config{}); err != nil {
		t.Fatal(err)
	}
	tally, err := play(t, srv, s, replay.Config{})
	want := replay.Tally{Total: 50, Sent: 50, Stored: 30, Duplicates: 20, Refused: map[string]int{}, Example: map[string]string{}, At: s.Positions[49].Time}
	if err != nil || !reflect.DeepEqual(tally, want) {
		t.Errorf("%+v, %v", tally, err)
	}
}
