package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"corridor/tracking"
	"corridor/web"
)

type retentionInput struct {
	ID   tracking.PartyID `path:"id" maxLength:"64"`
	Body struct {
		Days int `json:"days" minimum:"0" maximum:"36525" doc:"Days of device time; 0: for ever"`
	}
}

type retentionOutput struct{ Body tracking.Retention }

func (a *api) setRetention(ctx context.Context, in *retentionInput) (*retentionOutput, error) {
	r := tracking.Retention{Carrier: in.ID, Days: in.Body.Days}
	if err := a.Parties.SetRetention(ctx, r); err != nil {
		return nil, err
	}
	return &retentionOutput{r}, nil
}

func (a *api) getRetention(_ context.Context, in *partyID) (*retentionOutput, error) {
	r, err := a.Parties.Retention(in.ID)
	if err != nil {
		return nil, err
	}
	return &retentionOutput{r}, nil
}

type exportInput struct {
	Party tracking.PartyID `query:"party" maxLength:"64" doc:"Administrators only: whose export it is; left out: one's own"`
}

// exportPage is how many fixes are read at a time.
const exportPage = 10_000

// exported is a line of an export: one of them is there.
type exported struct {
	Party    *tracking.Party     `json:"party,omitempty"`
	Shipment *tracking.Shipment  `json:"shipment,omitempty"`
	Progress *tracking.Progress  `json:"progress,omitempty"`
	Event    *tracking.Event     `json:"event,omitempty"`
	Unit     *tracking.UnitState `json:"unit,omitempty"`
	Fix      *tracking.Fix       `json:"fix,omitempty"`
	End      *exportEnd          `json:"end,omitempty"` // the last line of a whole one
}

type exportEnd struct {
	Lines int `json:"lines"`
}

// export streams everything that a party may read of what is its own, so that it may
// take it elsewhere.
func (a *api) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	party := viewer(ctx)
	switch {
	case in.Party == "" || in.Party == party.ID:
	case party.Role != tracking.Admin:
		return nil, web.NewProblem(http.StatusForbidden, "role", "only an administrator exports what is somebody else's")
	default:
		p, ok := a.Parties.Party(in.Party)
		if !ok {
			return nil, tracking.ErrNotFound
		}
		party = p
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "application/x-ndjson")
		h.SetHeader("Content-Disposition", `attachment; filename="corridor-export.ndjson"`)
		if w, _ := web.Exchange(ctx); w != nil {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes as long as it takes
		}
		out := bufio.NewWriterSize(h.BodyWriter(), 64<<10)
		// What fails half-way can be said nowhere: an export without its last line is
		// seen to be cut off.
		_ = a.writeExport(ctx, party, json.NewEncoder(out))
		_ = out.Flush()
	}}, nil
}

func (a *api) writeExport(ctx context.Context, party tracking.Party, to *json.Encoder) error {
	lines := 0
	put := func(l exported) error {
		lines++
		return to.Encode(l)
	}
	if err := put(exported{Party: &party}); err != nil {
		return err
	}
	for _, s := range a.Tracker.Shipments(party) {
		s.Dossier.Shares = nil
		progress, err := a.Tracker.Progress(s.ID)
		if err != nil {
			return err
		}
		if err := put(exported{Shipment: &s, Progress: &progress}); err != nil {
			return err
		}
		for seq, n := uint64(0), -1; ; {
			events, err := a.Tracker.Events(ctx, s.ID, seq, n, 1000)
			if err != nil {
				return err
			}
			for i := range events {
				if err := put(exported{Event: &events[i]}); err != nil {
					return err
				}
				seq, n = events[i].Seq, events[i].N
			}
			if len(events) < 1000 {
				break
			}
		}
		if party.Role == tracking.Shipper && s.Unit != "" { // of the unit what concerns the shipment
			w, err := a.window(party, s.ID)
			if err == nil {
				err = a.exportTrack(ctx, s.Unit, w.narrow(tracking.TrackQuery{}), put)
			}
			if err != nil {
				return err
			}
		}
	}
	if party.Role != tracking.Shipper {
		for _, u := range a.Tracker.Units(party) {
			if err := put(exported{Unit: &u}); err != nil {
				return err
			}
			if err := a.exportTrack(ctx, u.Unit, tracking.TrackQuery{}, put); err != nil {
				return err
			}
		}
	}
	return put(exported{End: &exportEnd{lines + 1}})
}

func (a *api) exportTrack(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery, put func(exported) error) error {
	if q.From.IsZero() {
		q.From = time.Unix(0, 0)
	}
	for q.Limit = exportPage; ; {
		fixes, err := a.Tracker.Track(ctx, unit, q)
		if err != nil {
			return err
		}
		for i := range fixes {
			if err := put(exported{Fix: &fixes[i]}); err != nil {
				return err
			}
		}
		if len(fixes) < exportPage {
			return nil
		}
		q.From = fixes[len(fixes)-1].Time.Truncate(time.Second).Add(time.Second) // a unit has one a second
	}
}
