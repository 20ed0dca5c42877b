package api

import (
	"context"
	"time"

	"corridor/tracking"
	"corridor/web"
)

type signInInput struct {
	Body struct {
		Key string `json:"key" maxLength:"500" doc:"An API key"`
	}
}

type sessionParty struct {
	ID   tracking.PartyID `json:"id"`
	Name string           `json:"name"`
	Role tracking.Role    `json:"role"`
}

type sessionOutput struct {
	Body struct {
		SignedIn    bool          `json:"signed_in"`
		Party       *sessionParty `json:"party,omitempty"`
		Demo        bool          `json:"demo" doc:"A simulation moves units here"`
		SpeedFactor float64       `json:"speed_factor,omitempty" doc:"How many times faster than planned simulated units move"`
		Version     string        `json:"version"`
		Now         time.Time     `json:"now" doc:"The server's clock"`
	}
}

func (a *api) session(party tracking.Party, signedIn bool) *sessionOutput {
	out := &sessionOutput{}
	out.Body.SignedIn, out.Body.Version, out.Body.Now = signedIn, a.Version, a.Clock().UTC()
	if signedIn {
		out.Body.Party = &sessionParty{party.ID, party.Name, party.Role}
	}
	if a.Demo != nil {
		out.Body.Demo, out.Body.SpeedFactor = true, a.Demo.SpeedFactor
	}
	return out
}

func (a *api) getSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	return a.session(web.Viewer(ctx)), nil
}

func (a *api) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	w, r := web.Exchange(ctx)
	party, err := a.server.SignIn(w, r, in.Body.Key)
	if err != nil {
		return nil, err
	}
	return a.session(party, true), nil
}

func (a *api) signOut(ctx context.Context, _ *struct{}) (*struct{}, error) {
	w, r := web.Exchange(ctx)
	a.server.SignOut(w, r)
	return nil, nil
}

type ticketOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Ticket  string    `json:"ticket" doc:"Opens one websocket, as ?ticket= of its address"`
		Expires time.Time `json:"expires"`
	}
}

func (a *api) makeTicket(ctx context.Context, _ *struct{}) (*ticketOutput, error) {
	_, r := web.Exchange(ctx)
	token, expires, err := a.server.Ticket(r)
	if err != nil {
		return nil, err
	}
	out := &ticketOutput{CacheControl: "no-store"}
	out.Body.Ticket, out.Body.Expires = token, expires.UTC()
	return out, nil
}
