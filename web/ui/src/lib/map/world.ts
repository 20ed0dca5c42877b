// Land and boundaries for the static maps: Natural Earth 1:50m, loaded once.

import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import url from 'world-atlas/countries-50m.json?url';

export interface World {
  land: GeoJSON.FeatureCollection | GeoJSON.Feature;
  borders: GeoJSON.MultiLineString;
}

let loading: Promise<World> | null = null;

export function world(): Promise<World> {
  loading ??= load().catch((e) => {
    loading = null;
    throw e;
  });
  return loading;
}

async function load(): Promise<World> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`world map: ${answer.status}`);
  const topology = (await answer.json()) as Topology<{ countries: GeometryCollection; land: GeometryCollection }>;
  return {
    land: feature(topology, topology.objects.land),
    borders: mesh(topology, topology.objects.countries, (a, b) => a !== b),
  };
}
