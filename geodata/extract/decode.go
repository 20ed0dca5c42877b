package extract

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// message reads the fields of a protocol buffer one by one.
type message struct{ b []byte }

func (m *message) done() bool { return len(m.b) == 0 }

func errShort() error { return bad("a field ends too early: the file is damaged, get it again") }

// uint reads a varint.
func (m *message) uint() (uint64, error) {
	if len(m.b) > 0 && m.b[0] < 0x80 {
		v := m.b[0]
		m.b = m.b[1:]
		return uint64(v), nil
	}
	v, n := binary.Uvarint(m.b)
	if n <= 0 {
		return 0, errShort()
	}
	m.b = m.b[n:]
	return v, nil
}

// field reads the next field: its number, and its value or its bytes.
func (m *message) field() (number uint64, value uint64, data []byte, err error) {
	key, err := m.uint()
	if err != nil {
		return 0, 0, nil, err
	}
	switch key & 7 {
	case 0:
		value, err = m.uint()
	case 1:
		if len(m.b) < 8 {
			return 0, 0, nil, errShort()
		}
		value, m.b = binary.LittleEndian.Uint64(m.b), m.b[8:]
	case 2:
		var size uint64
		if size, err = m.uint(); err != nil {
			return 0, 0, nil, err
		}
		if size > uint64(len(m.b)) {
			return 0, 0, nil, errShort()
		}
		data, m.b = m.b[:size:size], m.b[size:]
	case 5:
		if len(m.b) < 4 {
			return 0, 0, nil, errShort()
		}
		value, m.b = uint64(binary.LittleEndian.Uint32(m.b)), m.b[4:]
	default:
		return 0, 0, nil, bad("a field of an unknown kind: the file is damaged, get it again")
	}
	return key >> 3, value, data, err
}

func signed(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// unpack returns the content of a blob.
func unpack(blob []byte) ([]byte, error) {
	var packed []byte
	size, kind := uint64(0), uint64(0)
	m := message{blob}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			return nil, err
		}
		switch field {
		case 1, 3, 4, 6, 7: // raw, zlib, lzma, lz4, zstd
			packed, kind = data, field
		case 2:
			size = value
		}
	}
	if kind == 1 {
		if len(packed) > maxRawBytes {
			return nil, bad("a block of %d bytes, over the format's limit of %d", len(packed), maxRawBytes)
		}
		return packed, nil
	}
	if size > maxRawBytes {
		return nil, bad("a block that would unpack to %d bytes, over the format's limit of %d: the file is damaged or made to do harm", size, maxRawBytes)
	}
	switch kind {
	case 3:
		r, err := zlib.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, &FormatError{Reason: "a block cannot be unpacked: the file is damaged, get it again", Err: err}
		}
		return inflate(r, size)
	case 7:
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRawBytes))
		if err != nil {
			return nil, &FormatError{Reason: "a block cannot be unpacked: the file is damaged, get it again", Err: err}
		}
		defer r.Close()
		return inflate(r, size)
	case 0:
		return nil, bad("a block without content: the file is damaged, get it again")
	}
	return nil, bad("a block packed in a way this program does not read: rewrite it with osmium cat FILE -o FILE.osm.pbf")
}

// inflate reads exactly size bytes.
func inflate(r io.Reader, size uint64) ([]byte, error) {
	// What is announced is not believed before it comes.
	out := bytes.NewBuffer(make([]byte, 0, min(size+bytes.MinRead, 1<<20)))
	n, err := out.ReadFrom(io.LimitReader(r, int64(size)+1))
	if err != nil {
		return nil, &FormatError{Reason: "a block cannot be unpacked: the file is damaged, get it again", Err: err}
	}
	if uint64(n) != size {
		return nil, bad("a block unpacks to another length than the %d bytes it announces: the file is damaged or made to do harm", size)
	}
	return out.Bytes(), nil
}

func decodeHeader(raw []byte) (Header, error) {
	var h Header
	m := message{raw}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			return h, err
		}
		switch field {
		case 1:
			var box [5]int64
			b := message{data}
			for !b.done() {
				side, v, _, err := b.field()
				if err != nil {
					return h, err
				}
				if side < 5 {
					box[side] = signed(v)
				}
			}
			h.HasBounds = true // left, right, top, bottom in nanodegrees
			h.Bounds = [4]float64{float64(box[1]) / 1e9, float64(box[4]) / 1e9, float64(box[2]) / 1e9, float64(box[3]) / 1e9}
		case 4:
			switch need := string(data); need {
			case "OsmSchema-V0.6", "DenseNodes":
			case "HistoricalInformation":
				return h, bad("the file holds the history of the map, not one state of it: cut one with osmium time-filter")
			default:
				return h, bad("the file needs the feature %q, which this program does not read", need)
			}
		case 16:
			h.Writer = string(data)
		case 32:
			h.Timestamp = int64(value)
		}
	}
	return h, nil
}

// decodeBlock reads the nodes and ways of an unpacked block.
func decodeBlock(raw []byte, o Options) (*Block, error) {
	d := decoder{granularity: 100, want: o, out: &Block{}}
	var groups [][]byte
	var table []byte
	m := message{raw}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			return nil, err
		}
		switch field {
		case 1:
			table = data
		case 2:
			groups = append(groups, data)
		case 17:
			d.granularity = int64(int32(value))
		case 19:
			d.latOffset = int64(value)
		case 20:
			d.lonOffset = int64(value)
		}
	}
	if d.granularity <= 0 || d.granularity > 1e9 {
		return nil, bad("a block with a granularity of %d: the file is damaged", d.granularity)
	}
	if err := d.strings(table); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := d.group(g); err != nil {
			return nil, err
		}
	}
	return d.out, nil
}

type decoder struct {
	granularity          int64
	latOffset, lonOffset int64
	table                []string
	want                 Options
	out                  *Block
}

func (d *decoder) strings(table []byte) error {
	text := string(table) // one copy that all strings share
	m := message{table}
	for !m.done() {
		field, _, data, err := m.field()
		if err != nil {
			return err
		}
		if field == 1 {
			end := len(text) - len(m.b)
			d.table = append(d.table, text[end-len(data):end])
		}
	}
	return nil
}

func (d *decoder) text(i uint64) (string, error) {
	if i >= uint64(len(d.table)) {
		return "", bad("a tag that is not in the block's table of texts: the file is damaged, get it again")
	}
	return d.table[i], nil
}

func (d *decoder) group(g []byte) error {
	m := message{g}
	for !m.done() {
		field, _, data, err := m.field()
		if err != nil {
			return err
		}
		switch {
		case field == 1 && d.want.Nodes:
			err = d.node(data)
		case field == 2 && d.want.Nodes:
			err = d.dense(data)
		case field == 3 && d.want.Ways:
			err = d.way(data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) place(lat, lon int64) (int32, int32, error) {
	// Anything near the earth fits without overflow; the rest is refused first.
	const most = 1 << 40 // nanodegrees
	if max(lat, -lat, lon, -lon) > most/d.granularity || max(d.latOffset, -d.latOffset, d.lonOffset, -d.lonOffset) > most {
		return 0, 0, bad("a node off the earth: the file is damaged")
	}
	y, okY := units(d.latOffset+lat*d.granularity, 90)
	x, okX := units(d.lonOffset+lon*d.granularity, 180)
	if !okY || !okX {
		return 0, 0, bad("a node off the earth: the file is damaged")
	}
	return y, x, nil
}

func (d *decoder) node(data []byte) error {
	var n Node
	var lat, lon int64
	var keys, values []byte
	m := message{data}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			return err
		}
		switch field {
		case 1:
			n.ID = signed(value)
		case 2:
			keys = data
		case 3:
			values = data
		case 8:
			lat = signed(value)
		case 9:
			lon = signed(value)
		}
	}
	var err error
	if n.Lat, n.Lon, err = d.place(lat, lon); err != nil {
		return err
	}
	if n.Tags, err = d.tags(keys, values); err != nil {
		return err
	}
	d.out.Nodes = append(d.out.Nodes, n)
	return nil
}

func (d *decoder) dense(data []byte) error {
	var ids, lats, lons, tags message
	m := message{data}
	for !m.done() {
		field, _, data, err := m.field()
		if err != nil {
			return err
		}
		switch field {
		case 1:
			ids.b = data
		case 8:
			lats.b = data
		case 9:
			lons.b = data
		case 10:
			tags.b = data
		}
	}
	if d.out.Nodes == nil {
		d.out.Nodes = make([]Node, 0, min(len(ids.b), 8192))
	}
	var id, lat, lon int64
	for !ids.done() {
		step, err := ids.uint()
		if err != nil {
			return err
		}
		north, err := lats.uint()
		if err != nil {
			return err
		}
		east, err := lons.uint()
		if err != nil {
			return err
		}
		id, lat, lon = id+signed(step), lat+signed(north), lon+signed(east)
		n := Node{ID: id}
		if n.Lat, n.Lon, err = d.place(lat, lon); err != nil {
			return err
		}
		for !tags.done() {
			k, err := tags.uint()
			if err != nil {
				return err
			}
			if k == 0 {
				break
			}
			v, err := tags.uint()
			if err != nil {
				return err
			}
			key, err := d.text(k)
			if err != nil {
				return err
			}
			value, err := d.text(v)
			if err != nil {
				return err
			}
			n.Tags = append(n.Tags, Tag{key, value})
		}
		d.out.Nodes = append(d.out.Nodes, n)
	}
	return nil
}

func (d *decoder) way(data []byte) error {
	var w Way
	var keys, values []byte
	var refs message
	m := message{data}
	for !m.done() {
		field, value, data, err := m.field()
		if err != nil {
			return err
		}
		switch field {
		case 1:
			w.ID = int64(value)
		case 2:
			keys = data
		case 3:
			values = data
		case 8:
			refs.b = data
		}
	}
	var err error
	if w.Tags, err = d.tags(keys, values); err != nil {
		return err
	}
	w.Nodes = make([]int64, 0, min(len(refs.b), 2000))
	last := int64(0)
	for !refs.done() {
		step, err := refs.uint()
		if err != nil {
			return err
		}
		last += signed(step)
		w.Nodes = append(w.Nodes, last)
	}
	d.out.Ways = append(d.out.Ways, w)
	return nil
}

func (d *decoder) tags(keys, values []byte) (Tags, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	k, v := message{keys}, message{values}
	tags := make(Tags, 0, min(len(keys), 32))
	for !k.done() {
		i, err := k.uint()
		if err != nil {
			return nil, err
		}
		j, err := v.uint()
		if err != nil {
			return nil, err
		}
		key, err := d.text(i)
		if err != nil {
			return nil, err
		}
		value, err := d.text(j)
		if err != nil {
			return nil, err
		}
		tags = append(tags, Tag{key, value})
	}
	return tags, nil
}
