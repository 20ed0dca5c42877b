// What needs a decision, from the data alone: promises at risk, units that went
// silent, units off their corridor, shipments nobody carries yet. Pure.

import type { Eta, ShipmentSummary, Unit } from './api/types';
import { fixAgeMs, motion } from './units';
import { chances } from './weigh';

export type Kind = 'late' | 'atRisk' | 'stale' | 'offRoute' | 'noUnit';

export interface Decision {
  id: string;
  kind: Kind;
  severity: 1 | 2 | 3;
  shipment?: string;
  unit?: string;
  n?: number; // of 20
  ageMs?: number;
  km?: number;
  deadlineMs?: number; // when it is too late
}

/** Off the corridor from here on: a detour, not the width of a road or a lane. */
const offRouteKm: Record<string, number> = { road: 30, rail: 30, sea: 150, air: 200 };

export function decisions(
  shipments: Iterable<ShipmentSummary>,
  etas: ReadonlyMap<string, Eta>,
  units: ReadonlyMap<string, Unit>,
  now: number,
): Decision[] {
  const out: Decision[] = [];
  for (const s of shipments) {
    if (s.status === 'arrived') continue;
    const deadlineMs = s.promise ? Date.parse(s.promise) : undefined;
    const eta = etas.get(s.id) ?? s.eta;
    const unit = s.unit ? units.get(s.unit) : undefined;
    const base = { shipment: s.id, unit: s.unit, deadlineMs };
    if (!s.unit) {
      out.push({ ...base, id: `noUnit:${s.id}`, kind: 'noUnit', severity: 1 });
      continue;
    }
    if (eta?.on_time !== undefined) {
      const n = chances(eta.on_time);
      if (n <= 10) out.push({ ...base, id: `late:${s.id}`, kind: 'late', severity: 3, n });
      else if (n <= 16) out.push({ ...base, id: `atRisk:${s.id}`, kind: 'atRisk', severity: 2, n });
    }
    if (unit && motion(unit, now) === 'stale') {
      out.push({ ...base, id: `stale:${s.id}`, kind: 'stale', severity: 2, ageMs: fixAgeMs(unit, now) ?? 0 });
    }
    const limit = offRouteKm[unit?.mode ?? 'road'] ?? 30;
    if (eta && eta.off_route_km > limit) {
      out.push({ ...base, id: `offRoute:${s.id}`, kind: 'offRoute', severity: eta.off_route_km > 3 * limit ? 3 : 2, km: eta.off_route_km });
    }
  }
  return out.sort(
    (a, b) => b.severity - a.severity || (a.deadlineMs ?? Infinity) - (b.deadlineMs ?? Infinity) || (a.id < b.id ? -1 : 1),
  );
}
