// Command picture draws the sea network, or a part of it, as a PNG: land, the water
// inshore, the legs between turning points or the ways between the ports of the
// tests, and the gates of passages.
//
//	go run ./geodata/network/sea/picture -ways -o geodata/network/sea/network.png
//	go run ./geodata/network/sea/picture -box 103,0.5,105,2 -width 1200 -o singapore.png
//
// It is for the eyes of those who work on the network and is run at the root of the
// repository.
package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/sea"
	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"
	"corridor/geodata/network/sea/internal/published"
)

func main() {
	box := flag.String("box", "-180,-58,180,78", "west,south,east,north in degrees; east may lie beyond 180")
	width := flag.Int("width", 1500, "of the picture, in pixels")
	file := flag.String("chart", "geodata/network/sea/sea.chart", "the chart to draw")
	ways := flag.Bool("ways", false, "draw the ways between all the tests' ports instead of the legs")
	out := flag.String("o", "network.png", "the picture")
	flag.Parse()
	if err := run(*file, *box, *width, *ways, *out); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(file, box string, width int, ways bool, out string) error {
	v := view{width: width}
	if n, err := fmt.Sscanf(box, "%g,%g,%g,%g", &v.west, &v.south, &v.east, &v.north); n != 4 || v.west >= v.east || v.south >= v.north {
		return fmt.Errorf("box %q: want west,south,east,north (%w)", box, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c, err := chart.Read(data)
	if err != nil {
		return err
	}
	passages, err := pilot.Passages()
	if err != nil {
		return err
	}
	img := v.water(c)
	if ways {
		if err := v.ways(img); err != nil {
			return err
		}
	} else {
		v.legs(img, c)
	}
	v.gates(img, passages)
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(f, quantized(img)); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// view is the part of the world drawn, in the equirectangular projection with its
// middle latitude true.
type view struct {
	west, south, east, north float64
	width                    int
}

func (v view) scale() (x, y float64) {
	x = float64(v.width) / (v.east - v.west)
	return x, x / math.Cos((v.south+v.north)/2*math.Pi/180)
}

var (
	land    = color.RGBA{0xc9, 0xc4, 0xb6, 0xff}
	inshore = color.RGBA{0xd9, 0xe8, 0xf0, 0xff}
	open    = color.RGBA{0xf4, 0xf9, 0xfc, 0xff}
	leg     = color.RGBA{0x1f, 0x5f, 0x8b, 0xff}
	lane    = color.RGBA{0x0a, 0x8a, 0x5a, 0xff}
	gate    = color.RGBA{0xd0, 0x30, 0x20, 0xff}
)

// water draws land and water.
func (v view) water(c *chart.Chart) *image.RGBA {
	sx, sy := v.scale()
	img := image.NewRGBA(image.Rect(0, 0, v.width, int((v.north-v.south)*sy)))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			p := orb.Point{v.west + (float64(x)+0.5)/sx, v.north - (float64(y)+0.5)/sy}
			switch c.Water.AtPoint(p) {
			case chart.Land:
				img.SetRGBA(x, y, land)
			case chart.Inshore:
				img.SetRGBA(x, y, inshore)
			default:
				img.SetRGBA(x, y, open)
			}
		}
	}
	return img
}

// legs draws the legs and, in a small part of the world, their turning points.
func (v view) legs(img *image.RGBA, c *chart.Chart) {
	alpha := 0.6
	if v.east-v.west > 40 {
		alpha = 0.12
	}
	for _, e := range c.Edges {
		if e.Mid >= 0 {
			continue
		}
		a, b := c.Nodes[e.A], c.Nodes[e.B]
		col, al := leg, alpha
		if a.Free && b.Free {
			col, al = lane, max(alpha, 0.5)
		}
		v.line(img, a.Point, b.Point, col, al)
	}
	if v.east-v.west > 40 {
		return
	}
	for _, n := range c.Nodes {
		col := leg
		if n.Free {
			col = lane
		}
		x, y := v.pixel(n.Point)
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				mix(img, int(x)+dx, int(y)+dy, col, 1)
			}
		}
	}
}

// ways draws the ways between all ports of the tests, each faintly.
func (v view) ways(img *image.RGBA) error {
	at, _, err := published.Ports()
	if err != nil {
		return err
	}
	var ports []orb.Point
	for _, code := range slices.Sorted(maps.Keys(at)) {
		ports = append(ports, at[code])
	}
	g, err := sea.Open()
	if err != nil {
		return err
	}
	for i, a := range ports {
		for _, b := range ports[:i] {
			p, err := g.Route(a, b, geodata.Avoid{})
			if errors.Is(err, geodata.ErrNoRoute) {
				continue
			}
			if err != nil {
				return err
			}
			for k := 1; k < len(p.Geometry); k++ {
				v.line(img, p.Geometry[k-1], p.Geometry[k], leg, 0.06)
			}
		}
	}
	return nil
}

// gates draws where passages are sailed.
func (v view) gates(img *image.RGBA, passages []pilot.Passage) {
	for _, p := range passages {
		if p.Kind == "weight" {
			continue
		}
		for _, g := range p.Gates {
			for i := 1; i < len(g); i++ {
				v.line(img, g[i-1], g[i], gate, 0.9)
			}
		}
	}
}

func (v view) pixel(p orb.Point) (x, y float64) {
	sx, sy := v.scale()
	return (globe.NearLon(p[0], (v.west+v.east)/2) - v.west) * sx, (v.north - p[1]) * sy
}

// line draws a great circle.
func (v view) line(img *image.RGBA, a, b orb.Point, col color.RGBA, alpha float64) {
	arc := globe.NewArc(globe.FromPoint(a), globe.FromPoint(b))
	n := int(math.Ceil(arc.Angle / (0.5 * math.Pi / 180)))
	last := a
	for k := 1; k <= n; k++ {
		p := arc.At(arc.Angle * float64(k) / float64(n)).Point()
		x0, y0 := v.pixel(last)
		x1, y1 := v.pixel(p)
		last = p
		if math.Abs(x1-x0) > float64(v.width)/2 {
			continue // over the edge of the picture
		}
		steps := int(math.Ceil(max(math.Abs(x1-x0), math.Abs(y1-y0), 1)))
		for s := range steps {
			t := float64(s) / float64(steps)
			mix(img, int(x0+t*(x1-x0)), int(y0+t*(y1-y0)), col, alpha)
		}
	}
}

func mix(img *image.RGBA, x, y int, col color.RGBA, alpha float64) {
	if !(image.Point{x, y}.In(img.Rect)) {
		return
	}
	p := img.RGBAAt(x, y)
	blend := func(a, b uint8) uint8 { return uint8(float64(a)*(1-alpha) + float64(b)*alpha) }
	img.SetRGBA(x, y, color.RGBA{blend(p.R, col.R), blend(p.G, col.G), blend(p.B, col.B), 0xff})
}

// quantized has the picture in 256 colours: a third of the bytes.
func quantized(img *image.RGBA) *image.Paletted {
	const levels = 6
	var palette color.Palette
	for r := range levels {
		for g := range levels {
			for b := range levels {
				palette = append(palette, color.RGBA{uint8(r * 51), uint8(g * 51), uint8(b * 51), 0xff})
			}
		}
	}
	palette = append(palette, land, inshore, open, leg, lane, gate)
	for _, base := range []color.RGBA{open, inshore} {
		for k := 1; k <= 16; k++ {
			t := float64(k) / 17
			blend := func(a, b uint8) uint8 { return uint8(float64(a)*(1-t) + float64(b)*t) }
			palette = append(palette, color.RGBA{blend(base.R, leg.R), blend(base.G, leg.G), blend(base.B, leg.B), 0xff})
		}
	}
	out := image.NewPaletted(img.Rect, palette)
	index := map[color.RGBA]uint8{}
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := img.RGBAAt(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
