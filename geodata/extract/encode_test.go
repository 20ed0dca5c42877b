package extract

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/zlib"
)

// encoder writes extracts for tests: what a test wants to be read, or to be refused.
type encoder struct{ file []byte }

func (e *encoder) blob(kind string, raw []byte, pack bool) {
	var blob []byte
	if pack {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write(raw)
		_ = w.Close()
		blob = number(blob, 2, uint64(len(raw)))
		blob = field(blob, 3, z.Bytes())
	} else {
		blob = field(blob, 1, raw)
	}
	e.frame(kind, blob)
}

func (e *encoder) frame(kind string, blob []byte) {
	head := field(nil, 1, []byte(kind))
	head = number(head, 3, uint64(len(blob)))
	e.file = binary.BigEndian.AppendUint32(e.file, uint32(len(head)))
	e.file = append(append(e.file, head...), blob...)
}

func (e *encoder) header(features ...string) {
	var raw []byte
	for _, f := range append([]string{"OsmSchema-V0.6", "DenseNodes"}, features...) {
		raw = field(raw, 4, []byte(f))
	}
	raw = number(raw, 32, 1_700_000_000)
	e.blob("OSMHeader", raw, true)
}

func field(b []byte, n uint64, data []byte) []byte {
	b = binary.AppendUvarint(b, n<<3|2)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

func number(b []byte, n, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, n<<3), v)
}

// texts is a block's table.
type texts struct {
	all []string
	at  map[string]uint64
}

func (t *texts) of(s string) uint64 {
	if t.at == nil {
		t.all, t.at = []string{""}, map[string]uint64{}
	}
	i, ok := t.at[s]
	if !ok {
		i = uint64(len(t.all))
		t.all, t.at[s] = append(t.all, s), i
	}
	return i
}

func (t *texts) encode() []byte {
	t.of("")
	var b []byte
	for _, s := range t.all {
		b = field(b, 1, []byte(s))
	}
	return b
}

func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// block makes a block of nodes, dense or plain, and ways.
func block(b Block, dense bool) []byte {
	var t texts
	var groups [][]byte
	if dense && len(b.Nodes) > 0 {
		var ids, lats, lons, tags []byte
		var last Node
		for _, n := range b.Nodes {
			ids = binary.AppendUvarint(ids, zigzag(n.ID-last.ID))
			lats = binary.AppendUvarint(lats, zigzag(int64(n.Lat)-int64(last.Lat)))
			lons = binary.AppendUvarint(lons, zigzag(int64(n.Lon)-int64(last.Lon)))
			for _, tag := range n.Tags {
				tags = binary.AppendUvarint(binary.AppendUvarint(tags, t.of(tag.Key)), t.of(tag.Value))
			}
			tags = append(tags, 0)
			last = n
		}
		groups = append(groups, field(nil, 2, field(field(field(field(nil, 1, ids), 8, lats), 9, lons), 10, tags)))
	} else {
		for _, n := range b.Nodes {
			k, v := pairs(&t, n.Tags)
			m := number(nil, 1, zigzag(n.ID))
			m = field(field(m, 2, k), 3, v)
			m = number(number(m, 8, zigzag(int64(n.Lat))), 9, zigzag(int64(n.Lon)))
			groups = append(groups, field(nil, 1, m))
		}
	}
	for _, w := range b.Ways {
		k, v := pairs(&t, w.Tags)
		var refs []byte
		last := int64(0)
		for _, id := range w.Nodes {
			refs = binary.AppendUvarint(refs, zigzag(id-last))
			last = id
		}
		groups = append(groups, field(nil, 3, field(field(field(number(nil, 1, uint64(w.ID)), 2, k), 3, v), 8, refs)))
	}
	out := field(nil, 1, t.encode())
	for _, g := range groups {
		out = field(out, 2, g)
	}
	return out
}

func pairs(t *texts, tags Tags) (k, v []byte) {
	for _, tag := range tags {
		k, v = binary.AppendUvarint(k, t.of(tag.Key)), binary.AppendUvarint(v, t.of(tag.Value))
	}
	return k, v
}
