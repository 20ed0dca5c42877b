package history

// Table is one of the tables that every store has, in the form they are moved from
// one store to another. The tail is not among them: it is sealed before.
type Table struct {
	Name    string
	Columns []Column
}

// Column is a column of a Table and what it holds.
type Column struct {
	Name string
	Kind Kind
}

// Kind is what a column holds.
type Kind int

// Kinds of columns, as values of type string, int64, bool and []byte.
const (
	Text Kind = iota
	JSON      // string
	Integer
	Boolean
	Bytes // nil: null
)

// Tables lists them in an order in which they can be filled.
func Tables() []Table {
	body := Column{"body", JSON}
	named := func(name string) Table { return Table{name, []Column{{"id", Text}, body}} }
	return []Table{
		named("party"), named("key"), named("shipment"),
		{"progress", []Column{{"shipment", Text}, body}},
		{"object", []Column{{"kind", Text}, {"id", Text}, body}},
		{"plan", []Column{{"id", Text}, {"owner", Text}, body}},
		{"event", []Column{{"seq", Integer}, {"n", Integer}, {"shipment", Text}, body}},
		{"unit", []Column{
			{"id", Integer},
			{"unit", Text},
			{"carrier", Text},
			{"mode", Text},
			{"shipment", Text},
			{"fixes", Integer},
			{"simulated", Boolean},
			{"latest", Bytes},
		}},
		{"open", []Column{{"unit", Integer}, {"sealed_end", Integer}, {"start", Integer}, {"end", Integer}, {"n", Integer}, {"blocks", Integer}, {"body", Bytes}}},
		{"sealed", []Column{{"unit", Integer}, {"start", Integer}, {"end", Integer}, {"n", Integer}, {"body", Bytes}}},
		{"place", []Column{{"place", Integer}, {"unit", Integer}}},
	}
}
