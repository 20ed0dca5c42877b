package tracking

import "corridor/tracking/carnet"

// carnetEvents are the kinds of events about carnets. DCSA has none for customs
// transit but for seals and inspections of the equipment.
func carnetEvents() []EventKind {
	const (
		moving  = "in_transit"
		waiting = "in_progress"
		wrong   = "non_conformant"
		sensed  = "sensor_reporting"
		crossed = "entering_exiting"
	)
	step := func(k carnet.Kind, e EventKind) EventKind {
		e.Kind = EventCarnet + string(k)
		return e
	}
	return []EventKind{
		{Kind: EventCarnet + "issued", Means: "A TIR carnet was put to use."},
		{Kind: EventCarnet + "bound", Means: "Another unit or shipment travels under the carnet.", BizStep: "staging_outbound", Disposition: waiting},
		step(carnet.Announce, EventKind{Means: "Advance TIR data were sent."}),
		step(carnet.Accept, EventKind{Means: "The office of departure has accepted and sealed.", BizStep: "accepting", Disposition: moving}),
		step(carnet.Load, EventKind{Means: "Loaded and sealed anew at a further office of departure.", DCSA: "EQUIPMENT STUF", BizStep: "loading", Disposition: moving}),
		step(carnet.Start, EventKind{Means: "An office of entry has started the TIR operation.", BizStep: crossed, Disposition: moving}),
		step(carnet.Terminate, EventKind{Means: "An office of exit, or the last one, has certified termination.", BizStep: crossed, Disposition: moving}),
		step(carnet.Discharge, EventKind{Means: "The customs authorities have discharged the operation.", Disposition: "conformant"}),
		step(carnet.Unload, EventKind{Means: "Partly unloaded at an office of destination that is not the last.", DCSA: "EQUIPMENT STRP", BizStep: "unloading", Disposition: moving}),
		step(carnet.SealCheck, EventKind{Means: "The seal was checked and is intact.", DCSA: "EQUIPMENT INSP", BizStep: "inspecting", Disposition: "container_closed"}),
		step(carnet.Reseal, EventKind{Means: "A new seal was set.", DCSA: "EQUIPMENT RSEA", BizStep: "inspecting", Disposition: "container_closed"}),
		step(carnet.Extend, EventKind{Means: "The time limit of an operation was extended."}),
		step(carnet.Report, EventKind{Means: "The certified report of an exception has its number."}),
		step(carnet.Transfer, EventKind{Means: "Another truck has taken over.", Disposition: moving}),
		step(carnet.Reroute, EventKind{Means: "The way ahead leads by other offices.", Disposition: moving}),
		step(carnet.Claim, EventKind{Means: "An authority does not discharge and calls the guarantee.", Disposition: wrong}),
		step(carnet.Refuse, EventKind{Means: "An office refuses to start an operation.", BizStep: "holding", Disposition: wrong}),
		step(carnet.SealBreak, EventKind{Means: "The seal was broken.", BizStep: "inspecting", Disposition: "container_open"}),
		step(carnet.SealDiffers, EventKind{Means: "Another seal was found than was set.", DCSA: "EQUIPMENT INSP", BizStep: "inspecting", Disposition: wrong}),
		step(carnet.Accident, EventKind{Means: "An accident under the carnet.", BizStep: "holding", Disposition: wrong}),
		step(carnet.Theft, EventKind{Means: "Goods were stolen under the carnet.", Disposition: "stolen"}),
		step(carnet.UnloadElsewhere, EventKind{Means: "Unloaded out of necessity where no office is.", BizStep: "unloading", Disposition: wrong}),

		{Kind: carnet.NoticeOffice, Means: "The unit was seen at an office of the carnet, the first time.", BizStep: "arriving", Disposition: waiting},
		{Kind: carnet.NoticeBorder, Means: "The unit was seen beyond the exit of an operation.", BizStep: crossed, Disposition: moving},
		{Kind: carnet.NoticeExpired, Means: "The carnet was not accepted while it was valid (Art. 9).", Disposition: wrong},
		{Kind: carnet.NoticeTimeRisk, Means: "The exit is expected after the time limit (Art. 20).", Disposition: moving},
		{Kind: carnet.NoticeTimePassed, Means: "The time limit has passed before the exit was reached.", Disposition: wrong},
		{Kind: carnet.NoticeItinerary, Means: "The prescribed itinerary was left.", BizStep: "transporting", Disposition: wrong},
		{Kind: carnet.NoticeBack, Means: "The unit is on the itinerary again.", BizStep: "transporting", Disposition: moving},
		{Kind: carnet.NoticeSkipped, Means: "The unit is beyond an office that has reported nothing.", Disposition: wrong},
		{Kind: carnet.NoticeSealOpened, Means: "The load compartment reports itself open away from every office.", DCSA: "IOT DRO", BizStep: sensed, Disposition: "container_open"},
		{Kind: carnet.NoticeSealChanged, Means: "The electronic seal gives another number than customs set.", BizStep: sensed, Disposition: wrong},
		{Kind: carnet.NoticeUnloading, Means: "Open and standing away from every office: goods may be unloaded.", BizStep: sensed, Disposition: "container_open"},
		{Kind: carnet.NoticeUnterminated, Means: "A day after the last office was reached no termination was reported.", Disposition: wrong},
	}
}
