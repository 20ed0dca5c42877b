package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/store/history"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/sqlite"
)

// What is about somebody lies in the store, the log before the store, and the
// snapshot beside the log. Forgetting writes the store anew without it, from what is
// to stay, and begins a new log behind the old one: nothing is searched for holes,
// because nothing of the old files is kept. A new epoch makes every viewer forget
// what it holds, too.

const (
	forgetName  = "forget" // what is to replace the old, within the data directory
	forgetReady = "ready"  // in it: everything is there, only the swap is left
	erased      = "[erased]"
)

// oblivion is what to forget.
type oblivion struct {
	units     map[string]bool
	shipments map[string]bool
	parties   map[string]bool
	texts     []string

	plans     map[string]bool // of the shipments
	numbers   map[int64]bool  // of the units in the store
	dropped   map[string]int  // rows, by table
	rewritten map[string]int
}

func forgetCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("forget", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor forget [flags]

Deletes for good what a stopped server holds of units, shipments, parties or a text,
such as a driver's name: from the store, the history, the log and its snapshot.

  --unit      its positions, visits and events; its open shipments must have ended
  --shipment  its plan, papers, progress and events
  --party     its keys, units and shipments, and the organisation itself
  --text      wherever it is in papers, notes, references and names

The flags may be given more than once. When the command has ended, no file of the
data directory holds it any more. What it cannot reach: backups made before, the
blocks of the disk that the old files had (encrypt the disk, or trim it), and with
PostgreSQL its own WAL archive and backups. Viewers forget when they reconnect.

`)
		flags.PrintDefaults()
	}
	data := flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` of the installation")
	database := flags.String("database", os.Getenv("CORRIDOR_DATABASE"), "PostgreSQL `URL`, where the store is there")
	o := &oblivion{units: map[string]bool{}, shipments: map[string]bool{}, parties: map[string]bool{}}
	into := func(set map[string]bool) func(string) error {
		return func(v string) error {
			if v == "" {
				return errors.New("it is empty")
			}
			set[v] = true
			return nil
		}
	}
	flags.Func("unit", "`id` of a unit", into(o.units))
	flags.Func("shipment", "`id` of a shipment", into(o.shipments))
	flags.Func("party", "`id` of an organisation", into(o.parties))
	flags.Func("text", "`text` of four characters or more, as it was written", func(v string) error {
		if len([]rune(v)) < 4 {
			return errors.New("so short a text would be found everywhere")
		}
		o.texts = append(o.texts, v)
		return nil
	})
	rest, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) > 0:
		return &usageError{fmt.Errorf("takes no arguments, got %q", rest[0])}
	case len(o.units)+len(o.shipments)+len(o.parties)+len(o.texts) == 0:
		return &usageError{errors.New("say what to forget: --unit, --shipment, --party or --text")}
	}
	if _, err := os.Stat(filepath.Join(*data, logName)); err != nil {
		return fmt.Errorf("there is no installation with a log of its own in %s: in a cluster let its log go with --log-keep, and ask for the store's part on a copy: %w", *data, err)
	}
	release, err := lockDir(*data)
	if err != nil {
		return err
	}
	err = finishForgetting(ctx, *data, *database)
	if err == nil {
		err = o.forget(ctx, *data, *database)
	}
	if err = errors.Join(err, release()); err != nil {
		return err
	}
	for _, t := range history.Tables() {
		if d, r := o.dropped[t.Name], o.rewritten[t.Name]; d+r > 0 {
			fmt.Fprintf(stdout, "%-9s %d deleted, %d rewritten\n", t.Name, d, r)
		}
	}
	fmt.Fprintln(stdout, "forgotten: the log begins anew; delete the backups made before")
	return nil
}

// forget makes the new store and log beside the old ones, and swaps them.
func (o *oblivion) forget(ctx context.Context, data, database string) error {
	seq, err := settleStore(ctx, data, database)
	if err != nil {
		return err
	}
	store, err := openMovable(ctx, data, database)
	if err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			_ = store.Close()
		}
	}()
	if err := o.survey(ctx, store); err != nil {
		return err
	}
	dir := filepath.Join(data, forgetName)
	if err := os.RemoveAll(dir); err != nil { // of a run that was interrupted before it was ready
		return err
	}
	epoch := strings.ToLower(rand.Text()[:16])
	fresh, err := sqlite.Open(ctx, filepath.Join(dir, storeName))
	if err != nil {
		return err
	}
	err = fresh.Fill(ctx, func(put func(int, []any) error) (uint64, string, error) {
		s, _, err := store.Dump(ctx, func(table int, row []any) error {
			keep, err := o.row(history.Tables()[table], row)
			if err != nil || !keep {
				return err
			}
			return put(table, row)
		})
		return s, epoch, err
	})
	if err == nil { // what is left must make a state
		state := tracking.NewState()
		if err = fresh.Load(ctx, state.Restore); err == nil {
			err = state.RestoreDone(seq)
		}
		if err != nil {
			err = fmt.Errorf("what would be left does not fit together, nothing was changed: %w", err)
		}
	}
	if err = errors.Join(err, fresh.Close(), store.Close()); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	closed = true
	nothing := func(func([]byte, error) bool) {}
	if err := poslog.Restore(ctx, filepath.Join(dir, logName), epoch, seq+1, nothing); err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, forgetReady), []byte(epoch)); err != nil {
		return err
	}
	return finishForgetting(ctx, data, database)
}

// finishForgetting swaps what forget made for what was there. It may be interrupted
// anywhere and is finished by the next start.
func finishForgetting(ctx context.Context, data, database string) error {
	dir := filepath.Join(data, forgetName)
	epoch, err := os.ReadFile(filepath.Join(dir, forgetReady))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	path := filepath.Join(dir, storeName)
	if _, err := os.Stat(path); err == nil {
		if database != "" {
			if err := replaceDatabase(ctx, path, database, string(epoch)); err != nil {
				return fmt.Errorf("finish forgetting: %w", err)
			}
		} else {
			for _, end := range []string{"-wal", "-shm"} {
				if err := os.Remove(filepath.Join(data, storeName+end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("finish forgetting: %w", err)
				}
			}
			if err := os.Rename(path, filepath.Join(data, storeName)); err != nil {
				return fmt.Errorf("finish forgetting: %w", err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, logName)); err == nil {
		if err := os.RemoveAll(filepath.Join(data, logName)); err != nil {
			return fmt.Errorf("finish forgetting: %w", err)
		}
		if err := os.Rename(filepath.Join(dir, logName), filepath.Join(data, logName)); err != nil {
			return fmt.Errorf("finish forgetting: %w", err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("finish forgetting: %w", err)
	}
	return nil
}

// replaceDatabase puts what the SQLite file has in the place of what PostgreSQL has,
// in one transaction, unless that was done.
func replaceDatabase(ctx context.Context, path, database, epoch string) (err error) {
	to, err := postgres.Open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, has, err := to.Applied(ctx); err != nil || has == epoch {
		return err
	}
	from, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return to.Replace(ctx, func(put func(int, []any) error) (uint64, string, error) { return from.Dump(ctx, put) })
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func openMovable(ctx context.Context, data, database string) (movable, error) {
	if database != "" {
		return postgres.Open(ctx, database)
	}
	return sqlite.Open(ctx, filepath.Join(data, storeName))
}

// settleStore brings all of the log into the store and returns where both are.
func settleStore(ctx context.Context, data, database string) (seq uint64, err error) {
	var store tracking.Store
	if database != "" {
		store, err = postgres.Open(ctx, database)
	} else {
		store, err = sqlite.Open(ctx, filepath.Join(data, storeName))
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	log, err := poslog.Open(ctx, poslog.Config{Dir: filepath.Join(data, logName), MinFree: -1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	t := live.New(live.Config{Log: log, Store: store, StopAfter: 10 * time.Minute})
	run, stop := context.WithCancel(ctx)
	defer stop()
	end := make(chan error, 1)
	go func() { end <- t.Run(run) }()
	select {
	case <-t.Ready():
		stop()
		err = <-end
	case err = <-end:
	}
	if err != nil {
		return 0, err
	}
	last, err := log.Last(ctx)
	if err != nil {
		return 0, err
	}
	if seq, _, err = store.Applied(ctx); err == nil && seq != last {
		err = fmt.Errorf("the store is at record %d and the log at %d: start the server, let it catch up, and try again", seq, last)
	}
	return seq, err
}

// survey finds what belongs to what is to be forgotten, and refuses what cannot be.
func (o *oblivion) survey(ctx context.Context, store movable) error {
	o.plans, o.numbers = map[string]bool{}, map[int64]bool{}
	known := map[string]bool{}
	busy := map[string]string{} // unit: a shipment under way on it
	_, _, err := store.Dump(ctx, func(table int, row []any) error {
		switch history.Tables()[table].Name {
		case "party":
			known["party "+row[0].(string)] = true
		case "unit":
			id, carrier := row[1].(string), row[2].(string)
			known["unit "+id] = true
			if o.parties[carrier] {
				o.units[id] = true
			}
			if o.units[id] {
				o.numbers[row[0].(int64)] = true
			}
		case "shipment":
			var s tracking.Shipment
			if err := json.Unmarshal([]byte(row[1].(string)), &s); err != nil {
				return err
			}
			known["shipment "+string(s.ID)] = true
			if o.parties[string(s.Owner)] {
				o.shipments[string(s.ID)] = true
			}
			if o.shipments[string(s.ID)] {
				o.plans[s.PlanID] = true
			} else if !s.Ended() && s.Unit != "" {
				busy[string(s.Unit)] = string(s.ID)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for what, set := range map[string]map[string]bool{"unit": o.units, "shipment": o.shipments, "party": o.parties} {
		for id := range set {
			if !known[what+" "+id] {
				return fmt.Errorf("there is no %s %q: nothing was changed", what, id)
			}
		}
	}
	for id := range o.units {
		if s := busy[id]; s != "" {
			return fmt.Errorf("unit %q carries shipment %s: cancel it, give it another unit, or forget it too; nothing was changed", id, s)
		}
	}
	return nil
}

// row tells whether a row stays, and takes out of it what is to be forgotten.
func (o *oblivion) row(t history.Table, row []any) (keep bool, err error) {
	if o.dropped == nil {
		o.dropped, o.rewritten = map[string]int{}, map[string]int{}
	}
	at := func(column string) int {
		return slices.IndexFunc(t.Columns, func(c history.Column) bool { return c.Name == column })
	}
	drop := false
	switch t.Name {
	case "party":
		drop = o.parties[row[0].(string)]
	case "shipment", "progress":
		drop = o.shipments[row[0].(string)]
	case "plan":
		drop = o.plans[row[0].(string)] || o.parties[row[1].(string)]
	case "object":
		id := row[1].(string)
		drop = o.units[id] || o.shipments[id] || o.parties[id]
		if !drop {
			drop, err = o.owns(row[0].(string), row[at("body")].(string))
		}
	case "key":
		var k tracking.Key
		if err := json.Unmarshal([]byte(row[1].(string)), &k); err != nil {
			return false, err
		}
		drop = o.parties[string(k.Party)]
	case "event":
		var e tracking.Event
		if err := json.Unmarshal([]byte(row[at("body")].(string)), &e); err != nil {
			return false, err
		}
		drop = o.shipments[string(e.Shipment)] || o.units[string(e.Unit)] || o.parties[string(e.For)]
	case "unit":
		drop = o.numbers[row[0].(int64)]
	case "open", "sealed", "place":
		drop = o.numbers[row[at("unit")].(int64)]
	}
	if err != nil {
		return false, err
	}
	if drop {
		o.dropped[t.Name]++
		return false, nil
	}
	if i := at("body"); i >= 0 && t.Columns[i].Kind == history.JSON {
		body, changed, err := o.scrub(row[i].(string))
		if err != nil {
			return false, fmt.Errorf("%s %v: %w", t.Name, row[0], err)
		}
		if changed {
			row[i] = body
			o.rewritten[t.Name]++
		}
	}
	return true, nil
}

// owns tells whether a thing is a forgotten party's, or is about what is forgotten.
func (o *oblivion) owns(kind, body string) (bool, error) {
	switch kind {
	case "alert", "rule", "hook", "fence":
	default:
		return false, nil
	}
	var x struct {
		Party, Owner string // an alert's owner is a name, and a fence has no party
		Event        tracking.Event
	}
	if err := json.Unmarshal([]byte(body), &x); err != nil {
		return false, fmt.Errorf("%s: %w", kind, err)
	}
	return o.parties[x.Party] || kind == "fence" && o.parties[x.Owner] || o.units[string(x.Event.Unit)] || o.shipments[string(x.Event.Shipment)], nil
}

// scrub takes texts and the ids of what was deleted out of a document. A reference
// to a unit or a carrier becomes empty, as if there had been none.
func (o *oblivion) scrub(body string) (string, bool, error) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber() // as it was written
	var v any
	if err := d.Decode(&v); err != nil {
		return "", false, err
	}
	changed := false
	var clean func(key string, v any) any
	clean = func(key string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				v[k] = clean(k, x)
			}
		case []any:
			for i, x := range v {
				v[i] = clean(key, x)
			}
		case string:
			if o.units[v] || o.shipments[v] || o.parties[v] {
				changed = true
				if key == "unit" || key == "carrier" || key == "shipment" {
					return ""
				}
				return erased
			}
			if structural(key) {
				return v
			}
			s := v
			for _, t := range o.texts {
				s = strings.ReplaceAll(s, t, erased)
			}
			if s != v {
				changed = true
				return s
			}
		}
		return v
	}
	v = clean("", v)
	if !changed {
		return body, false, nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", false, err
	}
	return strings.TrimSuffix(out.String(), "\n"), true, nil
}

// structural tells of a key whose value the program reads, where a text is found by
// chance only.
func structural(key string) bool {
	switch key {
	case "id", "unit", "shipment", "owner", "carrier", "party", "plan_id", "kind", "mode", "status", "role", "scope", "hash", "by":
		return true
	}
	return false
}
