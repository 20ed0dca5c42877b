package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// shipmentRows are sent at a time: each is planned, and the server gives one request
// 80 s.
const shipmentRows = 25

func shipmentsKind() importKind {
	return importKind{
		name: "shipments", summary: "shipments to open on a running server, a row each",
		usage: `CSV with a header: reference, origin, destination, weight_kg, and what else a row needs
(volume_m3, cargo_unit, hs, dg, un, temp_min_c, temp_max_c, value, currency, depart,
arrive_by, promise, modes, choose, owner, carrier, unit, container, wagon, vessel and
other numbers). It is sent to a running server, which plans and opens each row by
itself; a row that makes no sense is told by its line. Sending a file again opens no
reference twice. Nothing is kept in the data directory.
`,
		prepare: func(flags *flag.FlagSet) importFunc {
			url := flags.String("url", cmp.Or(os.Getenv("CORRIDOR_URL"), "http://localhost:8080"), "`URL` of the running server")
			key := flags.String("key", cmp.Or(os.Getenv("CORRIDOR_KEY"), os.Getenv("CORRIDOR_ADMIN_KEY")), "`key` of a shipper, dispatcher or administrator; left out: CORRIDOR_KEY")
			dry := flags.Bool("dry-run", false, "plan and check, and open nothing")
			return func(ctx context.Context, in importJob) (importReport, error) {
				if *key == "" {
					return importReport{}, errors.New("give a key by --key or CORRIDOR_KEY")
				}
				b, err := os.ReadFile(in.file)
				if err != nil {
					return importReport{}, err
				}
				r := importReport{What: "shipments opened", Stored: *url}
				if *dry {
					r.What = "shipments could be opened"
				}
				for _, part := range partsOf(b, shipmentRows) {
					if err := sendShipments(ctx, strings.TrimSuffix(*url, "/"), *key, *dry, part, &r); err != nil {
						return r, fmt.Errorf("after %d shipments: %w", r.Loaded, err)
					}
					fmt.Fprintf(in.progress, "line %d: %d opened, %d refused\n", part.last, r.Loaded, len(r.Refused))
				}
				return r, nil
			}
		},
	}
}

// part is a piece of a CSV file under its header.
type part struct {
	line, last int // of the line before its first row, and of its last
	body       []byte
}

// partsOf cuts a CSV file into pieces of so many rows, each with the header. Where a
// row cannot be told from the next, for its quotes do not match, what is left is one
// piece: the server says what is wrong with it.
func partsOf(b []byte, rows int) []part {
	head, rest, _ := bytes.Cut(b, []byte("\n"))
	head = append(bytes.Clone(head), '\n')
	comma := ','
	if bytes.IndexByte(head, ',') < 0 {
		if comma = ';'; bytes.IndexByte(head, ';') < 0 {
			comma = '\t'
		}
	}
	r := csv.NewReader(bytes.NewReader(rest))
	r.FieldsPerRecord, r.Comma, r.ReuseRecord = -1, comma, true
	var out []part
	from, line, n := int64(0), 1, 0
	end := func(to int64) {
		if piece := rest[from:to]; len(bytes.TrimSpace(piece)) > 0 {
			last := line + bytes.Count(piece, []byte("\n"))
			out = append(out, part{line, last, append(bytes.Clone(head), piece...)})
			line, from = last, to
		}
	}
	for {
		_, err := r.Read()
		if err != nil {
			end(int64(len(rest)))
			if len(out) == 0 {
				out = append(out, part{1, 1, b}) // no row: the server says so
			}
			return out
		}
		if n++; n%rows == 0 {
			end(r.InputOffset())
		}
	}
}

func sendShipments(ctx context.Context, url, key string, dry bool, p part, r *importReport) error {
	target := url + "/api/v1/shipments/import?line=" + strconv.Itoa(p.line)
	if dry {
		target += "&dry=true"
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("Content-Type", "text/csv")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return err
	}
	var got struct {
		Detail  string
		Opened  []struct{ Line int }
		Refused []struct {
			Line           int
			Column, Reason string
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		return fmt.Errorf("%s answers %s, and no JSON", url, answer.Status)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", url, answer.Status, got.Detail)
	}
	r.Loaded += len(got.Opened)
	for _, x := range got.Refused {
		if x.Column != "" {
			x.Reason = x.Column + ": " + x.Reason
		}
		r.Refused = append(r.Refused, refusedRow{x.Line, x.Reason})
	}
	return nil
}
