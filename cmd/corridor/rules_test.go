package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"corridor/routing"
	"corridor/routing/regime"
)

func TestRules(t *testing.T) {
	var out bytes.Buffer
	if err := rulesCommand(t.Context(), nil, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, r := range regime.Rules() {
		if !strings.Contains(out.String(), r.ID) {
			t.Errorf("%s is not listed", r.ID)
		}
	}
	out.Reset()
	if err := rulesCommand(t.Context(), []string{"tir-4", "--json"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var got struct{ Rules []routing.Rule }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Rules) != 1 || got.Rules[0].ID != "TIR-4" {
		t.Errorf("%v %+v", err, got)
	}
	var usage *usageError
	if err := rulesCommand(t.Context(), []string{"TIR-99"}, nil, &out, io.Discard); !errors.As(err, &usage) {
		t.Errorf("a rule that is none: %v", err)
	}
}
