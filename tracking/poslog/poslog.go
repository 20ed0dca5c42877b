// Package poslog is the durable log of everything that happened, on NATS
// JetStream: embedded in the process (no open port) or an external cluster by
// URL. It knows nothing of what a record holds; the codec is in tracking.
//
// A record is acknowledged only after the server has written it and, unless
// NoSync is set, forced it to disk. (An external server decides that itself: set
// sync_interval: always there, or keep three replicas.) Grouping reports so that
// many share one write is the caller's business (live does it).
//
// One process writes a log by Append at a time. On a directory a lock file sees to
// it; on an external stream every append names the sequence it expects to follow,
// so a second writer gets tracking.ErrConflict and nothing is interleaved. Several
// processes write an external stream by Share (shared.go), each behind what the
// others append.
package poslog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"corridor/tracking"
)

// Config says where the log is.
type Config struct {
	Dir      string // embedded: the directory that holds the log; created when missing
	URL      string // external: nats://host:4222[,…]; then Dir is not used
	Stream   string // name of the stream; empty: CORRIDOR
	Replicas int    // external: copies of each record in the cluster; 0: 3, or 1 where there is no cluster
	MaxBytes int64  // the log refuses records (tracking.ErrFull) beyond this size; 0: no limit
	// Keep is how long Trim leaves records in the log that nobody needs any more.
	// 0: for ever, or until MaxBytes or MinFree press.
	Keep time.Duration
	// MinFree is how much room an embedded log leaves on its disk; below it
	// records are refused with tracking.ErrFull. 0: 128 MiB; negative: none.
	MinFree int64
	// NoSync acknowledges before the record is forced to disk: a power cut may
	// lose the last seconds, a crash of the process nothing.
	NoSync bool
	// AsItIs opens a log that is there and sets nothing of it, for who only reads.
	AsItIs bool
	Logger *slog.Logger // nil: discard

	begin beginning // of a log that is made anew; see Restore
}

// beginning is what a new log starts from; the zero value: record 1 of an epoch of
// its own.
type beginning struct {
	epoch string
	first uint64
}

const (
	epochKey = "corridor-epoch" // in the stream's metadata
	subject  = "corridor.log"

	// maxPayload is the most NATS takes in a message without a warning at start.
	maxPayload = 8 << 20
	// MaxRecord is the longest record, in bytes; the rest is for headers.
	MaxRecord = maxPayload - 64<<10

	defaultMinFree = 128 << 20
	openTimeout    = 30 * time.Second
	askTimeout     = 5 * time.Second // one request to the server
	stallTimeout   = 2 * time.Second // without a record while reading: look why
	firstPause     = 10 * time.Millisecond
	longestPause   = time.Second
	freeEvery      = time.Second
)

// Log implements tracking.Log.
type Log struct {
	cfg    Config
	lock   *os.File       // embedded
	srv    *server.Server // embedded
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	epoch  string
	nonce  string // makes message ids of this process its own

	mu      sync.Mutex // one append at a time; guards what follows
	last    uint64     // newest sequence
	unsure  bool       // an append was given up before its outcome was known
	n       uint64     // appends so far
	freeAt  time.Time  // when free was last asked
	freeErr error
	buckets map[string]jetstream.KeyValue

	closeOnce sync.Once
	closeErr  error
}

var _ tracking.Log = (*Log)(nil)

// Open opens or creates the log. Cancelling ctx stops the opening only.
func Open(ctx context.Context, c Config) (*Log, error) {
	if c.Stream == "" {
		c.Stream = "CORRIDOR"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MinFree == 0 {
		c.MinFree = defaultMinFree
	}
	l := &Log{cfg: c, nonce: rand.Text()}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := l.open(ctx); err != nil {
		_ = l.Close() // roll back what was started; the first error tells why
		if c.URL != "" {
			return nil, fmt.Errorf("open the log at %s: %w", redact(c.URL), err)
		}
		return nil, fmt.Errorf("open the log in %s: %w", c.Dir, err)
	}
	return l, nil
}

func (l *Log) open(ctx context.Context) error {
	options := []nats.Option{
		nats.Name("corridor"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				l.cfg.Logger.Warn("connection to the log lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { l.cfg.Logger.Info("connection to the log is back") }),
	}
	url := l.cfg.URL
	if url == "" {
		if err := l.embed(); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(l.srv))
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	l.nc = nc
	if l.js, err = jetstream.New(nc); err != nil {
		return err
	}
	if err := l.openStream(ctx); err != nil {
		return err
	}
	return l.refresh(ctx)
}

// embed starts a server that nobody but this process can reach.
func (l *Log) embed() error {
	if l.cfg.Dir == "" {
		return errors.New("neither a directory nor a URL is given")
	}
	if err := os.MkdirAll(l.cfg.Dir, 0o750); err != nil {
		return err
	}
	var err error
	if l.lock, err = lockDir(l.cfg.Dir); err != nil {
		return err
	}
	l.srv, err = server.NewServer(&server.Options{
		ServerName: "corridor",
		DontListen: true,
		NoSigs:     true,
		MaxPayload: maxPayload,
		JetStream:  true,
		StoreDir:   l.cfg.Dir,
		// Limits are ours (MaxBytes, MinFree). Left unset, the server would take
		// three quarters of what is free at each start, the log itself not counted.
		JetStreamMaxStore:  math.MaxInt64 / 4,
		JetStreamMaxMemory: 64 << 20,
		SyncAlways:         !l.cfg.NoSync,
		SyncInterval:       time.Second, // matters with NoSync only
	})
	if err != nil {
		return err
	}
	l.srv.SetLoggerV2(natsLogger{l.cfg.Logger}, false, false, false)
	l.srv.Start()
	if !l.srv.ReadyForConnections(openTimeout) {
		return errors.New("the embedded server did not start: see the log lines above")
	}
	return nil
}

// openStream finds the stream or makes it.
func (l *Log) openStream(ctx context.Context) error {
	limit := int64(-1)
	if l.cfg.MaxBytes > 0 {
		limit = l.cfg.MaxBytes
	}
	s, err := l.js.Stream(ctx, l.cfg.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) && !l.cfg.AsItIs {
		begin := l.cfg.begin
		if begin.epoch == "" {
			id := make([]byte, 8)
			_, _ = rand.Read(id) // never fails
			begin.epoch = hex.EncodeToString(id)
		}
		s, err = l.createStream(ctx, jetstream.StreamConfig{
			Name:        l.cfg.Stream,
			Description: "Everything that happened, in order. The SQL tables of Corridor are made from it.",
			Subjects:    []string{subject},
			Storage:     jetstream.FileStorage,
			Retention:   jetstream.LimitsPolicy,
			Discard:     jetstream.DiscardNew, // refuse what is new, keep what is old
			MaxBytes:    limit,
			MaxMsgSize:  MaxRecord + 64<<10,
			Duplicates:  2 * time.Minute, // what guards is the expected sequence, or tracking.Sharing; this spares a look
			AllowDirect: true,
			FirstSeq:    begin.first,
			Metadata:    map[string]string{epochKey: begin.epoch},
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was first
			s, err = l.js.Stream(ctx, l.cfg.Stream)
		}
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", l.cfg.Stream, err)
	}
	cfg := s.CachedInfo().Config
	l.epoch = cfg.Metadata[epochKey]
	if l.epoch == "" {
		return fmt.Errorf("stream %s is not a log of Corridor: choose another stream name", l.cfg.Stream)
	}
	if cfg.MaxBytes != limit && !l.cfg.AsItIs {
		cfg.MaxBytes = limit
		if s, err = l.js.UpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("set the size limit of stream %s: %w", l.cfg.Stream, err)
		}
	}
	l.stream = s
	return nil
}

// createStream makes the stream with as many copies as it can have.
func (l *Log) createStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	c.Replicas = max(1, l.cfg.Replicas)
	if l.cfg.URL == "" || l.cfg.Replicas > 0 {
		return l.js.CreateStream(ctx, c)
	}
	c.Replicas = 3
	for {
		s, err := l.js.CreateStream(ctx, c)
		var api *jetstream.APIError
		switch {
		case !errors.As(err, &api):
			return s, err
		case api.ErrorCode == codeNotClustered:
			l.cfg.Logger.Warn("the log has one copy: the server is no cluster")
			c.Replicas = 1
			return l.js.CreateStream(ctx, c)
		case api.ErrorCode != codeNoPeers:
			return nil, err
		}
		// A cluster that starts has not met all its servers yet. It is not for us to
		// make do with fewer copies than the operator believes to have.
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("three copies need three servers with JetStream: start them, or say --nats-replicas 1: %w", err)
		case <-time.After(longestPause / 4):
		}
	}
}

// refresh asks the server for the newest sequence. Caller holds mu or is alone.
func (l *Log) refresh(ctx context.Context) error {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return err
	}
	l.last, l.unsure = info.State.LastSeq, false
	return nil
}

// Append returns once the record is durable. It goes on trying while the server
// cannot be reached and stops only when ctx is done; the outcome is then unknown
// and is settled before the next append. ErrFull and ErrConflict mean that the
// record was not taken.
func (l *Log) Append(ctx context.Context, record []byte) (uint64, error) {
	if len(record) > MaxRecord {
		return 0, fmt.Errorf("append to the log: record of %d bytes, at most %d", len(record), MaxRecord)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.room(); err != nil {
		return 0, err
	}
	if l.unsure {
		if err := l.refresh(ctx); err != nil {
			return 0, fmt.Errorf("append to the log: find its end: %w", err)
		}
	}
	l.n++
	msg := &nats.Msg{Subject: subject, Data: record, Header: nats.Header{}}
	id := l.nonce + "-" + strconv.FormatUint(l.n, 36)
	msg.Header.Set(jetstream.MsgIDHeader, id)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		ack, err := l.js.PublishMsg(ask, msg, jetstream.WithExpectLastSequence(l.last), jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			l.last = ack.Sequence
			return ack.Sequence, nil
		}
		if final, err := l.judge(ctx, id, err); final {
			if err != nil {
				return 0, fmt.Errorf("append to the log: %w", err)
			}
			l.last++
			return l.last, nil
		}
		l.cfg.Logger.Warn("the log did not answer, trying again", "err", err)
		select {
		case <-ctx.Done():
			l.unsure = true
			return 0, fmt.Errorf("append to the log, outcome unknown: %w", errors.Join(context.Cause(ctx), err))
		case <-time.After(pause):
		}
	}
}

// Codes of the JetStream API that are not named in the client.
const (
	codeStoreFailed     = 10077
	codeNoResources     = 10023
	codeStorageExceeded = 10047
	codeNotClustered    = 10074
	codeNoPeers         = 10005
)

// judge tells whether a failed publication is final, and if so how it ended: nil
// means the record is in the log after all.
func (l *Log) judge(ctx context.Context, id string, err error) (final bool, _ error) {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrMaxPayload) {
			return true, err
		}
		return false, nil // timeout, no responders, disconnected: try again
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		// Either an earlier try was stored and its answer lost, or someone else
		// has written.
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		m, err := l.stream.GetMsg(ask, l.last+1)
		switch {
		case err != nil:
			return false, nil
		case m.Header.Get(jetstream.MsgIDHeader) == id:
			return true, nil
		}
		l.unsure = true
		return true, fmt.Errorf("another process writes to stream %s: %w", l.cfg.Stream, tracking.ErrConflict)
	case codeStoreFailed, codeNoResources, codeStorageExceeded:
		full, err := fullError(api)
		return full, err
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return true, err
	}
	return api.Code < 500, err
}

// fullError tells whether a refusal to store means that there is no room.
func fullError(api *jetstream.APIError) (bool, error) {
	if strings.Contains(api.Description, "maximum") || api.ErrorCode != codeStoreFailed {
		return true, fmt.Errorf("%w (%s)", tracking.ErrFull, api.Description)
	}
	return false, nil
}

// room refuses before the disk is full: a server that meets a full disk stops
// answering, and what it had in hand has no clear outcome.
func (l *Log) room() error {
	if l.srv == nil || l.cfg.MinFree < 0 {
		return nil
	}
	if now := time.Now(); now.Sub(l.freeAt) > freeEvery || now.Before(l.freeAt) {
		l.freeAt = now
		free, err := freeBytes(l.cfg.Dir)
		l.freeErr = nil
		if err == nil && free < l.cfg.MinFree {
			l.freeErr = fmt.Errorf("%w (%d MB left on the disk of %s, %d MB are kept free)", tracking.ErrFull, free>>20, l.cfg.Dir, l.cfg.MinFree>>20)
		}
	}
	return l.freeErr
}

// Read calls fn for every record after the sequence, in order, up to the last
// one present when it was called. A record that is missing is an error.
func (l *Log) Read(ctx context.Context, after uint64, fn func(seq uint64, record []byte) error) error {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	last := info.State.LastSeq
	if after >= last {
		return nil
	}
	if info.State.FirstSeq > after+1 {
		return fmt.Errorf("read the log: records %d to %d are no longer in it", after+1, info.State.FirstSeq-1)
	}
	if l.srv == nil {
		return l.readShared(ctx, after, last, fn)
	}
	cons, err := l.js.OrderedConsumer(ctx, l.cfg.Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	messages, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	defer messages.Stop()
	for seq := after; seq < last; {
		m, err := l.next(ctx, messages, seq+1)
		if err != nil {
			return fmt.Errorf("read the log after record %d: %w", seq, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read the log after record %d: %w", seq, err)
		}
		if meta.Sequence.Stream != seq+1 {
			return fmt.Errorf("read the log: record %d is missing, %d follows: %w", seq+1, meta.Sequence.Stream, errDamaged)
		}
		seq++
		if err := fn(seq, m.Data()); err != nil {
			return err
		}
	}
	return nil
}

var errDamaged = errors.New("the log is damaged, restore it from a backup")

// next waits for a message. When none comes it asks for the record itself: a
// consumer waits for ever for one that the disk has lost.
func (l *Log) next(ctx context.Context, messages jetstream.MessagesContext, want uint64) (jetstream.Msg, error) {
	for {
		wait, cancel := context.WithTimeout(ctx, stallTimeout)
		m, err := messages.Next(jetstream.NextContext(wait))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return m, err
		}
		if _, err := l.stream.GetMsg(ctx, want); errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, fmt.Errorf("record %d is missing: %w", want, errDamaged)
		}
	}
}

// Last returns the newest sequence; 0 for an empty log.
func (l *Log) Last(ctx context.Context) (uint64, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("find the end of the log: %w", err)
	}
	return info.State.LastSeq, nil
}

// Epoch identifies this log; a log that was replaced has another.
func (l *Log) Epoch() string { return l.epoch }

// Bytes is the size of the log.
func (l *Log) Bytes(ctx context.Context) (uint64, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("measure the log: %w", err)
	}
	return info.State.Bytes, nil
}

// Close stops the embedded server, or leaves the external one.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		if l.nc != nil {
			l.nc.Close()
		}
		if l.srv != nil {
			l.srv.Shutdown()
			l.srv.WaitForShutdown()
		}
		if l.lock != nil {
			l.closeErr = l.lock.Close() // and with it the lock
		}
	})
	return l.closeErr
}

// redact takes passwords out of a list of URLs.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		if at := strings.LastIndexByte(p, '@'); at >= 0 {
			scheme := ""
			if j := strings.Index(p, "://"); j >= 0 {
				scheme = p[:j+3]
			}
			parts[i] = scheme + "…" + p[at:]
		}
	}
	return strings.Join(parts, ",")
}

// natsLogger passes what the server says to slog. Its notices are about starting
// and stopping and go to debug.
type natsLogger struct{ *slog.Logger }

func (n natsLogger) say(level slog.Level, format string, v []any) {
	n.Log(context.Background(), level, fmt.Sprintf(format, v...), "from", "nats-server")
}

func (n natsLogger) Noticef(format string, v ...any) { n.say(slog.LevelDebug, format, v) }
func (n natsLogger) Warnf(format string, v ...any)   { n.say(slog.LevelWarn, format, v) }
func (n natsLogger) Fatalf(format string, v ...any)  { n.say(slog.LevelError, format, v) }
func (n natsLogger) Errorf(format string, v ...any)  { n.say(slog.LevelError, format, v) }
func (n natsLogger) Debugf(format string, v ...any)  { n.say(slog.LevelDebug, format, v) }
func (n natsLogger) Tracef(format string, v ...any)  { n.say(slog.LevelDebug, format, v) }
