// The live map's style from the design's tokens: MapLibre with the embedded
// basemap, text drawn from the page's own fonts, nothing from another host.

import type { ExpressionSpecification, StyleSpecification } from 'maplibre-gl';
import type { Lang } from '../prefs.svelte';

export interface Tokens {
  water: string; lake: string; land: string; space: string; shore: string; border: string; grat: string;
  mapInk: string; halo: string; ink: string; surface: string; accent: string; crit: string;
  road: string; rail: string; sea: string; air: string; line2: string; ink3: string;
}

/** readTokens takes the theme's colours from CSS, their only place. */
export function readTokens(): Tokens {
  const css = getComputedStyle(document.documentElement);
  const v = (n: string) => css.getPropertyValue(`--${n}`).trim();
  return {
    water: v('water'), lake: v('lake'), land: v('land'), space: v('space'), shore: v('shore'), border: v('border'), grat: v('grat'),
    mapInk: v('map-ink'), halo: v('halo'), ink: v('ink'), surface: v('surface'), accent: v('accent'), crit: v('crit'),
    road: v('road'), rail: v('rail'), sea: v('sea'), air: v('air'), line2: v('line-2'), ink3: v('ink-3'),
  };
}

/** fonts for map text: the first is ours; the rest cover Chinese. */
export const mapFont = ['IBM Plex Sans', 'PingFang SC', 'Microsoft YaHei UI', 'Noto Sans SC', 'Noto Sans CJK SC'];
export const mapFontBold = ['Plex Map SemiBold', 'PingFang SC', 'Microsoft YaHei UI', 'Noto Sans SC', 'Noto Sans CJK SC'];

export const byMode = (c: Tokens): ExpressionSpecification =>
  ['match', ['get', 'mode'], 'rail', c.rail, 'sea', c.sea, 'air', c.air, c.road] as ExpressionSpecification;

export function nameIn(lang: Lang): ExpressionSpecification {
  return lang === 'en' ? ['get', 'name'] : ['coalesce', ['get', `name_${lang}`], ['get', 'name']];
}

function graticule(step: number): GeoJSON.Feature {
  const lines: number[][][] = [];
  for (let lon = -180; lon < 180; lon += step) {
    const line: number[][] = [];
    for (let lat = -84; lat <= 84; lat += 3) line.push([lon, lat]);
    lines.push(line);
  }
  for (let lat = -75; lat <= 75; lat += step) {
    const line: number[][] = [];
    for (let lon = -180; lon <= 180; lon += 3) line.push([lon, lat]);
    lines.push(line);
  }
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } };
}

/** ranks of places by zoom; more come as there is room. */
const ranks: ExpressionSpecification = ['step', ['zoom'], 1, 2.4, 2, 3.6, 3, 4.6, 4, 5.4, 5, 6.4, 6, 7.4, 7];

const none: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

export function mapStyle(c: Tokens, lang: Lang): StyleSpecification {
  const zoomed = (a: number, b: number): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], 1, a, 6, b];
  return {
    version: 8,
    projection: { type: 'globe' },
    sky: { 'atmosphere-blend': 0 },
    sources: {
      base: { type: 'vector', tiles: [`${location.origin}/tiles/{z}/{x}/{y}.mvt`], minzoom: 0, maxzoom: 8 },
      grat: { type: 'geojson', data: graticule(15) },
      corridors: { type: 'geojson', data: none },
      ahead: { type: 'geojson', data: none },
      trail: { type: 'geojson', data: none, lineMetrics: true },
      rings: { type: 'geojson', data: none },
      cells: { type: 'geojson', data: none },
      fences: { type: 'geojson', data: none },
      units: { type: 'geojson', data: none },
      posts: { type: 'geojson', data: none },
      ends: { type: 'geojson', data: none },
    },
    layers: [
      { id: 'water', type: 'background', paint: { 'background-color': c.water } },
      { id: 'grat', type: 'line', source: 'grat', paint: { 'line-color': c.grat, 'line-width': 1 } },
      { id: 'land', type: 'fill', source: 'base', 'source-layer': 'land', paint: { 'fill-color': c.land, 'fill-antialias': false } },
      { id: 'shore', type: 'line', source: 'base', 'source-layer': 'land', paint: { 'line-color': c.shore, 'line-width': 0.8 } },
      { id: 'lakes', type: 'fill', source: 'base', 'source-layer': 'lakes', paint: { 'fill-color': c.lake, 'fill-outline-color': c.shore } },
      { id: 'rivers', type: 'line', source: 'base', 'source-layer': 'rivers', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.shore, 'line-opacity': 0.55, 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.5, 8, 1.8] } },
      { id: 'borders', type: 'line', source: 'base', 'source-layer': 'borders', filter: ['!=', ['get', 'disputed'], 1], paint: { 'line-color': c.border, 'line-width': 0.9 } },
      { id: 'disputed', type: 'line', source: 'base', 'source-layer': 'borders', filter: ['==', ['get', 'disputed'], 1], paint: { 'line-color': c.border, 'line-width': 0.9, 'line-dasharray': [2, 2] } },
      { id: 'lanes', type: 'line', source: 'base', 'source-layer': 'routes', filter: ['==', ['get', 'mode'], 'sea'], layout: { 'line-join': 'round' }, paint: { 'line-color': c.sea, 'line-width': 0.8, 'line-opacity': 0.35, 'line-dasharray': [6, 3] } },
      { id: 'roads', type: 'line', source: 'base', 'source-layer': 'routes', filter: ['==', ['get', 'mode'], 'road'], layout: { 'line-join': 'round' }, paint: { 'line-color': c.road, 'line-width': 0.9, 'line-opacity': 0.35 } },
      { id: 'railways', type: 'line', source: 'base', 'source-layer': 'routes', filter: ['==', ['get', 'mode'], 'rail'], layout: { 'line-join': 'round' }, paint: { 'line-color': c.rail, 'line-width': 0.9, 'line-opacity': 0.4 } },
      { id: 'ties', type: 'line', source: 'base', 'source-layer': 'routes', minzoom: 4, filter: ['==', ['get', 'mode'], 'rail'], paint: { 'line-color': c.rail, 'line-width': 4, 'line-opacity': 0.4, 'line-dasharray': [0.25, 2.5] } },
      { id: 'fences', type: 'fill', source: 'fences', filter: ['!=', ['geometry-type'], 'LineString'], paint: { 'fill-color': c.ink3, 'fill-opacity': 0.1 } },
      { id: 'fences-line', type: 'line', source: 'fences', layout: { 'line-join': 'round' }, paint: { 'line-color': c.ink3, 'line-width': ['case', ['get', 'chosen'], 2.2, 1.1] } },
      { id: 'corridors', type: 'line', source: 'corridors', layout: { 'line-join': 'round' }, paint: { 'line-color': byMode(c), 'line-width': 1, 'line-opacity': 0.3 } },
      { id: 'ahead-wash', type: 'line', source: 'ahead', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.accent, 'line-width': zoomed(10, 17), 'line-opacity': 0.17 } },
      { id: 'trail-halo', type: 'line', source: 'trail', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.halo, 'line-width': 5, 'line-opacity': 0.7 } },
      { id: 'trail', type: 'line', source: 'trail', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.road, 'line-width': 2.4 } },
      { id: 'cells', type: 'circle', source: 'cells', paint: { 'circle-radius': ['interpolate', ['linear'], ['sqrt', ['get', 'count']], 1, 3, 40, 18], 'circle-color': c.ink3, 'circle-opacity': 0.35, 'circle-stroke-color': c.ink3, 'circle-stroke-width': 1 } },
      { id: 'rings', type: 'fill', source: 'rings', paint: { 'fill-color': byMode(c), 'fill-opacity': 0.1 } },
      { id: 'rings-line', type: 'line', source: 'rings', paint: { 'line-color': byMode(c), 'line-width': 1.1, 'line-dasharray': [2.5, 3] } },
      { id: 'units', type: 'symbol', source: 'units', layout: { 'icon-image': ['get', 'icon'], 'icon-size': ['interpolate', ['linear'], ['zoom'], 1.5, 0.3, 4, 0.42, 7, 0.54], 'icon-rotate': ['get', 'rotate'], 'icon-rotation-alignment': 'map', 'icon-pitch-alignment': 'map', 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'icon-padding': 0, 'symbol-sort-key': ['get', 'order'] }, paint: { 'icon-opacity': ['get', 'opacity'] } },
      { id: 'ahead-halo', type: 'line', source: 'ahead', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.halo, 'line-width': 4, 'line-opacity': 0.75 } },
      { id: 'ahead', type: 'line', source: 'ahead', layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': c.accent, 'line-width': 2.2, 'line-dasharray': [0.25, 2] } },
      { id: 'ports', type: 'symbol', source: 'base', 'source-layer': 'ports', minzoom: 3.6, filter: ['<=', ['get', 'rank'], ranks], layout: { 'icon-image': 'port', 'icon-size': 0.5, 'text-field': ['step', ['zoom'], '', 5.2, nameIn(lang)], 'text-font': mapFont, 'text-size': 11, 'text-variable-anchor': ['right', 'left', 'bottom', 'top'], 'text-radial-offset': 0.6, 'text-optional': true, 'text-padding': 4, 'text-max-width': 9, 'symbol-sort-key': ['get', 'rank'] }, paint: { 'text-color': c.sea, 'text-halo-color': c.halo, 'text-halo-width': 1.6 } },
      { id: 'places', type: 'symbol', source: 'base', 'source-layer': 'places', filter: ['<=', ['get', 'rank'], ranks], layout: { 'icon-image': 'dot', 'icon-size': 0.5, 'text-field': nameIn(lang), 'text-font': mapFont, 'text-size': 11.5, 'text-variable-anchor': ['left', 'right', 'top', 'bottom'], 'text-radial-offset': 0.55, 'text-padding': 4, 'text-max-width': 9, 'symbol-sort-key': ['get', 'rank'] }, paint: { 'text-color': c.mapInk, 'text-halo-color': c.halo, 'text-halo-width': 1.6 } },
      { id: 'fences-name', type: 'symbol', source: 'fences', minzoom: 4, layout: { 'text-field': ['get', 'name'], 'text-font': mapFont, 'text-size': 11.5, 'text-max-width': 9, 'text-padding': 4 }, paint: { 'text-color': c.mapInk, 'text-halo-color': c.halo, 'text-halo-width': 1.6 } },
      { id: 'posts', type: 'symbol', source: 'posts', filter: ['<=', ['get', 'order'], ['step', ['zoom'], 1, 3.2, 2]], layout: { 'icon-image': ['get', 'icon'], 'icon-allow-overlap': true, 'icon-size': 0.5, 'text-field': ['step', ['zoom'], '', 3.6, ['get', 'label']], 'text-font': mapFont, 'text-size': 11.5, 'text-variable-anchor': ['left', 'right', 'top', 'bottom'], 'text-radial-offset': 0.75, 'text-optional': true, 'text-padding': 3, 'symbol-sort-key': ['get', 'order'] }, paint: { 'text-color': c.mapInk, 'text-halo-color': c.halo, 'text-halo-width': 1.6 } },
      { id: 'ends', type: 'symbol', source: 'ends', layout: { 'icon-image': 'dot-big', 'icon-size': 0.5, 'icon-allow-overlap': true, 'text-field': ['get', 'name'], 'text-font': mapFontBold, 'text-size': 12.5, 'text-variable-anchor': ['left', 'right', 'top', 'bottom'], 'text-radial-offset': 0.7, 'text-allow-overlap': true }, paint: { 'text-color': c.ink, 'text-halo-color': c.halo, 'text-halo-width': 1.8 } },
    ],
  };
}
