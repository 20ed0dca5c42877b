package border

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
)

// Status is a user's word on a post that overrides the reference data: how it works
// and how long it takes, dated.
type Status struct {
	Post        string
	Regime      string         // normal, congested, restricted or closed
	Dwell       *geodata.Dwell // nil: the reference dwell of the regime
	From, Until time.Time      // zero: no limit; Until is not part of it
	AsOf        string         // YYYY-MM-DD, YYYY-MM or YYYY
	Source      string
}

// At tells whether the status holds at a moment.
func (s Status) At(t time.Time) bool {
	return (s.From.IsZero() || !t.Before(s.From)) && (s.Until.IsZero() || t.Before(s.Until))
}

// StatusHeader is the first line of a table of statuses.
const StatusHeader = "id,regime,dwell_p50_h,dwell_p90_h,from,until,as_of,source"

// BadRow is a row that makes no sense.
type BadRow struct {
	Line   int
	Reason string
}

// ReadStatuses reads a table of statuses of the posts with the ids. Rows that make
// no sense are told apart; an error means it is no such table. from and until are
// RFC 3339 or YYYY-MM-DD (UTC) and may be empty; as_of and source may not.
func ReadStatuses(r io.Reader, ids []string) ([]Status, []BadRow, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	head, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read the header: %w", err)
	}
	if got := strings.TrimPrefix(strings.Join(head, ","), "\ufeff"); got != StatusHeader {
		return nil, nil, fmt.Errorf("header is %q, want %q", got, StatusHeader)
	}
	var out []Status
	var bad []BadRow
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, bad, nil
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := in.FieldPos(0)
		s, err := status(row, ids)
		if err != nil {
			bad = append(bad, BadRow{line, err.Error()})
			continue
		}
		out = append(out, s)
	}
}

func status(row, ids []string) (Status, error) {
	if want := strings.Count(StatusHeader, ",") + 1; len(row) != want {
		return Status{}, fmt.Errorf("%d columns, want %d", len(row), want)
	}
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	s := Status{Post: strings.ToUpper(row[0]), Regime: strings.ToLower(row[1]), AsOf: row[6], Source: row[7]}
	if !slices.Contains(ids, s.Post) {
		return s, fmt.Errorf("id: there is no border post %q; ids look like KHO-NUR or MZL-ZAB-R", row[0])
	}
	switch s.Regime {
	case "normal", "congested", "restricted", "closed":
	default:
		return s, fmt.Errorf("regime: %q is not normal, congested, restricted or closed", row[1])
	}
	d, err := dwell(row[2], row[3])
	if err != nil {
		return s, err
	}
	if d != (geodata.Dwell{}) {
		s.Dwell = &d
	}
	if s.From, err = moment(row[4]); err != nil {
		return s, fmt.Errorf("from: %w", err)
	}
	if s.Until, err = moment(row[5]); err != nil {
		return s, fmt.Errorf("until: %w", err)
	}
	if !s.From.IsZero() && !s.Until.IsZero() && !s.From.Before(s.Until) {
		return s, errors.New("until is not after from")
	}
	if !dated(s.AsOf) {
		return s, fmt.Errorf("as_of: %q is not YYYY-MM-DD, YYYY-MM or YYYY", s.AsOf)
	}
	if s.Source == "" {
		return s, errors.New("source may not be empty: say where this is known from")
	}
	return s, nil
}

func dated(s string) bool {
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// moment reads an RFC 3339 time or a day, which begins at midnight UTC.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time such as 2026-11-25 or 2026-11-25T08:00:00Z", s)
	}
	return t, nil
}

func hours(h float64) string { return strconv.FormatFloat(h, 'f', -1, 64) }

// WriteStatuses writes a table that ReadStatuses reads.
func WriteStatuses(w io.Writer, statuses []Status) error {
	out := csv.NewWriter(w)
	if err := out.Write(strings.Split(StatusHeader, ",")); err != nil {
		return err
	}
	for _, s := range statuses {
		row := []string{s.Post, s.Regime, "", "", "", "", s.AsOf, s.Source}
		if s.Dwell != nil {
			row[2], row[3] = hours(s.Dwell.P50), hours(s.Dwell.P90)
		}
		for i, t := range []time.Time{s.From, s.Until} {
			if !t.IsZero() {
				row[4+i] = t.Format(time.RFC3339)
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
