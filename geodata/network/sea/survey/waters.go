package survey

import (
	"math"
	"sort"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/queue"
)

// run is a stretch of such cells in a row.
type run struct {
	from, to int32 // cells; to is exclusive
	id       int32
}

// waters are the connected parts of the water nodes lie in.
type waters struct {
	rows [][]run
	root []int32
}

// waters finds the connected parts.
func (r *raster) waters() *waters {
	w := &waters{rows: make([][]run, chart.Height)}
	for y := range chart.Height {
		base := y * chart.Width
		for x := 0; x < chart.Width; {
			if r.mask[base+x]&outerBit == 0 {
				x++
				continue
			}
			from := x
			for x < chart.Width && r.mask[base+x]&outerBit != 0 {
				x++
			}
			id := int32(len(w.root))
			w.root = append(w.root, id)
			w.rows[y] = append(w.rows[y], run{int32(from), int32(x), id})
		}
		row := w.rows[y]
		if n := len(row); n > 1 && row[0].from == 0 && row[n-1].to == chart.Width {
			w.join(row[0].id, row[n-1].id)
		}
		if y == 0 {
			continue
		}
		below := w.rows[y-1]
		for i, j := 0, 0; i < len(row) && j < len(below); {
			if row[i].from < below[j].to && below[j].from < row[i].to {
				w.join(row[i].id, below[j].id)
			}
			if row[i].to < below[j].to {
				i++
			} else {
				j++
			}
		}
	}
	return w
}

func (w *waters) find(i int32) int32 {
	for w.root[i] != i {
		w.root[i] = w.root[w.root[i]]
		i = w.root[i]
	}
	return i
}

func (w *waters) join(a, b int32) { w.root[w.find(a)] = w.find(b) }

// at is the part a cell belongs to, -1 when it belongs to none.
func (w *waters) at(x, y int) int32 {
	if y < 0 || y >= chart.Height {
		return -1
	}
	row, x32 := w.rows[y], int32(wrap(x))
	i := sort.Search(len(row), func(i int) bool { return row[i].to > x32 })
	if i == len(row) || row[i].from > x32 {
		return -1
	}
	return w.find(row[i].id)
}

// edgeNM is how far open water reaches beyond the water nodes lie in, at most.
const edgeNM = 4

// keepJoined closes the open water that no water with nodes of the chart is near:
// a ship in such a bay sees no node and must find its way out as from a harbour.
func (r *raster) keepJoined(nodes []chart.Node) {
	w := r.waters()
	used := map[int32]bool{}
	for _, n := range nodes {
		// Nodes lie on corners of cells.
		x, y := grid(point{n.Point[0], n.Point[1]})
		for dy := -1; dy <= 0; dy++ {
			for dx := -1; dx <= 0; dx++ {
				used[w.at(int(math.Round(x))+dx, int(math.Round(y))+dy)] = true
			}
		}
	}
	delete(used, -1)
	reached := make([]uint64, (len(r.mask)+63)/64)
	nm := map[int32]float64{} // from the water with nodes, of cells beyond it
	var q queue.Queue[float64]
	spread := func(i int32, c float64) {
		x, y := int(i)%chart.Width, int(i)/chart.Width
		for _, d := range around {
			ny := y + d.y
			if ny < 0 || ny >= chart.Height {
				continue
			}
			k := int32(ny*chart.Width + wrap(x+d.x))
			if r.mask[k]&openBit == 0 || used[w.at(wrap(x+d.x), ny)] {
				continue
			}
			v := c + math.Hypot(float64(d.x)*r.cos[y], float64(d.y))*cellNM
			if old, ok := nm[k]; v > edgeNM || ok && old <= v {
				continue
			}
			nm[k] = v
			q.Push(v, k)
		}
	}
	for y, row := range w.rows {
		for _, s := range row {
			if !used[w.find(s.id)] {
				continue
			}
			for x := s.from; x < s.to; x++ {
				i := int32(y*chart.Width) + x
				reached[i/64] |= 1 << (i % 64)
				if r.edge(i, outerBit) {
					spread(i, 0)
				}
			}
		}
	}
	for len(q) > 0 {
		c, i := q.Pop()
		if c <= nm[i] {
			reached[i/64] |= 1 << (i % 64)
			spread(i, c)
		}
	}
	for i := range r.mask {
		if reached[i/64]>>(i%64)&1 == 0 {
			r.mask[i] &^= openBit
		}
	}
}

// edge reports whether a cell to a side of this one lacks the bit.
func (r *raster) edge(i int32, bit uint8) bool {
	x, y := int(i)%chart.Width, int(i)/chart.Width
	return y > 0 && r.mask[i-chart.Width]&bit == 0 || y < chart.Height-1 && r.mask[i+chart.Width]&bit == 0 ||
		r.mask[y*chart.Width+wrap(x-1)]&bit == 0 || r.mask[y*chart.Width+wrap(x+1)]&bit == 0
}
