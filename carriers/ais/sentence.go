package ais

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// sentence is one line taken apart. Its slices alias the line.
type sentence struct {
	received time.Time // zero: the line does not say
	source   string    // of the TAG block; parts of one message share it
	parts    int
	part     int    // from 1
	group    string // sequential message id, or the group of the TAG block
	channel  byte   // 0: not given
	payload  []byte
	fill     int  // bits of the last character that do not count
	badTag   bool // there was a TAG block, but its checksum is wrong
}

// parseLine takes a line apart:
//
//	[time] [\TAG block*hh\]!ttVDM,parts,part,[id],[channel],payload,fill*hh[,station,time]
//
// The time before it is a Unix time in s, ms, µs or ns, or a date and time; anything
// else that a logger put there is passed over.
func parseLine(line []byte) (sentence, Reason) {
	var s sentence
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return s, Comment
	}
	if line[0] != '!' && line[0] != '$' && line[0] != '\\' {
		i := bytes.IndexAny(line, `!\`)
		if i < 0 {
			return s, NotAIS
		}
		if t, ok := parseTime(strings.Trim(string(line[:i]), " \t,;|:[]()\"'")); ok {
			s.received = t
		}
		line = line[i:]
	}
	for len(line) > 0 && line[0] == '\\' {
		block, after, found := bytes.Cut(line[1:], []byte(`\`))
		if !found {
			return s, Malformed
		}
		s.tag(block)
		line = after
	}
	if len(line) < 6 || line[0] != '!' && line[0] != '$' {
		return s, Malformed
	}
	body, sum, found := bytes.Cut(line[1:], []byte("*"))
	if kind := string(body[min(2, len(body)):min(5, len(body))]); kind != "VDM" && kind != "VDO" {
		return s, NotAIS
	}
	if !found || len(sum) < 2 || !checksum(body, sum[:2]) {
		return s, Checksum
	}
	// The US Coast Guard writes station and time behind the checksum.
	if i := bytes.LastIndexByte(sum, ','); i >= 0 && s.received.IsZero() {
		if t, ok := parseTime(string(bytes.TrimSpace(sum[i+1:]))); ok {
			s.received = t
		}
	}
	fields := bytes.Split(body, []byte(","))
	if len(fields) != 7 {
		return s, Malformed
	}
	var ok1, ok2, ok3 bool
	s.parts, ok1 = digit(fields[1])
	s.part, ok2 = digit(fields[2])
	s.fill, ok3 = digit(fields[6])
	if !ok1 || !ok2 || !ok3 || s.part < 1 || s.part > s.parts || s.fill > 5 {
		return s, Malformed
	}
	if s.group == "" {
		s.group = string(fields[3])
	}
	if len(fields[4]) > 0 {
		s.channel = fields[4][0]
	}
	if s.payload = fields[5]; len(s.payload) == 0 {
		return s, Empty
	}
	return s, ""
}

// tag reads a TAG block without its backslashes: "g:1-2-3,s:station,c:time*hh".
// One with a wrong checksum is not believed, but the sentence behind it has its
// own checksum and stands.
func (s *sentence) tag(block []byte) {
	body, sum, found := bytes.Cut(block, []byte("*"))
	if !found || len(sum) != 2 || !checksum(body, sum) {
		s.badTag = true
		return
	}
	for field := range bytes.SplitSeq(body, []byte(",")) {
		key, value, _ := bytes.Cut(field, []byte(":"))
		switch string(key) {
		case "c":
			if t, ok := parseTime(string(value)); ok {
				s.received = t
			}
		case "s":
			s.source = string(value)
		case "g":
			if i := bytes.LastIndexByte(value, '-'); i >= 0 {
				s.group = "g" + string(value[i+1:])
			}
		}
	}
}

// checksum compares the exclusive or of all bytes with two hex digits.
func checksum(body, hex []byte) bool {
	want, err := strconv.ParseUint(string(hex), 16, 8)
	sum := byte(0)
	for _, c := range body {
		sum ^= c
	}
	return err == nil && sum == byte(want)
}

func digit(b []byte) (int, bool) {
	if len(b) != 1 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	return int(b[0] - '0'), true
}

// parseTime reads a Unix time by its number of digits, or a date and time, which
// is UTC unless it says otherwise.
func parseTime(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		switch len(s) {
		case 9, 10:
			return time.Unix(n, 0).UTC(), true
		case 13:
			return time.UnixMilli(n).UTC(), true
		case 16:
			return time.UnixMicro(n).UTC(), true
		case 19:
			return time.Unix(0, n).UTC(), true
		}
		return time.Time{}, false
	}
	if seconds, fraction, ok := strings.Cut(s, "."); ok && len(seconds) == 10 { // 1550303566.168
		n, err1 := strconv.ParseInt(seconds, 10, 64)
		f, err2 := strconv.ParseFloat("0."+fraction, 64)
		if err1 == nil && err2 == nil && n > 0 {
			return time.Unix(n, int64(f*1e9)).UTC(), true
		}
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006/01/02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// unarmour turns payload characters into bits, one a byte, as the codec wants
// them.
func unarmour(bits, payload []byte, fill int) ([]byte, bool) {
	for _, c := range payload {
		if c < 48 || c > 119 || c > 87 && c < 96 {
			return bits, false
		}
		c -= 48
		if c > 40 {
			c -= 8
		}
		for shift := 5; shift >= 0; shift-- {
			bits = append(bits, c>>shift&1)
		}
	}
	return bits[:max(len(bits)-fill, 0)], true
}
