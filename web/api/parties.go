package api

import (
	"context"
	"strings"
	"time"
	"unicode"

	"corridor/tracking"
	"corridor/web"
)

type carrierInput struct {
	Body struct {
		Name string `json:"name" example:"Shandong Road TIR"`
	}
}

type partyInput struct {
	Body struct {
		Name string `json:"name" example:"Qilu Fruit Export"`
		Role string `json:"role" enum:"admin,dispatcher,shipper,carrier"`
	}
}

type partyOutput struct{ Body tracking.Party }

func (a *api) createCarrier(ctx context.Context, in *carrierInput) (*partyOutput, error) {
	return a.createParty(ctx, in.Body.Name, tracking.Carrier)
}

func (a *api) createAnyParty(ctx context.Context, in *partyInput) (*partyOutput, error) {
	return a.createParty(ctx, in.Body.Name, tracking.Role(in.Body.Role))
}

func (a *api) createParty(ctx context.Context, name string, role tracking.Role) (*partyOutput, error) {
	name = strings.TrimSpace(name)
	if err := checkText("name", name, 200); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, inputError("name", "give the organisation's name")
	}
	party, err := a.Parties.CreateParty(ctx, name, role)
	if err != nil {
		return nil, err
	}
	return &partyOutput{party}, nil
}

// checkText refuses what cannot be shown on one line.
func checkText(field, s string, most int) error {
	if len([]rune(s)) > most {
		return inputError(field, "longer than %d characters", most)
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return inputError(field, "holds control characters or broken text")
		}
	}
	return nil
}

type carriersOutput struct {
	Body struct {
		Carriers []tracking.Party `json:"carriers" nullable:"false"`
	}
}

func (a *api) listCarriers(context.Context, *struct{}) (*carriersOutput, error) {
	out := &carriersOutput{}
	out.Body.Carriers = append([]tracking.Party{}, a.Parties.Parties(tracking.Carrier)...)
	return out, nil
}

type partiesInput struct {
	Role string `query:"role" enum:"admin,dispatcher,shipper,carrier"`
}

type partiesOutput struct {
	Body struct {
		Parties []tracking.Party `json:"parties" nullable:"false"`
	}
}

func (a *api) listParties(_ context.Context, in *partiesInput) (*partiesOutput, error) {
	out := &partiesOutput{}
	out.Body.Parties = append([]tracking.Party{}, a.Parties.Parties(tracking.Role(in.Role))...)
	return out, nil
}

type partyID struct {
	ID tracking.PartyID `path:"id" maxLength:"64"`
}

type partyKeyID struct {
	ID  tracking.PartyID `path:"id" maxLength:"64"`
	Key tracking.KeyID   `path:"key" maxLength:"64"`
}

type keyView struct {
	ID      tracking.KeyID   `json:"id"`
	Party   tracking.PartyID `json:"party"`
	Created time.Time        `json:"created"`
	Revoked *time.Time       `json:"revoked,omitempty"`
}

type newKeyOutput struct {
	Body struct {
		keyView
		Key string `json:"key" doc:"The secret. It is shown this once and not kept"`
	}
}

type keysOutput struct {
	Body struct {
		Keys []keyView `json:"keys" nullable:"false"`
	}
}

// party finds a party; under /carriers only carriers are to be found.
func (a *api) party(id tracking.PartyID, only tracking.Role) (tracking.Party, error) {
	p, ok := a.Parties.Party(id)
	if !ok || only != "" && p.Role != only {
		return p, tracking.ErrNotFound
	}
	return p, nil
}

func (a *api) issueKey(only tracking.Role) func(context.Context, *partyID) (*newKeyOutput, error) {
	return func(ctx context.Context, in *partyID) (*newKeyOutput, error) {
		if _, err := a.party(in.ID, only); err != nil {
			return nil, err
		}
		key, secret, err := a.Parties.IssueKey(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &newKeyOutput{}
		out.Body.keyView, out.Body.Key = viewKey(key), secret
		return out, nil
	}
}

func (a *api) listKeys(only tracking.Role) func(context.Context, *partyID) (*keysOutput, error) {
	return func(_ context.Context, in *partyID) (*keysOutput, error) {
		if _, err := a.party(in.ID, only); err != nil {
			return nil, err
		}
		out := &keysOutput{}
		out.Body.Keys = []keyView{}
		for _, k := range a.Parties.Keys(in.ID) {
			out.Body.Keys = append(out.Body.Keys, viewKey(k))
		}
		return out, nil
	}
}

func viewKey(k tracking.Key) keyView { return keyView{k.ID, k.Party, k.Created, k.Revoked} }

func (a *api) revokeKey(only tracking.Role) func(context.Context, *partyKeyID) (*struct{}, error) {
	return func(ctx context.Context, in *partyKeyID) (*struct{}, error) {
		party, err := a.party(in.ID, only)
		if err != nil {
			return nil, err
		}
		var key *tracking.Key
		for _, k := range a.Parties.Keys(in.ID) {
			if k.ID == in.Key {
				key = &k
			}
		}
		if key == nil {
			return nil, tracking.ErrNotFound
		}
		if key.Revoked != nil {
			return nil, nil
		}
		if party.Role == tracking.Admin && a.liveAdminKeys() == 1 {
			return nil, web.NewProblem(409, "last-admin-key", "this is the last key of an administrator: issue another before revoking it")
		}
		return nil, a.Parties.RevokeKey(ctx, in.Key)
	}
}

func (a *api) liveAdminKeys() int {
	n := 0
	for _, p := range a.Parties.Parties(tracking.Admin) {
		for _, k := range a.Parties.Keys(p.ID) {
			if k.Revoked == nil {
				n++
			}
		}
	}
	return n
}
