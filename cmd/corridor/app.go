package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/geodata/network/exact"
	"corridor/geodata/paged"
	"corridor/routing"
	"corridor/routing/ecommerce"
	"corridor/routing/regime"
	"corridor/routing/search"
	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/notify"
	"corridor/tracking/poslog"
	"corridor/tracking/store/postgres"
	"corridor/tracking/store/sqlite"
	"corridor/web"
	"corridor/web/api"
	"corridor/web/dist"
	"corridor/web/feed"
	"corridor/web/stream"
	"corridor/web/tiles"
)

// app is the whole server in one value, so that tests run it in-process on port 0.
type app struct {
	serveConfig
	logger *slog.Logger
	clock  func() time.Time
	stdout io.Writer // what a person at the terminal must see, once

	openPlanner func() (api.Planner, api.Places, error)
	pages       func() *paged.Store
	warmUp      bool                                       // make a plan at the start that nobody asked for
	tuneDemo    func(*demo)                                // nil: as it is
	prepare     func(context.Context, *live.Tracker) error // nil: nothing; before requests are let in

	serving chan struct{} // closed when requests are answered
	url     string        // for people; set before serving is closed
	base    string        // for the demonstration, which must not meet another server on ::1
	state   atomic.Pointer[string]
}

// drainTime is how long requests and connections may take to end when the server
// stops.
const drainTime = 15 * time.Second

func newApp(c serveConfig, logger *slog.Logger, clock func() time.Time, stdout io.Writer) *app {
	a := &app{serveConfig: c, logger: logger, clock: clock, stdout: stdout, serving: make(chan struct{}), pages: sync.OnceValue(func() *paged.Store { return openPages(c.data, logger) })}
	a.openPlanner = func() (api.Planner, api.Places, error) { return openPlanner(c.data, a.pages()) }
	a.enter("starting: the log is being replayed")
	return a
}

// enter sets why the server is not ready; "" when it is.
func (a *app) enter(state string) { a.state.Store(&state) }

func (a *app) ready() error {
	if s := *a.state.Load(); s != "" {
		return errors.New(s)
	}
	return nil
}

// Serving is closed when requests are answered; URL is valid from then on.
func (a *app) Serving() <-chan struct{} { return a.serving }

// URL is where the server is reached from this machine.
func (a *app) URL() string { return a.url }

// Run starts the pieces in the order store, log, tracker, HTTP, and stops them in
// the reverse: no request may find the tracker gone, nothing that the tracker still
// writes may find the log or the store closed.
func (a *app) Run(ctx context.Context) (err error) {
	release, err := lockDir(a.data)
	if err != nil {
		return err
	}
	closing := func(what string, f func() error) {
		if e := f(); e != nil {
			err = errors.Join(err, fmt.Errorf("close the %s: %w", what, e))
		}
	}
	defer closing("lock", release)
	if err := finishForgetting(ctx, a.data, a.database); err != nil {
		return err
	}

	store, err := a.openStore(ctx)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer closing("store", store.Close)

	log, err := poslog.Open(ctx, poslog.Config{
		Dir: filepath.Join(a.data, "log"), URL: a.nats, Replicas: a.replicas,
		MaxBytes: int64(a.logMax), MinFree: minFree(a.logFree), Keep: a.logKeep, Logger: a.logger,
	})
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer closing("log", log.Close)

	tracker := live.New(live.Config{Log: log, Shared: a.nats != "", Store: store, Clock: a.clock, Logger: a.logger, Tick: a.tick, ViewUnits: a.viewUnits, Forget: a.forget})
	// The tracker outlives the signal: it ends after the last request has.
	trackerContext, stopTracker := context.WithCancel(context.WithoutCancel(ctx))
	trackerEnd := make(chan error, 1)
	go func() { trackerEnd <- tracker.Run(trackerContext) }()
	defer func() {
		stopTracker()
		if e := <-trackerEnd; e != nil && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, fmt.Errorf("tracker: %w", e))
		}
		a.logger.Info("stopped")
	}()

	sessionKey, err := a.sessionKey(ctx, log)
	if err != nil {
		return err
	}
	site, err := a.assemble(store, log, tracker, sessionKey)
	if err != nil {
		return err
	}
	return a.serve(ctx, site, tracker, trackerEnd)
}

// minFree is as poslog wants it, where 0 is its default and less than 0 none.
func minFree(s size) int64 {
	if s == 0 {
		return -1
	}
	return int64(s)
}

// sessionKey signs sessions. Processes that share a log share it too, so that a
// browser goes on at any of them.
func (a *app) sessionKey(ctx context.Context, log *poslog.Log) ([]byte, error) {
	if a.nats == "" {
		return web.SessionKey(a.data)
	}
	return log.Value(ctx, "session-key", func() ([]byte, error) { return web.SessionKey(a.data) })
}

func (a *app) openStore(ctx context.Context) (tracking.Store, error) {
	if a.database != "" {
		return postgres.Open(ctx, a.database)
	}
	return sqlite.Open(ctx, filepath.Join(a.data, "corridor.db"))
}

// site is what answers requests.
type site struct {
	web     *web.Server
	stream  *stream.Server
	feed    *feed.Server
	planner api.Planner
	places  api.Places
}

// assemble puts the web together on a store and a tracker that are running.
func (a *app) assemble(store tracking.Store, log *poslog.Log, tracker *live.Tracker, sessionKey []byte) (*site, error) {
	planner, places, err := a.openPlanner()
	if err != nil {
		return nil, err
	}
	posts, err := border.All()
	if err != nil {
		return nil, fmt.Errorf("open the border posts: %w", err)
	}
	state, err := openConditions(a.data)
	if err != nil {
		return nil, fmt.Errorf("open what was imported about borders: %w", err)
	}
	basemap, err := tiles.Handler()
	if err != nil {
		return nil, fmt.Errorf("open the basemap: %w", err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newTrackerMetrics(tracker.Stats),
	)
	server, err := web.New(web.Config{
		Keys: tracker, SessionKey: sessionKey, Origins: a.origins, Clock: a.clock, Logger: a.logger,
		Metrics: metrics, Ready: a.ready, Static: dist.FS(),
	})
	if err != nil {
		return nil, err
	}
	commerce, _ := planner.(api.Commerce) // a test may plan without it
	var demo *api.Demo
	if a.demo {
		demo = &api.Demo{SpeedFactor: demoSpeed}
	}
	api.Mount(server, api.Config{
		Planner: planner, Commerce: commerce, Conditions: state, Plans: store, Places: places, Borders: posts, Rules: regime.Rules(),
		Parties: tracker, Tracker: tracker, Carnets: tracker, TIR: convention{}, Clock: a.clock, Version: version, Demo: demo,
	})
	s := &site{
		web: server, planner: planner, places: places,
		stream: stream.New(stream.Config{
			Watcher: tracker, Authenticate: server.Identify, Origins: a.origins, Clock: a.clock, Logger: a.logger, Metrics: metrics,
			Refuse: func(w http.ResponseWriter, r *http.Request, status int, detail string) {
				server.WriteProblem(w, r, web.NewProblem(status, "handshake", detail))
			},
		}),
		feed: feed.New(feed.Config{Sink: tracker, Log: tracker, Shell: server, Logger: a.logger, Metrics: metrics}),
	}
	for _, rt := range []web.Route{
		{Path: "/api/v1/stream", Access: web.SignedIn, Socket: true, Handler: s.stream},
		{Path: "/api/v1/feed", Access: web.Admins | web.Carriers, Socket: true, Handler: s.feed},
		{Path: "/api/v1/backup", Access: web.Admins, Handler: a.backupHandler(server, store, log)},
		{Path: "/tiles/", Access: web.Public, Bare: true, Handler: basemap},
		{Path: "/metrics", Access: web.Public, Bare: true, Handler: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Registry: metrics})},
	} {
		rt.Method = http.MethodGet
		server.Handle(rt)
	}
	return s, nil
}

// openPlanner opens the world the planner works in, with what was imported into the
// data directory. The store, nil for the heap, is where networks and places go.
func openPlanner(data string, store *paged.Store) (api.Planner, api.Places, error) {
	countries := sync.OnceValues(func() (*area.Area, error) { return area.OpenPaged(store) })
	places, err := openPlacesWith(data, gazetteer.Config{Countries: countries, Store: store})
	if err != nil {
		return nil, nil, fmt.Errorf("open the places: %w", err)
	}
	world, err := openWorldWith(data, network.Config{Countries: countries, Store: store})
	if err != nil {
		return nil, nil, fmt.Errorf("open the networks: %w", err)
	}
	// The networks would be decoded with the first plan; nobody should wait for it.
	if err := world.Warm(geodata.Modes()...); err != nil {
		return nil, nil, fmt.Errorf("open the networks: %w", err)
	}
	posts, err := border.All()
	if err != nil {
		return nil, nil, fmt.Errorf("open the border posts: %w", err)
	}
	rates, err := openRates(data, "")
	if err != nil {
		return nil, nil, fmt.Errorf("open the rates: %w", err)
	}
	times, err := openTimes(data)
	if err != nil {
		return nil, nil, fmt.Errorf("open the timetable: %w", err)
	}
	versions, err := worldVersions(data)
	if err != nil {
		return nil, nil, fmt.Errorf("tell the versions of the data: %w", err)
	}
	planner, err := search.New(search.Config{World: world, Places: places, Posts: posts, Rates: rates, Times: times, Data: versions})
	if err != nil {
		return nil, nil, fmt.Errorf("open the planner: %w", err)
	}
	return desk{planner, &ecommerce.Comparer{Planner: planner, Roads: world, Places: places, Rates: rates, Times: times, Clock: time.Now}}, places, nil
}

// desk answers what there is to plan.
type desk struct {
	*search.Planner
	*ecommerce.Comparer
}

// Plan is the planner's; both parts have one.
func (d desk) Plan(ctx context.Context, r routing.Request, c routing.Conditions) (routing.Plan, error) {
	return d.Planner.Plan(ctx, r, c)
}

// worldVersions are the versions of places, posts and networks: those embedded go
// with the program, those imported are told by their files.
func worldVersions(data string) ([]routing.Data, error) {
	program := routing.Data{Name: "program, with its places, posts and networks", Version: version}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				program.Version += " " + s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					program.Version += " modified"
				}
			case "vcs.time":
				program.AsOf = s.Value
			}
		}
	}
	out := []routing.Data{program}
	if data == "" {
		return out, nil
	}
	for _, dir := range []string{placesDir, exact.Folder} {
		entries, err := os.ReadDir(filepath.Join(data, dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// An imported network may take hundreds of MB: its size and day tell enough.
		h := sha256.New()
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			fmt.Fprintln(h, info.Name(), info.Size(), info.ModTime().UnixNano())
		}
		out = append(out, routing.Data{Name: "imported " + dir, Version: hex.EncodeToString(h.Sum(nil)[:6])})
	}
	return out, nil
}

// serve answers requests until ctx is done or something fails, and then lets the
// requests and connections that are open end.
func (a *app) serve(ctx context.Context, s *site, tracker *live.Tracker, trackerEnd chan error) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.addr, err)
	}
	a.url, a.base = localURLs(listener.Addr())
	server := &http.Server{
		Handler:           s.web,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // 16 MiB over a poor link
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn),
	}
	work, stopWork := context.WithCancel(ctx)
	defer stopWork()
	group, work := errgroup.WithContext(work)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error { return a.open(work, tracker, trackerEnd) })
	group.Go(func() error { return a.notify(work, tracker) })
	group.Go(func() error {
		keepSmall(work, a.pages())
		return nil
	})
	group.Go(func() error {
		if a.warmUp {
			warm(work, s.planner, s.places, a.logger)
		}
		return nil
	})

	<-work.Done()
	a.logger.Info("stopping")
	a.enter("stopping: come back in a moment")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	var ending errgroup.Group
	ending.Go(func() error { return server.Shutdown(drain) })
	ending.Go(func() error { return s.stream.Drain(drain) })
	ending.Go(func() error { return s.feed.Drain(drain) })
	if err := ending.Wait(); err != nil {
		a.logger.Warn("not everything ended in time", "err", err)
		_ = server.Close()
	}
	return group.Wait()
}

// notify sends alerts until ctx is done.
func (a *app) notify(ctx context.Context, tracker *live.Tracker) error {
	select {
	case <-tracker.Ready():
	case <-ctx.Done():
		return nil
	}
	mail, err := a.mail()
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	return notify.New(notify.Config{Source: tracker, Web: notify.NewWeb(a.hooksPrivate), Mail: mail, Logger: a.logger}).Run(ctx)
}

// warm makes a plan over half of the world for nobody, so that the first user does
// not wait until the networks are prepared for what plans ask of them.
func warm(ctx context.Context, planner api.Planner, places api.Places, logger *slog.Logger) {
	begun := time.Now()
	if g, ok := places.(*gazetteer.Gazetteer); ok {
		if err := g.Warm(); err != nil {
			logger.Warn("search could not be warmed up", "err", err)
		}
	}
	_, err := planner.Plan(ctx, routing.Request{
		Origin: "CNTAO", Destination: "RUMOW", Cargo: routing.Cargo{WeightKG: 20_000, Unit: routing.FTL}, Depart: begun,
	}, conditions{})
	debug.FreeOSMemory() // what decoding took, several times what is left
	switch {
	case ctx.Err() != nil: // stopped meanwhile
	case err != nil:
		logger.Warn("the planner could not be warmed up", "err", err)
	default:
		logger.Info("planner is warm", "ms", time.Since(begun).Milliseconds())
	}
}

// open lets requests in when the state is restored, and then stays to see whether
// the tracker or the simulation fails.
func (a *app) open(ctx context.Context, tracker *live.Tracker, trackerEnd chan error) error {
	failed := func(err error) error {
		trackerEnd <- nil // Run waits for it
		if err == nil {
			err = errors.New("it ended by itself")
		}
		return fmt.Errorf("tracker: %w", err)
	}
	select {
	case <-tracker.Ready():
	case err := <-trackerEnd:
		return failed(err)
	case <-ctx.Done():
		return nil
	}
	if a.prepare != nil {
		if err := a.prepare(ctx, tracker); err != nil {
			return err
		}
	}
	var seed *demo
	if a.demo {
		var err error
		if seed, err = openDemo(a, tracker); err != nil {
			return err
		}
		if a.tuneDemo != nil {
			a.tuneDemo(seed)
		}
	}
	ctx, stopSimulation := context.WithCancel(ctx)
	defer stopSimulation()
	fresh, err := ensureAdmin(ctx, tracker, a.data, a.adminKey, a.demo)
	if err != nil {
		return err
	}
	a.enter("")
	a.logger.Info("serving", "url", a.url, "version", version, "data", a.data)
	a.greet(fresh)
	close(a.serving)
	simulated := make(chan struct{})
	go func() {
		defer close(simulated)
		if seed == nil {
			return
		}
		// A server without its demonstration still serves.
		if err := seed.run(ctx, a.base); err != nil && ctx.Err() == nil {
			a.logger.Error("the demonstration ended", "err", err)
		}
	}()
	select {
	case <-ctx.Done():
		err = nil
	case end := <-trackerEnd:
		err = failed(end)
	}
	stopSimulation()
	<-simulated
	return err
}

// greet tells the person at the terminal what to do next. A fresh key is shown
// here and nowhere else, in no log.
func (a *app) greet(fresh string) {
	fmt.Fprintf(a.stdout, "\nCorridor %s is serving %s\n", version, a.url)
	host, _, _ := net.SplitHostPort(a.addr)
	ip := net.ParseIP(host)
	switch {
	case fresh != "" && a.demo && (host == "localhost" || ip != nil && ip.IsLoopback()):
		fmt.Fprintf(a.stdout, "Sign in with one click: %s/signin#key=%s\n", a.url, fresh)
	case fresh != "":
		fmt.Fprintf(a.stdout, "Sign in at %s/signin with this key, which is shown once:\n\n    %s\n", a.url, fresh)
	case a.adminKey != "":
		fmt.Fprintf(a.stdout, "Sign in at %s/signin with the key in CORRIDOR_ADMIN_KEY\n", a.url)
	default:
		fmt.Fprintf(a.stdout, "Sign in at %s/signin; a lost administrator's key is replaced by starting with CORRIDOR_ADMIN_KEY set\n", a.url)
	}
	if a.demo {
		fmt.Fprintf(a.stdout, "Units are simulated and move %g times faster than planned.\n", float64(demoSpeed))
	}
	fmt.Fprintln(a.stdout)
}

// localURLs are how this machine reaches the listener: by the name people know and
// by the number.
func localURLs(addr net.Addr) (named, numbered string) {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String(), "http://" + addr.String()
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsUnspecified() && !ip.IsLoopback() {
		u := "http://" + net.JoinHostPort(host, port)
		return u, u
	}
	number := "127.0.0.1"
	if ip.To4() == nil && ip.IsLoopback() {
		number = "::1"
	}
	return "http://localhost:" + port, "http://" + net.JoinHostPort(number, port)
}
