package api

import (
	"context"
	"fmt"

	"corridor/routing"
)

type commerceBody struct {
	Origin             string        `json:"origin" maxLength:"200" doc:"Where the goods are: a UN/LOCODE, a name, or lat,lon" example:"KRINC"`
	Destination        string        `json:"destination" maxLength:"200" doc:"Where the customers are; one of the two is in China" example:"CNTAO"`
	Warehouse          string        `json:"warehouse,omitempty" maxLength:"200" doc:"Where stock would be kept; left out: at the destination"`
	Orders             float64       `json:"orders_per_year" example:"100000"`
	WeightKG           float64       `json:"weight_kg" doc:"Of one order, packed" example:"0.8"`
	VolumeM3           float64       `json:"volume_m3" doc:"Of one order, packed" example:"0.003"`
	Value              routing.Money `json:"value" doc:"Of one order"`
	Unit               string        `json:"unit,omitempty" doc:"That fills the stock: FTL, 20GP, 40GP, 40HC or 45HC; left out: 40HC"`
	Lot                float64       `json:"lot_orders,omitempty" doc:"Orders that fill the stock at a time; left out: a full unit"`
	DutyPercent        float64       `json:"duty_percent,omitempty" doc:"Import duty in general trade"`
	VATPercent         float64       `json:"vat_percent,omitempty" example:"13"`
	ConsumptionPercent float64       `json:"consumption_percent,omitempty" doc:"Consumption tax beside VAT, as China has"`
	OrdersPerCustomer  float64       `json:"orders_per_customer,omitempty" doc:"Of one person in a year; left out: 1"`
	Depart             string        `json:"depart,omitempty" doc:"Day the freight is planned for, RFC 3339 or a date; left out: now"`
}

type commerceInput struct{ Body commerceBody }

type commerceOutput struct{ Body routing.CommerceComparison }

func (a *api) compareCommerce(ctx context.Context, in *commerceInput) (*commerceOutput, error) {
	b := in.Body
	r := routing.CommerceRequest{
		Origin: b.Origin, Destination: b.Destination, Warehouse: b.Warehouse, Orders: b.Orders, WeightKG: b.WeightKG, VolumeM3: b.VolumeM3, Value: b.Value,
		Unit: routing.Unit(b.Unit), Lot: b.Lot, DutyPercent: b.DutyPercent, VATPercent: b.VATPercent, ConsumptionPercent: b.ConsumptionPercent, OrdersPerCustomer: b.OrdersPerCustomer,
	}
	if b.Depart != "" {
		t, err := moment("depart", b.Depart)
		if err != nil {
			return nil, err
		}
		r.Depart = t
	}
	ctx, done, err := a.plansTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	out, err := a.Commerce.Compare(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("compare ways of %s to %s: %w", r.Origin, r.Destination, err)
	}
	return &commerceOutput{Body: out}, nil
}
