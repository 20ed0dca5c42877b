package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"corridor/carriers"
	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

// Problem is an RFC 9457 problem: the one form every error has on the wire. Its
// type is left out (about:blank), so the title is that of the status; Code is
// what programs branch on and what refusals are counted by.
type Problem struct {
	Title       string       `json:"title" doc:"The phrase of the status" example:"Unprocessable Entity"`
	Status      int          `json:"status" doc:"HTTP status code" example:"422"`
	Detail      string       `json:"detail,omitempty" doc:"What was wrong this time and what to do about it"`
	Code        string       `json:"code" doc:"Stable name of the kind of problem" example:"unknown-place"`
	Instance    string       `json:"instance,omitempty" doc:"The request this answers, as it stands in the server's log" example:"urn:request:q3n7"`
	Errors      []FieldError `json:"errors,omitempty" doc:"The values at fault"`
	Suggestions []Suggestion `json:"suggestions,omitempty" doc:"Unknown place: the nearest names, best first"`

	// RetryAfter becomes the header of that name when it is not zero.
	RetryAfter time.Duration `json:"-"`
	// Allow becomes the header of that name when it is not empty.
	Allow string `json:"-"`
	cause error
}

// FieldError points at one value of a request.
type FieldError struct {
	Location string `json:"location" doc:"Path of the value" example:"body.cargo.weight_kg"`
	Message  string `json:"message"`
}

// Suggestion is a place that was perhaps meant.
type Suggestion struct {
	Code    string          `json:"code,omitempty" doc:"UN/LOCODE" example:"CNTAO"`
	Name    string          `json:"name" example:"Qingdao"`
	Country geodata.Country `json:"country" example:"CN"`
}

// NewProblem makes a problem with the title of its status.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Unwrap gives the error behind the problem, which is for the log only.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus and ContentType let the API framework write a Problem as it stands.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457, whatever was negotiated.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	if p.Allow != "" {
		h.Set("Allow", p.Allow)
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="corridor"`)
	}
	return h
}

// ProblemOf is the one table from kinds of error to statuses. An error it does
// not know is a 500 whose cause goes to the log and never to the client.
func ProblemOf(err error) *Problem {
	var (
		problem   *Problem
		place     *geodata.UnknownPlaceError
		input     *routing.InputError
		tooBig    *http.MaxBytesError
		malformed *carriers.MalformedError
		tooMany   *carriers.TooManyError
		invalid   *tracking.InvalidError
		field     *tracking.FieldError
		carnet    *tracking.CarnetError
	)
	is := func(target error) bool { return errors.Is(err, target) }
	with := func(status int, code, detail string) *Problem {
		p := NewProblem(status, code, detail)
		p.cause = err
		return p
	}
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &place):
		p := with(http.StatusUnprocessableEntity, "unknown-place", place.Error())
		for _, n := range place.Nearest {
			p.Suggestions = append(p.Suggestions, Suggestion{n.Code, n.Names.EN, n.Country})
		}
		if errors.As(err, &input) {
			p.Errors = []FieldError{{"body." + input.Field, place.Error()}}
		}
		return p
	case errors.As(err, &input):
		p := with(http.StatusUnprocessableEntity, "input", input.Error())
		p.Errors = []FieldError{{"body." + input.Field, input.Message}}
		return p
	case errors.As(err, &field):
		p := with(http.StatusUnprocessableEntity, field.Err.Code, field.Error())
		p.Errors = []FieldError{{"body." + field.Field, field.Err.Reason}}
		return p
	case errors.As(err, &carnet):
		p := with(http.StatusUnprocessableEntity, "carnet", carnet.Error())
		if carnet.Field != "" {
			p.Errors = []FieldError{{"body." + carnet.Field, carnet.Reason}}
		}
		return p
	case errors.As(err, &invalid):
		return with(http.StatusUnprocessableEntity, invalid.Code, invalid.Reason)
	case errors.As(err, &tooBig):
		return with(http.StatusRequestEntityTooLarge, "too-large", fmt.Sprintf("the body is larger than %d bytes", tooBig.Limit))
	case errors.As(err, &malformed):
		return with(http.StatusBadRequest, "malformed", malformed.Error())
	case errors.As(err, &tooMany):
		return with(http.StatusRequestEntityTooLarge, "too-many-positions", tooMany.Error())
	case is(geodata.ErrNoRoute):
		return with(http.StatusUnprocessableEntity, "no-route", "there is no way between these places under what is avoided")
	case is(tracking.ErrArea):
		return with(http.StatusUnprocessableEntity, "area", err.Error())
	case is(tracking.ErrNotFound):
		return with(http.StatusNotFound, "not-found", "there is no such thing, or it is not yours")
	case is(tracking.ErrForbidden):
		return with(http.StatusForbidden, "not-yours", err.Error())
	case is(tracking.ErrConflict):
		return with(http.StatusConflict, "conflict", err.Error())
	case is(tracking.ErrFull):
		p := with(http.StatusInsufficientStorage, "log-full", "the log is full: nothing is accepted until space is freed; keep the reports and send them again")
		p.RetryAfter = time.Minute
		return p
	case is(tracking.ErrClosed):
		p := with(http.StatusServiceUnavailable, "stopping", "the server is stopping; send this again in a moment")
		p.RetryAfter = 5 * time.Second
		return p
	case is(context.DeadlineExceeded):
		p := with(http.StatusGatewayTimeout, "timeout", "this took too long and was given up; try again")
		p.RetryAfter = 5 * time.Second
		return p
	case is(context.Canceled):
		// Seen by nobody but the access log: the client is gone.
		return with(499, "client-gone", "the client closed the connection")
	}
	return with(http.StatusInternalServerError, "internal", "something failed here; the log of the server says what, under the id of this request")
}

// WriteProblem answers with the problem for err, counts it and, when it is the
// server's own fault, logs its cause.
func (s *Server) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := s.Prepare(r.Context(), err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if r.Method == http.MethodHead {
		return
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the client is gone if this fails
}

// Prepare turns err into the problem to send for the request of ctx: it names
// the request, counts the refusal and logs what only the server should know.
func (s *Server) Prepare(ctx context.Context, err error) *Problem {
	p := *ProblemOf(err)
	if id := RequestID(ctx); id != "" {
		p.Instance = "urn:request:" + id
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	s.metrics.refuse("request", p.Code, 1)
	if p.Status >= 500 && p.Status != http.StatusInsufficientStorage {
		s.log.ErrorContext(ctx, "request failed", "request", RequestID(ctx), "code", p.Code, "status", p.Status, "err", errors.Unwrap(&p))
	}
	return &p
}
