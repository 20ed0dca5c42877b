package area

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/paged"
	"corridor/geodata/path"
)

//go:embed regions.bin
var regions []byte

// Regions tells the first-order administrative division of a point. The shapes are
// Natural Earth's at 1:10 million, of about 2018, rounded to 0.001° (110 m). It is
// immutable and safe for concurrent use.
type Regions struct {
	all    []geodata.Region
	parts  []part
	ends   []uint32     // of each ring in points, part by part
	points [][2]float32 // of all rings, one after the other

	first  []uint32 // of each whole degree in inCell; one more at the end
	inCell []uint32 // parts whose box touches the degree
}

// part is one polygon of a region: an outer ring and holes, each closed.
type part struct {
	region      int32
	box         [4]float32 // west, south, east, north
	start       uint32     // of the first ring in points
	rings, last uint32     // from and to in ends
}

// RegionShape is a region as cmd/geodata writes it.
type RegionShape struct {
	geodata.Region
	Shape orb.MultiPolygon
}

// OpenRegions reads the embedded regions, in some 40 ms.
func OpenRegions() (*Regions, error) { return OpenRegionsPaged(nil) }

// OpenRegionsPaged is OpenRegions with the shapes in the store's files.
func OpenRegionsPaged(store *paged.Store) (*Regions, error) {
	r, err := DecodeRegions(bytes.NewReader(regions))
	if err != nil {
		return nil, fmt.Errorf("read embedded regions: %w", err)
	}
	store.Move(paged.Of(&r.parts), paged.Of(&r.ends), paged.Of(&r.points), paged.Of(&r.first), paged.Of(&r.inCell))
	return r, nil
}

// Len is the number of regions.
func (r *Regions) Len() int { return len(r.all) }

// At is the region of an index from 0 to Len.
func (r *Regions) At(i int) geodata.Region { return r.all[i] }

// Of is the region that holds a point or, where the coast of the shapes is off by a
// little, the nearest within ShoreKM. It answers false on the high seas and for what
// is no point on earth.
func (r *Regions) Of(p orb.Point) (geodata.Region, bool) { return r.find(p, nil) }

// In is Of among the regions of a country: at a border the shapes of countries and of
// regions differ a little.
func (r *Regions) In(p orb.Point, c geodata.Country) (geodata.Region, bool) { return r.find(p, &c) }

func (r *Regions) find(p orb.Point, of *geodata.Country) (geodata.Region, bool) {
	p, ok := onEarth(p)
	if !ok {
		return geodata.Region{}, false
	}
	x, y := float32(p[0]), float32(p[1])
	for _, i := range r.touching(degree(x, y)) {
		s := &r.parts[i]
		if of != nil && r.all[s.region].Country != *of {
			continue
		}
		if x >= s.box[0] && x <= s.box[2] && y >= s.box[1] && y <= s.box[3] && r.holds(s, x, y) {
			return r.all[s.region], true
		}
	}
	return r.nearest(p, of)
}

// nearest looks for the region with the nearest edge.
func (r *Regions) nearest(p orb.Point, of *geodata.Country) (geodata.Region, bool) {
	const kmPerDegree = path.EarthRadiusKM * math.Pi / 180
	reach := ShoreKM / kmPerDegree
	shrink := math.Max(0.01, math.Cos(p[1]*math.Pi/180))
	best, at := reach*reach, int32(-1)
	seen := map[uint32]bool{}
	for lat := math.Floor(p[1] - reach); lat <= p[1]+reach; lat++ {
		for lon := math.Floor(p[0] - reach/shrink); lon <= p[0]+reach/shrink && lon < p[0]+180; lon++ {
			turned := lon
			if turned < -180 {
				turned += 360
			} else if turned >= 180 {
				turned -= 360
			}
			for _, i := range r.touching(degree(float32(turned), float32(lat))) {
				if seen[i] {
					continue
				}
				seen[i] = true
				if of != nil && r.all[r.parts[i].region].Country != *of {
					continue
				}
				if d := r.offset(&r.parts[i], p, shrink); d < best {
					best, at = d, r.parts[i].region
				}
			}
		}
	}
	if at < 0 {
		return geodata.Region{}, false
	}
	return r.all[at], true
}

// The whole degrees, with one more on the right for points at 180°.
const degreesWide, degreesHigh = 361, 181

// degree is the number of the whole degree that holds a point.
func degree(lon, lat float32) int {
	x := min(max(int(math.Floor(float64(lon)))+180, 0), degreesWide-1)
	y := min(max(int(math.Floor(float64(lat)))+90, 0), degreesHigh-1)
	return y*degreesWide + x
}

// touching are the parts whose box touches a whole degree.
func (r *Regions) touching(degree int) []uint32 {
	return r.inCell[r.first[degree]:r.first[degree+1]]
}

// holds counts the edges east of the point.
func (r *Regions) holds(s *part, x, y float32) bool {
	in, from := false, s.start
	for _, end := range r.ends[s.rings:s.last] {
		for i := from + 1; i < end; i++ {
			a, b := r.points[i-1], r.points[i]
			if (a[1] > y) != (b[1] > y) && float64(x) < float64(a[0])+float64(y-a[1])/float64(b[1]-a[1])*float64(b[0]-a[0]) {
				in = !in
			}
		}
		from = end
	}
	return in
}

// offset is the square of how far the nearest edge is, in degrees of latitude.
func (r *Regions) offset(s *part, p orb.Point, shrink float64) float64 {
	best, from := math.Inf(1), s.start
	for _, end := range r.ends[s.rings:s.last] {
		for i := from + 1; i < end; i++ {
			a, b := r.points[i-1], r.points[i]
			ax, bx := turn(float64(a[0])-p[0])*shrink, turn(float64(b[0])-p[0])*shrink
			best = math.Min(best, originToSegment(ax, float64(a[1])-p[1], bx, float64(b[1])-p[1]))
		}
		from = end
	}
	return best
}

// index sorts the parts into the whole degrees their boxes touch.
func (r *Regions) index() {
	for i := range r.parts {
		s := &r.parts[i]
		s.box = [4]float32{180, 90, -180, -90}
		for _, p := range r.points[s.start:r.ends[s.last-1]] {
			s.box[0], s.box[2] = min(s.box[0], p[0]), max(s.box[2], p[0])
			s.box[1], s.box[3] = min(s.box[1], p[1]), max(s.box[3], p[1])
		}
	}
	each := func(visit func(cell int, part uint32)) {
		for i := range r.parts {
			s := &r.parts[i]
			for lat := math.Floor(float64(s.box[1])); lat <= float64(s.box[3]); lat++ {
				for lon := math.Floor(float64(s.box[0])); lon <= float64(s.box[2]); lon++ {
					visit(degree(float32(lon), float32(lat)), uint32(i))
				}
			}
		}
	}
	r.first = make([]uint32, degreesWide*degreesHigh+1)
	each(func(cell int, _ uint32) { r.first[cell+1]++ })
	for c := range degreesWide * degreesHigh {
		r.first[c+1] += r.first[c]
	}
	r.inCell = make([]uint32, r.first[degreesWide*degreesHigh])
	next := slices.Clone(r.first)
	each(func(cell int, part uint32) {
		r.inCell[next[cell]] = part
		next[cell]++
	})
}

// Format of the file, inside a raw DEFLATE stream. Strings are a varint length and
// bytes, numbers varints.
//
//	magic "regions1\n"
//	regions: count, then country, code, en, zh, ru, disputed (byte), claims
//	parts: count, then region, rings, and of each ring its points: how many, then
//	  longitude and latitude in 0.001° as differences to the point before
const regionsMagic = "regions1\n"

// EncodeRegions writes regions in the form DecodeRegions reads.
func EncodeRegions(w io.Writer, in []RegionShape) error {
	b := []byte(regionsMagic)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(in)))
	parts := 0
	for _, r := range in {
		for _, s := range []string{string(r.Country), r.Code, r.Names.EN, r.Names.ZH, r.Names.RU} {
			text(s)
		}
		disputed := byte(0)
		if r.Disputed {
			disputed = 1
		}
		b = append(b, disputed)
		b = binary.AppendUvarint(b, uint64(len(r.ClaimedBy)))
		for _, c := range r.ClaimedBy {
			text(string(c))
		}
		parts += len(r.Shape)
	}
	b = binary.AppendUvarint(b, uint64(parts))
	for i, r := range in {
		for _, polygon := range r.Shape {
			b = binary.AppendUvarint(b, uint64(i))
			b = binary.AppendUvarint(b, uint64(len(polygon)))
			var x, y int64
			for _, ring := range polygon {
				b = binary.AppendUvarint(b, uint64(len(ring)))
				for _, p := range ring {
					if !(math.Abs(p[0]) <= 180) || !(math.Abs(p[1]) <= 90) {
						return fmt.Errorf("region %s %s has the point %v", r.Country, r.Names.EN, p)
					}
					nx, ny := int64(math.Round(p[0]*1000)), int64(math.Round(p[1]*1000))
					b = binary.AppendVarint(b, nx-x)
					b = binary.AppendVarint(b, ny-y)
					x, y = nx, ny
				}
			}
		}
	}
	z, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	return z.Close()
}

// DecodeRegions reads regions. Broken input is ErrFormat, never a panic.
func DecodeRegions(in io.Reader) (*Regions, error) {
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(in), 1<<26))
	if err != nil || !bytes.HasPrefix(raw, []byte(regionsMagic)) {
		return nil, ErrFormat
	}
	raw = raw[len(regionsMagic):]
	ok := true
	count := func(most int) int {
		n, used := binary.Uvarint(raw)
		if used <= 0 || n > uint64(most) {
			ok, raw = false, nil
			return 0
		}
		raw = raw[used:]
		return int(n)
	}
	text := func() string {
		n := count(256)
		if n > len(raw) {
			ok, raw = false, nil
			return ""
		}
		s := string(raw[:n])
		raw = raw[n:]
		return s
	}
	delta := func() int64 {
		n, used := binary.Varint(raw)
		if used <= 0 {
			ok, raw = false, nil
			return 0
		}
		raw = raw[used:]
		return n
	}
	r := &Regions{}
	for n := count(1 << 16); n > 0 && ok; n-- {
		x := geodata.Region{Country: geodata.Country(text()), Code: text(), Names: geodata.Names{EN: text(), ZH: text(), RU: text()}}
		x.Disputed = count(1) == 1
		for m := count(16); m > 0 && ok; m-- {
			x.ClaimedBy = append(x.ClaimedBy, geodata.Country(text()))
		}
		r.all = append(r.all, x)
	}
	for n := count(1 << 20); n > 0 && ok; n-- {
		s := part{region: int32(count(max(0, len(r.all)-1))), start: uint32(len(r.points)), rings: uint32(len(r.ends))}
		var x, y int64
		for rings := count(1 << 16); rings > 0 && ok; rings-- {
			points := count(len(raw))
			for range points {
				x, y = x+delta(), y+delta()
				if !ok || x < -180_000 || x > 180_000 || y < -90_000 || y > 90_000 {
					return nil, ErrFormat
				}
				r.points = append(r.points, [2]float32{float32(x) / 1000, float32(y) / 1000})
			}
			r.ends = append(r.ends, uint32(len(r.points)))
		}
		s.last = uint32(len(r.ends))
		if int(s.region) >= len(r.all) || len(r.points) == int(s.start) {
			return nil, ErrFormat
		}
		r.parts = append(r.parts, s)
	}
	if !ok || len(raw) > 0 {
		return nil, ErrFormat
	}
	r.points, r.ends, r.parts = slices.Clip(r.points), slices.Clip(r.ends), slices.Clip(r.parts)
	r.index()
	return r, nil
}
