package tracking

// Kinds of Event. Of each, EventKinds says what it means.
const (
	EventOpened    = "shipment-opened"
	EventAmended   = "shipment-amended"
	EventCancelled = "shipment-cancelled"
	EventAssigned  = "unit-assigned"

	EventDeparted      = "departed"
	EventLegStarted    = "leg-started"
	EventLegFinished   = "leg-finished"
	EventGateIn        = "gate-in"
	EventGateOut       = "gate-out"
	EventBorderEntered = "border-entered"
	EventBorder        = "border-crossed" // the border is left behind
	EventArrived       = "arrived"

	EventOffCorridor  = "off-corridor"
	EventOnCorridor   = "on-corridor"
	EventStopped      = "unplanned-stop"
	EventDwellLong    = "dwell-long"
	EventAtRisk       = "connection-at-risk"
	EventMissed       = "connection-missed"
	EventETAChanged   = "eta-changed"
	EventSilent       = "silent"
	EventBack         = "back"
	EventSealOpened   = "seal-opened"
	EventTemperature  = "temperature-out"
	EventTempBack     = "temperature-back"
	EventShock        = "shock"
	EventBatteryLow   = "battery-low"
	EventTamper       = "tamper"
	EventFenceEntered = "fence-entered"
	EventFenceLeft    = "fence-left"
	EventFenceDwelt   = "fence-dwelt"

	EventAlert      = "alert-raised"
	EventAlertActed = "alert-acted"
)

// EventKind is a kind of event with its names in two standards. An empty name: the
// standard has none.
type EventKind struct {
	Kind  string `json:"kind"`
	Means string `json:"means"` // one sentence
	// DCSA is the event type and code of DCSA Track & Trace 3.0, "EQUIPMENT GTIN", with
	// the classifier where it is not ACT (actual).
	DCSA string `json:"dcsa,omitempty"`
	// BizStep and Disposition are those of EPCIS: the Core Business Vocabulary 2.0.
	BizStep     string `json:"epcis_biz_step,omitempty"`
	Disposition string `json:"epcis_disposition,omitempty"`
}

// Where the names of EventKinds come from.
const (
	DCSASource  = "DCSA Track & Trace 3.0.0: eventType with TransportEventTypeCode, EquipmentEventTypeCode, ShipmentEventTypeCode, IotEventCode, ReeferEventTypeCode"
	EPCISSource = "GS1 Core Business Vocabulary 2.0, sections 7.1 and 7.2 (https://ref.gs1.org/cbv/)"
)

// EventKinds lists every kind. It is the one place where the names are; the API and
// README.md show it. What a standard calls differently (a border, a corridor) is left
// without a name rather than given a near one.
func EventKinds() []EventKind {
	const (
		moving  = "in_transit"
		waiting = "in_progress"
		wrong   = "non_conformant"
		sensed  = "sensor_reporting"
	)
	return append([]EventKind{
		{Kind: EventOpened, Means: "A shipment was opened from an option of a plan.", DCSA: "SHIPMENT RECE", BizStep: "accepting", Disposition: waiting},
		{Kind: EventAmended, Means: "Its papers, numbers, contacts, notes or links were changed."},
		{Kind: EventCancelled, Means: "It will not be carried.", DCSA: "SHIPMENT CANC"},
		{Kind: EventAssigned, Means: "It was given to a unit, which carries it from then on.", BizStep: "staging_outbound", Disposition: waiting},

		{Kind: EventDeparted, Means: "Its unit has left the origin: 2 km along the plan and away from the start.", DCSA: "TRANSPORT DEPA", BizStep: "departing", Disposition: moving},
		{Kind: EventLegStarted, Means: "A leg of a plan with several is under way.", DCSA: "TRANSPORT DEPA", BizStep: "departing", Disposition: moving},
		{Kind: EventLegFinished, Means: "The end of a leg is reached.", DCSA: "TRANSPORT ARRI", BizStep: "arriving", Disposition: moving},
		{Kind: EventGateIn, Means: "The unit has come into a port, rail terminal or airport of the plan.", DCSA: "EQUIPMENT GTIN", BizStep: "arriving", Disposition: waiting},
		{Kind: EventGateOut, Means: "It has left it.", DCSA: "EQUIPMENT GTOT", BizStep: "departing", Disposition: moving},
		{Kind: EventBorderEntered, Means: "It has come to a border of the plan and may wait there.", BizStep: "entering_exiting", Disposition: waiting},
		{Kind: EventBorder, Means: "It has crossed the border and left the post.", BizStep: "entering_exiting", Disposition: moving},
		{Kind: EventArrived, Means: "The destination is reached.", DCSA: "TRANSPORT ARRI", BizStep: "arriving", Disposition: waiting},

		{Kind: EventOffCorridor, Means: "It is farther from the plan than the mode's corridor is wide.", BizStep: "transporting", Disposition: wrong},
		{Kind: EventOnCorridor, Means: "It is on the plan again.", BizStep: "transporting", Disposition: moving},
		{Kind: EventStopped, Means: "It stands where the plan knows no reason to, for longer than its mode's patience.", BizStep: "holding", Disposition: wrong},
		{Kind: EventDwellLong, Means: "At a border or terminal longer than the plan's P90 there.", BizStep: "holding", Disposition: waiting},
		{Kind: EventAtRisk, Means: "A scheduled departure will be met with a chance below 80 % only.", DCSA: "TRANSPORT DEPA (EST)"},
		{Kind: EventMissed, Means: "A scheduled departure has left without it.", DCSA: "TRANSPORT DEPA (EST)"},
		{Kind: EventETAChanged, Means: "The median arrival has moved by an hour and a twentieth of what is left, or more, since it was last told.", DCSA: "TRANSPORT ARRI (EST)"},
		{Kind: EventSilent, Means: "Nothing new was heard of the unit for longer than its mode's patience.", Disposition: "unknown"},
		{Kind: EventBack, Means: "It is heard again.", DCSA: "IOT LOC", BizStep: "transporting", Disposition: moving},
		{Kind: EventSealOpened, Means: "The seal, or the door it holds, was opened.", DCSA: "IOT DRO", BizStep: sensed, Disposition: "container_open"},
		{Kind: EventTemperature, Means: "A sensor has left the band that the goods allow.", DCSA: "REEFER MEAS", BizStep: sensed, Disposition: wrong},
		{Kind: EventTempBack, Means: "The temperature is within the band again.", DCSA: "REEFER MEAS", BizStep: sensed, Disposition: "conformant"},
		{Kind: EventShock, Means: "A shock of 5 g or more.", BizStep: sensed, Disposition: "unknown"},
		{Kind: EventBatteryLow, Means: "The device has a fifth of its battery left, or less.", BizStep: sensed, Disposition: "needs_replacement"},
		{Kind: EventTamper, Means: "The device says that somebody has meddled with it.", BizStep: sensed, Disposition: "unknown"},
		{Kind: EventFenceEntered, Means: "A unit has come into a fence.", DCSA: "IOT LOC", BizStep: "entering_exiting", Disposition: "unknown"},
		{Kind: EventFenceLeft, Means: "It has left the fence by more than the fence's margin.", DCSA: "IOT LOC", BizStep: "entering_exiting", Disposition: "unknown"},
		{Kind: EventAlert, Means: "An event has made an alert by a rule; where is the alert's id."},
		{Kind: EventAlertActed, Means: "Somebody has acted on an alert, or its snooze is over; where is the alert's id."},
		{Kind: EventFenceDwelt, Means: "It has been in the fence for as long as the fence's rule says.", DCSA: "IOT LOC", BizStep: "holding", Disposition: "unknown"},
	}, carnetEvents()...)
}
