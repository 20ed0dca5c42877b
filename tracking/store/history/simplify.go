package history

import (
	"math"

	"corridor/tracking/store/chunk"
)

// Simplify leaves out rows that lie within some metres of the line through those
// that stay, by the way of Douglas and Peucker; the first and the last stay. It
// reuses the slice. Distances are those of a plane about each line, which is right
// to a thousandth over the lengths a screen can tell apart; lines go the short way
// over ±180°.
func Simplify(rows []chunk.Row, metres float64) []chunk.Row {
	if len(rows) < 3 {
		return rows
	}
	keep := make([]bool, len(rows))
	keep[0], keep[len(rows)-1] = true, true
	type span struct{ from, to int }
	stack := []span{{0, len(rows) - 1}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		at, worst := 0, metres*metres
		l := lineBetween(&rows[s.from], &rows[s.to])
		for i := s.from + 1; i < s.to; i++ {
			if d := l.off2(&rows[i]); d > worst {
				at, worst = i, d
			}
		}
		if at > 0 {
			keep[at] = true
			stack = append(stack, span{s.from, at}, span{at, s.to})
		}
	}
	n := 0
	for i := range rows {
		if keep[i] {
			rows[n] = rows[i]
			n++
		}
	}
	return rows[:n]
}

// simplifyLong simplifies many rows in stretches, whose ends stay, and then what is
// left of all in longer ones: a track that goes round and round would take time
// by the square of its length. All together moves the line by no more than metres.
func simplifyLong(rows []chunk.Row, metres float64) []chunk.Row {
	const stretch = 512
	for before := len(rows) + 1; len(rows) < before; {
		before = len(rows)
		metres /= 2
		if before <= 2*stretch {
			return Simplify(rows, metres)
		}
		n := 0
		for from := 0; from < before; from += stretch {
			n += copy(rows[n:], Simplify(rows[from:min(from+stretch, before)], metres))
		}
		rows = rows[:n]
		if n > before/2 {
			return rows
		}
	}
	return rows
}

const (
	turnE7      = 3_600_000_000
	metresPerE7 = 6371008.8 * math.Pi / 180 / 1e7
)

// line is the line between two rows on a plane: metres east and north of the first.
type line struct {
	origin     *chunk.Row
	perLon     float64
	x, y, size float64 // its end, and its length squared
}

func lineBetween(a, b *chunk.Row) line {
	l := line{origin: a, perLon: metresPerE7 * math.Cos((float64(a.LatE7)+float64(b.LatE7))/2e7*math.Pi/180)}
	l.x, l.y = l.place(b)
	l.size = l.x*l.x + l.y*l.y
	return l
}

func (l *line) place(r *chunk.Row) (x, y float64) {
	east := int64(r.LonE7) - int64(l.origin.LonE7)
	switch {
	case east > turnE7/2:
		east -= turnE7
	case east < -turnE7/2:
		east += turnE7
	}
	return float64(east) * l.perLon, float64(r.LatE7-l.origin.LatE7) * metresPerE7
}

// off2 is the square of the distance of a row to the line.
func (l *line) off2(r *chunk.Row) float64 {
	x, y := l.place(r)
	if l.size > 0 {
		part := min(max((x*l.x+y*l.y)/l.size, 0), 1)
		x, y = x-part*l.x, y-part*l.y
	}
	return x*x + y*y
}
