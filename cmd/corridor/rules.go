package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"corridor/routing"
	"corridor/routing/regime"
)

// rulesCommand lists the rules a plan may name, or those asked for by id.
func rulesCommand(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("rules", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage: corridor rules [ID...] [--json]\n\nThe rules that plans name when they leave a corridor out, with their sources.\n\n")
		flags.PrintDefaults()
	}
	asJSON := flags.Bool("json", false, "print them as JSON")
	ids, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	rules := regime.Rules()
	for _, id := range ids {
		if !slices.ContainsFunc(rules, func(r routing.Rule) bool { return strings.EqualFold(r.ID, id) }) {
			return &usageError{fmt.Errorf("there is no rule %q", id)}
		}
	}
	if len(ids) > 0 {
		rules = slices.DeleteFunc(rules, func(r routing.Rule) bool {
			return !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(r.ID, id) })
		})
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(map[string][]routing.Rule{"rules": rules})
	}
	sheet := newSheet(stdout, "en")
	for _, r := range rules {
		kind := map[string]string{"P": "published", "G": "public file", "K": "general knowledge", "A": "assumption"}[r.Origin.Kind]
		source := r.Origin.Source
		if source != kind {
			source += ", " + kind
		}
		sheet.line(sheet.bold(left(r.ID, 11)), sheet.dim(r.Topic+" · "+source))
		sheet.wrapped(11, r.Text, func(t string) string { return t })
	}
	return sheet.flush()
}
