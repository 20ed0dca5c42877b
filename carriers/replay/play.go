package replay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/tracking"
)

// Config says where to and how fast.
type Config struct {
	URL       string // of the server, e.g. "http://localhost:8080"
	Key       string
	Client    *http.Client // nil: one with a time limit
	Mode      geodata.Mode
	Simulated bool
	Carrier   tracking.PartyID // for an administrator's key: whose units they are

	Speed    float64       // times as fast as recorded; 0: as fast as the server takes them
	Batch    int           // positions in one request at most; 0: 1,000
	Patience time.Duration // how long a server may be away; 0: 5 minutes

	Progress func(Tally) // called from Play, after each answer and each failed try
}

// Tally is what has become of the positions so far.
type Tally struct {
	Total, Sent        int // Sent: answered for, in whatever way
	Stored, Duplicates int
	Refused            map[string]int    // by reason's code
	Example            map[string]string // a reason for each code
	Retries            int
	Waiting            error     // why the last try failed; nil when it did not
	At                 time.Time // device time of the last position answered for
}

// StatusError is an answer that trying again does not change.
type StatusError struct {
	Status int
	Title  string // of the problem, as the server told it
	Detail string
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answers %d %s", e.Status, cmp.Or(e.Title, http.StatusText(e.Status)))
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Play sends the script. It returns when every position was answered for, when ctx
// is done, or when the server refuses as a whole or stays away; what was answered
// until then is in the tally. A try whose answer was lost is sent again: what was
// stored the first time then counts as duplicates.
func Play(ctx context.Context, s Script, c Config) (Tally, error) {
	p := player{config: c, tally: Tally{Total: len(s.Positions), Refused: make(map[string]int), Example: make(map[string]string)}}
	if c.Client == nil {
		p.config.Client = &http.Client{Timeout: time.Minute}
	}
	if c.Batch <= 0 {
		p.config.Batch = 1000
	}
	if c.Patience <= 0 {
		p.config.Patience = 5 * time.Minute
	}
	var err error
	if p.target, err = target(c); err != nil {
		return p.tally, err
	}
	begin := time.Now()
	rest := s.Positions
	for len(rest) > 0 {
		n := min(len(rest), p.config.Batch)
		if c.Speed > 0 {
			elapsed := time.Duration(float64(time.Since(begin)) * c.Speed)
			due := 0
			for due < n && rest[due].Time.Sub(s.Positions[0].Time) <= elapsed {
				due++
			}
			if due == 0 {
				next := rest[0].Time.Sub(s.Positions[0].Time) - elapsed
				// Not for each position by itself: they are collected for a moment.
				if err := sleep(ctx, max(time.Duration(float64(next)/c.Speed), collect)); err != nil {
					return p.tally, err
				}
				continue
			}
			n = due
		}
		if err := p.deliver(ctx, rest[:n]); err != nil {
			return p.tally, err
		}
		rest = rest[n:]
	}
	return p.tally, nil
}

// collect is the shortest time between two requests of a replay that keeps time.
const collect = 50 * time.Millisecond

// Back-off between tries.
const (
	firstWait = 250 * time.Millisecond
	longWait  = 15 * time.Second
)

func target(c Config) (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("server %q is no http:// or https:// URL", c.URL)
	}
	u = u.JoinPath("api/v1/positions")
	q := url.Values{}
	if c.Mode != "" {
		q.Set("mode", string(c.Mode))
	}
	if c.Simulated {
		q.Set("simulated", "true")
	}
	if c.Carrier != "" {
		q.Set("carrier", string(c.Carrier))
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

type player struct {
	config Config
	target string
	tally  Tally
	body   bytes.Buffer
}

func (p *player) report() {
	if p.config.Progress != nil {
		t := p.tally
		t.Refused, t.Example = maps.Clone(t.Refused), maps.Clone(t.Example)
		p.config.Progress(t)
	}
}

// errLater is a refusal that another try may overcome.
var errLater = errors.New("the server cannot tell yet whether some positions are duplicates")

// deliver sends a batch until it is answered for.
func (p *player) deliver(ctx context.Context, batch []tracking.Position) error {
	wait := firstWait
	since := time.Now()
	for {
		later, retryAfter, err := p.post(ctx, batch)
		if err == nil && len(later) == 0 {
			p.tally.Waiting = nil
			p.report()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var status *StatusError
		switch {
		case err == nil:
			batch, err = later, errLater
		case errors.As(err, &status) && status.Status == http.StatusRequestEntityTooLarge && len(batch) > 1:
			if err := p.deliver(ctx, batch[:len(batch)/2]); err != nil {
				return err
			}
			batch = batch[len(batch)/2:]
			continue
		case errors.As(err, &status) && !again(status.Status):
			return err
		}
		if time.Since(since) > p.config.Patience {
			return fmt.Errorf("gave up after %s with %d of %d positions sent; start again to go on, what is stored counts as duplicates: %w",
				p.config.Patience, p.tally.Sent, p.tally.Total, err)
		}
		p.tally.Retries++
		p.tally.Waiting = err
		p.report()
		// Half of it by chance, so that many who wait do not come back at once.
		if err := sleep(ctx, max(retryAfter, wait/2+rand.N(wait/2))); err != nil {
			return err
		}
		wait = min(2*wait, longWait)
	}
}

func again(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented
}

// post sends a batch once and counts what is answered. later are positions that
// must be sent again.
func (p *player) post(ctx context.Context, batch []tracking.Position) (later []tracking.Position, retryAfter time.Duration, err error) {
	p.body.Reset()
	lines := json.NewEncoder(&p.body)
	for i := range batch {
		if err := lines.Encode(&batch[i]); err != nil {
			return nil, 0, &StatusError{Status: http.StatusBadRequest, Title: "not sent", Detail: fmt.Sprintf("position of %s cannot be written: %v", batch[i].Unit, err)}
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.target, bytes.NewReader(p.body.Bytes()))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("Accept", "application/json")
	if p.config.Key != "" {
		request.Header.Set("Authorization", "Bearer "+p.config.Key)
	}
	response, err := p.config.Client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	const most = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, 0, fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct{ Title, Detail string }
		_ = json.Unmarshal(answer, &problem) // a proxy may answer with anything
		if s, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && s > 0 {
			retryAfter = min(time.Duration(s)*time.Second, p.config.Patience)
		}
		return nil, retryAfter, &StatusError{Status: response.StatusCode, Title: problem.Title, Detail: problem.Detail}
	}
	var receipt tracking.Receipt
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return nil, 0, &StatusError{Status: response.StatusCode, Title: "OK", Detail: "but not as Corridor would: is --url right? " + strings.ToValidUTF8(string(answer[:min(len(answer), 80)]), "?")}
	}
	p.tally.Stored += receipt.Stored
	p.tally.Duplicates += receipt.Duplicates
	for _, r := range receipt.Refused {
		if r.Code == tracking.CodeLater && r.Index >= 0 && r.Index < len(batch) {
			later = append(later, batch[r.Index])
			continue
		}
		code := cmp.Or(r.Code, "other")
		p.tally.Refused[code]++
		if p.tally.Example[code] == "" {
			p.tally.Example[code] = r.Reason
		}
	}
	p.tally.Sent += len(batch) - len(later)
	p.tally.At = batch[len(batch)-1].Time
	return later, 0, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
