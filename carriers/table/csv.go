package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"time"

	"corridor/tracking"
)

// CSV reads the rows of a CSV file. Use NewCSV.
type CSV struct {
	tally
	rows    *csv.Reader
	columns []column
	known   []bool
	clock   clock
}

// NewCSV reads the header, which must name latitude and longitude. Fields are
// separated by what separates most in it. Times without a zone are in zone; nil
// is UTC.
func NewCSV(r io.Reader, zone *time.Location) (*CSV, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(32 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read CSV header: %w", err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3) // it was peeked
		head = head[3:]
	}
	if zone == nil {
		zone = time.UTC
	}
	t := &CSV{tally: make(tally), rows: csv.NewReader(buffered), clock: clock{zone, slashed(head)}}
	head, _, _ = bytes.Cut(head, []byte("\n"))
	t.rows.LazyQuotes = true
	t.rows.FieldsPerRecord = -1
	t.rows.ReuseRecord = true
	for _, comma := range []byte{',', ';', '\t', '|'} {
		if bytes.Count(head, []byte{comma}) > bytes.Count(head, []byte(string(t.rows.Comma))) {
			t.rows.Comma = rune(comma)
		}
	}
	header, err := t.rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read CSV header: %w", err)
	}
	if err := missing(header); err != nil {
		return nil, err
	}
	t.columns, t.known = make([]column, len(header)), make([]bool, len(header))
	for i, name := range header {
		t.columns[i], t.known[i] = recognise(name)
	}
	return t, nil
}

// Next returns the next position, or io.EOF after the last. Its unit is empty and
// its time zero when the file has no such column.
func (t *CSV) Next() (tracking.Position, error) {
	for {
		fields, err := t.rows.Read()
		var wrong *csv.ParseError
		switch {
		case errors.As(err, &wrong):
			t.tally["not CSV"]++
			continue
		case errors.Is(err, io.EOF):
			return tracking.Position{}, io.EOF
		case err != nil:
			return tracking.Position{}, fmt.Errorf("read CSV: %w", err)
		}
		var r row
		for i, value := range fields {
			if i < len(t.columns) && t.known[i] {
				r.add(t.columns[i], value)
			}
		}
		p, reason := r.position(t.clock)
		if reason != "" {
			t.tally[reason]++
			continue
		}
		return p, nil
	}
}
