package survey

import (
	"sort"

	"corridor/geodata/network/sea/internal/chart"
)

// run is a stretch of open cells in a row.
type run struct {
	from, to int32 // cells; to is exclusive
	id       int32
}

// waters are the connected parts of the open water.
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
			if r.mask[base+x]&openBit == 0 {
				x++
				continue
			}
			from := x
			for x < chart.Width && r.mask[base+x]&openBit != 0 {
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

// at is the part a cell belongs to, -1 when it is not open.
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

// keepJoined closes the open water no node of the chart lies in: a ship there
// must find its way out as from a harbour.
func (r *raster) keepJoined(nodes []chart.Node) {
	w := r.waters()
	used := map[int32]bool{}
	for _, n := range nodes {
		if x, y, ok := chart.Cell(n.Point); ok {
			used[w.at(x, y)] = true
		}
	}
	for y, row := range w.rows {
		for _, s := range row {
			if used[w.find(s.id)] {
				continue
			}
			for x := s.from; x < s.to; x++ {
				r.mask[y*chart.Width+int(x)] &^= openBit
			}
		}
	}
}
