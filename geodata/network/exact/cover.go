package exact

import (
	"encoding/binary"
	"math"
)

// cover tells where an area's ways are all there: cells of a grid over its box.
type cover struct {
	x, y, wide, high int // in cells, from 180° west and 90° south
	bits             []byte
}

const (
	cellsPerDegree = 64
	// bridged is how wide a stretch without ways may be between stretches with them
	// and still be part of the area.
	bridged = 16.0 // km
)

func (c *cover) bit(x, y int) bool {
	i := y*c.wide + x
	return c.bits[i>>3]&(1<<(i&7)) != 0
}

func (c *cover) has(lat, lon float64) bool {
	lon -= 360 * math.Floor((lon+180)/360)
	x, y := int((lon+180)*cellsPerDegree)-c.x, int((lat+90)*cellsPerDegree)-c.y
	return x >= 0 && y >= 0 && x < c.wide && y < c.high && c.bit(x, y)
}

// bounds are the box's edges in degrees: west, south, east, north.
func (c *cover) bounds() [4]float64 {
	const d = float64(cellsPerDegree)
	return [4]float64{float64(c.x)/d - 180, float64(c.y)/d - 90, float64(c.x+c.wide)/d - 180, float64(c.y+c.high)/d - 90}
}

// newCover covers what networks go through, what they enclose and narrow gaps
// between. Ferries cover nothing.
func newCover(networks ...*network) *cover {
	cells := map[[2]int]bool{}
	for _, n := range networks {
		if n == nil {
			continue
		}
		for e := range int32(len(n.from)) {
			if n.class(e) == FerryLine {
				continue
			}
			var lastLat, lastLon float64
			begun := false
			n.walk(e, func(lat, lon float64) {
				if begun {
					steps := int(max(math.Abs(lat-lastLat), math.Abs(lon-lastLon))*cellsPerDegree*2) + 1
					for i := range steps + 1 {
						f := float64(i) / float64(steps)
						cells[[2]int{int((lastLon + (lon-lastLon)*f + 180) * cellsPerDegree), int((lastLat + (lat-lastLat)*f + 90) * cellsPerDegree)}] = true
					}
				}
				begun, lastLat, lastLon = true, lat, lon
			})
		}
	}
	c := &cover{}
	if len(cells) == 0 {
		return c
	}
	minX, minY, maxX, maxY := math.MaxInt, math.MaxInt, math.MinInt, math.MinInt
	for p := range cells {
		minX, maxX = min(minX, p[0]), max(maxX, p[0])
		minY, maxY = min(minY, p[1]), max(maxY, p[1])
	}
	// A frame wide enough that closing gaps does not meet the box.
	mid := (float64(minY+maxY)/2)/cellsPerDegree - 90
	ry := int(math.Round(bridged / 2 / 111.2 * cellsPerDegree))
	rx := int(math.Round(bridged / 2 / 111.2 * cellsPerDegree / max(math.Cos(mid*math.Pi/180), 0.1)))
	wide, high := maxX-minX+1+2*rx+2, maxY-minY+1+2*ry+2
	set := make([]bool, wide*high)
	for p := range cells {
		set[(p[1]-minY+ry+1)*wide+p[0]-minX+rx+1] = true
	}
	closed := spread(set, wide, high, rx, ry, true)
	closed = spread(closed, wide, high, rx, ry, false)
	fillHoles(closed, wide, high)
	c.x, c.y, c.wide, c.high = minX, minY, maxX-minX+1, maxY-minY+1
	c.bits = make([]byte, (c.wide*c.high+7)/8)
	for y := range c.high {
		for x := range c.wide {
			k := (y+ry+1)*wide + x + rx + 1
			if closed[k] || set[k] {
				i := y*c.wide + x
				c.bits[i>>3] |= 1 << (i & 7)
			}
		}
	}
	return c
}

// rim is how many cells at its edge an area's ways are cut off in.
const rim = 2

// inner is the cover without its rim.
func (c *cover) inner() *cover {
	in := &cover{x: c.x, y: c.y, wide: c.wide, high: c.high, bits: make([]byte, len(c.bits))}
	wide, high := c.wide+2*rim, c.high+2*rim
	set := make([]bool, wide*high)
	for y := range c.high {
		for x := range c.wide {
			set[(y+rim)*wide+x+rim] = c.bit(x, y)
		}
	}
	set = spread(set, wide, high, rim, rim, false)
	for y := range c.high {
		for x := range c.wide {
			if set[(y+rim)*wide+x+rim] {
				i := y*c.wide + x
				in.bits[i>>3] |= 1 << (i & 7)
			}
		}
	}
	return in
}

// spread sets every cell that has one of value within a box around it.
func spread(set []bool, wide, high, rx, ry int, value bool) []bool {
	row := make([]bool, len(set))
	copyOther := func(dst []bool) {
		for i := range dst {
			dst[i] = !value
		}
	}
	copyOther(row)
	for y := range high {
		last := math.MinInt / 2
		for x := -rx; x < wide; x++ {
			if x+rx < wide && set[y*wide+x+rx] == value {
				last = x + rx
			}
			if x >= 0 && last >= x-rx {
				row[y*wide+x] = value
			}
		}
	}
	out := make([]bool, len(set))
	copyOther(out)
	for x := range wide {
		last := math.MinInt / 2
		for y := -ry; y < high; y++ {
			if y+ry < high && row[(y+ry)*wide+x] == value {
				last = y + ry
			}
			if y >= 0 && last >= y-ry {
				out[y*wide+x] = value
			}
		}
	}
	return out
}

// fillHoles sets the cells that cannot be reached from the frame.
func fillHoles(set []bool, wide, high int) {
	outside := make([]bool, len(set))
	stack := []int{0}
	outside[0] = true
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		x, y := i%wide, i/wide
		for _, d := range [][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			u, v := x+d[0], y+d[1]
			if u < 0 || v < 0 || u >= wide || v >= high {
				continue
			}
			if k := v*wide + u; !set[k] && !outside[k] {
				outside[k] = true
				stack = append(stack, k)
			}
		}
	}
	for i := range set {
		set[i] = !outside[i]
	}
}

func (c *cover) encode() []byte {
	out := make([]byte, 0, 16+len(c.bits))
	for _, v := range []int{c.x, c.y, c.wide, c.high} {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	return append(out, c.bits...)
}

func decodeCover(b []byte) (*cover, error) {
	if len(b) < 16 {
		return nil, damaged("where it is cannot be read")
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint32(b[4*i:])) }
	c := &cover{x: at(0), y: at(1), wide: at(2), high: at(3), bits: b[16:]}
	if c.wide > 360*cellsPerDegree+1 || c.high > 180*cellsPerDegree+1 || c.x > 360*cellsPerDegree || c.y > 180*cellsPerDegree || len(c.bits) != (c.wide*c.high+7)/8 {
		return nil, damaged("where it is cannot be read")
	}
	return c, nil
}
