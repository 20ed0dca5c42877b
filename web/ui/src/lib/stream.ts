// The live stream's client: web/stream/PROTOCOL.md from the browser's side.
//
// It keeps what it has seen, reconnects with jittered back-off and resumes where
// it stopped, so that a page holds the same picture after a tunnel as before it.
// The socket, the clock, chance and timers are given to it; it touches no DOM.

import type { Eta, ShipmentSummary, TrackEvent, Unit } from './api/types';

export interface Interest {
  bbox?: [number, number, number, number]; // w, s, e, n; w > e spans ±180°
  zoom?: number;
  units?: string[];
  shipments?: string[];
}

export interface Cell {
  cell: string;
  lat: number;
  lon: number;
  count: number;
}

export interface SocketLike {
  binaryType: string;
  onopen: ((e: unknown) => void) | null;
  onmessage: ((e: { data: unknown }) => void) | null;
  onclose: ((e: { code: number; reason?: string }) => void) | null;
  onerror: ((e: unknown) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  url: () => string;
  connect: (url: string, protocols: string[]) => SocketLike;
  now: () => number;
  random: () => number; // [0, 1)
  schedule: (fn: () => void, ms: number) => () => void; // returns how to cancel
}

export type State = 'idle' | 'connecting' | 'live' | 'waiting' | 'refused';

export interface Status {
  state: State;
  lastGood: number | null; // when the last message came
  retryAt: number | null;
  code: number | null; // why the last connection ended
}

export interface Handlers {
  status?: (s: Status) => void;
  /** Something in the picture changed: units, shipments, etas or cells. */
  change?: () => void;
  event?: (e: TrackEvent) => void;
}

export const protocols = ['corridor.v1.bin', 'corridor.v1.json'];

/** What the stream has told so far. */
export class Picture {
  units = new Map<string, Unit>();
  shipments = new Map<string, ShipmentSummary>();
  etas = new Map<string, Eta>();
  cells: Cell[] = [];

  clear() {
    this.units.clear();
    this.shipments.clear();
    this.etas.clear();
    this.cells = [];
  }

  /** putUnit never moves a unit backwards in time. */
  putUnit(u: Unit) {
    const old = this.units.get(u.unit);
    if (old?.time && u.time && Date.parse(u.time) < Date.parse(old.time)) return;
    this.units.set(u.unit, u);
  }
}

const RECORD = 18;
const HEAD = 24;

export interface BinaryFrame {
  seq: number;
  timeMs: number;
  records: { handle: number; lat: number; lon: number; speed?: number; course?: number; ageS: number; aged: boolean }[];
}

/** decodePositions reads a binary positions frame; null when it is not one. */
export function decodePositions(buffer: ArrayBuffer): BinaryFrame | null {
  if (buffer.byteLength < HEAD) return null;
  const v = new DataView(buffer);
  if (v.getUint8(0) !== 1 || v.getUint8(1) !== 1) return null;
  const count = v.getUint32(20, true);
  if (buffer.byteLength !== HEAD + count * RECORD) return null;
  const frame: BinaryFrame = { seq: Number(v.getBigUint64(4, true)), timeMs: Number(v.getBigInt64(12, true)), records: [] };
  for (let i = 0, at = HEAD; i < count; i++, at += RECORD) {
    const speed = v.getUint16(at + 12, true);
    const course = v.getUint16(at + 14, true);
    const age = v.getUint16(at + 16, true);
    frame.records.push({
      handle: v.getUint32(at, true),
      lat: v.getInt32(at + 4, true) / 1e7,
      lon: v.getInt32(at + 8, true) / 1e7,
      speed: speed === 0xffff ? undefined : speed / 10,
      course: course === 0xffff ? undefined : course / 100,
      ageS: age,
      aged: age === 0xffff,
    });
  }
  return frame;
}

/** backoff is the wait before a try: doubling from half a second to 30 s, half of it by chance. */
export function backoff(attempt: number, random: number): number {
  const ceiling = Math.min(30_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

const refusals = new Set([4001, 4003]);

export class StreamClient {
  readonly picture = new Picture();
  status: Status = { state: 'idle', lastGood: null, retryAt: null, code: null };

  private socket: SocketLike | null = null;
  private opened = false;
  private interest: Interest | null = null;
  private epoch: string | null = null;
  private seq = 0;
  private handles = new Map<number, Unit>();
  private attempt = 0;
  private cancelRetry: (() => void) | null = null;

  constructor(
    private readonly env: Environment,
    private readonly on: Handlers = {},
  ) {}

  /** subscribe replaces the interest; the server answers with a snapshot. */
  subscribe(interest: Interest) {
    this.interest = interest;
    if (this.socket && this.opened) this.ask(false);
    else if (this.status.state === 'idle') this.connect();
  }

  /** retry connects now instead of after the wait. */
  retry() {
    if (this.status.state !== 'waiting' && this.status.state !== 'refused') return;
    this.connect();
  }

  /** drop ends a connection the caller knows to be dead; the client reconnects. */
  drop() {
    if (!this.socket) return;
    const socket = this.socket;
    this.detach();
    socket.close(4000, 'lost');
    this.lost(1006);
  }

  stop() {
    this.cancelRetry?.();
    this.cancelRetry = null;
    const socket = this.socket;
    this.detach();
    socket?.close(1000);
    this.set({ state: 'idle', retryAt: null });
  }

  private set(change: Partial<Status>) {
    this.status = { ...this.status, ...change };
    this.on.status?.(this.status);
  }

  private detach() {
    if (this.socket) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = this.socket.onerror = null;
    }
    this.socket = null;
    this.opened = false;
    this.handles.clear(); // handles live as long as the connection
  }

  private connect() {
    this.cancelRetry?.();
    this.cancelRetry = null;
    const old = this.socket;
    this.detach();
    old?.close(1000);
    this.set({ state: 'connecting', retryAt: null });
    let socket: SocketLike;
    try {
      socket = this.env.connect(this.env.url(), protocols);
    } catch {
      this.lost(1006);
      return;
    }
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.opened = true;
      this.ask(true);
    };
    socket.onmessage = (e) => this.receive(e.data);
    socket.onclose = (e) => {
      this.detach();
      this.lost(e.code);
    };
    socket.onerror = () => {}; // close follows and says more
  }

  private ask(resume: boolean) {
    if (!this.interest) return;
    const message: Record<string, unknown> = { type: 'subscribe', ...this.interest };
    if (resume && this.epoch !== null) message.resume = { epoch: this.epoch, seq: this.seq };
    this.socket?.send(JSON.stringify(message));
  }

  private lost(code: number) {
    if (refusals.has(code)) {
      this.set({ state: 'refused', code, retryAt: null });
      return;
    }
    if (code === 4009) this.forget(); // we and the server disagree: start over
    const wait = backoff(this.attempt++, this.env.random());
    this.set({ state: 'waiting', code, retryAt: this.env.now() + wait });
    this.cancelRetry = this.env.schedule(() => {
      this.cancelRetry = null;
      this.connect();
    }, wait);
  }

  private forget() {
    this.epoch = null;
    this.seq = 0;
  }

  private receive(data: unknown) {
    if (data instanceof ArrayBuffer) {
      const frame = decodePositions(data);
      if (!frame) return this.garbled();
      this.good(frame.seq);
      for (const r of frame.records) {
        const known = this.handles.get(r.handle);
        if (!known) return this.garbled();
        const old = this.picture.units.get(known.unit);
        // An age at its limit says only "older": the time known before stays.
        const time = r.aged ? (old?.time ?? known.time) : new Date(Math.round(frame.timeMs / 1000 - r.ageS) * 1000).toISOString();
        this.picture.putUnit({ ...known, ...old, lat: r.lat, lon: r.lon, speed_kmh: r.speed, course_deg: r.course, time });
      }
      this.on.change?.();
      return;
    }
    let m: Record<string, unknown>;
    try {
      m = JSON.parse(String(data)) as Record<string, unknown>;
    } catch {
      return this.garbled();
    }
    if (m === null || typeof m !== 'object') return this.garbled();
    switch (m.type) {
      case 'snapshot':
        return this.snapshot(m);
      case 'handles':
        this.learn(m.handles);
        return;
      case 'error':
        this.good(undefined);
        return;
    }
    this.good(m.seq);
    switch (m.type) {
      case 'positions':
        for (const u of list<Unit>(m.units)) this.picture.putUnit(u);
        break;
      case 'cells':
        this.picture.cells = list<Cell>(m.cells);
        break;
      case 'eta':
        if (m.eta) this.picture.etas.set((m.eta as Eta).shipment, m.eta as Eta);
        break;
      case 'event':
        if (m.event) this.on.event?.(m.event as TrackEvent);
        break;
      default:
        return; // a newer server may say more
    }
    this.on.change?.();
  }

  private snapshot(m: Record<string, unknown>) {
    // Deltas of an interest just replaced may still have come before this; what
    // they brought is dropped here with the rest.
    const resumed = m.resumed === true && m.epoch === this.epoch;
    if (!resumed) {
      this.picture.clear();
      this.seq = 0;
    }
    this.epoch = typeof m.epoch === 'string' ? m.epoch : null;
    this.learn(m.handles);
    for (const u of list<Unit>(m.units)) this.picture.putUnit(u);
    if (Array.isArray(m.cells)) this.picture.cells = list<Cell>(m.cells);
    for (const s of list<ShipmentSummary>(m.shipments)) {
      this.picture.shipments.set(s.id, s);
      if (s.eta) this.picture.etas.set(s.id, s.eta);
    }
    for (const e of list<Eta>(m.etas)) this.picture.etas.set(e.shipment, e);
    this.attempt = 0;
    this.good(m.seq);
    this.set({ state: 'live', code: null, retryAt: null });
    this.on.change?.();
  }

  private learn(handles: unknown) {
    for (const h of list<{ h: number; unit: Unit }>(handles)) {
      if (typeof h?.h === 'number' && h.unit) this.handles.set(h.h, h.unit);
    }
  }

  private good(seq: unknown) {
    if (typeof seq === 'number' && seq > this.seq) this.seq = seq;
    this.status = { ...this.status, lastGood: this.env.now() };
  }

  /** garbled is a message that cannot be read: begin again from a snapshot. */
  private garbled() {
    const socket = this.socket;
    this.detach();
    socket?.close(4000, 'not understood');
    this.forget();
    this.lost(1006);
  }
}

function list<T>(v: unknown): T[] {
  return Array.isArray(v) ? (v as T[]) : [];
}
