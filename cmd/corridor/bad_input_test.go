package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// What makes no sense is told clearly, by the command line and by the API, and
// nothing is guessed. Rates in an unknown currency and overlapping tariffs are
// refused at import (import_trade_test.go).
func TestBadInputByBothDoors(t *testing.T) {
	planner, err := sharedPlanner()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, serveConfig{adminKey: adminKey})
	api := s.as(adminKey)
	for _, c := range []struct {
		name       string
		flags      planFlags
		from, to   string
		body       string // the same for the API
		flag, says string
	}{
		{"to itself", planFlags{weight: "1t"}, "CNTAO", "Qingdao", `{"origin":"CNTAO","destination":"Qingdao","cargo":{"weight_kg":1000}}`, "TO", "the same place"},
		{"too heavy for every unit", planFlags{weight: "150t"}, "CNTAO", "RUMOW", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":150000}}`, "--weight", "split the cargo"},
		{
			"arrival before departure",
			planFlags{weight: "1t", depart: "2026-12-10", arriveBy: "2026-12-01"},
			"CNTAO", "RUMOW",
			`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000},"depart":"2026-12-10","arrive_by":"2026-12-01"}`, "--arrive-by", "not after the departure",
		},
		{"unknown HS code", planFlags{weight: "1t", hs: "0815"}, "CNTAO", "RUMOW", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000,"hs":"0815"}}`, "--hs", "no code 0815"},
		{"unknown UN number", planFlags{weight: "1t", un: "9999"}, "CNTAO", "RUMOW", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000,"un":"9999"}}`, "--un", "four digits"},
		{
			"contradictory avoids",
			planFlags{weight: "1t", avoid: "country:RU"},
			"CNTAO", "RUMOW",
			`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000},"avoid":["country:RU"]}`, "--avoid", "give up one of the two",
		},
		{
			"a value in an unknown currency",
			planFlags{weight: "1t", value: "5XXX"},
			"CNTAO", "RUMOW",
			`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000,"value":{"amount":5,"currency":"XXX"}}}`, "--value", "exchange rate",
		},
	} {
		c.flags.unit, c.flags.lang, c.flags.drivers = "FTL", "en", 2
		req, _, err := c.flags.request(c.from, c.to)
		if err == nil {
			_, err = planner.Plan(t.Context(), req, nil)
			err = inFlags(err)
		}
		var usage *usageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), c.flag+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s by flags: %v, want %s and …%s…", c.name, err, c.flag, c.says)
		}
		if status, body := api.do(http.MethodPost, "/api/v1/plans", c.body); status != http.StatusUnprocessableEntity || !strings.Contains(string(body), c.says) {
			t.Errorf("%s by the API: %d %s", c.name, status, body)
		}
	}
}
