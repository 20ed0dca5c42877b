// The options of a plan as rows to compare: everything a row shows, computed once.

import { ageOf, priceLimitDays } from './age';
import type { CostLine, Option, Plan } from './api/types';
import { beaten, chances, ranked, weighedTotal, type Weighable, type Worth } from './weigh';

export interface Row extends Weighable {
  option: Option;
  offsetHours: number; // departure after the plan's first
  chance: number; // of 20
  gramsPerTkm: number | null;
  beaten: boolean;
  oldLines: number;
  assumed: number;
  total: number; // weighed
  over: number; // above the lowest total
}

export function isOld(line: CostLine, now: Date): boolean {
  if (line.stale) return true;
  if (line.origin === 'A') return false; // an assumption has no market to fall behind
  const age = ageOf(line.as_of, now);
  return age === null || age.days > priceLimitDays;
}

export function startOf(plan: Plan): number {
  return Math.min(...plan.options.map((o) => Date.parse(o.depart)));
}

export function rowsOf(plan: Plan, worth: Worth, now: Date): Row[] {
  const start = startOf(plan);
  const tonnes = plan.request.cargo.weight_kg / 1000;
  const base = plan.options.map((o) => ({
    id: o.id,
    option: o,
    cost: o.cost.total.amount,
    hours: o.transit_hours.p50,
    hours90: o.transit_hours.p90,
    co2eKg: o.co2e_kg,
    onTime: o.on_time,
    offsetHours: (Date.parse(o.depart) - start) / 3_600_000,
    chance: chances(o.on_time),
    gramsPerTkm: o.distance_km > 0 && tonnes > 0 ? (o.co2e_kg * 1000) / (tonnes * o.distance_km) : null,
    oldLines: o.cost.lines.filter((l) => isOld(l, now)).length,
    assumed: o.cost.lines.filter((l) => l.origin === 'A').length,
  }));
  const sorted = ranked(base, worth);
  const lowest = sorted[0] ? weighedTotal(sorted[0], worth) : 0;
  return sorted.map((r) => {
    const total = weighedTotal(r, worth);
    return { ...r, total, over: total - lowest, beaten: beaten(r, base) };
  });
}

/** badgeOf picks the one badge a row shows; the lowest total is marked in its own column. */
export function badgeOf(o: Option): string | null {
  return o.badges?.[0] ?? null;
}

export interface Toggle {
  id: string; // "border:MZL-ZAB-R", "passage:suez", "country:KZ", "later"
  kind: 'border' | 'passage' | 'country' | 'later';
  value: string;
  weight: number; // how many options it touches
}

/** togglesOf finds what the plan's answer leans on and could be left out. */
export function togglesOf(plan: Plan): Toggle[] {
  const count = new Map<string, Toggle>();
  const ends = new Set([plan.origin.country, plan.destination.country]);
  for (const o of plan.options) {
    const mine = new Map<string, Omit<Toggle, 'weight'>>();
    const put = (kind: Toggle['kind'], value: string) => {
      if (value) mine.set(`${kind}:${value}`, { id: `${kind}:${value}`, kind, value });
    };
    for (const leg of o.legs) {
      for (const b of leg.borders ?? []) {
        put('border', b.id);
        for (const c of [b.from, b.to]) if (!ends.has(c)) put('country', c);
      }
      for (const p of leg.passages ?? []) put('passage', p);
    }
    for (const [k, v] of mine) {
      const old = count.get(k);
      count.set(k, { ...v, weight: (old?.weight ?? 0) + 1 });
    }
  }
  // A few of each kind, what most options lean on first: a bar is read, not searched.
  const most = { border: 4, passage: 2, country: 2, later: 1 };
  // Of passages, first those whose closing is news.
  const known = ['suez', 'panama', 'bab-el-mandeb', 'malacca', 'hormuz', 'bosporus', 'gibraltar', 'cape', 'kiel'];
  const news = (t: Toggle) => (t.kind === 'passage' && known.includes(t.value) ? 0 : 1);
  const sorted = [...count.values()].sort((a, b) => news(a) - news(b) || b.weight - a.weight || (a.id < b.id ? -1 : 1));
  return (['border', 'passage', 'country'] as const).flatMap((kind) => sorted.filter((t) => t.kind === kind).slice(0, most[kind]));
}

export interface Difference {
  gone: number;
  added: number;
  cost: number; // change of the lowest cost
  hours: number; // change of the shortest P50
}

const kin = (o: Option) => `${o.corridor}|${[...(o.via ?? [])].sort().join()}`;

export function difference(before: Plan, after: Plan): Difference {
  const a = new Set(before.options.map(kin));
  const b = new Set(after.options.map(kin));
  const low = (p: Plan, f: (o: Option) => number) => (p.options.length ? Math.min(...p.options.map(f)) : NaN);
  return {
    gone: [...a].filter((k) => !b.has(k)).length,
    added: [...b].filter((k) => !a.has(k)).length,
    cost: low(after, (o) => o.cost.total.amount) - low(before, (o) => o.cost.total.amount),
    hours: low(after, (o) => o.transit_hours.p50) - low(before, (o) => o.transit_hours.p50),
  };
}
