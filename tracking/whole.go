package tracking

import (
	"maps"
	"slices"
)

// Whole is the state as a Store has it at this record: what Load would give.
func (s *State) Whole() (Changes, error) {
	c := Changes{To: s.seq}
	for _, id := range slices.Sorted(maps.Keys(s.parties)) {
		c.Parties = append(c.Parties, s.parties[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.keys)) {
		c.Keys = append(c.Keys, s.keys[id])
	}
	for _, u := range s.handles {
		c.Units = append(c.Units, u.state())
	}
	for _, id := range slices.Sorted(maps.Keys(s.shipments)) {
		c.Shipments = append(c.Shipments, s.shipments[id].Shipment)
		c.Progress = append(c.Progress, s.shipments[id].progress)
	}
	var err error
	c.Objects, err = s.objects()
	return c, err
}
