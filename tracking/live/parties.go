package live

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"corridor/tracking"
)

const (
	secretPrefix = "ck_" // tells a reader of a leaked text what it is
	secretBytes  = 32
	maxName      = 200 // bytes
)

// newID makes an identifier that says what it is of.
func newID(of string) string { return of + "-" + strings.ToLower(rand.Text()[:13]) }

// CreateParty makes an organisation.
func (t *Tracker) CreateParty(ctx context.Context, name string, role tracking.Role) (tracking.Party, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return tracking.Party{}, &tracking.InvalidError{Code: "name", Reason: "name is missing"}
	case len(name) > maxName:
		return tracking.Party{}, &tracking.InvalidError{Code: "name", Reason: fmt.Sprintf("name is %d bytes long, at most %d", len(name), maxName)}
	}
	switch role {
	case tracking.Admin, tracking.Dispatcher, tracking.Shipper, tracking.Carrier:
	default:
		return tracking.Party{}, &tracking.InvalidError{Code: "role", Reason: fmt.Sprintf("role %q: use admin, dispatcher, shipper or carrier", role)}
	}
	p := tracking.Party{ID: tracking.PartyID(newID(string(role))), Name: name, Role: role, Created: t.moment()}
	err := t.decide(ctx, func(*tracking.State) ([]tracking.Entry, error) {
		return []tracking.Entry{&tracking.PartyCreated{Party: p}}, nil
	})
	if err != nil {
		return tracking.Party{}, fmt.Errorf("create party: %w", err)
	}
	return p, nil
}

// moment is now as the log keeps it.
func (t *Tracker) moment() time.Time { return t.now().UTC().Truncate(time.Millisecond) }

// Party returns one organisation.
func (t *Tracker) Party(id tracking.PartyID) (tracking.Party, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Party(id)
}

// Parties lists the organisations with the role, or all for "", by creation.
func (t *Tracker) Parties(role tracking.Role) []tracking.Party {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Parties(role)
}

// IssueKey makes a key; the secret is returned once and not kept.
func (t *Tracker) IssueKey(ctx context.Context, party tracking.PartyID) (tracking.Key, string, error) {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	secret := secretPrefix + base64.RawURLEncoding.EncodeToString(b)
	k, err := t.AddKey(ctx, party, secret)
	if err != nil {
		return tracking.Key{}, "", err
	}
	return k, secret, nil
}

// AddKey lets a party in with a secret chosen elsewhere (CORRIDOR_ADMIN_KEY).
// Adding it again changes nothing. ErrConflict: it is another party's, or was
// revoked; choose another secret.
func (t *Tracker) AddKey(ctx context.Context, party tracking.PartyID, secret string) (tracking.Key, error) {
	if secret == "" {
		return tracking.Key{}, &tracking.InvalidError{Code: "key", Reason: "the key is empty"}
	}
	k := tracking.Key{ID: tracking.KeyID(newID("key")), Party: party, Hash: sha256.Sum256([]byte(secret)), Created: t.moment()}
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if _, ok := s.Party(party); !ok {
			return nil, fmt.Errorf("party %q: %w", party, tracking.ErrNotFound)
		}
		if have, ok := s.KeyByHash(k.Hash); ok {
			switch {
			case have.Revoked != nil:
				return nil, fmt.Errorf("this key was revoked, choose another: %w", tracking.ErrConflict)
			case have.Party != party:
				return nil, fmt.Errorf("this key lets somebody else in, choose another: %w", tracking.ErrConflict)
			}
			k = have
			return nil, nil
		}
		return []tracking.Entry{&tracking.KeyIssued{Key: k}}, nil
	})
	if err != nil {
		return tracking.Key{}, fmt.Errorf("add key: %w", err)
	}
	return k, nil
}

// RevokeKey shuts a key out for good. Revoking it again changes nothing.
func (t *Tracker) RevokeKey(ctx context.Context, id tracking.KeyID) error {
	err := t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		switch k, ok := s.Key(id); {
		case !ok:
			return nil, fmt.Errorf("key %q: %w", id, tracking.ErrNotFound)
		case k.Revoked != nil:
			return nil, nil
		}
		return []tracking.Entry{&tracking.KeyRevoked{Key: id, At: t.moment()}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}

// Keys lists a party's keys, revoked ones too, by creation.
func (t *Tracker) Keys(party tracking.PartyID) []tracking.Key {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Keys(party)
}

// Key returns the party a key lets in; false when it is unknown or revoked.
func (t *Tracker) Key(id tracking.KeyID) (tracking.Party, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	k, ok := t.state.Key(id)
	if !ok || k.Revoked != nil {
		return tracking.Party{}, false
	}
	return t.state.Party(k.Party)
}

// Authenticate tells whose secret it is.
func (t *Tracker) Authenticate(secret string) (tracking.Party, tracking.KeyID, bool) {
	if secret == "" {
		return tracking.Party{}, "", false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	// Looked up by hash: how long it takes tells nothing about the secret.
	k, ok := t.state.KeyByHash(sha256.Sum256([]byte(secret)))
	if !ok || k.Revoked != nil {
		return tracking.Party{}, "", false
	}
	p, ok := t.state.Party(k.Party)
	return p, k.ID, ok
}

// OpenShipment opens a shipment from a plan's option. ID, Opened and Status are
// given here. With Unit set it is assigned as well, to Carrier.
func (t *Tracker) OpenShipment(ctx context.Context, s tracking.Shipment) (tracking.Shipment, error) {
	carrier, unit := s.Carrier, s.Unit
	if unit != "" {
		if err := tracking.ValidateUnit(unit); err != nil {
			return tracking.Shipment{}, fmt.Errorf("open shipment: %w", err)
		}
		s.Unit, s.Carrier = "", ""
	}
	s.ID = tracking.ShipmentID(newID("shp"))
	s.Opened, s.Status = t.moment(), tracking.Planned
	o := newOp()
	o.prepare = func(st *tracking.State) ([]tracking.Entry, error) {
		if _, ok := st.Party(s.Owner); !ok {
			return nil, fmt.Errorf("owner %q: %w", s.Owner, tracking.ErrNotFound)
		}
		entries := []tracking.Entry{&tracking.ShipmentOpened{Shipment: s}}
		if unit == "" {
			if _, ok := st.Party(carrier); carrier != "" && !ok {
				return nil, fmt.Errorf("carrier %q: %w", carrier, tracking.ErrNotFound)
			}
			return entries, nil
		}
		e, err := t.assignment(o, st, &s, carrier, unit)
		if err != nil {
			return nil, err
		}
		return append(entries, e), nil
	}
	if err := t.command(ctx, o); err != nil {
		return tracking.Shipment{}, fmt.Errorf("open shipment: %w", err)
	}
	return t.Shipment(s.ID)
}

// Assign gives a shipment to a carrier and its unit; the unit is created when
// nobody has it. ErrConflict when it belongs to another carrier or the shipment
// has arrived.
func (t *Tracker) Assign(ctx context.Context, id tracking.ShipmentID, carrier tracking.PartyID, unit tracking.UnitID) (tracking.Shipment, error) {
	if err := tracking.ValidateUnit(unit); err != nil {
		return tracking.Shipment{}, fmt.Errorf("assign unit: %w", err)
	}
	o := newOp()
	o.prepare = func(st *tracking.State) ([]tracking.Entry, error) {
		s, _, ok := st.Shipment(id)
		switch {
		case !ok:
			return nil, fmt.Errorf("shipment %q: %w", id, tracking.ErrNotFound)
		case s.Ended():
			return nil, fmt.Errorf("shipment %q has %s: %w", id, ended(s.Status), tracking.ErrConflict)
		case s.Unit == unit && s.Carrier == carrier:
			return nil, nil
		}
		if err := st.CheckCarnetMove(id, unit); err != nil {
			return nil, err
		}
		e, err := t.assignment(o, st, &s, carrier, unit)
		if err != nil {
			return nil, err
		}
		return []tracking.Entry{e}, nil
	}
	if err := t.command(ctx, o); err != nil {
		return tracking.Shipment{}, fmt.Errorf("assign unit: %w", err)
	}
	return t.Shipment(id)
}

func ended(status string) string {
	if status == tracking.Cancelled {
		return "been cancelled"
	}
	return "arrived"
}

// Amend changes a shipment's dossier: change gets a copy of it and edits that. The
// revision is counted here. ErrConflict: revision is not 0 and not that of the
// dossier, which somebody else has changed; *tracking.FieldError: what change made
// of it cannot be kept.
func (t *Tracker) Amend(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, revision int, change func(*tracking.Dossier) error) (tracking.Shipment, error) {
	err := t.decide(ctx, func(st *tracking.State) ([]tracking.Entry, error) {
		s, _, ok := st.Shipment(id)
		switch {
		case !ok:
			return nil, fmt.Errorf("shipment %q: %w", id, tracking.ErrNotFound)
		case revision != 0 && revision != s.Dossier.Revision:
			return nil, fmt.Errorf("the papers were changed since revision %d, they are at %d: read them again: %w", revision, s.Dossier.Revision, tracking.ErrConflict)
		}
		d := s.Dossier.Clone()
		if err := change(&d); err != nil {
			return nil, err
		}
		d, err := tracking.ValidateDossier(d)
		if err != nil {
			return nil, err
		}
		d.Revision = s.Dossier.Revision + 1
		return []tracking.Entry{&tracking.ShipmentAmended{Shipment: id, By: by, At: t.moment(), Dossier: d}}, nil
	})
	if err != nil {
		return tracking.Shipment{}, fmt.Errorf("amend shipment: %w", err)
	}
	return t.Shipment(id)
}

// Share makes a link that shows a shipment to whoever has its secret, which is
// returned once and not kept.
func (t *Tracker) Share(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, scope tracking.ShareScope, expires time.Time) (tracking.Share, string, error) {
	secret := rand.Text() // 130 random bits
	link := tracking.Share{
		ID: newID("shr"), Hash: sha256.Sum256([]byte(secret)), Scope: scope, Created: t.moment(), By: by,
		Expires: expires.UTC().Truncate(time.Millisecond),
	}
	_, err := t.Amend(ctx, id, by, 0, func(d *tracking.Dossier) error {
		// Links that show nothing any more make room.
		d.Shares = slices.DeleteFunc(d.Shares, func(s tracking.Share) bool { return !s.Valid(link.Created) })
		d.Shares = append(d.Shares, link)
		return nil
	})
	return link, secret, err
}

// Unshare shuts a link for good. Doing so again changes nothing.
func (t *Tracker) Unshare(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, share string) error {
	s, err := t.Shipment(id)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(s.Dossier.Shares, func(x tracking.Share) bool { return x.ID == share }); i >= 0 && s.Dossier.Shares[i].Revoked != nil {
		return nil
	}
	at := t.moment()
	_, err = t.Amend(ctx, id, by, 0, func(d *tracking.Dossier) error {
		for i := range d.Shares {
			if d.Shares[i].ID == share {
				d.Shares[i].Revoked = &at
				return nil
			}
		}
		return fmt.Errorf("link %q: %w", share, tracking.ErrNotFound)
	})
	return err
}

// Shared finds the shipment a link's secret shows. ErrNotFound: no such link, or
// it is shut or over; which of them is not told.
func (t *Tracker) Shared(secret string) (tracking.Shipment, tracking.Progress, tracking.Share, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	// Looked up by hash: how long it takes tells nothing about the secret.
	s, p, link, ok := t.state.Shared(sha256.Sum256([]byte(secret)))
	if !ok || !link.Valid(t.now()) {
		return tracking.Shipment{}, tracking.Progress{}, tracking.Share{}, fmt.Errorf("link: %w", tracking.ErrNotFound)
	}
	return s, p, link, nil
}

// Cancel ends a shipment that will not be carried. ErrConflict: it has ended.
func (t *Tracker) Cancel(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, reason string) (tracking.Shipment, error) {
	err := t.decide(ctx, func(st *tracking.State) ([]tracking.Entry, error) {
		s, _, ok := st.Shipment(id)
		switch {
		case !ok:
			return nil, fmt.Errorf("shipment %q: %w", id, tracking.ErrNotFound)
		case s.Ended():
			return nil, fmt.Errorf("shipment %q has %s: %w", id, ended(s.Status), tracking.ErrConflict)
		}
		return []tracking.Entry{&tracking.ShipmentCancelled{Shipment: id, By: by, At: t.moment(), Reason: reason}}, nil
	})
	if err != nil {
		return tracking.Shipment{}, fmt.Errorf("cancel shipment: %w", err)
	}
	return t.Shipment(id)
}

// assignment checks carrier and unit, and holds a unit that it makes against
// reports that would make it for another carrier. Caller holds mu.
func (t *Tracker) assignment(o *op, st *tracking.State, s *tracking.Shipment, carrier tracking.PartyID, unit tracking.UnitID) (tracking.Entry, error) {
	p, ok := st.Party(carrier)
	if !ok {
		return nil, fmt.Errorf("carrier %q: %w", carrier, tracking.ErrNotFound)
	}
	if p.Role != tracking.Carrier {
		return nil, &tracking.InvalidError{Code: "carrier", Reason: fmt.Sprintf("party %q is not a carrier", carrier)}
	}
	owner, exists := st.Owner(unit)
	if exists && owner != carrier {
		return nil, fmt.Errorf("unit %q belongs to another carrier: %w", unit, tracking.ErrConflict)
	}
	if err := st.CheckLoad(s, unit); err != nil {
		return nil, err
	}
	if h := t.holds[unit]; h != nil && h.carrier != carrier {
		return nil, fmt.Errorf("unit %q is being reported by another carrier: %w", unit, tracking.ErrConflict)
	}
	if !exists {
		t.holdSecond(o, t.holds[unit], unit, carrier, wholeUnit)
	}
	e := &tracking.UnitAssigned{Shipment: s.ID, Carrier: carrier, Unit: unit, At: t.moment()}
	if len(s.Option.Legs) > 0 {
		e.Mode = s.Option.Legs[0].Mode
	}
	return e, nil
}

// Unit returns the latest state of a unit, or ErrNotFound.
func (t *Tracker) Unit(id tracking.UnitID) (tracking.UnitState, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	u, ok := t.state.Unit(id)
	if !ok {
		return u, fmt.Errorf("unit %q: %w", id, tracking.ErrNotFound)
	}
	return u, nil
}

// Shipment returns a shipment, or ErrNotFound.
func (t *Tracker) Shipment(id tracking.ShipmentID) (tracking.Shipment, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, _, ok := t.state.Shipment(id)
	if !ok {
		return s, fmt.Errorf("shipment %q: %w", id, tracking.ErrNotFound)
	}
	return s, nil
}

// Progress returns how far a shipment has come, or ErrNotFound.
func (t *Tracker) Progress(id tracking.ShipmentID) (tracking.Progress, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, p, ok := t.state.Shipment(id)
	if !ok {
		return p, fmt.Errorf("shipment %q: %w", id, tracking.ErrNotFound)
	}
	return p, nil
}

// ETA returns the forecast of a shipment: ErrNotFound for an unknown shipment
// or one whose unit has not reported yet.
func (t *Tracker) ETA(id tracking.ShipmentID) (tracking.ETA, error) {
	p, err := t.Progress(id)
	if err != nil {
		return tracking.ETA{}, err
	}
	if p.ETA == nil {
		return tracking.ETA{}, fmt.Errorf("forecast of shipment %q, whose unit has not reported yet: %w", id, tracking.ErrNotFound)
	}
	return *p.ETA, nil
}

// Units lists what the viewer may see, by id.
func (t *Tracker) Units(viewer tracking.Party) []tracking.UnitState {
	t.mu.RLock()
	var out []tracking.UnitState
	for h := range t.state.Units(viewer) {
		out = append(out, t.state.At(h))
	}
	t.mu.RUnlock()
	slices.SortFunc(out, func(a, b tracking.UnitState) int { return cmp.Compare(a.Unit, b.Unit) })
	return out
}

// Shipments lists what the viewer may see, newest first.
func (t *Tracker) Shipments(viewer tracking.Party) []tracking.Shipment {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Shipments(viewer)
}

// MayReadUnit tells whether the viewer may see the unit.
func (t *Tracker) MayReadUnit(viewer tracking.Party, id tracking.UnitID) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	h, ok := t.state.Handle(id)
	return ok && t.state.MayReadUnit(viewer, h)
}

// MayReadShipment tells whether the viewer may see the shipment.
func (t *Tracker) MayReadShipment(viewer tracking.Party, id tracking.ShipmentID) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.MayReadShipment(viewer, id)
}
