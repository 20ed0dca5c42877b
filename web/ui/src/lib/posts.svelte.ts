// Border posts, loaded once for all pages.

import { untrack } from 'svelte';
import { api } from './api/client';
import type { BorderPost } from './api/types';

class Posts {
  list = $state.raw<BorderPost[]>([]);
  state = $state<'none' | 'loading' | 'ready' | 'failed'>('none');

  async load() {
    // Called from effects, which must not run again because of the answer.
    const state = untrack(() => this.state);
    if (state === 'loading' || state === 'ready') return;
    this.state = 'loading';
    try {
      this.list = await api.borders();
      this.state = 'ready';
    } catch {
      this.state = 'failed';
    }
  }
}

export const posts = new Posts();
