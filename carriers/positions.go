package carriers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"strings"

	"corridor/tracking"
)

// MaxPositionBytes bounds one position as sent, sensors included. A longer one is
// refused alone.
const MaxPositionBytes = 16 << 10

// MalformedError says the body stopped being JSON at Offset. Nothing of it is to
// be stored: the sender repairs it and sends it again.
type MalformedError struct {
	Offset int64 // bytes read before the fault was seen
	After  int   // elements read before it
	Err    error
}

func (e *MalformedError) Error() string {
	what := e.Err.Error()
	if errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, io.EOF) {
		what = "it ends too early"
	}
	return fmt.Sprintf("the body is not a JSON array of positions: %s (byte %d, after %d positions). "+
		"Nothing was stored; send it again, or send NDJSON, where every line stands alone", what, e.Offset, e.After)
}

func (e *MalformedError) Unwrap() error { return e.Err }

// TooManyError says the body holds more positions than one request may. Nothing
// of it is to be stored.
type TooManyError struct{ Max int }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("more than %d positions in one request. Nothing was stored; send them in several requests", e.Max)
}

// DecodePositions reads the body of POST /positions: a JSON array, or NDJSON, one
// position a line. An explicit NDJSON content type decides; otherwise the first
// byte does: '[' is an array, '{' is NDJSON (under application/json, where one
// object may be spread over lines, a sequence of objects).
//
// indexes[i] is where positions[i] stood among all elements; refused carries the
// elements that are no position, by the same count and with the reason, so that a
// bad one costs its neighbours nothing. Blank lines are not counted.
//
// An error is about the whole body and means that nothing of it is to be stored:
// *MalformedError, *TooManyError, or a wrapped error of the reader, such as
// *http.MaxBytesError. A JSON array that breaks off cannot be told from one whose
// middle is garbled, so nothing of it counts. NDJSON has no such error: a line
// that is not JSON is refused by itself.
func DecodePositions(body io.Reader, contentType string, max int) (positions []tracking.Position, indexes []int, refused []tracking.Refusal, err error) {
	d := decoding{max: max}
	buffered := bufio.NewReaderSize(body, MaxPositionBytes+1)
	first, err := firstByte(buffered)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, nil, nil, fmt.Errorf("read positions: %w", err)
	case isNDJSON(contentType):
		err = d.lines(buffered)
	case err != nil:
		err = &MalformedError{Err: errors.New("it is empty")}
	case first == '{' && !isJSON(contentType):
		err = d.lines(buffered)
	default:
		err = d.values(buffered, first == '[')
	}
	if err != nil {
		return nil, nil, nil, err
	}
	return d.positions, d.indexes, d.refused, nil
}

// DecodePosition reads one JSON object. The refusal, if any, has index 0.
func DecodePosition(raw []byte) (tracking.Position, *tracking.Refusal) {
	p, reason, code := decodePosition(raw)
	if code != "" {
		return tracking.Position{}, &tracking.Refusal{Reason: reason, Code: code}
	}
	return p, nil
}

type decoding struct {
	max       int
	n         int // elements seen
	positions []tracking.Position
	indexes   []int
	refused   []tracking.Refusal
}

func (d *decoding) element(raw []byte) error {
	if d.n >= d.max {
		return &TooManyError{Max: d.max}
	}
	p, plain := plainPosition(raw)
	reason, code := "", ""
	if !plain {
		p, reason, code = decodePosition(raw)
	}
	if code != "" {
		d.refused = append(d.refused, tracking.Refusal{Index: d.n, Reason: reason, Code: code})
	} else {
		d.positions = append(d.positions, p)
		d.indexes = append(d.indexes, d.n)
	}
	d.n++
	return nil
}

func (d *decoding) values(r io.Reader, array bool) error {
	dec := json.NewDecoder(r)
	fault := func(err error) error {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
			return &MalformedError{Offset: dec.InputOffset(), After: d.n, Err: err}
		}
		return fmt.Errorf("read positions: %w", err)
	}
	if array {
		if _, err := dec.Token(); err != nil {
			return fault(err)
		}
	}
	var raw json.RawMessage
	for !array || dec.More() {
		raw = raw[:0]
		err := dec.Decode(&raw)
		if !array && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault(err)
		}
		if err := d.element(raw); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return fault(err)
	}
	if _, err := dec.Token(); err == nil {
		return &MalformedError{Offset: dec.InputOffset(), After: d.n, Err: errors.New("something follows the closing bracket")}
	} else if !errors.Is(err, io.EOF) {
		return fault(err)
	}
	return nil
}

func (d *decoding) lines(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if d.n >= d.max {
				return &TooManyError{Max: d.max}
			}
			d.refused = append(d.refused, tracking.Refusal{Index: d.n, Reason: tooLong, Code: "too-long"})
			d.n++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
		case len(bytes.TrimSpace(line)) > 0 && (err == nil || errors.Is(err, io.EOF)):
			if err := d.element(bytes.TrimSpace(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read positions: %w", err)
		}
	}
}

var tooLong = fmt.Sprintf("a position is at most %d bytes long", MaxPositionBytes)

// element mirrors tracking.Position with pointers: a field left out is not zero.
type element struct {
	Unit      *string         `json:"unit"`
	Time      *string         `json:"time"`
	Lat       *float64        `json:"lat"`
	Lon       *float64        `json:"lon"`
	SpeedKMH  *float64        `json:"speed_kmh"`
	CourseDeg *float64        `json:"course_deg"`
	AccuracyM *float64        `json:"accuracy_m"`
	Sensors   json.RawMessage `json:"sensors"`
}

// codes are Refusal.Code by field, for counting.
var codes = map[string]string{
	"unit": "unit", "time": "time", "lat": "latitude", "lon": "longitude",
	"speed_kmh": "speed", "course_deg": "course", "accuracy_m": "accuracy", "sensors": "sensors",
}

func decodePosition(raw []byte) (p tracking.Position, reason, code string) {
	if len(raw) > MaxPositionBytes {
		return p, tooLong, "too-long"
	}
	var e element
	if err := json.Unmarshal(raw, &e); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			if wrong.Field == "" {
				return p, fmt.Sprintf("a position is a JSON object, not %s", article(wrong.Value)), "type"
			}
			field, _, _ := strings.Cut(wrong.Field, ".")
			want := "a number"
			if field == "unit" || field == "time" {
				want = "a string"
			}
			if strings.HasPrefix(wrong.Value, "number ") {
				return p, fmt.Sprintf("%s is out of range: %s", field, wrong.Value), codes[field]
			}
			return p, fmt.Sprintf("%s must be %s, not %s", field, want, article(wrong.Value)), codes[field]
		}
		return p, "not JSON: " + err.Error(), "syntax"
	}
	switch {
	case bytes.Equal(bytes.TrimSpace(raw), []byte("null")):
		return p, "a position is a JSON object, not null", "type"
	case e.Unit == nil || *e.Unit == "":
		return p, "unit is missing", "unit"
	case e.Time == nil || *e.Time == "":
		return p, "time is missing", "time"
	case e.Lat == nil:
		return p, "lat is missing", "latitude"
	case e.Lon == nil:
		return p, "lon is missing", "longitude"
	}
	p.Unit, p.Lat, p.Lon = tracking.UnitID(*e.Unit), *e.Lat, *e.Lon
	if err := p.Time.UnmarshalText([]byte(*e.Time)); err != nil {
		return p, fmt.Sprintf("time %.40q is not RFC 3339, e.g. 2026-12-01T08:00:00Z", *e.Time), "time"
	}
	p.Time = p.Time.UTC()
	for _, f := range []struct {
		name string
		from *float64
		to   *tracking.Measure
	}{
		{"speed_kmh", e.SpeedKMH, &p.SpeedKMH},
		{"course_deg", e.CourseDeg, &p.CourseDeg},
		{"accuracy_m", e.AccuracyM, &p.AccuracyM},
	} {
		if f.from == nil {
			continue
		}
		if math.Abs(*f.from) > math.MaxFloat32 {
			return p, fmt.Sprintf("%s is out of range: %g", f.name, *f.from), codes[f.name]
		}
		*f.to = tracking.Known(*f.from)
	}
	if s := bytes.TrimSpace(e.Sensors); len(s) > 0 && !bytes.Equal(s, []byte("null")) {
		if s[0] != '{' {
			return p, "sensors must be an object", "sensors"
		}
		p.Sensors = s
	}
	return p, "", ""
}

func article(kind string) string {
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// firstByte returns the first byte that is not white space, without consuming it.
// A byte order mark before it is dropped.
func firstByte(r *bufio.Reader) (byte, error) {
	if mark, err := r.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3)
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b, r.UnreadByte()
	}
}

func isNDJSON(contentType string) bool {
	switch mediaType(contentType) {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		return true
	}
	return false
}

func isJSON(contentType string) bool {
	m := mediaType(contentType)
	return m == "application/json" || m == "text/json" || strings.HasSuffix(m, "+json")
}

func mediaType(contentType string) string {
	m, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		m, _, _ = strings.Cut(contentType, ";")
		m = strings.ToLower(strings.TrimSpace(m))
	}
	return m
}
