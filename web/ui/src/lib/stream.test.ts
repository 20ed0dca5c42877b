import { describe, expect, it } from 'vitest';
import type { Unit } from './api/types';
import { backoff, decodePositions, StreamClient, type SocketLike } from './stream';

class FakeSocket implements SocketLike {
  binaryType = '';
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  sent: Record<string, unknown>[] = [];
  closedWith: number | null = null;
  send(data: string) {
    this.sent.push(JSON.parse(data));
  }
  close(code = 1000) {
    this.closedWith = code;
  }
  open() {
    this.onopen?.({});
  }
  say(m: unknown) {
    this.onmessage?.({ data: m instanceof ArrayBuffer ? m : typeof m === 'string' ? m : JSON.stringify(m) });
  }
  end(code: number) {
    this.onclose?.({ code });
  }
}

function world(random = () => 0.5) {
  const sockets: FakeSocket[] = [];
  const timers: { fn: () => void; at: number; off: boolean }[] = [];
  let now = 1_000_000;
  const events: number[] = [];
  const client = new StreamClient(
    {
      url: () => 'ws://test/api/v1/stream',
      connect: () => {
        const s = new FakeSocket();
        sockets.push(s);
        return s;
      },
      now: () => now,
      random,
      schedule: (fn, ms) => {
        const timer = { fn, at: now + ms, off: false };
        timers.push(timer);
        return () => {
          timer.off = true;
        };
      },
    },
    { event: (e) => events.push(e.seq) },
  );
  return {
    client,
    sockets,
    events,
    last: () => sockets.at(-1)!,
    pending: () => timers.filter((x) => !x.off),
    pass(ms: number) {
      now += ms;
      for (const timer of timers.filter((x) => !x.off && x.at <= now)) {
        timer.off = true;
        timer.fn();
      }
    },
  };
}

const unit = (name: string, second: number, more: Partial<Unit> = {}): Unit => ({
  unit: name,
  carrier: 'c',
  mode: 'road',
  lat: second / 100,
  lon: second / 50,
  time: new Date(second * 1000).toISOString(),
  ...more,
});

function frame(seq: number, timeMs: number, records: [number, number, number, number, number, number][]): ArrayBuffer {
  const b = new ArrayBuffer(24 + 18 * records.length);
  const v = new DataView(b);
  v.setUint8(0, 1);
  v.setUint8(1, 1);
  v.setBigUint64(4, BigInt(seq), true);
  v.setBigInt64(12, BigInt(timeMs), true);
  v.setUint32(20, records.length, true);
  records.forEach(([h, lat, lon, speed, course, age], i) => {
    const at = 24 + 18 * i;
    v.setUint32(at, h, true);
    v.setInt32(at + 4, Math.round(lat * 1e7), true);
    v.setInt32(at + 8, Math.round(lon * 1e7), true);
    v.setUint16(at + 12, speed, true);
    v.setUint16(at + 14, course, true);
    v.setUint16(at + 16, age, true);
  });
  return b;
}

const snapshot = (seq: number, units: Unit[], more = {}) => ({ type: 'snapshot', epoch: 'e1', resumed: false, seq, units, shipments: [], ...more });

describe('stream client', () => {
  it('subscribes when the socket opens and is live after the snapshot', () => {
    const w = world();
    w.client.subscribe({ bbox: [0, 0, 10, 10], zoom: 4 });
    expect(w.client.status.state).toBe('connecting');
    w.last().open();
    expect(w.last().sent).toEqual([{ type: 'subscribe', bbox: [0, 0, 10, 10], zoom: 4 }]);
    expect(w.client.status.state).toBe('connecting');
    w.last().say(snapshot(7, [unit('A', 100)]));
    expect(w.client.status.state).toBe('live');
    expect(w.client.picture.units.get('A')?.lat).toBe(1);
  });

  it('resumes from the last sequence and keeps the picture when it is honoured', () => {
    const w = world();
    w.client.subscribe({ units: ['A', 'B'] });
    w.last().open();
    w.last().say(snapshot(7, [unit('A', 100), unit('B', 100)]));
    w.last().say({ type: 'positions', seq: 9, units: [unit('A', 110)] });
    w.last().end(1006);
    expect(w.client.status.state).toBe('waiting');
    expect(w.client.picture.units.size).toBe(2);
    w.pass(30_000);
    w.last().open();
    expect(w.last().sent[0]).toMatchObject({ resume: { epoch: 'e1', seq: 9 } });
    w.last().say(snapshot(9, [], { resumed: true }));
    expect(w.client.picture.units.size).toBe(2);
    w.last().end(1006);
    w.pass(30_000);
    w.last().open();
    w.last().say(snapshot(3, [unit('C', 1)], { epoch: 'e2' }));
    expect([...w.client.picture.units.keys()]).toEqual(['C']);
    w.last().end(1006);
    w.pass(30_000);
    w.last().open();
    expect(w.last().sent[0]).toMatchObject({ resume: { epoch: 'e2', seq: 3 } });
  });

  it('asks for a fresh snapshot when the interest changes', () => {
    const w = world();
    w.client.subscribe({ units: ['A'] });
    w.last().open();
    w.last().say(snapshot(7, [unit('A', 100)]));
    w.client.subscribe({ units: ['B'] });
    expect(w.last().sent[1]).toEqual({ type: 'subscribe', units: ['B'] });
    w.last().say(snapshot(8, [unit('B', 100)]));
    expect([...w.client.picture.units.keys()]).toEqual(['B']);
    expect(w.sockets.length).toBe(1);
  });

  it('never moves a unit backwards, whatever the order of messages', () => {
    for (let seed = 1; seed <= 50; seed++) {
      let x = seed;
      const random = () => (x = (x * 48271) % 2147483647) / 2147483647;
      const w = world();
      w.client.subscribe({ units: ['A'] });
      w.last().open();
      w.last().say(snapshot(1, []));
      let newest = 0;
      for (let i = 0; i < 40; i++) {
        const second = 1 + Math.floor(random() * 1000);
        newest = Math.max(newest, second);
        w.last().say({ type: 'positions', seq: i + 2, units: [unit('A', second)] });
        expect(Date.parse(w.client.picture.units.get('A')!.time!)).toBe(newest * 1000);
      }
    }
  });

  it('reads binary positions through handles', () => {
    const w = world();
    w.client.subscribe({ bbox: [-180, -90, 180, 90] });
    w.last().open();
    expect(w.last().binaryType).toBe('arraybuffer');
    w.last().say(snapshot(5, [unit('A', 100, { shipment: 'S1' })]));
    w.last().say({ type: 'handles', handles: [{ h: 7, unit: unit('A', 100) }] });
    w.last().say(frame(6, 200_000, [[7, 36.0671, 120.3826, 620, 27_150, 20]]));
    const got = w.client.picture.units.get('A')!;
    expect(got.lat).toBeCloseTo(36.0671, 6);
    expect(got.lon).toBeCloseTo(120.3826, 6);
    expect(got.speed_kmh).toBe(62);
    expect(got.course_deg).toBe(271.5);
    expect(got.shipment).toBe('S1');
    expect(got.time).toBe(new Date(180_000).toISOString());
    w.last().say(frame(7, 201_000, [[7, 36, 120, 0xffff, 0xffff, 0]]));
    expect(w.client.picture.units.get('A')!.speed_kmh).toBeUndefined();
    expect(w.client.picture.units.get('A')!.course_deg).toBeUndefined();
  });

  it('starts over from a snapshot after a message it cannot read', () => {
    for (const nonsense of ['{"type":', 'null', new ArrayBuffer(3), frame(6, 0, [[99, 0, 0, 0, 0, 0]])]) {
      const w = world();
      w.client.subscribe({ units: ['A'] });
      w.last().open();
      w.last().say(snapshot(7, [unit('A', 100)]));
      w.last().say(nonsense);
      expect(w.client.status.state).toBe('waiting');
      expect(w.client.picture.units.size).toBe(1); // data stays while it reconnects
      w.pass(60_000);
      w.last().open();
      expect(w.last().sent[0]).not.toHaveProperty('resume');
    }
  });

  it('does not retry when it is refused, and retries on demand', () => {
    for (const code of [4001, 4003]) {
      const w = world();
      w.client.subscribe({ units: ['A'] });
      w.last().end(code);
      expect(w.client.status.state).toBe('refused');
      expect(w.pending()).toHaveLength(0);
      w.client.retry();
      expect(w.sockets.length).toBe(2);
    }
  });

  it('backs off between half and all of a doubling ceiling, up to 30 s', () => {
    for (let attempt = 0; attempt < 15; attempt++) {
      const ceiling = Math.min(30_000, 500 * 2 ** attempt);
      for (const r of [0, 0.25, 0.5, 0.999]) {
        const wait = backoff(attempt, r);
        expect(wait).toBeGreaterThanOrEqual(ceiling / 2);
        expect(wait).toBeLessThanOrEqual(ceiling);
      }
    }
    const w = world(() => 0);
    w.client.subscribe({ units: ['A'] });
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      w.last().end(1006);
      waits.push(w.client.status.retryAt! - (1_000_000 + waits.reduce((a, b) => a + b, 0)));
      w.pass(waits.at(-1)!);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000]);
    w.last().open();
    w.last().say(snapshot(1, []));
    w.last().end(1001);
    expect(w.pending()).toHaveLength(1); // live once: the wait starts small again
    expect(w.pending()[0]!.at - w.client.status.retryAt!).toBe(0);
  });

  it('passes every event on, in order, and stops for good', () => {
    const w = world();
    w.client.subscribe({ shipments: ['S'] });
    w.last().open();
    w.last().say(snapshot(1, []));
    for (const seq of [2, 3, 5]) w.last().say({ type: 'event', seq, event: { seq, n: 0, kind: 'x', time: '' } });
    expect(w.events).toEqual([2, 3, 5]);
    w.last().say({ type: 'something-newer', seq: 6 });
    const socket = w.last();
    w.client.stop();
    expect(socket.closedWith).toBe(1000);
    expect(w.pending()).toHaveLength(0);
    socket.say({ type: 'event', seq: 9, event: { seq: 9, n: 0, kind: 'x', time: '' } });
    expect(w.events).toEqual([2, 3, 5]);
  });

  it('leaves one socket and one timer, whatever happens', () => {
    for (let seed = 1; seed <= 200; seed++) {
      let x = seed * 7919;
      const random = () => (x = (x * 48271) % 2147483647) / 2147483647;
      const w = world(random);
      w.client.subscribe({ units: ['A'] });
      for (let i = 0; i < 60; i++) {
        const pick = Math.floor(random() * 8);
        if (pick === 0) w.last().open();
        else if (pick === 1) w.last().say(snapshot(i, [unit('A', i)]));
        else if (pick === 2) w.last().end(1006);
        else if (pick === 3) w.client.retry();
        else if (pick === 4) w.client.drop();
        else if (pick === 5) w.last().say('nonsense');
        else if (pick === 6) w.client.subscribe({ units: ['A', String(i)] });
        else w.pass(random() * 40_000);
        const heard = w.sockets.filter((s) => s.onmessage !== null);
        expect(heard.length).toBeLessThanOrEqual(1);
        expect(w.pending().length).toBeLessThanOrEqual(1);
        if (w.client.status.state === 'waiting') expect(w.pending().length).toBe(1);
        else expect(heard.length).toBe(1);
      }
    }
  });
});

describe('binary positions', () => {
  it('refuses frames of another version, kind or length', () => {
    const good = frame(1, 2, [[1, 1, 1, 1, 1, 1]]);
    expect(decodePositions(good)?.records).toHaveLength(1);
    for (const [at, value] of [[0, 2], [1, 2], [20, 2]] as const) {
      const bad = good.slice(0);
      new DataView(bad).setUint8(at, value);
      expect(decodePositions(bad)).toBeNull();
    }
    expect(decodePositions(good.slice(0, good.byteLength - 1))).toBeNull();
  });
});
