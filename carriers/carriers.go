// Package carriers is where positions come in. A gateway speaks what a carrier's
// boxes already speak (JSON over HTTP, AIS, GPX, …) and hands batches of
// tracking.Position to a Sink, as one carrier. A gateway is two halves: a pure
// one from bytes to positions, with no socket and no clock, which is fuzzed; and
// a connection that reads bytes, asks who is talking, and answers with what was
// stored.
//
// The root holds the JSON half (DecodePositions) and Sink. ais, gpx, adsb and table
// (CSV and JSON by column names) decode recordings, replay pushes one through the
// public API, simulate pretends to be traffic. A gateway whose boxes are known by
// an IMEI declares Devices here when it comes: which carrier and unit that is.
//
// Nothing here decides whether a position is plausible (latitude 91, a time in
// 2099): that is the tracker's, so that every gateway refuses alike. What cannot be
// read as a position at all is refused here.
package carriers

import (
	"context"

	"corridor/tracking"
)

// Sink takes positions in. Those counted as stored in the receipt are durable
// when Accept returns; Receipt.Refused counts from the start of the batch. After
// an error nothing is known: the gateway tells its client to send again, and what
// was stored after all is recognised as a duplicate. The batch may be used again
// when Accept has returned; sensors in it must not be written to.
type Sink interface {
	Accept(ctx context.Context, carrier tracking.PartyID, batch []tracking.Position, o tracking.AcceptOptions) (tracking.Receipt, error)
}
