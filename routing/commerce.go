package routing

import "time"

// CommerceRequest asks how orders of customers should be served over a year: each
// by mail, or from stock that is kept near them.
type CommerceRequest struct {
	Origin      string  `json:"origin"`              // where the goods are: a UN/LOCODE, a name or lat,lon
	Destination string  `json:"destination"`         // where the customers are
	Warehouse   string  `json:"warehouse,omitempty"` // where stock would be kept; empty: at the destination
	Orders      float64 `json:"orders_per_year"`
	WeightKG    float64 `json:"weight_kg"`              // of one order, packed
	VolumeM3    float64 `json:"volume_m3"`              // of one order, packed
	Value       Money   `json:"value"`                  // of one order
	Unit        Unit    `json:"unit,omitempty"`         // that fills the stock; empty: 40HC
	Lot         float64 `json:"lot_orders,omitempty"`   // orders that fill the stock at a time; 0: a full unit
	DutyPercent float64 `json:"duty_percent,omitempty"` // import duty of general trade
	VATPercent  float64 `json:"vat_percent,omitempty"`
	// ConsumptionPercent is a consumption tax beside VAT, as China has.
	ConsumptionPercent float64   `json:"consumption_percent,omitempty"`
	OrdersPerCustomer  float64   `json:"orders_per_customer,omitempty"` // of one person in a year; 0: one
	Depart             time.Time `json:"depart"`                        // day the plans are made for; zero: now
}

// CommerceWay is one way to serve the orders, under one customs mode.
type CommerceWay struct {
	Mode    string         `json:"mode"`        // 9610, 1210, 9710, 9810
	Title   string         `json:"title"`       // "Direct mail by air"
	Days    Hours          `json:"order_hours"` // from the order to the customer
	SameDay float64        `json:"same_day"`    // chance that an order placed by 10:00 is delivered by 22:00
	Order   Money          `json:"cost_per_order"`
	Year    Money          `json:"cost_per_year"`
	Stock   Money          `json:"stock_cost_per_year"` // of keeping stock: capital, space; 0 without stock
	Lines   []CommerceLine `json:"lines"`               // they sum to Order
	Lots    float64        `json:"lots_per_year"`       // consignments a year
	Lead    Hours          `json:"lead_hours"`          // of one consignment from the origin to the stock or customer
	Held    float64        `json:"stock_orders"`        // orders kept in stock on average, with the safety stock
	Freight string         `json:"freight"`             // title of the planned option that carries it
	Rules   []string       `json:"rules"`
	Why     string         `json:"why"`
}

// CommerceLine is a part of what one order costs.
type CommerceLine struct {
	CostLine
	PerYear Money `json:"per_year"`
}

// CommerceComparison answers a CommerceRequest: ways by cost per order, and those
// a rule forbids.
type CommerceComparison struct {
	Request  CommerceRequest `json:"request"`
	Created  time.Time       `json:"created"`
	Ways     []CommerceWay   `json:"ways"`
	Excluded []Excluded      `json:"excluded"`
	Notes    []string        `json:"notes"`
	Data     []Data          `json:"data,omitempty"`
}
