package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"corridor/tracking"
)

// partyKeeper is what the first administrator is made with.
type partyKeeper interface {
	Parties(role tracking.Role) []tracking.Party
	CreateParty(ctx context.Context, name string, role tracking.Role) (tracking.Party, error)
	IssueKey(ctx context.Context, party tracking.PartyID) (tracking.Key, string, error)
	AddKey(ctx context.Context, party tracking.PartyID, secret string) (tracking.Key, error)
	RevokeKey(ctx context.Context, id tracking.KeyID) error
	Authenticate(secret string) (tracking.Party, tracking.KeyID, bool)
}

// adminRecord remembers which key came from the environment or was made at the
// first start, so that the next one can replace it. It holds no secret.
type adminRecord struct {
	Party tracking.PartyID `json:"party"`
	Key   tracking.KeyID   `json:"key"`
}

// ensureAdmin sees to it that an administrator can get in: with the wanted key when
// one is set, else with a fresh one when there is no administrator yet or renew is
// set. It returns a fresh key, which is to be shown once, or "".
func ensureAdmin(ctx context.Context, keeper partyKeeper, dir, wanted string, renew bool) (fresh string, err error) {
	path := filepath.Join(dir, "admin.json")
	var record adminRecord
	switch body, err := os.ReadFile(path); {
	case err == nil:
		if err := json.Unmarshal(body, &record); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("read which key is the administrator's: %w", err)
	}
	admins := keeper.Parties(tracking.Admin)
	if len(admins) > 0 && wanted == "" && !renew {
		return "", nil
	}
	admin := record.Party
	if admin == "" && len(admins) > 0 {
		admin = admins[0].ID
	}
	if admin == "" {
		party, err := keeper.CreateParty(ctx, "Administrator", tracking.Admin)
		if err != nil {
			return "", fmt.Errorf("make the first administrator: %w", err)
		}
		admin = party.ID
	}
	var key tracking.Key
	if wanted == "" {
		key, fresh, err = keeper.IssueKey(ctx, admin)
	} else {
		key, err = keeper.AddKey(ctx, admin, wanted)
		if errors.Is(err, tracking.ErrConflict) {
			return "", errors.New("CORRIDOR_ADMIN_KEY is already the key of someone else: choose another")
		}
	}
	if err != nil {
		return "", fmt.Errorf("set the administrator's key: %w", err)
	}
	if wanted != "" {
		if _, _, ok := keeper.Authenticate(wanted); !ok {
			return "", errors.New("CORRIDOR_ADMIN_KEY was revoked before and stays so: choose another")
		}
	}
	// The new key is on record before the old one is shut out: a crash between the
	// two leaves one key too many and never none.
	old := record.Key
	body, err := json.Marshal(adminRecord{admin, key.ID})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return "", fmt.Errorf("remember which key is the administrator's: %w", err)
	}
	if old != "" && old != key.ID {
		if err := keeper.RevokeKey(ctx, old); err != nil && !errors.Is(err, tracking.ErrNotFound) {
			return "", fmt.Errorf("revoke the administrator's old key: %w", err)
		}
	}
	return fresh, nil
}
