// What a unit is doing, told from its last fix and nothing else.

import type { Mode, Unit } from './api/types';

export type Motion = 'moving' | 'stopped' | 'stale' | 'unknown';

const minute = 60_000;
const hour = 60 * minute;

/** After this long without a fix a mark is shown as old (§4). */
export const staleAfterMs: Record<Mode, number> = { road: 2 * hour, rail: 6 * hour, sea: 12 * hour, air: 30 * minute };

const stoppedAfterMs = 15 * minute;
const standingKmh = 3; // below this GPS speed is noise

/** Since remembers for each unit the first fix of the standstill it is in. */
export class Standstills {
  private since = new Map<string, { from: number; last: number }>();

  observe(u: Unit) {
    if (!u.time) return;
    const at = Date.parse(u.time);
    const standing = u.speed_kmh !== undefined && u.speed_kmh < standingKmh;
    if (!standing) {
      this.since.delete(u.unit);
      return;
    }
    const known = this.since.get(u.unit);
    if (!known) this.since.set(u.unit, { from: at, last: at });
    else known.last = Math.max(known.last, at);
  }

  from(unit: string): number | undefined {
    return this.since.get(unit)?.from;
  }
}

export function fixAgeMs(u: Unit, now: number): number | null {
  if (!u.time) return null;
  return Math.max(0, now - Date.parse(u.time));
}

export function motion(u: Unit, now: number, standingFrom?: number): Motion {
  const age = fixAgeMs(u, now);
  if (age === null) return 'unknown';
  if (age > (staleAfterMs[u.mode] ?? staleAfterMs.road)) return 'stale';
  if (u.speed_kmh === undefined) return 'unknown';
  if (u.speed_kmh >= standingKmh) return 'moving';
  if (standingFrom !== undefined && now - standingFrom >= stoppedAfterMs) return 'stopped';
  return 'moving';
}

/** staleRingKm is how far a silent unit may have come: 0.6 × its last speed. */
export function staleRingKm(u: Unit, now: number): number {
  const age = fixAgeMs(u, now);
  if (age === null || !u.speed_kmh) return 0;
  return 0.6 * u.speed_kmh * (age / hour);
}
