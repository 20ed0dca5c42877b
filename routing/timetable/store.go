package timetable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"corridor/geodata"
)

// Imported services are kept as JSON: what a reader made of a file, so that the
// program need not read the file again.

// storedVersion is written to every file; a reader of another version asks for a
// new import.
const storedVersion = 1

type storedFile struct {
	Version  int             `json:"corridor_services"`
	Services []storedService `json:"services"`
}

type storedService struct {
	ID       string         `json:"id"`
	Mode     geodata.Mode   `json:"mode"`
	From     []string       `json:"from"`
	To       []string       `json:"to"`
	Name     string         `json:"name,omitempty"`
	Carrier  string         `json:"carrier,omitempty"`
	Via      string         `json:"via,omitempty"`
	Rhythm   string         `json:"rhythm,omitempty"`
	Every    float64        `json:"every_h,omitempty"`
	Dates    []int64        `json:"departures,omitempty"` // unix minutes, each after the first as the difference to the one before
	CutoffH  float64        `json:"cutoff_h,omitempty"`
	TransitH float64        `json:"transit_h,omitempty"`
	Origin   geodata.Origin `json:"origin"`
	Belly    bool           `json:"belly,omitempty"`
	Note     string         `json:"note,omitempty"`
}

// WriteServices writes imported services for ReadStored.
func WriteServices(out io.Writer, services []Service) error {
	file := storedFile{Version: storedVersion, Services: make([]storedService, len(services))}
	for i, s := range services {
		t := storedService{
			ID: s.ID, Mode: s.Mode, From: s.From, To: s.To, Name: s.Name, Carrier: s.Carrier, Via: s.Via,
			CutoffH: s.CutoffH, TransitH: s.TransitH, Origin: s.Origin, Note: s.Note, Belly: s.Belly,
		}
		if len(s.Rhythm.Dates) > 0 {
			t.Every = s.Rhythm.Every
			last := int64(0)
			for _, d := range s.Rhythm.Dates {
				m := d.Unix() / 60
				t.Dates = append(t.Dates, m-last)
				last = m
			}
		} else {
			t.Rhythm = s.Rhythm.text()
		}
		file.Services[i] = t
	}
	return json.NewEncoder(out).Encode(file)
}

// text is the rhythm as ParseRhythm reads it.
func (r Rhythm) text() string {
	if len(r.Days) == 0 {
		return fmt.Sprintf("every %gh", r.Every)
	}
	s := "weekly"
	for _, d := range r.Days {
		s += " " + d.String()[:3]
	}
	return s + fmt.Sprintf(" %02d:%02d", r.Hour, r.Min)
}

// ReadStored reads what WriteServices wrote.
func ReadStored(in io.Reader) ([]Service, error) {
	var file storedFile
	if err := json.NewDecoder(in).Decode(&file); err != nil {
		return nil, err
	}
	if file.Version != storedVersion {
		return nil, fmt.Errorf("it is of version %d, not %d: import it again", file.Version, storedVersion)
	}
	out := make([]Service, 0, len(file.Services))
	for _, t := range file.Services {
		s := Service{
			ID: t.ID, Mode: t.Mode, From: t.From, To: t.To, Name: t.Name, Carrier: t.Carrier, Via: t.Via,
			CutoffH: t.CutoffH, TransitH: t.TransitH, OneWay: true, Origin: t.Origin, Note: t.Note, Belly: t.Belly,
		}
		if _, err := geodata.ParseMode(string(t.Mode)); err != nil || len(t.From) == 0 || len(t.To) == 0 {
			return nil, fmt.Errorf("service %q is broken: import it again", t.ID)
		}
		if t.Rhythm != "" {
			var err error
			if s.Rhythm, err = ParseRhythm(t.Rhythm); err != nil {
				return nil, fmt.Errorf("service %q: %w", t.ID, err)
			}
		} else {
			if len(t.Dates) == 0 || !(t.Every >= 0) {
				return nil, fmt.Errorf("service %q: %w", t.ID, errors.New("it never leaves: import it again"))
			}
			s.Rhythm.Every = t.Every
			at := int64(0)
			for _, d := range t.Dates {
				at += d
				s.Rhythm.Dates = append(s.Rhythm.Dates, time.Unix(at*60, 0).UTC())
			}
		}
		out = append(out, s)
	}
	return out, nil
}
