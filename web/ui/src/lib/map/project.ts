// The static map: an azimuthal equal-area view that holds every corridor, as SVG
// path strings. Points closer than half a pixel are left out.

import { geoAzimuthalEqualArea, geoCentroid, geoGraticule, geoPath, type GeoProjection } from 'd3-geo';

/** Thin is a path context that keeps what can be seen. */
class Thin {
  private parts: string[] = [];
  private x = NaN;
  private y = NaN;
  constructor(private readonly least: number) {}
  beginPath() {}
  moveTo(x: number, y: number) {
    this.parts.push(`M${x.toFixed(1)},${y.toFixed(1)}`);
    this.x = x;
    this.y = y;
  }
  lineTo(x: number, y: number) {
    if (Math.abs(x - this.x) + Math.abs(y - this.y) < this.least) return;
    this.parts.push(`L${x.toFixed(1)},${y.toFixed(1)}`);
    this.x = x;
    this.y = y;
  }
  arc() {}
  closePath() {
    this.parts.push('Z');
  }
  result() {
    const s = this.parts.join('');
    this.parts = [];
    return s;
  }
}

export interface Chart {
  projection: GeoProjection;
  path: (g: GeoJSON.GeoJSON | GeoJSON.Geometry, least?: number) => string;
  at: (lon: number, lat: number) => [number, number] | null;
  width: number;
  height: number;
}

export function chart(lines: GeoJSON.Geometry[], points: [number, number][], width: number, height: number, frame: number): Chart {
  const all: GeoJSON.GeometryCollection = { type: 'GeometryCollection', geometries: [...lines, { type: 'MultiPoint', coordinates: points }] };
  const [lon, lat] = geoCentroid(all);
  const pad = frame + 22;
  const projection = geoAzimuthalEqualArea()
    .rotate([-(Number.isFinite(lon) ? lon : 86), -(Number.isFinite(lat) ? lat : 45)])
    .clipAngle(170)
    .precision(0.6);
  projection.fitExtent([[pad, pad], [width - pad, height - pad]], all);
  // A short journey still shows the country around it.
  const most = Math.max(width, height) * 5;
  if (projection.scale() > most) {
    const middle = projection.invert!([width / 2, height / 2])!;
    projection.scale(most).rotate([-middle[0], -middle[1]]).translate([width / 2, height / 2]);
  }
  projection.clipExtent([[frame, frame], [width - frame, height - frame]]);
  return {
    projection,
    width,
    height,
    path: (g, least = 0.7) => {
      const context = new Thin(least);
      geoPath(projection, context as unknown as CanvasRenderingContext2D)(g as never);
      return context.result();
    },
    at: (lo, la) => projection([lo, la]) as [number, number] | null,
  };
}

export function graticule(step: number): GeoJSON.MultiLineString {
  return geoGraticule().step([step, step])() as GeoJSON.MultiLineString;
}

export interface Graduation {
  x: number;
  y: number;
  width: number;
  height: number;
  dark: boolean;
}

/** graduations are the bars of a chart's frame, alternating every so many degrees. */
export function graduations(c: Chart, frame: number, degrees: number): Graduation[] {
  const bar = 4;
  const out: Graduation[] = [];
  const walk = (length: number, at: (i: number) => [number, number], axis: 0 | 1, box: (from: number, to: number) => Omit<Graduation, 'dark'>) => {
    let from = frame;
    let last: number | null = null;
    for (let i = frame; i <= length - frame; i++) {
      const p = c.projection.invert!(at(i));
      const k: number = p && Number.isFinite(p[axis]) ? Math.floor(p[axis] / degrees) : NaN;
      if (last !== null && (k !== last || i >= length - frame)) {
        out.push({ ...box(from, i), dark: Math.abs(last) % 2 === 1 });
        from = i;
      }
      last = k;
    }
  };
  const { width: w, height: h } = c;
  walk(w, (i) => [i, frame], 0, (a, b) => ({ x: a, y: frame - bar, width: b - a, height: bar }));
  walk(w, (i) => [i, h - frame], 0, (a, b) => ({ x: a, y: h - frame, width: b - a, height: bar }));
  walk(h, (i) => [frame, i], 1, (a, b) => ({ x: frame - bar, y: a, width: bar, height: b - a }));
  walk(h, (i) => [w - frame, i], 1, (a, b) => ({ x: w - frame, y: a, width: bar, height: b - a }));
  return out;
}
