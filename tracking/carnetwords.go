package tracking

import (
	"io"

	"corridor/tracking/carnet"
)

// The words of package carnet, for those who know only this package.
type (
	CarnetTerms  = carnet.Terms
	CarnetOffice = carnet.Office
	CarnetAct    = carnet.Step // what is done with a carnet, within a CarnetStep
	CarnetActing = carnet.Kind
	CarnetStage  = carnet.Stage
	CarnetNotice = carnet.Notice
	CarnetLine   = carnet.Line
	CarnetError  = carnet.Error
	CarnetPaper  = carnet.Paper
)

// CarnetActs lists every kind of CarnetAct.
func CarnetActs() []CarnetActing { return carnet.Kinds() }

// Roles of a CarnetOffice.
const (
	OfficeDeparture   = carnet.Departure
	OfficeExit        = carnet.Exit
	OfficeEntry       = carnet.Entry
	OfficeDestination = carnet.Destination
)

// PrintJournal writes the journal of a carnet as a page to print.
func PrintJournal(w io.Writer, c *Carnet, p CarnetPaper) error { return c.Print(w, p) }

// PrintCheck writes what somebody sees who has checked an entry of a printed journal.
func PrintCheck(w io.Writer, c *Carnet, p CarnetPaper, n int, intact bool) error {
	return c.PrintCheck(w, p, n, intact)
}

// Matches tells whether somebody who looks for the words means this carnet: each word
// is found in one of the numbers and names it goes by.
func (c *Carnet) Matches(query string) bool {
	have := []string{c.Number, c.Holder, c.HolderID, c.Association, c.Vehicle, c.VehicleNow, c.Goods, string(c.Shipment), string(c.Unit)}
	for _, o := range c.Offices {
		have = append(have, o.ID, o.Name, string(o.Country))
	}
	for _, s := range c.Seals {
		have = append(have, s.Number)
	}
	return matches(have, query)
}
