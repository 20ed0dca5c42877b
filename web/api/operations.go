package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"corridor/tracking"
	"corridor/web"
)

// Who plans and opens shipments. Carriers do not: a plan shows the shipper's
// prices.
const planners = web.Admins | web.Dispatchers | web.Shippers

// operations is the table of what is served and to whom. That a shipper gets its
// own shipments only and a carrier its own units only is decided per thing, by the
// handlers; what someone may not see answers 404 as if it did not exist.
func (a *api) operations() {
	const (
		get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
		admins         = web.Admins
		public         = web.Public
	)
	notFound, conflict := http.StatusNotFound, http.StatusConflict
	full := http.StatusInsufficientStorage

	handle(a, operation{
		id: "make-plan", method: post, path: "/api/v1/plans", tag: "planning", access: planners, status: http.StatusCreated,
		errors:  []int{http.StatusGatewayTimeout},
		summary: "Plan a journey",
		detail:  "Answers a handful of really different options, cheapest first, and every corridor that was left out with the reason.",
	}, a.makePlan)
	handle(a, operation{
		id: "get-plan", method: get, path: "/api/v1/plans/{id}", tag: "planning", access: planners, errors: []int{notFound},
		summary: "A plan made before, as it was answered",
		detail: "To who made it, dispatchers and administrators. It is the plan of its day, with the versions of the data it was made from; " +
			"format gives it as GeoJSON, CSV or a page to print.",
		content: a.planContent(),
	}, a.getPlan)
	handle(a, operation{
		id: "compare-ecommerce", method: post, path: "/api/v1/ecommerce", tag: "planning", access: planners,
		errors:  []int{http.StatusGatewayTimeout},
		summary: "Compare direct mail, bonded stock and an overseas warehouse",
		detail: "For a year's orders between China and another country, under the customs modes 9610, 1210, 9710 and 9810: cost and time of an order, " +
			"and what keeping stock costs. Freight is planned as POST /api/v1/plans plans it.",
	}, a.compareCommerce)
	handle(a, operation{
		id: "list-rules", method: get, path: "/api/v1/rules", tag: "planning", access: web.SignedIn,
		summary: "The rules a journey can break, with their sources",
		detail:  "What is excluded from a plan, and what a risk names, carries the id of one of these.",
	}, a.listRules)
	handle(a, operation{
		id: "search-places", method: get, path: "/api/v1/places", tag: "planning", access: web.SignedIn,
		summary: "Find a place by name or code",
	}, a.searchPlaces)
	handle(a, operation{
		id: "locate-point", method: get, path: "/api/v1/places/at", tag: "planning", access: web.SignedIn,
		summary: "Where a point is: country, region, time zone, nearest place",
		detail:  "At sea the country is that of the coast within 30 km. The country is the one that runs the land, as Natural Earth has it; claimed_by are those that claim it besides.",
	}, a.locatePoint)
	handle(a, operation{
		id: "list-borders", method: get, path: "/api/v1/borders", tag: "planning", access: web.SignedIn,
		summary: "Border posts with their dwell and status",
	}, a.listBorders)

	handle(a, operation{
		id: "open-shipment", method: post, path: "/api/v1/shipments", tag: "shipments", access: planners, status: http.StatusCreated,
		errors:  []int{conflict, full},
		summary: "Open a shipment from an option of a plan",
		detail:  "It belongs to the shipper that opens it. With carrier and unit it is assigned at once.",
	}, a.openShipment)
	handle(a, operation{
		id: "list-shipments", method: get, path: "/api/v1/shipments", tag: "shipments", access: planners,
		summary: "The shipments you may see",
		detail:  "A shipper sees its own, dispatchers and administrators all.",
	}, a.listShipments)
	handle(a, operation{
		id: "get-shipment", method: get, path: "/api/v1/shipments/{id}", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "A shipment with the option it follows and its forecast",
	}, a.getShipment)
	handle(a, operation{
		id: "assign-unit", method: post, path: "/api/v1/shipments/{id}/unit", tag: "shipments", access: planners, errors: []int{notFound, conflict, full},
		summary: "Give a shipment to a carrier and its unit",
		detail:  "A unit nobody has yet is created under the carrier; one of another carrier is a conflict.",
	}, a.assign)
	handle(a, operation{
		id: "put-dossier", method: http.MethodPut, path: "/api/v1/shipments/{id}/dossier", tag: "shipments", access: planners, errors: []int{notFound, conflict, full},
		summary: "Replace the numbers, contacts and papers of a shipment",
		detail:  "Container, ship, wagon and air waybill numbers with a wrong check digit are refused. Notes and links stay as they are.",
	}, a.putDossier)
	handle(a, operation{
		id: "add-note", method: post, path: "/api/v1/shipments/{id}/notes", tag: "shipments", access: planners, errors: []int{notFound, full},
		summary: "Add a note to a shipment",
	}, a.addNote)
	handle(a, operation{
		id: "cancel-shipment", method: post, path: "/api/v1/shipments/{id}/cancel", tag: "shipments", access: planners, errors: []int{notFound, conflict, full},
		summary: "Cancel a shipment that will not be carried",
		detail:  "Its unit is free again. What happened until then stays.",
	}, a.cancelShipment)
	handle(a, operation{
		id: "list-milestones", method: get, path: "/api/v1/shipments/{id}/milestones", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "The points of the way, planned, passed and expected",
	}, a.listMilestones)
	handle(a, operation{
		id: "list-legs", method: get, path: "/api/v1/shipments/{id}/legs", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "The legs of the way, as planned and as they went",
		detail:  "Times that the office has recorded go before those that the unit's reports show.",
	}, a.listLegs)
	handle(a, operation{
		id: "put-leg", method: http.MethodPut, path: "/api/v1/shipments/{id}/legs/{leg}", tag: "shipments", access: planners, errors: []int{notFound, conflict, full},
		summary: "Record when a leg really began and ended",
		detail:  "For a leg whose unit does not report. A leg ends after it begins, and begins after the one before has ended. Without times, what was recorded is taken back.",
	}, a.putLeg)
	handle(a, operation{
		id: "import-shipments", method: post, path: "/api/v1/shipments/import", tag: "shipments", access: planners,
		body: []string{"text/csv", "application/csv", "application/vnd.ms-excel", "text/plain"}, maxBody: maxManifestBody, errors: []int{full},
		summary: "Open a shipment for each row of a CSV file",
		detail:  manifestDetail(),
	}, a.importShipments)
	handle(a, operation{
		id: "share-shipment", method: post, path: "/api/v1/shipments/{id}/shares", tag: "shipments", access: planners, status: http.StatusCreated, errors: []int{notFound, full},
		summary: "Make a link that shows the shipment to others",
		detail:  "Without prices, names or plates. The path holds the secret and is told once.",
	}, a.shareShipment)
	handle(a, operation{
		id: "list-shares", method: get, path: "/api/v1/shipments/{id}/shares", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "The links made to a shipment",
	}, a.listShares)
	handle(a, operation{
		id: "unshare-shipment", method: del, path: "/api/v1/shipments/{id}/shares/{share}", tag: "shipments", access: planners, status: http.StatusNoContent, errors: []int{notFound, full},
		summary: "Shut a link for good",
	}, a.unshareShipment)
	handle(a, operation{
		id: "get-shared", method: get, path: "/api/v1/shared/{secret}", tag: "shipments", access: public, errors: []int{notFound, http.StatusTooManyRequests},
		summary: "What a link shows",
		detail:  "To whoever has it. A wrong, shut or outlived link is 404, and which of these is not told.",
	}, a.getShared)
	handle(a, operation{
		id: "get-shipment-track", method: get, path: "/api/v1/shipments/{id}/track", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "Where the shipment has been",
		detail: "A GeoJSON Feature, GPX or CSV, by Accept or format. Only what the unit drove for this shipment: " +
			"it ends where the unit's next shipment was opened. A shipper sees at most the day before it was opened.",
		content: a.trackContent(geoJSONType, reflect.TypeFor[feature]()),
	}, a.shipmentTrack)
	handle(a, operation{
		id: "list-shipment-events", method: get, path: "/api/v1/shipments/{id}/events", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "What happened to the shipment",
	}, a.listEvents)
	handle(a, operation{
		id: "get-shipment-eta", method: get, path: "/api/v1/shipments/{id}/eta", tag: "shipments", access: planners, errors: []int{notFound},
		summary: "When it will arrive, with its odds",
	}, a.getETA)

	a.carnetOperations()

	handle(a, operation{
		id: "post-positions", method: post, path: "/api/v1/positions", tag: "positions", access: web.Admins | web.Carriers,
		body: []string{"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"}, maxBody: maxPositionsBody,
		errors:  []int{full},
		summary: "Report positions",
		detail: "A JSON array or NDJSON, at most 10,000 positions and 16 MiB. The answer comes when what is counted as stored is durable. " +
			"Each refused position is named by its index with a reason and costs its neighbours nothing, so the status is 200 even when every one is refused; " +
			"a unit of another carrier is refused that way, too. A body that is not JSON is refused whole, with 400. " +
			"Sending again what was stored is harmless: it is counted as duplicate, by unit and device time.",
	}, a.postPositions)
	handle(a, operation{
		id: "list-units", method: get, path: "/api/v1/units", tag: "positions", access: web.SignedIn,
		summary: "The units you may see",
		detail: "A carrier sees its own, a shipper those of its shipments, dispatchers and administrators all. near, bbox or shipment select the nearest, " +
			"those in a box, or those that carry a shipment.",
	}, a.listUnits)
	handle(a, operation{
		id: "get-unit", method: get, path: "/api/v1/units/{unit}", tag: "positions", access: web.SignedIn, errors: []int{notFound},
		summary: "The latest state of a unit",
	}, a.getUnit)
	handle(a, operation{
		id: "units-inside", method: post, path: "/api/v1/units/inside", tag: "positions", access: web.Office | web.Carriers, maxBody: 1 << 20,
		summary: "Who was inside an area",
		detail: "The units that reported from within a polygon between two times, with the first and the last fix there. Exact: a fix on the edge is inside. " +
			"A carrier is told of its own units. A unit that crossed the area between two fixes is not known to have been inside.",
	}, a.unitsInside)
	handle(a, operation{
		id: "get-unit-track", method: get, path: "/api/v1/units/{unit}/track", tag: "positions", access: web.SignedIn, errors: []int{notFound},
		summary: "The fixes of a unit",
		content: a.trackContent("application/json", reflect.TypeFor[positionsView]()),
	}, a.unitTrack)

	a.fenceOperations(full, notFound)
	a.alertOperations(full, notFound, conflict)

	for _, p := range []struct {
		path, one, id string
		only          tracking.Role
	}{
		{"/api/v1/carriers", "carrier", "carrier", tracking.Carrier},
		{"/api/v1/parties", "party", "party", ""},
	} {
		handle(a, operation{
			id: "issue-" + p.id + "-key", method: post, path: p.path + "/{id}/keys", tag: "parties", access: admins, status: http.StatusCreated,
			errors:  []int{notFound, full},
			summary: "Issue a key to a " + p.one,
			detail:  "The secret is in the answer, this once.",
		}, a.issueKey(p.only))
		handle(a, operation{
			id: "list-" + p.id + "-keys", method: get, path: p.path + "/{id}/keys", tag: "parties", access: admins, errors: []int{notFound},
			summary: "The keys of a " + p.one + ", without their secrets",
		}, a.listKeys(p.only))
		handle(a, operation{
			id: "revoke-" + p.id + "-key", method: del, path: p.path + "/{id}/keys/{key}", tag: "parties", access: admins, errors: []int{notFound, conflict},
			summary: "Shut a key out for good",
			detail:  "Sessions that were signed in with it end at once.",
		}, a.revokeKey(p.only))
	}
	handle(a, operation{
		id: "create-carrier", method: post, path: "/api/v1/carriers", tag: "parties", access: admins, status: http.StatusCreated, errors: []int{full},
		summary: "Make a carrier",
	}, a.createCarrier)
	handle(a, operation{
		id: "list-carriers", method: get, path: "/api/v1/carriers", tag: "parties", access: web.Office,
		summary: "The carriers",
	}, a.listCarriers)
	handle(a, operation{
		id: "set-retention", method: http.MethodPut, path: "/api/v1/carriers/{id}/retention", tag: "parties", access: admins, errors: []int{notFound, full},
		summary: "How long the history of a carrier's units is kept",
		detail: "What is older by device time is deleted from the store within the hour. The log keeps what it has until --log-keep, --log-max or " +
			"--log-min-free let it go.",
	}, a.setRetention)
	handle(a, operation{
		id: "get-retention", method: get, path: "/api/v1/carriers/{id}/retention", tag: "parties", access: web.Office, errors: []int{notFound},
		summary: "How long the history of a carrier's units is kept",
	}, a.getRetention)
	handle(a, operation{
		id: "export", method: get, path: "/api/v1/export", tag: "parties", access: web.SignedIn, errors: []int{notFound},
		summary: "Everything that is one's own, to take elsewhere",
		detail: "A line of JSON for each thing: the party, its shipments with their progress and events, its units and every fix of them; of a shipper what " +
			"concerns its shipments. The last line is end, with the number of lines; an export without it was cut off.",
		content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "Objects with one of the keys party, shipment (and progress), event, unit, fix, end"}}},
	}, a.export)
	handle(a, operation{
		id: "create-party", method: post, path: "/api/v1/parties", tag: "parties", access: admins, status: http.StatusCreated, errors: []int{full},
		summary: "Make an organisation of any role",
	}, a.createAnyParty)
	handle(a, operation{
		id: "list-parties", method: get, path: "/api/v1/parties", tag: "parties", access: admins,
		summary: "The organisations",
	}, a.listParties)

	handle(a, operation{
		id: "get-session", method: get, path: "/api/v1/session", tag: "session", access: public,
		summary: "Who is signed in, and what server this is",
	}, a.getSession)
	handle(a, operation{
		id: "sign-in", method: post, path: "/api/v1/session", tag: "session", access: public,
		errors:  []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
		summary: "Sign a browser in with a key",
		detail:  "Sets an HttpOnly, SameSite=Strict cookie that is good for twelve hours or until the key is revoked.",
	}, a.signIn)
	handle(a, operation{
		id: "sign-out", method: del, path: "/api/v1/session", tag: "session", access: public,
		summary: "Sign the browser out",
	}, a.signOut)
	handle(a, operation{
		id: "make-ticket", method: post, path: "/api/v1/tickets", tag: "session", access: web.SignedIn, status: http.StatusCreated,
		summary: "A ticket for one websocket",
		detail: "For a browser's page that can send neither a key nor its session with the handshake of /api/v1/stream or /api/v1/feed: it opens one connection " +
			"as whoever asked for it, as ?ticket= of the address, within 30 seconds. Keys are never taken from an address.",
	}, a.makeTicket)

	// Positions are decoded as a stream, so the framework must not read the body;
	// it would if it knew of it while registering.
	a.huma.OpenAPI().Paths["/api/v1/shipments/import"].Post.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString, Description: "A manifest"}}},
	}
	item := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[tracking.Position](), true, "")
	a.huma.OpenAPI().Paths["/api/v1/positions"].Post.RequestBody = &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{
			"application/json":     {Schema: &huma.Schema{Type: huma.TypeArray, Items: item}},
			"application/x-ndjson": {Schema: item},
		},
	}
}

// describeOthers puts what is mounted elsewhere into the document.
func (a *api) describeOthers() {
	problem := &huma.MediaType{Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[web.Problem](), true, "")}
	refused := map[string]*huma.MediaType{"application/problem+json": problem}
	text := map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	for _, o := range []struct {
		id, path, summary, detail, tag string
		public                         bool
		responses                      map[string]*huma.Response
	}{
		{"health", "/healthz", "The process is alive", "", "operation", true, map[string]*huma.Response{"200": {Description: "OK", Content: text}}},
		{
			"ready", "/readyz", "The server can serve", "503 while the log is replayed after a start, and while it stops.", "operation", true,
			map[string]*huma.Response{"200": {Description: "OK", Content: text}, "503": {Description: "Service Unavailable", Content: refused}},
		},
		{"metrics", "/metrics", "Metrics for Prometheus", "", "operation", true, map[string]*huma.Response{"200": {Description: "OK", Content: text}}},
		{
			"stream", "/api/v1/stream", "The live stream (websocket)",
			"Subprotocols corridor.v1.json and corridor.v1.bin; see web/stream/PROTOCOL.md.", "positions", false,
			map[string]*huma.Response{"101": {Description: "Switching Protocols"}, "403": {Description: "Forbidden", Content: refused}},
		},
		{
			"feed", "/api/v1/feed", "Report positions over a websocket",
			"Each frame is a JSON array of positions or a binary batch and is answered with its receipt; see web/feed/PROTOCOL.md.", "positions", false,
			map[string]*huma.Response{"101": {Description: "Switching Protocols"}, "403": {Description: "Forbidden", Content: refused}},
		},
	} {
		op := &huma.Operation{
			OperationID: o.id, Method: http.MethodGet, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.detail, Responses: o.responses,
		}
		if !o.public {
			op.Security = []map[string][]string{{"key": {}}, {"session": {}}}
		}
		a.huma.OpenAPI().AddOperation(op)
	}
}
