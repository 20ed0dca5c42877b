package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"time"

	"corridor/tracking"
)

// This file is the customs of the demonstration: its lorries under TIR have carnets,
// and the offices report what they are seen to pass, as real ones would. Numbers begin
// with SM and say that they are simulated by their holder.

// underTIR is the corridor whose lorries have carnets.
const underTIR = "road-tir"

// putToUse issues a carnet for the shipment a unit is on, and has it accepted when its
// journey began.
func (d *demo) putToUse(ctx context.Context, u *demoUnit, began time.Time) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(u.Unit + u.Shipment))
	number := fmt.Sprintf("SM%08d", h.Sum32()%100_000_000)
	err := d.call(ctx, d.state.Office, http.MethodPost, "/api/v1/carnets", map[string]any{
		"number": number, "holder": d.state.Carriers[u.Carrier].Name, "association": "simulated", "vehicle": u.Unit, "approval": "SIMULATED",
		"valid_until": d.clock().Add(60 * 24 * time.Hour).UTC().Format(time.RFC3339), "shipment": u.Shipment,
	}, nil)
	if err != nil {
		return fmt.Errorf("carnet of %s: %w", u.Unit, err)
	}
	if err := d.customsStep(ctx, number, map[string]any{"kind": "accept", "office": "departure", "seal": "SIM-" + number[4:], "at": began.UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u.Carnet = number
	return nil
}

func (d *demo) customsStep(ctx context.Context, number string, step map[string]any) error {
	if err := d.call(ctx, d.state.Office, http.MethodPost, "/api/v1/carnets/"+url.PathEscape(number)+"/steps", step, nil); err != nil {
		return fmt.Errorf("carnet %s, %s: %w", number, step["kind"], err)
	}
	return nil
}

// customs has the offices report the borders and destinations that units were seen at
// since the last time.
func (d *demo) customs(ctx context.Context) {
	d.mu.Lock()
	var under []*demoUnit
	for _, u := range d.state.Units {
		if u.Carnet != "" {
			under = append(under, u)
		}
	}
	d.mu.Unlock()
	for _, u := range under {
		if err := d.customsOf(ctx, u); err != nil && ctx.Err() == nil {
			d.logger.Warn("demo: customs", "unit", u.Unit, "err", err)
			d.mu.Lock()
			u.Carnet = "" // what cannot be done once cannot be done again
			d.mu.Unlock()
		}
	}
}

func (d *demo) customsOf(ctx context.Context, u *demoUnit) error {
	var c tracking.Carnet
	if err := d.call(ctx, d.state.Office, http.MethodGet, "/api/v1/carnets/"+url.PathEscape(u.Carnet), nil, &c); err != nil {
		return err
	}
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	for i := range c.Operations[:len(c.Operations)-1] {
		op := &c.Operations[i]
		if op.Crossed == nil {
			break
		}
		exit := c.ExitOf(i)
		if op.Terminated == nil {
			if err := d.customsStep(ctx, c.Number, map[string]any{"kind": "terminate", "office": exit.ID, "at": at(*op.Crossed)}); err != nil {
				return err
			}
		}
		if c.Operations[i+1].Started == nil {
			for k, o := range c.Offices {
				if o.ID == exit.ID {
					if err := d.customsStep(ctx, c.Number, map[string]any{"kind": "start", "office": c.Offices[k+1].ID, "at": at(*op.Crossed)}); err != nil {
						return err
					}
				}
			}
		}
	}
	last := c.Offices[len(c.Offices)-1].ID
	for _, v := range c.Visits {
		if v.Office != last {
			continue
		}
		if err := d.customsStep(ctx, c.Number, map[string]any{"kind": "terminate", "office": last, "at": at(v.First)}); err != nil {
			return err
		}
		d.mu.Lock()
		u.Carnet = ""
		d.mu.Unlock()
	}
	return nil
}
