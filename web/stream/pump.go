package stream

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"corridor/tracking"
)

// pump gives connections that have something to write their turn, a few at a time.
// Waking a goroutine for each of thousands of connections at each tick would cost
// half as much as what they write, and the memory of their stacks.
type pump struct {
	mu      sync.Mutex // guards what follows
	queue   []*conn    // each at most once
	head    int
	workers int // that run; each ends when the queue is empty
}

func (p *pump) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, c)
	if p.workers < runtime.GOMAXPROCS(0) {
		p.workers++
		go p.run()
	}
}

func (p *pump) next() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head == len(p.queue) {
		p.queue, p.head = p.queue[:0], 0
		p.workers--
		return nil
	}
	c := p.queue[p.head]
	p.queue[p.head] = nil
	p.head++
	if p.head >= 1024 && p.head*2 > len(p.queue) { // it never runs dry under load
		n := copy(p.queue, p.queue[p.head:])
		clear(p.queue[n:])
		p.queue, p.head = p.queue[:n], 0
	}
	return c
}

func (p *pump) run() {
	for c := p.next(); c != nil; c = p.next() {
		c.state.Store(running)
		if c.subscribes() { // takes long: the others do not wait for it
			go c.turn(true)
		} else {
			c.turn(false)
		}
	}
}

// States of a connection.
const (
	resting = iota
	queued
	running // its turn
	again   // its turn, and there is more to do than it may have seen
)

// schedule asks for a turn. It may be called with locks held.
func (c *conn) schedule() {
	for {
		switch c.state.Load() {
		case resting:
			if c.state.CompareAndSwap(resting, queued) {
				c.s.pump.put(c)
				return
			}
		case running:
			if c.state.CompareAndSwap(running, again) {
				return
			}
		default:
			return
		}
	}
}

// deltasAtOnce is how many a turn sends before others have theirs.
const deltasAtOnce = 8

// Ways a turn ends.
type outcome int

const (
	rests    outcome = iota
	yields           // there may be more
	waits            // for the store: not on a worker's time
	finished         // for good
)

func (c *conn) turn(patient bool) {
	switch c.work(patient) {
	case waits:
		go c.turn(true)
		return
	case finished:
		close(c.ended) // and no turn comes any more
		return
	case yields:
		c.state.Store(again)
	}
	if !c.state.CompareAndSwap(running, resting) {
		c.state.Store(queued)
		c.s.pump.put(c)
	}
}

// nothing is for a Next that does not wait.
func nothing() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNothing)
	return ctx
}

var errNothing = errors.New("nothing is there to be sent")

// patience is how long a question of the store may take a watch.
const patience = time.Minute

// work does what the mail says and sends what the watch has, as far as the client
// takes it.
func (c *conn) work(patient bool) outcome {
	stuck, err := c.out.status()
	if err != nil {
		c.fail(writeError(err))
	} else if stuck && !c.leaves() {
		return rests // until it is free
	}
	m := c.takeMail()
	if m.gone || m.code != 0 {
		c.farewell(m)
		return finished
	}
	for _, e := range m.errors {
		err = errors.Join(err, c.sendError(e))
	}
	if m.subscribe != nil && err == nil {
		err = c.subscribe(m.subscribe)
	}
	if m.ping && err == nil {
		c.pinging.Reset(c.s.cfg.PingEvery)
		err = c.ping()
	}
	if err == nil && c.watch != nil {
		var end outcome
		if end, err = c.pass(patient); err == nil {
			return end
		}
	}
	if err != nil {
		c.fail(err)
		c.farewell(c.takeMail())
		return finished
	}
	return rests
}

// pass sends what the watch has.
func (c *conn) pass(patient bool) (outcome, error) {
	for range deltasAtOnce {
		if stuck, err := c.out.status(); err != nil || stuck {
			return rests, writeError(err)
		}
		d, err := c.watch.Next(c.s.nothing)
		if err != nil && !errors.Is(err, errNothing) && errors.Is(err, context.Canceled) {
			if !patient {
				return waits, nil
			}
			d, err = c.ask()
		}
		if errors.Is(err, errNothing) {
			return rests, nil
		}
		if err == nil {
			err = c.sendDelta(&d)
		}
		if err != nil {
			return rests, err
		}
	}
	return yields, nil
}

// ask lets the watch ask the store.
func (c *conn) ask() (tracking.Delta, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.watch.Next(ctx)
}

func (c *conn) subscribes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mail.subscribe != nil
}

func (c *conn) leaves() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mail.gone || c.mail.code != 0
}
