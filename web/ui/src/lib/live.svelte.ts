// The picture of the live stream as the page reads it: the client's maps, copied
// into state at most once a frame.

import type { Eta, ShipmentSummary, TrackEvent, Unit } from './api/types';
import { session } from './session.svelte';
import { StreamClient, type Cell, type Interest, type SocketLike, type Status } from './stream';
import { Standstills } from './units';

export class Live {
  units = $state.raw<ReadonlyMap<string, Unit>>(new Map());
  shipments = $state.raw<ReadonlyMap<string, ShipmentSummary>>(new Map());
  etas = $state.raw<ReadonlyMap<string, Eta>>(new Map());
  cells = $state.raw<readonly Cell[]>([]);
  status = $state.raw<Status>({ state: 'idle', lastGood: null, retryAt: null, code: null });
  back = $state(false); // just came back online
  everLive = $state(false);
  events = $state.raw<readonly TrackEvent[]>([]);
  readonly standstills = new Standstills();

  private frame = 0;
  private wasLost = false;
  private backTimer = 0;
  private readonly client: StreamClient;

  constructor() {
    this.client = new StreamClient(
      {
        url: () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/stream`,
        connect: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
        now: () => Date.now(),
        random: Math.random,
        schedule: (fn, ms) => {
          const id = setTimeout(fn, ms);
          return () => clearTimeout(id);
        },
      },
      {
        status: (s) => this.onStatus(s),
        change: () => this.onChange(),
        event: (e) => {
          this.events = [...this.events.slice(-49), e];
        },
      },
    );
  }

  subscribe(i: Interest) {
    this.client.subscribe(i);
  }
  retry() {
    this.client.retry();
  }
  drop() {
    this.client.drop();
  }
  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.backTimer);
    this.client.stop();
  }
  lastGood(): number | null {
    return this.client.status.lastGood;
  }

  private onStatus(s: Status) {
    this.status = s;
    if (s.state === 'live') {
      this.everLive = true;
      if (this.wasLost) {
        this.back = true;
        clearTimeout(this.backTimer);
        this.backTimer = window.setTimeout(() => (this.back = false), 4000);
      }
      this.wasLost = false;
    } else if (s.state === 'waiting') {
      this.wasLost = true;
      this.back = false;
    } else if (s.state === 'refused' && s.code === 4001) {
      void session.load(); // tells whether the session still stands
    }
  }

  private onChange() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const p = this.client.picture;
      for (const u of p.units.values()) this.standstills.observe(u);
      this.units = new Map(p.units);
      this.shipments = new Map(p.shipments);
      this.etas = new Map(p.etas);
      this.cells = p.cells;
    });
  }
}
