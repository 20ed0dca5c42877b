// A question to the planner as the address bar keeps it: the link to a plan is
// its question, so whoever opens it gets today's answer.

import type { PlanRequest } from './api/types';

export interface Query {
  from: string;
  to: string;
  weightKg: number;
  volumeM3?: number;
  unit: string;
  hs?: string;
  dg?: string;
  temp?: [number, number];
  depart: string; // YYYY-MM-DD
  by?: string; // YYYY-MM-DD: needed by the end of that day
  avoid: string[];
  whatIf?: string[];
}

/** A supposition as the planner reads it: "border:KHO-NUR=closed@2026-12-05". */
export interface Supposition {
  what: string; // "border:KHO-NUR" or "passage:suez"
  regime: 'closed' | 'congested' | 'normal';
  from?: string; // YYYY-MM-DD; left out: throughout
}

const suppositionForm = /^((?:border|passage):[^=@]+)=(closed|congested|normal)(?:@(\d{4}-\d{2}-\d{2}))?$/;

/** readSupposition returns null when s is none. */
export function readSupposition(s: string): Supposition | null {
  const m = suppositionForm.exec(s);
  return m ? { what: m[1]!, regime: m[2] as Supposition['regime'], from: m[3] } : null;
}

export function writeSupposition(s: Supposition): string {
  return `${s.what}=${s.regime}${s.from ? `@${s.from}` : ''}`;
}

export const units = ['FTL', 'LTL', '20GP', '40GP', '40HC', '45HC', '40RF', 'LCL', 'air'] as const;

const dateForm = /^\d{4}-\d{2}-\d{2}$/;

function positive(s: string | null): number | undefined {
  const n = Number(s);
  return s && Number.isFinite(n) && n > 0 ? n : undefined;
}

export function isoDate(at: Date): string {
  return at.toISOString().slice(0, 10);
}

export function addDays(day: string, n: number): string {
  return isoDate(new Date(Date.parse(day + 'T00:00:00Z') + n * 86_400_000));
}

/** readQuery returns null when the address asks for no plan. */
export function readQuery(search: string, today: string): Query | null {
  const p = new URLSearchParams(search);
  const from = p.get('from')?.trim();
  const to = p.get('to')?.trim();
  if (!from || !to) return null;
  const depart = p.get('depart') ?? '';
  const by = p.get('by') ?? '';
  const temp = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/.exec(p.get('temp') ?? '');
  return {
    from,
    to,
    weightKg: positive(p.get('kg')) ?? 24_200,
    volumeM3: positive(p.get('m3')),
    unit: units.find((u) => u === p.get('unit')) ?? 'FTL',
    hs: p.get('hs') || undefined,
    dg: p.get('dg') || undefined,
    temp: temp ? [Number(temp[1]), Number(temp[2])] : undefined,
    depart: dateForm.test(depart) && !Number.isNaN(Date.parse(depart)) ? depart : addDays(today, 1),
    by: dateForm.test(by) && !Number.isNaN(Date.parse(by)) ? by : undefined,
    avoid: p.getAll('avoid').filter((a) => /^[a-z]+:.+$/.test(a)),
  };
}

export function writeQuery(q: Query, extra: Record<string, string | undefined> = {}): string {
  const p = new URLSearchParams();
  p.set('from', q.from);
  p.set('to', q.to);
  p.set('kg', String(q.weightKg));
  if (q.volumeM3) p.set('m3', String(q.volumeM3));
  p.set('unit', q.unit);
  if (q.hs) p.set('hs', q.hs);
  if (q.dg) p.set('dg', q.dg);
  if (q.temp) p.set('temp', `${q.temp[0]}..${q.temp[1]}`);
  p.set('depart', q.depart);
  if (q.by) p.set('by', q.by);
  for (const a of q.avoid) p.append('avoid', a);
  for (const [k, v] of Object.entries(extra)) if (v) p.set(k, v);
  return p.toString();
}

export function toRequest(q: Query): PlanRequest {
  return {
    origin: q.from,
    destination: q.to,
    cargo: {
      weight_kg: q.weightKg,
      volume_m3: q.volumeM3,
      unit: q.unit,
      hs: q.hs,
      dg: q.dg,
      temp_c: q.temp,
    },
    depart: `${q.depart}T00:00:00Z`,
    arrive_by: q.by ? `${q.by}T23:59:59Z` : undefined,
    avoid: q.avoid.length ? q.avoid : undefined,
    what_if: q.whatIf?.length ? q.whatIf : undefined,
  };
}
