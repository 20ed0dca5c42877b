package tracking

import "slices"

// Handles are the numbers of Units in the State that made the changes; nil when a
// Store did.
func (c *Changes) Handles() []Handle { return c.handles }

// Join makes one of Changes that follow each other without a gap; of values that
// replace each other only the last is kept. The parts must not be changed after.
func Join(list []Changes) Changes {
	if len(list) == 1 {
		return list[0]
	}
	out := Changes{From: list[0].From, To: list[len(list)-1].To, Epoch: list[0].Epoch}
	out.Fixes = joinFixes(list)
	for i := range list {
		out.Events = append(out.Events, list[i].Events...)
	}
	out.Parties = newest(list, func(c *Changes) []Party { return c.Parties }, func(p *Party) PartyID { return p.ID })
	out.Keys = newest(list, func(c *Changes) []Key { return c.Keys }, func(k *Key) KeyID { return k.ID })
	out.Units = newest(list, func(c *Changes) []UnitState { return c.Units }, func(u *UnitState) UnitID { return u.Unit })
	out.Shipments = newest(list, func(c *Changes) []Shipment { return c.Shipments }, func(s *Shipment) ShipmentID { return s.ID })
	out.Objects = newest(list, func(c *Changes) []Object { return c.Objects }, func(d *Object) [2]string { return [2]string{d.Kind, d.ID} })
	out.Progress = newest(list, func(c *Changes) []Progress { return c.Progress }, func(p *Progress) ShipmentID { return p.Shipment })
	return out
}

// joinFixes copies only where the parts do not lie behind each other in memory;
// a State makes them so that they mostly do (folding.room).
func joinFixes(list []Changes) []Fix {
	n := 0
	for i := range list {
		n += len(list[i].Fixes)
	}
	if n == 0 {
		return nil
	}
	var out []Fix
	owned := false
	for i := range list {
		part := &list[i]
		switch have := len(out); {
		case len(part.Fixes) == 0:
		case have == 0:
			out = part.run
			if len(out) != len(part.Fixes) { // a Store made it
				out = part.Fixes[:len(part.Fixes):len(part.Fixes)]
			}
		case !owned && cap(out) > have && &out[:have+1][have] == &part.Fixes[0]:
			out = out[:have+len(part.Fixes)]
		case !owned:
			out, owned = append(append(make([]Fix, 0, n), out...), part.Fixes...), true
		default:
			out = append(out, part.Fixes...)
		}
	}
	return out[:n:n]
}

func newest[T any, K comparable](list []Changes, of func(*Changes) []T, key func(*T) K) []T {
	n := 0
	for i := range list {
		n += len(of(&list[i]))
	}
	if n == 0 {
		return nil
	}
	// From the newest to the oldest, so that nothing is written twice.
	out := make([]T, 0, min(n, 4096))
	seen := make(map[K]struct{}, min(n, 4096))
	for i := len(list) - 1; i >= 0; i-- {
		values := of(&list[i])
		for j := len(values) - 1; j >= 0; j-- {
			k := key(&values[j])
			if _, newer := seen[k]; !newer {
				seen[k] = struct{}{}
				out = append(out, values[j])
			}
		}
	}
	slices.Reverse(out)
	return out
}
