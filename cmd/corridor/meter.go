package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// meter shows how far a long job is: a bar with share, rate and time left on a
// terminal, elsewhere a line now and then.
type meter struct {
	w       io.Writer // nil: show nothing
	bar     bool
	columns int
	bytes   int64 // of the file
	now     func() time.Time

	mu     sync.Mutex // guards the rest
	begun  time.Time
	last   time.Time // shown
	stage  string
	from   time.Time // of the stage
	passed float64   // share of the whole before the stage
	drawn  int       // columns of the bar as it stands
}

// stages are the parts of an import with their share of the time it takes, as seen
// with a state of the United States.
func stageShare(doing string) float64 {
	switch doing {
	case "reading ways":
		return 0.15
	case "reading nodes":
		return 0.1
	case "joining roads":
		return 0.15
	case "ordering roads":
		return 0.5
	}
	return 0.02
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

func newMeter(w io.Writer, quiet bool, bytes int64, now func() time.Time) *meter {
	m := &meter{w: w, bytes: bytes, now: now, columns: 80}
	if quiet {
		m.w = nil
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		m.bar = true
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			m.columns = columns
		}
	}
	m.begun = now()
	m.last = m.begun
	return m
}

// tell says that so large a share of a stage is done.
func (m *meter) tell(doing string, share float64) {
	if m.w == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if doing != m.stage {
		if m.stage != "" {
			m.passed = min(m.passed+stageShare(m.stage), 0.99)
		}
		m.stage, m.from = doing, now
	}
	every := lineEvery
	if m.bar {
		every = barEvery
	}
	if now.Sub(m.last) < every {
		return
	}
	m.last = now
	share = min(max(share, 0), 1)
	whole := min(m.passed+share*stageShare(doing), 0.99)
	rate := ""
	if seconds := now.Sub(m.from).Seconds(); strings.HasPrefix(doing, "reading") && seconds > 0.2 {
		rate = fmt.Sprintf("%.1f MB/s", share*float64(m.bytes)/1e6/seconds)
	}
	left := ""
	if whole > 0.02 {
		left = spoken(time.Duration(float64(now.Sub(m.begun))*(1-whole)/whole)) + " left"
	}
	if !m.bar {
		fmt.Fprintln(m.w, joined(fmt.Sprintf("%s: %.0f%%", doing, whole*100), rate, left))
		return
	}
	tail := joined(fmt.Sprintf(" %3.0f%%  %-15s", whole*100, doing), rate, left)
	room := min(max(m.columns-len(tail)-3, 5), 30)
	full := int(whole * float64(room))
	line := "[" + strings.Repeat("#", full) + strings.Repeat("-", room-full) + "]" + tail
	if len(line) > m.columns-1 {
		line = line[:max(m.columns-1, 0)]
	}
	fmt.Fprint(m.w, "\r", line, strings.Repeat(" ", max(m.drawn-len(line), 0)))
	m.drawn = len(line)
}

// end takes the bar away.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.drawn > 0 {
		fmt.Fprint(m.w, "\r", strings.Repeat(" ", m.drawn), "\r")
		m.drawn = 0
	}
}

func joined(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "  ")
}

// spoken is a duration as people say it: 45 s, 3 min 20 s, 2 h 5 min.
func spoken(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
}
