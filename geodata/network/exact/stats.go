package exact

// Stats are the sizes of a network.
type Stats struct{ Nodes, Edges, Arcs, Core int }

// Stats counts.
func (n *Network) Stats() Stats {
	s := Stats{Nodes: len(n.n.lat), Edges: len(n.n.from), Arcs: len(n.n.head)}
	for _, c := range n.n.usual.core {
		s.Core += int(c)
	}
	return s
}
