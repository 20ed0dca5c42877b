// Package notify sends alerts to where their rules say: webhooks that are signed, and
// mail. It is the only part of tracking that calls out.
//
// What is to be sent is in the log (tracking.Delivery) and so is how it ended; what is
// between, attempts and pauses, is here and starts anew with the process. So a delivery
// is made at least once, and a receiver that must not act twice keeps the delivery's id.
// A delivery that fails for long is given up, listed as dead, and can be asked for
// again.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"corridor/tracking"
)

// Source knows what is to be sent and takes note of what was.
type Source interface {
	PendingAlerts() []tracking.Alert
	Hook(id tracking.HookID) (tracking.Hook, bool)
	Settle(ctx context.Context, e tracking.DeliverySettled) error
	Leads() bool // of several processes one sends
}

// Config is what a Sender needs. Source is required.
type Config struct {
	Source Source
	Web    *Web  // nil: webhooks are not sent, and wait
	Mail   *Mail // nil: mail is not sent, and its deliveries die with the reason
	Logger *slog.Logger
	Clock  func() time.Time // nil: time.Now

	Every    time.Duration // how often it is looked for what is to be sent; 0: 1 s
	First    time.Duration // pause after the first failure, doubled after each; 0: 2 s
	Longest  time.Duration // pause at most; 0: 30 min
	Attempts int           // after so many it is given up; 0: 14, about three hours
	AtOnce   int           // deliveries under way at a time; 0: 8
}

// Sender makes deliveries.
type Sender struct {
	cfg  Config
	mu   sync.Mutex // guards what follows
	jobs map[job]*attempt
	wake chan struct{}
}

type job struct {
	alert tracking.AlertID
	hook  tracking.HookID
	round int
}

// ID tells deliveries apart; it is the same for each attempt of one.
func (j job) ID() string { return fmt.Sprintf("%s.%s.%d", j.alert, j.hook, j.round) }

type attempt struct {
	n     int
	next  time.Time
	going bool
}

// New returns a Sender; nothing happens before Run.
func New(c Config) *Sender {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.Every, time.Second)
	def(&c.First, 2*time.Second)
	def(&c.Longest, 30*time.Minute)
	if c.Attempts <= 0 {
		c.Attempts = 14
	}
	if c.AtOnce <= 0 {
		c.AtOnce = 8
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sender{cfg: c, jobs: map[job]*attempt{}, wake: make(chan struct{}, 1)}
}

// Run sends until ctx is done and what is under way has ended.
func (s *Sender) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.cfg.Every)
	defer ticker.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, s.cfg.AtOnce)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-s.wake:
		}
		if !s.cfg.Source.Leads() {
			continue
		}
		for _, d := range s.due() {
			select {
			case slots <- struct{}{}:
			default: // all are busy; the next look finds it
				s.put(d.job, false)
				continue
			}
			wg.Go(func() {
				defer func() {
					<-slots
					select {
					case s.wake <- struct{}{}:
					default:
					}
				}()
				s.make(ctx, d)
			})
		}
	}
}

type delivery struct {
	job
	alert tracking.Alert
	hook  tracking.Hook
	n     int // of the attempt, from 1
}

// due lists what is to be tried now, and marks it as under way.
func (s *Sender) due() []delivery {
	now := s.cfg.Clock()
	pending := s.cfg.Source.PendingAlerts()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []delivery
	live := make(map[job]*attempt, len(s.jobs))
	for _, a := range pending {
		for _, d := range a.Deliveries {
			if d.State != tracking.DeliveryPending {
				continue
			}
			j := job{a.ID, d.Hook, d.Round}
			t := s.jobs[j]
			if t == nil {
				t = &attempt{}
			}
			live[j] = t
			if t.going || now.Before(t.next) {
				continue
			}
			h, ok := s.cfg.Source.Hook(d.Hook)
			if !ok || h.URL != "" && s.cfg.Web == nil {
				continue
			}
			t.going = true
			out = append(out, delivery{j, a, h, t.n + 1})
		}
	}
	for j, t := range s.jobs { // what is under way is remembered until it ends
		if t.going {
			live[j] = t
		}
	}
	s.jobs = live
	return out
}

func (s *Sender) put(j job, going bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.jobs[j]; t != nil {
		t.going = going
	}
}

// errGiveUp says that trying again is of no use.
var errGiveUp = errors.New("given up")

func (s *Sender) make(ctx context.Context, d delivery) {
	var err error
	switch {
	case d.hook.URL != "":
		err = s.cfg.Web.post(ctx, d, s.cfg.Clock())
	case s.cfg.Mail != nil:
		err = s.cfg.Mail.send(ctx, d)
	default:
		err = fmt.Errorf("%w: no mail server is set up here (serve --smtp)", errGiveUp)
	}
	if err != nil && ctx.Err() != nil {
		s.put(d.job, false)
		return // stopped, not failed
	}
	end := tracking.DeliverySettled{Alert: d.job.alert, Hook: d.job.hook, Round: d.round, Attempts: d.n, State: tracking.DeliveryDelivered}
	if err != nil {
		end.State, end.Error = tracking.DeliveryDead, clip(err.Error())
		if d.n < s.cfg.Attempts && !errors.Is(err, errGiveUp) {
			s.again(d, err)
			return
		}
		s.cfg.Logger.Warn("an alert could not be delivered and is given up; it can be asked for again", "delivery", d.ID(), "attempts", d.n, "err", err)
	}
	if err := s.cfg.Source.Settle(context.WithoutCancel(ctx), end); err != nil {
		// It is sent once more; the receiver knows it by its id.
		s.cfg.Logger.Warn("how a delivery ended cannot be kept", "delivery", d.ID(), "err", err)
		s.again(d, err)
		return
	}
	s.put(d.job, false)
}

// again sets when the next attempt is made.
func (s *Sender) again(d delivery, err error) {
	pause := s.cfg.First << min(d.n-1, 20)
	if pause <= 0 || pause > s.cfg.Longest {
		pause = s.cfg.Longest
	}
	pause += time.Duration(rand.Int64N(int64(pause)/4 + 1)) // many do not come back at once
	s.mu.Lock()
	if t := s.jobs[d.job]; t != nil {
		t.n, t.next, t.going = d.n, s.cfg.Clock().Add(pause), false
	}
	s.mu.Unlock()
	s.cfg.Logger.Info("an alert could not be delivered, trying again", "delivery", d.ID(), "attempt", d.n, "in", pause, "err", err)
}

// clip bounds what is kept of an error.
func clip(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
