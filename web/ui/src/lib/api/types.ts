// The wire forms of Corridor's API, as its handlers' types give them. openapi.d.ts
// is generated from the running server; contract.ts checks the two against each other.

export type Mode = 'sea' | 'rail' | 'road' | 'air';
export const modes: readonly Mode[] = ['road', 'rail', 'sea', 'air'];

export interface Names {
  en: string;
  zh?: string;
  ru?: string;
}

export interface Money {
  amount: number;
  currency: string;
}

export interface Hours {
  p10: number;
  p50: number;
  p80: number;
  p90: number;
  p95: number;
}

export interface Place {
  id: string;
  kind: 'seaport' | 'airport' | 'rail' | 'city' | 'place' | 'point';
  code?: string;
  names: Names;
  country: string;
  lat: number;
  lon: number;
  functions?: string[];
  population?: number;
  time_zone?: string;
  terminal?: { id: string; lat: number; lon: number; codes?: string[] | null; cargo?: boolean };
  own?: boolean;
}

export interface Point {
  code?: string;
  name: Names;
  country: string;
  kind: string;
  lat: number;
  lon: number;
}

export interface CostLine {
  what: string;
  leg: number;
  amount: Money;
  low: Money;
  high: Money;
  basis: string;
  as_of: string;
  source: string;
  origin: string;
  stale: boolean;
}

export interface Border {
  id: string;
  name: string;
  from: string;
  to: string;
  dwell_hours: Hours;
  regime: string;
  gauge_change?: boolean;
  lat: number;
  lon: number;
  at_km: number;
  as_of?: string;
  source: string;
  origin: string;
}

export type Line = GeoJSON.LineString | GeoJSON.MultiLineString;

export interface Leg {
  mode: Mode;
  from: Point;
  to: Point;
  distance_km: number;
  estimated: boolean;
  service: string;
  depart: string;
  arrive: string;
  transit_hours: Hours;
  cost: Money;
  co2e_kg: number;
  co2e_basis: string;
  borders: Border[] | null;
  passages?: string[];
  regime?: string;
  geometry: Line | null;
}

export interface Segment {
  kind: 'move' | 'wait';
  mode?: Mode;
  where?: string;
  hours: number;
  leg: number;
}

/** A way past what an option leans on, against the option itself. */
export interface Bypass {
  title: string;
  corridor: string;
  via: string[] | null;
  days: number;
  cost: Money;
  co2e_kg: number;
}

export interface Exposure {
  kind: string;
  id: string;
  name: string;
  bypasses: Bypass[] | null;
}

export interface Rule {
  id: string;
  topic: string;
  text: string;
  origin: { kind: string; confidence: string; source?: string; as_of?: string };
}

export interface Data {
  name: string;
  version: string;
  as_of?: string;
}

export interface Option {
  id: string;
  corridor: string;
  title: string;
  via: string[] | null;
  modes: Mode[];
  distance_km: number;
  transit_hours: Hours;
  best_hours?: number;
  terminal_hours?: Hours;
  depart: string;
  arrive: { p10: string; p50: string; p90: string };
  cost: { total: Money; low: Money; high: Money; lines: CostLine[] };
  co2e_kg: number;
  on_time: number;
  on_time_basis: string;
  legs: Leg[];
  segments: Segment[];
  why: string;
  badges: string[] | null;
  risks: string[] | null;
  exposed: Exposure[] | null;
}

export interface Excluded {
  corridor: string;
  title: string;
  reason: string;
  rule: string;
}

export interface PlanRequest {
  origin: string;
  destination: string;
  cargo: {
    weight_kg: number;
    volume_m3?: number;
    unit?: string;
    hs?: string;
    dg?: string;
    temp_c?: [number, number];
    value?: Money;
  };
  depart?: string;
  arrive_by?: string;
  modes?: Mode[];
  avoid?: string[];
  what_if?: string[];
}

export interface Plan {
  id: string;
  created: string;
  request: PlanRequest;
  origin: Point;
  destination: Point;
  options: Option[];
  excluded: Excluded[];
  notes?: string[];
  data?: Data[] | null;
}

export interface Unit {
  unit: string;
  carrier: string;
  mode: Mode;
  lat?: number;
  lon?: number;
  time?: string;
  received?: string;
  speed_kmh?: number;
  course_deg?: number;
  shipment?: string;
  simulated?: boolean;
}

export interface Eta {
  shipment: string;
  made: string;
  arrive: { p10: string; p50: string; p90: string };
  on_time?: number;
  done_km: number;
  total_km: number;
  off_route_km: number;
  next_border?: string;
}

export interface ShipmentSummary {
  id: string;
  reference?: string;
  unit?: string;
  corridor: string;
  title: string;
  origin: string;
  destination: string;
  origin_names?: Names;
  destination_names?: Names;
  status: string;
  promise?: string;
  eta?: Eta;
  simulated?: boolean;
  owner?: string;
  carrier?: string;
  plan_id?: string;
  modes?: Mode[];
  opened?: string;
}

export interface Shipment {
  id: string;
  reference?: string;
  owner: string;
  carrier?: string;
  unit?: string;
  plan_id: string;
  request: PlanRequest;
  option: Option;
  origin: Point;
  destination: Point;
  promise?: string;
  opened: string;
  status: string;
  simulated?: boolean;
  dossier?: Dossier;
}

export interface Reference {
  kind: string;
  number: string;
}

export interface Contact {
  role: string;
  name: string;
  contact?: string;
}

export interface Paper {
  kind: string;
  number?: string;
  status: string;
  issued?: string;
  expires?: string;
}

export interface Dossier {
  revision: number;
  references?: Reference[] | null;
  contacts?: Contact[] | null;
  documents?: Paper[] | null;
  notes?: { at: string; by: string; text: string }[] | null;
}

export interface Share {
  id: string;
  scope: 'eta' | 'position';
  created: string;
  expires: string;
  revoked?: string;
  path?: string;
}

export interface Milestone {
  kind: 'departure' | 'border' | 'handover' | 'arrival';
  name: Names;
  border?: string;
  mode: Mode;
  at_km: number;
  planned: string;
  passed: boolean;
  actual?: string;
  expected?: { p10: string; p50: string; p90: string };
}

export interface Shared {
  reference?: string;
  scope: 'eta' | 'position';
  expires: string;
  status: string;
  simulated?: boolean;
  origin: Point;
  destination: Point;
  depart: string;
  promise?: string;
  transit_hours: Hours;
  segments: Segment[];
  legs: { mode: Mode; distance_km: number; geometry: Line | null }[];
  arrive?: { p10: string; p50: string; p90: string };
  on_time?: number;
  made?: string;
  milestones: Milestone[];
  position?: { lat: number; lon: number; time: string; done_km: number; total_km: number };
}

export interface Fix {
  unit: string;
  time: string;
  lat: number;
  lon: number;
  speed_kmh?: number;
  course_deg?: number;
  accuracy_m?: number;
  doubt?: string;
  received: string;
}

export interface TrackEvent {
  seq: number;
  n: number;
  kind: string;
  time: string;
  unit?: string;
  shipment?: string;
  where?: string;
  lat?: number;
  lon?: number;
  detail?: string;
}

export interface BorderPost {
  id: string;
  name: string;
  names: Names;
  countries: [string, string];
  modes: Mode[];
  lat: number;
  lon: number;
  gauge_change?: boolean;
  tir?: 'yes' | 'no' | 'unknown';
  hours?: string;
  dwell_hours: { p50: number; p90: number };
  origin: { kind: string; confidence: string; source?: string; as_of?: string };
  status: string;
  note?: string;
}

/** An area whose visits are told. Circles are Points with a radius, corridors
 * LineStrings with a width; cells come as the polygons they cover. */
export interface Fence {
  type: 'Feature';
  id: string;
  geometry: GeoJSON.Geometry | null;
  properties: { name: string; radius_m?: number; width_m?: number; cells?: string[]; exit_m?: number; dwell_minutes?: number; owner?: string; created?: string };
}

export interface EventKind {
  kind: string;
  means: string;
  dcsa?: string;
}

export interface AlertRule {
  id: string;
  name: string;
  kinds: string[];
  severity: 'info' | 'warning' | 'critical';
  owner?: string;
  shipments?: string[] | null;
  units?: string[] | null;
  fences?: string[] | null;
  hooks?: string[] | null;
}

export interface AlertAction {
  what: 'acknowledge' | 'snooze' | 'close' | 'reopen' | 'assign';
  reason?: string;
  until?: string;
  owner?: string;
}

export interface Alert {
  id: string;
  name: string;
  severity: AlertRule['severity'];
  owner?: string;
  event: TrackEvent;
  raised: string;
  count: number;
  last: string;
  state: string;
  until?: string;
  actions?: { what: string; by: string; at: string; reason?: string }[] | null;
}

export interface Hook {
  id: string;
  name: string;
  url?: string;
  secret?: string;
  mail?: string[] | null;
}

export interface Delivery {
  alert: string;
  name: string;
  hook: string;
  attempts?: number;
  error?: string;
  at?: string;
}

export interface FenceVisit {
  unit: string;
  since: string;
  dwelt: boolean;
}

export interface Party {
  id: string;
  name: string;
  role: 'admin' | 'dispatcher' | 'shipper' | 'carrier';
}

export interface Session {
  signed_in: boolean;
  party?: Party;
  demo?: boolean;
  speed_factor?: number;
  version?: string;
  now?: string;
}

export interface Problem {
  title: string;
  status: number;
  detail?: string;
  code?: string;
  errors?: { location?: string; message: string }[] | null;
  suggestions?: { code?: string; name: string; country: string }[] | null;
}

/** Something about a carnet that is not in order now. */
export interface CarnetWrong {
  kind: string;
  country?: string;
  text: string;
}

export interface CarnetSummary {
  number: string;
  holder: string;
  stage: string;
  countries: string[];
  from: string;
  to: string;
  vehicle?: string;
  shipment?: string;
  on?: string;
  seal?: string;
  country?: string;
  limit?: string;
  valid_until: string;
  wrong: CarnetWrong[];
}

export interface CarnetOffice {
  id: string;
  name: string;
  country: string;
  role: 'departure' | 'exit' | 'entry' | 'destination';
  lat: number;
  lon: number;
}

export interface CarnetOperation {
  country: string;
  started?: string;
  limit?: string;
  terminated?: string;
  reservation?: string;
  discharged?: string;
  claimed?: string;
  crossed?: string;
}

export interface CarnetLine {
  n: number;
  kind: string;
  at: string;
  by: string;
  office?: string;
  country?: string;
  text?: string;
  seen?: { unit: string; lat: number; lon: number; time: string; log: number };
  hash: string;
}

export interface Carnet {
  number: string;
  holder: string;
  stage: string;
  countries: string[];
  vouchers: number;
  guarantee_eur?: number;
  valid_until: string;
  vehicle?: string;
  vehicle_now?: string;
  approval?: string;
  approved?: string;
  shipment?: string;
  on?: string;
  offices: CarnetOffice[];
  operations: CarnetOperation[];
  seals?: { number: string; set: string; office?: string; broken?: string }[];
  exceptions?: { kind: string; at: string; country?: string; report?: string; text?: string }[];
  journal: CarnetLine[];
  wrong: CarnetWrong[];
  head: string;
}

/** What is recorded of a carnet. */
export interface CarnetAct {
  kind: string;
  at?: string;
  office?: string;
  country?: string;
  seal?: string;
  report?: string;
  approval?: string;
  reservation?: string;
  limit?: string;
  vehicle?: string;
  note?: string;
}
