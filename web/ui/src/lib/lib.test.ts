import { describe, expect, it } from 'vitest';
import { ageOf, ageText } from './age';
import { decisions } from './decisions';
import * as f from './format';
import { catalogues, translate } from './i18n';
import { langs, type Lang } from './prefs.svelte';
import { addDays, readQuery, readSupposition, toRequest, writeQuery, writeSupposition } from './query';
import { axisFor, layoutStrip, placeLabels } from './strip';
import { motion, Standstills, staleRingKm } from './units';
import { beaten, chances, front, ranked, weighedTotal, type Weighable } from './weigh';

const N = '\u202f';
const G = '\u00a0';
const all = <T>(fn: (l: Lang) => T) => langs.map(fn);

describe('formats in three languages', () => {
  it('numbers and money', () => {
    expect(all((l) => f.number(l, 11000))).toEqual(['11,000', '11,000', `11${N}000`]);
    expect(all((l) => f.number(l, 6200))).toEqual(['6,200', '6,200', '6200']);
    expect(all((l) => f.number(l, 4.3, 1))).toEqual(['4.3', '4.3', '4,3']);
    expect(all((l) => f.money(l, { amount: 11000, currency: 'USD' }))).toEqual([`11,000${G}USD`, `11,000${N}美元`, `11${N}000${G}USD`]);
    expect(f.number('en', -5)).toBe('\u22125');
    expect(f.number('en', -0.2)).toBe('0');
    expect(all((l) => f.range(l, 10100, 12900))).toEqual(['10,100–12,900', '10,100–12,900', `10${N}100–12${N}900`]);
  });
  it('dates', () => {
    const a = new Date('2026-12-10T00:00:00Z');
    const b = new Date('2026-12-18T00:00:00Z');
    expect(all((l) => f.dateRange(l, a, b))).toEqual(['10 Dec – 18 Dec', '12/10 – 12/18', '10 дек – 18 дек']);
    expect(all((l) => f.weekdayDate(l, b))).toEqual(['Fri 18 Dec', '12月18日 周五', 'пт 18 дек']);
    expect(all((l) => f.date(l, new Date('2026-05-09T00:00:00Z')))).toEqual(['9 May', '5/9', '9 мая']);
    expect(all((l) => f.clock(l, new Date('2026-05-09T00:05:00Z')))).toEqual(['00:05', '00:05', '00:05']);
  });
  it('spans', () => {
    expect(all((l) => f.dayRange(l, 9 * 24, 15 * 24))).toEqual([`9–15${G}d`, `9–15${N}天`, `9–15${G}сут`]);
    expect(f.dayRange('ru', 4.5 * 24, 6 * 24)).toBe(`4,5–6${G}сут`);
    expect(f.dayRange('en', 240, 240)).toBe(`10${G}d`);
    const span = (4 * 60 + 10) * 60_000;
    expect(all((l) => f.duration(l, span))).toEqual([`4${G}h 10${G}min`, `4${N}小时 10${N}分`, `4${G}ч 10${G}мин`]);
    expect(f.duration('en', 0)).toBe(`0${G}min`);
    expect(f.duration('en', 3 * 86_400_000 + 4 * 3_600_000)).toBe(`3${G}d 4${G}h`);
  });
  it('quantities', () => {
    expect(all((l) => f.quantity(l, 24.2, 'tonne', 1))).toEqual([`24.2${G}t`, `24.2${N}吨`, `24,2${G}т`]);
    expect(all((l) => f.quantity(l, 74, 'kmh'))).toEqual([`74${G}km/h`, `74${N}km/h`, `74${G}км/ч`]);
    expect(all((l) => f.percent(l, 0.54))).toEqual(['54%', '54%', `54${N}%`]);
  });
});

describe('catalogues', () => {
  const keys = Object.keys(catalogues.en) as (keyof typeof catalogues.en)[];
  const holes = (m: unknown) => [...new Set((typeof m === 'string' ? m : Object.values(m as object).join()).match(/\{\w+\}/g) ?? [])].sort();
  for (const lang of langs) {
    it(`${lang} says everything, with the same things filled in`, () => {
      expect(Object.keys(catalogues[lang]).sort()).toEqual([...keys].sort());
      for (const k of keys) {
        expect(holes(catalogues[lang][k]), k).toEqual(holes(catalogues.en[k]));
        const forms = typeof catalogues[lang][k] === 'string' ? [catalogues[lang][k]] : Object.values(catalogues[lang][k]);
        for (const form of forms) expect(String(form).trim(), k).not.toBe('');
      }
    });
  }
  it('zh and ru are translated', () => {
    const same = new Set(['app.name', 'live.utc', 'leg.co2e', 'leg.route', 'q.hsShort', 'live.attribution']);
    for (const k of keys) {
      if (same.has(k)) continue;
      for (const lang of ['zh', 'ru'] as const) expect(catalogues[lang][k], `${lang} ${k}`).not.toEqual(catalogues.en[k]);
    }
  });
  it('plurals', () => {
    expect([1, 2, 5, 21].map((n) => translate('ru', 'ship.count', { n }))).toEqual(['1 перевозка', '2 перевозки', '5 перевозок', '21 перевозка']);
    expect([1, 2].map((n) => translate('en', 'ship.count', { n }))).toEqual(['1 shipment', '2 shipments']);
    expect(translate('zh', 'ship.count', { n: 3 })).toBe('3 票运单');
  });
});

describe('age of a fact', () => {
  const now = new Date('2026-12-01T08:00:00Z');
  it('counts from the end of what the date names', () => {
    expect(ageOf('2026-11-28', now)).toEqual({ days: 3, precision: 'day' });
    expect(ageOf('2026-10', now)).toEqual({ days: 31, precision: 'month' });
    expect(ageOf('2025', now)).toEqual({ days: 335, precision: 'year' });
    expect(ageOf('2026', now)?.days).toBe(0);
    expect(ageOf('', now)).toBeNull();
    expect(ageOf(undefined, now)).toBeNull();
  });
  it('reads in its own unit', () => {
    expect(ageText('en', { days: 3, precision: 'day' })).toBe(`3${G}d`);
    expect(ageText('ru', { days: 61, precision: 'month' })).toBe(`2${G}мес`);
    expect(ageText('zh', { days: 730, precision: 'year' })).toBe(`2${N}年`);
  });
});

const option = (id: string, cost: number, days: number, days90: number, tonnes: number, onTime: number): Weighable => ({
  id, cost, hours: days * 24, hours90: days90 * 24, co2eKg: tonnes * 1000, onTime,
});

describe('weighing', () => {
  const rail = option('rail', 6200, 17, 22, 4.3, 0.5);
  const road = option('road', 11000, 9, 15, 14.5, 0.95);
  const khorgos = option('khorgos', 12400, 12, 19, 15.9, 0.85);
  const air = option('air', 96000, 4.5, 6, 94, 1);
  const options = [road, rail, khorgos, air];
  it('adds what days and tonnes are worth', () => {
    expect(weighedTotal(rail, { day: 280, tonne: 90 })).toBeCloseTo(6200 + 17 * 280 + 4.3 * 90, 6);
  });
  it('a day worth more brings the fast option up', () => {
    expect(ranked(options, { day: 0, tonne: 0 }).map((o) => o.id)).toEqual(['rail', 'road', 'khorgos', 'air']);
    expect(ranked(options, { day: 1000, tonne: 0 })[0]!.id).toBe('road');
  });
  it('knows what is beaten and what is on the front', () => {
    expect(options.filter((o) => beaten(o, options)).map((o) => o.id)).toEqual(['khorgos']);
    expect(beaten(road, [road, { ...road, id: 'twin' }])).toBe(false);
    expect(front(options).map((o) => o.id)).toEqual(['air', 'road', 'rail']);
  });
  it('counts chances in twenty, certainty only when certain', () => {
    expect([0, 0.001, 0.01, 0.5, 0.93, 0.99, 0.997, 1, NaN].map(chances)).toEqual([0, 0, 1, 10, 19, 19, 20, 20, 0]);
  });
});

describe('strip', () => {
  it('shares one axis and tears the option that is too long', () => {
    const axis = axisFor([
      { id: 'air', offsetHours: 0, p90: 144 },
      { id: 'rail', offsetHours: 0, p90: 528 },
      { id: 'sea', offsetHours: 0, p90: 1392 },
    ]);
    expect([...axis.torn]).toEqual(['sea']);
    expect(axis.hours).toBeGreaterThan(528);
    expect(axis.hours).toBeLessThan(1392);
    expect(axisFor([{ id: 'only', offsetHours: 0, p90: 100 }]).torn.size).toBe(0);
    expect(axisFor([]).hours).toBeGreaterThan(0);
  });
  it('lays segments end to end up to P50 and merges waits at one place', () => {
    const l = layoutStrip(
      [
        { kind: 'move', mode: 'road', hours: 10 },
        { kind: 'wait', where: 'M', hours: 5 },
        { kind: 'wait', where: 'M', hours: 5 },
        { kind: 'move', mode: 'road', hours: 20 },
      ],
      50, 70, 2,
    );
    expect(l.boxes).toHaveLength(3);
    expect(l.boxes[1]!.hours).toBe(10);
    let x = 0;
    for (const b of l.boxes) {
      expect(b.x).toBeCloseTo(x);
      x += b.width;
    }
    expect(x).toBeCloseTo(l.p50);
    expect([l.p50, l.p90]).toEqual([100, 140]);
  });
  it('tears where the axis ends', () => {
    const l = layoutStrip([{ kind: 'wait', hours: 50, where: 'p' }, { kind: 'move', mode: 'sea', hours: 950 }], 1000, 1200, 1, 0, 400);
    expect(l.boxes.at(-1)!.x + l.boxes.at(-1)!.width).toBeCloseTo(400);
    expect(l.tear).toEqual({ from: 400, to: 426, mode: 'sea' });
  });
  it('labels never touch and stay inside', () => {
    const boxes = Array.from({ length: 12 }, (_, i) => ({ kind: 'wait' as const, where: `place ${i}`, hours: 5, x: i * 25, width: 4 + (i % 5) * 8 }));
    const measure = (s: string) => s.length * 6;
    const labels = placeLabels(boxes, (b) => b.where!, measure, 300);
    expect(labels.length).toBeGreaterThan(1);
    labels.forEach((a, i) => {
      const w = measure(a.text) / 2;
      expect(a.x - w).toBeGreaterThanOrEqual(0);
      expect(a.x + w).toBeLessThanOrEqual(300);
      if (i) expect(a.x - w).toBeGreaterThan(labels[i - 1]!.x + measure(labels[i - 1]!.text) / 2);
    });
  });
});

describe('the question in the address', () => {
  const q = {
    from: 'CNTAO', to: 'Москва', weightKg: 24200, volumeM3: 60, unit: '40RF', hs: '0808', dg: undefined,
    temp: [-2, 8] as [number, number], depart: '2026-12-01', by: '2026-12-18', avoid: ['passage:suez', 'border:KHO-NUR'],
  };
  it('comes back as it was written', () => {
    expect(readQuery('?' + writeQuery(q), '2026-11-23')).toEqual(q);
  });
  it('asks the planner what it says', () => {
    expect(toRequest(q)).toMatchObject({
      origin: 'CNTAO', destination: 'Москва', cargo: { weight_kg: 24200, temp_c: [-2, 8] },
      depart: '2026-12-01T00:00:00Z', arrive_by: '2026-12-18T23:59:59Z', avoid: q.avoid,
    });
  });
  it('supposes what the planner reads', () => {
    for (const s of ['border:KHO-NUR=closed@2026-12-05', 'passage:suez=congested', 'border:MZL-ZAB-R=normal']) expect(writeSupposition(readSupposition(s)!)).toBe(s);
    for (const s of ['later', 'border:KHO-NUR', 'country:RU=closed', 'border:=closed', 'passage:suez=shut', 'passage:suez=closed@soon']) expect(readSupposition(s)).toBeNull();
    expect(toRequest({ ...q, whatIf: ['passage:suez=closed'] }).what_if).toEqual(['passage:suez=closed']);
    expect(toRequest(q).what_if).toBeUndefined();
  });
  it('forgives nonsense', () => {
    expect(readQuery('', '2026-11-23')).toBeNull();
    expect(readQuery('?from=A', '2026-11-23')).toBeNull();
    expect(readQuery('?from=A&to=B&kg=-3&depart=2026-99-99&unit=x&avoid=zzz&temp=a..b', '2026-11-23')).toMatchObject({
      weightKg: 24200, unit: 'FTL', depart: '2026-11-24', by: undefined, avoid: [], temp: undefined,
    });
    expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  });
});

describe('units', () => {
  const at = Date.parse('2026-12-01T12:00:00Z');
  const ago = (min: number, more = {}) => ({ unit: 'u', carrier: 'c', mode: 'road' as const, time: new Date(at - min * 60_000).toISOString(), ...more });
  it('says what the last fix allows', () => {
    expect(motion(ago(1, { speed_kmh: 60 }), at)).toBe('moving');
    expect(motion(ago(1), at)).toBe('unknown');
    expect(motion(ago(121, { speed_kmh: 60 }), at)).toBe('stale');
    expect(motion({ ...ago(121, { speed_kmh: 60 }), mode: 'rail' }, at)).toBe('moving');
    expect(motion({ ...ago(31, { speed_kmh: 800 }), mode: 'air' }, at)).toBe('stale');
    expect(motion({ unit: 'u', carrier: 'c', mode: 'road' }, at)).toBe('unknown');
  });
  it('calls a unit stopped only after a quarter of an hour', () => {
    const s = new Standstills();
    s.observe(ago(20, { speed_kmh: 0 }));
    s.observe(ago(1, { speed_kmh: 1 }));
    expect(motion(ago(1, { speed_kmh: 1 }), at, s.from('u'))).toBe('stopped');
    s.observe(ago(0, { speed_kmh: 40 }));
    s.observe(ago(0, { speed_kmh: 0 }));
    expect(motion(ago(0, { speed_kmh: 0 }), at, s.from('u'))).toBe('moving');
  });
  it('grows a ring at 0.6 of the last speed', () => {
    expect(staleRingKm(ago(120, { speed_kmh: 50 }), at)).toBeCloseTo(60);
    expect(staleRingKm(ago(120), at)).toBe(0);
  });
});

describe('decisions', () => {
  const now = Date.parse('2026-12-10T00:00:00Z');
  const ship = (id: string, more = {}) => ({ id, corridor: 'road', title: '', origin: '', destination: '', status: 'under-way', unit: 'U' + id, ...more });
  const eta = (shipment: string, on_time?: number, off = 0) => [shipment, {
    shipment, made: '', arrive: { p10: '', p50: '', p90: '' }, on_time, done_km: 0, total_km: 1, off_route_km: off,
  }] as const;
  it('come from the data, worst first, and are empty when all is well', () => {
    const fresh = { carrier: 'c', mode: 'road' as const, speed_kmh: 60, time: new Date(now - 60_000).toISOString() };
    const units = new Map([
      ['U1', { unit: 'U1', ...fresh }],
      ['U2', { unit: 'U2', ...fresh }],
      ['U3', { unit: 'U3', ...fresh, time: new Date(now - 5 * 3_600_000).toISOString() }],
      ['U5', { unit: 'U5', ...fresh }],
    ]);
    const etas = new Map([eta('1', 0.98), eta('2', 0.2), eta('5', 0.7, 45), eta('6', 0.1)]);
    const got = decisions([ship('1'), ship('2'), ship('3'), ship('4', { unit: undefined }), ship('5'), ship('6', { status: 'arrived' })], etas, units, now);
    expect(got.map((d) => d.id)).toEqual(['late:2', 'atRisk:5', 'offRoute:5', 'stale:3', 'noUnit:4']);
    expect(got[3]!.ageMs).toBe(5 * 3_600_000);
    expect(decisions([ship('1')], etas, units, now)).toEqual([]);
  });
});
