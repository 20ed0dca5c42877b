import { describe, expect, it } from 'vitest';
import type { Fence } from './api/types';
import { kindOf, outline, points, readPoint, readShape, sizeKm } from './fences';
import { distanceKm } from './map/line';

const fence = (geometry: GeoJSON.Geometry | null, properties: Partial<Fence['properties']> = {}): Fence => ({ type: 'Feature', id: 'f', geometry, properties: { name: 'x', ...properties } });

describe('fences', () => {
  it('a circle is drawn at its radius', () => {
    const f = fence({ type: 'Point', coordinates: [120, 36] }, { radius_m: 5000 });
    expect(kindOf(f)).toBe('circle');
    expect(sizeKm(f)).toBe(5);
    for (const p of points(f)) expect(distanceKm([120, 36], p)).toBeCloseTo(5, 3);
  });
  it('runs on over the date line', () => {
    const f = fence({ type: 'Polygon', coordinates: [[[179, 0], [-179, 0], [-179, 2], [179, 2], [179, 0]]] });
    expect(kindOf(f)).toBe('polygon');
    expect((outline(f) as GeoJSON.Polygon).coordinates[0]!.map((p) => p[0])).toEqual([179, 181, 181, 179, 179]);
    const line = fence({ type: 'LineString', coordinates: [[179.5, 0], [-179.5, 0]] }, { width_m: 1000 });
    expect(kindOf(line)).toBe('corridor');
    expect(sizeKm(line)).toBeCloseTo(111.2, 0);
  });
  it('cells keep their kind', () => {
    expect(kindOf(fence({ type: 'MultiPolygon', coordinates: [] }, { cells: ['8831aa5555fffff'] }))).toBe('cells');
    expect(points(fence(null))).toEqual([]);
  });
  it('reads what is pasted', () => {
    const g = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };
    for (const v of [g, { type: 'Feature', properties: {}, geometry: g }, { type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry: g }] }]) expect(readShape(JSON.stringify(v))).toEqual(g);
    for (const s of ['', 'x', '{}', '{"type":"FeatureCollection","features":[]}']) expect(readShape(s)).toBeNull();
  });
  it('reads a point, latitude first', () => {
    expect(readPoint('36.27, 120.03')).toEqual([120.03, 36.27]);
    expect(readPoint('-36.27;-120.03')).toEqual([-120.03, -36.27]);
    for (const s of ['91, 0', '0, 181', 'Qingdao', '1,2,3']) expect(readPoint(s)).toBeNull();
  });
});
