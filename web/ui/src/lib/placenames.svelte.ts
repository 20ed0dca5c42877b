// Names of places that summaries give in English only, asked for once each.

import { untrack } from 'svelte';
import { api } from './api/client';
import type { Names } from './api/types';

class PlaceNames {
  known = $state.raw<readonly Names[]>([]);
  private readonly asked = new Set<string>();

  async ensure(english: Iterable<string>) {
    for (const name of english) {
      if (!name || this.asked.has(name)) continue;
      this.asked.add(name);
      try {
        const hit = (await api.places(name)).find((p) => p.names.en === name);
        if (hit) this.known = [...untrack(() => this.known), hit.names];
      } catch {
        this.asked.delete(name);
        return;
      }
    }
  }
}

export const placeNames = new PlaceNames();
