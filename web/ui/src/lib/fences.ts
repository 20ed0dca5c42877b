// Fences as they are listed and drawn: what GeoJSON cannot say of a circle or a
// corridor is in the properties, and is drawn as an outline here.

import type { Fence } from './api/types';
import { circle, distanceKm } from './map/line';

type Position = [number, number];

export type FenceKind = 'polygon' | 'circle' | 'corridor' | 'cells';

export function kindOf(f: Fence): FenceKind {
  if (f.properties.cells) return 'cells';
  return f.geometry?.type === 'Point' ? 'circle' : f.geometry?.type === 'LineString' ? 'corridor' : 'polygon';
}

const near = (x: number, ref: number) => x + 360 * Math.round((ref - x) / 360);

/** continuous makes a ring's longitudes run on over ±180°, as the server reads it. */
function continuous(ring: readonly Position[]): Position[] {
  const out: Position[] = [];
  for (const [lon, lat] of ring) out.push([out.length ? near(lon, out.at(-1)![0]) : lon, lat]);
  return out;
}

/** outline is what a fence looks like: polygons, or the line of a corridor. */
export function outline(f: Fence): GeoJSON.Geometry | null {
  const g = f.geometry;
  switch (g?.type) {
    case 'Point':
      return { type: 'Polygon', coordinates: [circle(g.coordinates[0]!, g.coordinates[1]!, (f.properties.radius_m ?? 0) / 1000, 64)] };
    case 'Polygon':
      return { type: 'Polygon', coordinates: g.coordinates.map((r) => continuous(r as Position[])) };
    case 'MultiPolygon':
      return { type: 'MultiPolygon', coordinates: g.coordinates.map((p) => p.map((r) => continuous(r as Position[]))) };
    case 'LineString':
      return { type: 'LineString', coordinates: continuous(g.coordinates as Position[]) };
  }
  return null;
}

/** points are the corners of what is drawn, to fit a view to. */
export function points(f: Fence): Position[] {
  const g = outline(f);
  switch (g?.type) {
    case 'Polygon': return g.coordinates.flat() as Position[];
    case 'MultiPolygon': return g.coordinates.flat(2) as Position[];
    case 'LineString': return g.coordinates as Position[];
  }
  return [];
}

/** sizeKm tells a size a reader can picture: the radius of a circle, the length of a
 * corridor; of other shapes null. */
export function sizeKm(f: Fence): number | null {
  const g = f.geometry;
  if (g?.type === 'Point') return (f.properties.radius_m ?? 0) / 1000;
  if (g?.type !== 'LineString') return null;
  const line = continuous(g.coordinates as Position[]);
  return line.slice(1).reduce((sum, p, i) => sum + distanceKm(line[i]!, p), 0);
}

/** readShape takes a pasted GeoJSON geometry, Feature or FeatureCollection of one. */
export function readShape(text: string): GeoJSON.Geometry | null {
  try {
    let v = JSON.parse(text) as GeoJSON.GeoJSON;
    if (v.type === 'FeatureCollection' && v.features.length === 1) v = v.features[0]!;
    if (v.type === 'Feature') return v.geometry;
    return 'coordinates' in v ? (v as GeoJSON.Geometry) : null;
  } catch {
    return null;
  }
}

/** readPoint takes "36.27, 120.03": latitude first, as people write it. */
export function readPoint(text: string): Position | null {
  const m = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (!m) return null;
  const [lat, lon] = [Number(m[1]), Number(m[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}
