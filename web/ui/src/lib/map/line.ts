// Lengths along a planned way, on a sphere: how far along, and what lies ahead.

import type { Leg, Line, Option } from '../api/types';

type Position = [number, number];

const earthKm = 6371.0088;
const rad = Math.PI / 180;

export function distanceKm(a: Position, b: Position): number {
  const dLat = (b[1] - a[1]) * rad;
  const dLon = (b[0] - a[0]) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** unrolled joins the parts of a line cut at ±180° and makes longitudes continuous. */
export function unrolled(g: Line | null): Position[] {
  if (!g) return [];
  const parts = g.type === 'LineString' ? [g.coordinates] : g.coordinates;
  const out: Position[] = [];
  for (const p of parts) {
    for (const c of p) {
      const last = out.at(-1);
      const lon = last ? c[0]! + 360 * Math.round((last[0] - c[0]!) / 360) : c[0]!;
      if (!last || last[0] !== lon || last[1] !== c[1]) out.push([lon, c[1]!]);
    }
  }
  return out;
}

/** after is the part of the legs that lies beyond so many planned kilometres. */
export function after(legs: readonly Leg[], doneKm: number): Position[][] {
  const out: Position[][] = [];
  let left = doneKm;
  for (const leg of legs) {
    const line = unrolled(leg.geometry);
    if (line.length < 2) {
      left -= leg.distance_km;
      continue;
    }
    if (left >= leg.distance_km) {
      left -= leg.distance_km;
      continue;
    }
    if (left <= 0) {
      out.push(line);
      continue;
    }
    // The drawn line is simplified and a little shorter than the way itself.
    let length = 0;
    for (let i = 1; i < line.length; i++) length += distanceKm(line[i - 1]!, line[i]!);
    let skip = left * (length / leg.distance_km);
    left = 0;
    let i = 1;
    for (; i < line.length; i++) {
      const d = distanceKm(line[i - 1]!, line[i]!);
      if (skip <= d) break;
      skip -= d;
    }
    if (i >= line.length) continue;
    const a = line[i - 1]!, b = line[i]!;
    const f = skip / Math.max(1e-9, distanceKm(a, b));
    out.push([[a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f], ...line.slice(i)]);
  }
  return out;
}

/** shareAt turns kilometres done into the share of the strip: waits count as passed
 * when the way goes on behind them. */
export function shareAt(o: Pick<Option, 'segments' | 'legs'>, doneKm: number): number {
  const total = o.segments.reduce((s, g) => s + g.hours, 0);
  if (total <= 0) return 0;
  const moving = o.legs.map((_, i) => o.segments.filter((s) => s.kind === 'move' && s.leg === i).reduce((s, g) => s + g.hours, 0));
  let hours = 0;
  let left = doneKm;
  for (const s of o.segments) {
    if (s.kind === 'move') {
      const leg = o.legs[s.leg];
      const share = moving[s.leg] ? s.hours / moving[s.leg]! : 0;
      const km = (leg?.distance_km ?? 0) * share;
      if (left < km) return (hours + (km > 0 ? (left / km) * s.hours : 0)) / total;
      left -= km;
    } else if (left <= 0) return hours / total;
    hours += s.hours;
  }
  return 1;
}

/** circle is a ring of so many kilometres around a point. */
export function circle(lon: number, lat: number, km: number, steps = 48): Position[] {
  const out: Position[] = [];
  const d = km / earthKm;
  for (let i = 0; i <= steps; i++) {
    const brg = (i / steps) * 2 * Math.PI;
    const la = Math.asin(Math.sin(lat * rad) * Math.cos(d) + Math.cos(lat * rad) * Math.sin(d) * Math.cos(brg));
    const lo = lon * rad + Math.atan2(Math.sin(brg) * Math.sin(d) * Math.cos(lat * rad), Math.cos(d) - Math.sin(lat * rad) * Math.sin(la));
    out.push([lo / rad, la / rad]);
  }
  return out;
}
