package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"corridor/tracking"
)

// JSON reads positions from JSON objects. Use NewJSON.
type JSON struct {
	tally
	values *json.Decoder
	nested bool // within an array
	clock  clock
	queues [][]json.RawMessage // what objects held that were taken apart, the innermost last
}

// NewJSON reads an array of objects, objects that follow each other, one object
// whose "positions" is such an array, or GeoJSON: points, or lines with times. Times without a zone are in zone; nil is UTC.
func NewJSON(r io.Reader, zone *time.Location) (*JSON, error) {
	if zone == nil {
		zone = time.UTC
	}
	buffered := bufio.NewReader(r)
	first, err := firstByte(buffered)
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	t := &JSON{tally: make(tally), values: json.NewDecoder(buffered), clock: clock{zone: zone}}
	t.values.UseNumber()
	switch first {
	case '[':
		t.nested = true
		_, err = t.values.Token()
	case '{':
	default:
		err = errors.New("it is neither an array nor an object")
	}
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return t, nil
}

func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if b > ' ' && b < 0x80 { // neither space nor a byte order mark
			return b, r.UnreadByte()
		}
	}
}

// Next returns the next position, or io.EOF after the last.
func (t *JSON) Next() (tracking.Position, error) {
	for {
		raw, err := t.element()
		if err != nil {
			return tracking.Position{}, err
		}
		if rows, ok := expand(raw); ok {
			t.queues = append(t.queues, rows)
			continue
		}
		p, reason := t.position(raw)
		if reason != "" {
			t.tally[reason]++
			continue
		}
		return p, nil
	}
}

// expand takes apart an object that holds several positions, or one that is not a
// row of named values: an answer of Corridor's API, or GeoJSON.
func expand(raw json.RawMessage) ([]json.RawMessage, bool) {
	if !bytes.Contains(raw, []byte(`"positions"`)) && !bytes.Contains(raw, []byte(`"Feature`)) {
		return nil, false
	}
	var object struct {
		Positions  []json.RawMessage
		Type       string
		Features   []json.RawMessage
		Properties map[string]json.RawMessage
		Geometry   struct {
			Type        string
			Coordinates json.RawMessage
		}
	}
	if json.Unmarshal(raw, &object) != nil {
		return nil, false
	}
	switch {
	case object.Positions != nil:
		return object.Positions, true
	case object.Type == "FeatureCollection":
		return object.Features, true
	case object.Type != "Feature":
		return nil, false
	}
	var points [][]json.Number
	switch object.Geometry.Type {
	case "Point":
		var point []json.Number
		if json.Unmarshal(object.Geometry.Coordinates, &point) == nil {
			points = append(points, point)
		}
	case "LineString":
		_ = json.Unmarshal(object.Geometry.Coordinates, &points) // nothing is read then
	case "MultiLineString":
		var lines [][][]json.Number
		_ = json.Unmarshal(object.Geometry.Coordinates, &lines)
		points = slices.Concat(lines...)
	}
	times := timesOf(object.Properties)
	// What is the same for all points is copied to each: only what means something.
	const longest = 256
	maps.DeleteFunc(object.Properties, func(name string, value json.RawMessage) bool {
		_, known := recognise(name)
		return !known || len(value) > longest || value[0] == '{' || value[0] == '['
	})
	rows := make([]json.RawMessage, 0, len(points))
	for i, point := range points {
		if len(point) < 2 {
			continue
		}
		row := maps.Clone(object.Properties)
		if row == nil {
			row = make(map[string]json.RawMessage, 3)
		}
		row["lon"], row["lat"] = json.RawMessage(point[0]), json.RawMessage(point[1])
		if len(times) == len(points) {
			row["time"] = times[i]
		}
		b, err := json.Marshal(row)
		if err != nil {
			continue
		}
		rows = append(rows, b)
	}
	return rows, true
}

// timesOf finds the times of a line's points, under the names they go by.
func timesOf(properties map[string]json.RawMessage) (times []json.RawMessage) {
	for _, name := range []string{"times", "coordTimes", "timestamps"} {
		if json.Unmarshal(properties[name], &times) == nil && times != nil {
			return times
		}
	}
	var nested map[string]json.RawMessage
	if json.Unmarshal(properties["coordinateProperties"], &nested) == nil && nested["times"] != nil {
		_ = json.Unmarshal(nested["times"], &times)
	}
	return times
}

func (t *JSON) element() (raw json.RawMessage, err error) {
	for n := len(t.queues); n > 0; n-- {
		if q := t.queues[n-1]; len(q) > 0 {
			t.queues[n-1] = q[1:]
			return q[0], nil
		}
		t.queues = t.queues[:n-1]
	}
	end := t.nested && !t.values.More()
	if end {
		_, err = t.values.Token()
	} else {
		err = t.values.Decode(&raw)
	}
	switch {
	case err == nil && end, errors.Is(err, io.EOF) && !t.nested:
		return nil, io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return raw, nil
}

func (t *JSON) position(raw json.RawMessage) (tracking.Position, string) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return tracking.Position{}, "not an object"
	}
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys) // which of two equal names counts must not depend on chance
	var r row
	for _, k := range keys {
		c, known := recognise(k)
		if !known {
			continue
		}
		value := string(object[k])
		switch {
		case value[0] == '"':
			if json.Unmarshal(object[k], &value) != nil {
				continue
			}
		case value[0] == '{', value[0] == '[', value == "true", value == "false":
			continue
		}
		r.add(c, value)
	}
	p, reason := r.position(t.clock)
	if s := object["sensors"]; reason == "" && len(s) > 0 && s[0] == '{' {
		p.Sensors = s
	}
	return p, reason
}
