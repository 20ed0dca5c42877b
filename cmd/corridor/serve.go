package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"corridor/tracking/notify"
)

// serveConfig is what serve was told by flags and the environment.
type serveConfig struct {
	addr     string
	data     string
	database string
	nats     string
	replicas int
	logMax   size
	logFree  size
	logKeep  time.Duration
	origins  []string
	demo     bool
	adminKey string // never printed or logged

	forget       time.Duration // between two looks for history that is not to be kept; 0: an hour
	hooksPrivate bool          // alerts may be posted to addresses that are not public, and by plain HTTP
	smtp         string        // server that sends mail; empty: none is sent
	smtpPassword string        // never printed or logged
	mailFrom     string
	publicURL    string // where people reach this server, for links in mail

	tick      time.Duration // between two messages of positions to a viewer
	viewUnits int           // a viewport that holds more is shown as cells
}

// A key people choose is weaker than one of 256 random bits. Below minAdminKey it is
// refused, below goodAdminKey the log says that it is weak.
const (
	minAdminKey  = 8
	goodAdminKey = 24
)

func serveCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	config, logger, err := parseServe(args, os.Getenv, stderr)
	if err != nil {
		return err
	}
	a := newApp(config, logger, time.Now, stdout)
	a.warmUp = true
	return a.Run(ctx)
}

// parseServe reads flags; what is not given there comes from the environment.
func parseServe(args []string, getenv func(string) string, stderr io.Writer) (serveConfig, *slog.Logger, error) {
	var c serveConfig
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor serve [flags]

Serves the API, the live map and the comparison of plans. Nothing else needs to be
installed: the log of positions and the database live in the data directory.

`)
		flags.PrintDefaults()
		fmt.Fprint(stderr, `
Each flag has an environment variable, e.g. CORRIDOR_ADDR for --addr.
CORRIDOR_ADMIN_KEY sets the administrator's key (at least 8 characters, better 32; a
new value replaces the old). Without it a key is made at the first start and printed.
`)
	}
	env := func(name, otherwise string) string { return cmp.Or(getenv("CORRIDOR_"+name), otherwise) }
	var origins, format, level string
	flags.StringVar(&c.addr, "addr", env("ADDR", ":8080"), "`address` to listen on")
	flags.StringVar(&c.data, "data", env("DATA", "data"), "`directory` for the log, the database and the server's keys")
	flags.StringVar(&c.database, "database", env("DATABASE", ""), "PostgreSQL `URL` to use instead of SQLite in the data directory")
	flags.StringVar(&c.nats, "nats", env("NATS", ""), "NATS `URL` of a JetStream cluster to use instead of the log in the data directory")
	flags.IntVar(&c.replicas, "nats-replicas", 0, "`copies` of the log in the cluster of --nats; 0: 3, or 1 where it is no cluster")
	flags.TextVar(&c.logMax, "log-max", c.logMax, "`size` of the log, e.g. 50GB; near it old records that the database has are let go, beyond it reports are refused; 0: no limit")
	flags.TextVar(&c.logFree, "log-min-free", size(128<<20), "`size` that the log leaves free on its disk; below it reports are refused")
	flags.DurationVar(&c.logKeep, "log-keep", 0, "how `long` records stay in the log that the database has, e.g. 720h; 0: until room is short")
	flags.BoolVar(&c.demo, "demo", env("DEMO", "") == "true", "fill an empty data directory with simulated shipments and move them")
	flags.DurationVar(&c.tick, "tick", 100*time.Millisecond, "`time` between two messages of positions to a viewer of the live map")
	flags.IntVar(&c.viewUnits, "view-units", 5000, "`number` of units in a viewport beyond which density is shown instead")
	flags.BoolVar(&c.hooksPrivate, "hooks-private", env("HOOKS_PRIVATE", "") == "true", "let alerts be posted to private addresses and by plain HTTP; without it only public https is called")
	flags.StringVar(&c.smtp, "smtp", env("SMTP", ""), "`server` that sends alerts by mail, e.g. smtp://user@mail.example:587; its password is CORRIDOR_SMTP_PASSWORD")
	flags.StringVar(&c.mailFrom, "mail-from", env("MAIL_FROM", ""), "`address` that mail is sent from, e.g. corridor@example.com")
	flags.StringVar(&c.publicURL, "public-url", env("PUBLIC_URL", ""), "`URL` at which people reach this server, for links in mail")
	flags.StringVar(&origins, "origins", env("ORIGINS", ""), "other `origins` whose pages may use sessions, e.g. https://tms.example, separated by commas")
	flags.StringVar(&format, "log", env("LOG", ""), "`format` of the log on stderr: json or text; left out: text on a terminal")
	flags.StringVar(&level, "log-level", env("LOG_LEVEL", "info"), "`level` of the log: debug, info, warn or error")
	for _, name := range []string{"nats-replicas", "log-max", "log-min-free", "log-keep"} {
		key := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if v := env(key, ""); v != "" {
			if err := flags.Set(name, v); err != nil {
				return c, nil, &usageError{fmt.Errorf("CORRIDOR_%s: %w", key, err)}
			}
		}
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return c, nil, err
		}
		return c, nil, &usageError{err}
	}
	if flags.NArg() > 0 {
		return c, nil, &usageError{fmt.Errorf("takes no arguments, got %q", flags.Arg(0))}
	}
	if c.tick < time.Millisecond || c.viewUnits < 1 {
		return c, nil, &usageError{errors.New("--tick is at least 1ms and --view-units at least 1")}
	}
	if c.logKeep < 0 {
		return c, nil, &usageError{fmt.Errorf("--log-keep %v is negative", c.logKeep)}
	}
	for o := range strings.SplitSeq(origins, ",") {
		if o = strings.TrimSpace(o); o != "" {
			c.origins = append(c.origins, o)
		}
	}
	c.smtpPassword = getenv("CORRIDOR_SMTP_PASSWORD")
	if c.smtp != "" {
		if _, err := c.mail(); err != nil {
			return c, nil, &usageError{fmt.Errorf("--smtp: %w", err)}
		}
	}
	c.adminKey = getenv("CORRIDOR_ADMIN_KEY")
	if c.adminKey != "" && len(c.adminKey) < minAdminKey {
		return c, nil, &usageError{fmt.Errorf("CORRIDOR_ADMIN_KEY is shorter than %d characters; make one with: openssl rand -base64 32", minAdminKey)}
	}
	if strings.TrimSpace(c.adminKey) != c.adminKey {
		return c, nil, &usageError{errors.New("CORRIDOR_ADMIN_KEY begins or ends with a space")}
	}
	logger, err := newLogger(stderr, format, level)
	if err != nil {
		return c, nil, &usageError{err}
	}
	if c.nats != "" && c.database == "" {
		logger.Warn("--nats without --database serves from one process only; give several of them one PostgreSQL too")
	}
	if c.adminKey != "" && len(c.adminKey) < goodAdminKey {
		logger.Warn("CORRIDOR_ADMIN_KEY is short and may be guessed", "characters", len(c.adminKey), "better", goodAdminKey)
	}
	return c, logger, nil
}

// mail is what sends mail; nil when none is sent.
func (c *serveConfig) mail() (*notify.Mail, error) {
	if c.smtp == "" {
		return nil, nil
	}
	return notify.NewMail(c.smtp, c.smtpPassword, c.mailFrom, c.publicURL)
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: use debug, info, warn or error", level)
	}
	options.Level = l
	if format == "" {
		format = "json"
		if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			format = "text"
		}
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, &options)), nil
	}
	return nil, fmt.Errorf("--log %q: use json or text", format)
}

// size is a number of bytes as people write it.
type size int64

// UnmarshalText reads 500MB, 20GiB or a plain number of bytes.
func (s *size) UnmarshalText(text []byte) error {
	number := strings.TrimRight(string(text), "KMGTiBb")
	unit, ok := map[string]float64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
	}[strings.ToUpper(string(text)[len(number):])]
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !ok || !(v >= 0) || v*unit > math.MaxInt64/2 {
		return fmt.Errorf("%q is not a size such as 500MB or 20GB", text)
	}
	*s = size(v * unit)
	return nil
}

// MarshalText writes bytes, or mebibytes where it is some.
func (s size) MarshalText() ([]byte, error) {
	if s > 0 && s%(1<<20) == 0 {
		return fmt.Appendf(nil, "%dMiB", s>>20), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}
