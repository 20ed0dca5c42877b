package tracking

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Reseal puts the version and the checksum of a record right.
func Reseal(b []byte) []byte {
	if len(b) < 1+checksumSize {
		return b
	}
	b = bytes.Clone(b)
	b[0] = recordVersion
	body := b[:len(b)-checksumSize]
	binary.LittleEndian.PutUint32(b[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// Window is how many device seconds of a unit are remembered.
const Window = window

// NewSharingOf is NewSharing with another horizon.
func NewSharingOf(horizon int) *Sharing { return newSharing(horizon) }

// ResealSnapshot puts the head and the checksum of a snapshot right.
func ResealSnapshot(b []byte) []byte {
	head := append([]byte(snapshotMagic), snapshotVersion)
	if len(b) < len(head)+checksumSize {
		return b
	}
	b = bytes.Clone(b)
	copy(b, head)
	body := b[:len(b)-checksumSize]
	binary.LittleEndian.PutUint32(b[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return b
}
