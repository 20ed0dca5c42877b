// Calls to Corridor's API with the session's cookie. Every failure is an ApiError
// whose problem says what to do; a network failure has status 0.

import type {
  Alert, AlertAction, AlertRule, BorderPost, Carnet, CarnetAct, CarnetSummary, Contact, Delivery, Eta, EventKind, Fence, FenceVisit, Fix, Hook, Milestone, Paper, Party, Place, Plan, PlanRequest, Problem, Reference, Rule, Session, Share, Shared, Shipment, ShipmentSummary, TrackEvent, Unit,
} from './types';

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
  }
  get status() {
    return this.problem.status;
  }
}

let onSignedOut: () => void = () => {};

/** whenSignedOut is told when the server no longer knows the session. */
export function whenSignedOut(fn: () => void) {
  onSignedOut = fn;
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      signal,
      credentials: 'same-origin',
      headers: body === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError({ title: 'no connection', status: 0 });
  }
  if (answer.status === 401 && path !== '/api/v1/session') onSignedOut();
  if (!answer.ok) {
    let problem: Problem = { title: answer.statusText || String(answer.status), status: answer.status };
    try {
      problem = { ...problem, ...((await answer.json()) as Problem) };
    } catch {
      // not a problem document: the status says what there is to say
    }
    throw new ApiError(problem);
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

const id = encodeURIComponent;

export const api = {
  session: () => call<Session>('GET', '/api/v1/session'),
  signIn: (key: string) => call<Session>('POST', '/api/v1/session', { key }),
  signOut: () => call<void>('DELETE', '/api/v1/session'),
  places: (q: string, signal?: AbortSignal) =>
    call<{ places: Place[] | null }>('GET', `/api/v1/places?q=${id(q)}&limit=8`, undefined, signal).then((r) => r.places ?? []),
  // An empty list may come as null.
  plan: (request: PlanRequest, signal?: AbortSignal) =>
    call<Plan>('POST', '/api/v1/plans', request, signal).then((p) => ({ ...p, options: p.options ?? [], excluded: p.excluded ?? [] })),
  rules: () => call<{ rules: Rule[] | null }>('GET', '/api/v1/rules').then((r) => r.rules ?? []),
  borders: () => call<{ borders: BorderPost[] | null }>('GET', '/api/v1/borders').then((r) => (r.borders ?? []).map((b) => ({ ...b, modes: b.modes ?? [] }))),
  shipments: (q = '') => call<{ shipments: ShipmentSummary[] | null }>('GET', `/api/v1/shipments${q ? `?q=${id(q)}` : ''}`).then((r) => r.shipments ?? []),
  shipment: (s: string) => call<Shipment>('GET', `/api/v1/shipments/${id(s)}`),
  openShipment: (body: { plan_id: string; option_id: string; reference?: string; carrier?: string; unit?: string; promise?: string }) =>
    call<Shipment>('POST', '/api/v1/shipments', body),
  putDossier: (s: string, body: { revision: number; references: Reference[]; contacts: Contact[]; documents: Paper[] }) =>
    call<Shipment>('PUT', `/api/v1/shipments/${id(s)}/dossier`, body),
  addNote: (s: string, text: string) => call<Shipment>('POST', `/api/v1/shipments/${id(s)}/notes`, { text }),
  shares: (s: string) => call<{ shares: Share[] | null }>('GET', `/api/v1/shipments/${id(s)}/shares`).then((r) => r.shares ?? []),
  share: (s: string, body: { scope: string; expires: string }) => call<Share>('POST', `/api/v1/shipments/${id(s)}/shares`, body),
  unshare: (s: string, share: string) => call<void>('DELETE', `/api/v1/shipments/${id(s)}/shares/${id(share)}`),
  shared: (secret: string) => call<Shared>('GET', `/api/v1/shared/${id(secret)}`),
  eta: (s: string) => call<Eta>('GET', `/api/v1/shipments/${id(s)}/eta`),
  events: (s: string) => call<{ events: TrackEvent[] | null }>('GET', `/api/v1/shipments/${id(s)}/events`).then((r) => r.events ?? []),
  milestones: (s: string) => call<{ milestones: Milestone[] | null }>('GET', `/api/v1/shipments/${id(s)}/milestones`).then((r) => r.milestones ?? []),
  carnets: (q = '') => call<{ carnets: CarnetSummary[] | null }>('GET', `/api/v1/carnets${q ? `?q=${id(q)}` : ''}`).then((r) => r.carnets ?? []),
  carnetsOf: (shipment: string) => call<{ carnets: CarnetSummary[] | null }>('GET', `/api/v1/carnets?shipment=${id(shipment)}`).then((r) => r.carnets ?? []),
  carnet: (n: string) => call<Carnet>('GET', `/api/v1/carnets/${id(n)}`),
  issueCarnet: (body: { number: string; holder: string; valid_until: string; shipment: string; vehicle?: string; approval?: string }) =>
    call<Carnet>('POST', '/api/v1/carnets', body),
  actOnCarnet: (n: string, body: CarnetAct) => call<Carnet>('POST', `/api/v1/carnets/${id(n)}/steps`, body),
  eventKinds: () => call<{ kinds: EventKind[] | null }>('GET', '/api/v1/event-kinds').then((r) => r.kinds ?? []),
  alerts: (state: string) => call<{ alerts: Alert[] | null; total: number }>('GET', `/api/v1/alerts?state=${id(state)}`).then((r) => ({ alerts: r.alerts ?? [], total: r.total })),
  actOnAlert: (a: string, action: AlertAction) => call<Alert>('POST', `/api/v1/alerts/${id(a)}/actions`, action),
  alertRules: () => call<{ rules: AlertRule[] | null }>('GET', '/api/v1/alert-rules').then((r) => r.rules ?? []),
  makeAlertRule: (r: Omit<AlertRule, 'id'>) => call<AlertRule>('POST', '/api/v1/alert-rules', r),
  putAlertRule: (r: string, body: Omit<AlertRule, 'id'>) => call<AlertRule>('PUT', `/api/v1/alert-rules/${id(r)}`, body),
  removeAlertRule: (r: string) => call<void>('DELETE', `/api/v1/alert-rules/${id(r)}`),
  hooks: () => call<{ hooks: Hook[] | null }>('GET', '/api/v1/hooks').then((r) => r.hooks ?? []),
  makeHook: (h: { name: string; url?: string; mail?: string[] }) => call<Hook>('POST', '/api/v1/hooks', h),
  removeHook: (h: string) => call<void>('DELETE', `/api/v1/hooks/${id(h)}`),
  deliveries: (state: string) => call<{ deliveries: Delivery[] | null }>('GET', `/api/v1/deliveries?state=${id(state)}`).then((r) => r.deliveries ?? []),
  replay: (a: string, hook: string) => call<void>('POST', `/api/v1/deliveries/${id(a)}/${id(hook)}/replay`),
  fences: () => call<{ features: Fence[] | null }>('GET', '/api/v1/fences').then((r) => r.features ?? []),
  makeFence: (f: Pick<Fence, 'geometry' | 'properties'>) => call<Fence>('POST', '/api/v1/fences', { type: 'Feature', ...f }),
  putFence: (f: string, body: Pick<Fence, 'geometry' | 'properties'>) => call<Fence>('PUT', `/api/v1/fences/${id(f)}`, { type: 'Feature', ...body }),
  removeFence: (f: string) => call<void>('DELETE', `/api/v1/fences/${id(f)}`),
  fenceVisits: (f: string) => call<{ visits: FenceVisit[] | null }>('GET', `/api/v1/fences/${id(f)}/visits`).then((r) => r.visits ?? []),
  carriers: () => call<{ carriers: Party[] | null }>('GET', '/api/v1/carriers').then((r) => r.carriers ?? []),
  units: () => call<{ units: Unit[] | null }>('GET', '/api/v1/units').then((r) => r.units ?? []),
  track: (unit: string, limit: number) =>
    call<{ positions: Fix[] | null }>('GET', `/api/v1/units/${id(unit)}/track?limit=${limit}`).then((r) => r.positions ?? []),
};
