package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"corridor/routing"
	"corridor/web/api"
)

const ecommerceUsage = `usage: corridor ecommerce FROM TO --orders N --weight 0.8kg --volume 0.003m3 --value 40USD [flags]

Compares the ways to serve a year's orders between China and another country: by
mail (9610), from bonded stock (1210), from an overseas warehouse (9810), and by
direct export to a business (9710). Weight, volume and value are those of one order.

`

func ecommerceCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("ecommerce", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, ecommerceUsage)
		flags.PrintDefaults()
	}
	var r routing.CommerceRequest
	var weight, volume, value, unit, depart string
	flags.Float64Var(&r.Orders, "orders", 0, "orders a year")
	flags.StringVar(&weight, "weight", "", "weight of an order, packed, e.g. 0.8kg")
	flags.StringVar(&volume, "volume", "", "volume of an order, packed, e.g. 0.003m3")
	flags.StringVar(&value, "value", "", "value of an order, e.g. 40USD")
	flags.StringVar(&r.Warehouse, "warehouse", "", "where stock would be kept; without it at the destination")
	flags.StringVar(&unit, "unit", "40HC", "what fills the stock: FTL, 20GP, 40GP, 40HC or 45HC")
	flags.Float64Var(&r.Lot, "lot", 0, "orders that fill the stock at a time; without it a full unit")
	flags.Float64Var(&r.DutyPercent, "duty", 0, "import duty in general trade, per cent")
	flags.Float64Var(&r.VATPercent, "vat", 0, "VAT, per cent")
	flags.Float64Var(&r.ConsumptionPercent, "consumption", 0, "consumption tax, per cent")
	flags.Float64Var(&r.OrdersPerCustomer, "per-customer", 0, "orders of one person in a year; without it one")
	flags.StringVar(&depart, "depart", "", "day the freight is planned for, e.g. 2026-12-01")
	asJSON := flags.Bool("json", false, "print the comparison as JSON, with every cost line")
	data := dataFlag(flags)
	places, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(places) != 2 {
		return &usageError{fmt.Errorf("give two places, FROM and TO; got %d", len(places))}
	}
	r.Origin, r.Destination, r.Unit = places[0], places[1], routing.Unit(unit)
	if r.WeightKG, err = amount(weight, map[string]float64{"t": 1000, "kg": 1, "g": 0.001, "": 1}); err != nil {
		return &usageError{fmt.Errorf("--weight %s: %w, e.g. 0.8kg", weight, err)}
	}
	if r.VolumeM3, err = amount(volume, map[string]float64{"m3": 1, "m³": 1, "l": 0.001, "": 1}); err != nil {
		return &usageError{fmt.Errorf("--volume %s: %w, e.g. 0.003m3 or 3l", volume, err)}
	}
	if r.Value, err = money(value); err != nil {
		return &usageError{fmt.Errorf("--value %s: %w", value, err)}
	}
	if depart != "" {
		if r.Depart, _, err = moment(depart); err != nil {
			return &usageError{fmt.Errorf("--depart %s: %w", depart, err)}
		}
	}
	watched := newProgress(stderr, "opening the networks", 0)
	defer watched.done()
	watched.draw()
	planner, _, err := openPlanner(*data, brieflyPages())
	if err != nil {
		return err
	}
	watched.step("planning the freight")
	got, err := planner.(api.Commerce).Compare(ctx, r)
	watched.done()
	if err != nil {
		var input *routing.InputError
		if errors.As(err, &input) {
			return &usageError{err}
		}
		return err
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(got)
	}
	sheet := newSheet(stdout, "en")
	sheet.commerce(&got)
	return sheet.flush()
}

// money reads 300000USD.
func money(s string) (routing.Money, error) {
	digits := strings.TrimRight(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	currency := strings.ToUpper(strings.TrimSpace(s[len(digits):]))
	if err != nil || len(currency) != 3 {
		return routing.Money{}, errors.New("give an amount and its currency, e.g. 300000USD")
	}
	return routing.Money{Amount: v, Currency: currency}, nil
}

// commerce prints a comparison.
func (s *sheet) commerce(c *routing.CommerceComparison) {
	name := s.columns - indent - 14 - 15 - 10 - 16
	s.line(s.dim(strings.Repeat(" ", indent) + left("cheapest first", name) + right("USD an order", 14) + right("days P50–P90", 15) + right("same day", 10) + right("stock, USD/a", 16)))
	for i := range c.Ways {
		w := &c.Ways[i]
		s.line(left(strconv.Itoa(i+1), indent), s.bold(left(cut(w.Mode+" "+w.Title, name-1), name)), right(strconv.FormatFloat(w.Order.Amount, 'f', 2, 64), 14),
			right(days(w.Days.P50)+"–"+days(w.Days.P90), 15), right(fmt.Sprintf("%.0f of 20", w.SameDay*20), 10), right(grouped(w.Stock.Amount), 16))
		s.wrapped(indent, fmt.Sprintf("%s; %s consignments a year, each %s–%s days; rules %s", w.Freight, trimmed(w.Lots), days(w.Lead.P50), days(w.Lead.P90), strings.Join(w.Rules, ", ")), s.dim)
		s.wrapped(indent, w.Why, func(t string) string { return s.style("36", t) })
	}
	for _, e := range c.Excluded {
		s.line(" × ", e.Corridor+" "+e.Title, s.dim("  rule "+e.Rule))
		s.wrapped(indent, e.Reason, s.dim)
	}
	for _, n := range c.Notes {
		s.wrapped(0, n, s.dim)
	}
}
