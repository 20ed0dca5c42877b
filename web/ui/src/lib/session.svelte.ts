// Who is signed in, and the demo's marks.

import { api, whenSignedOut } from './api/client';
import type { Session } from './api/types';

class SessionState {
  known = $state(false); // whether the server was asked
  unreachable = $state(false);
  value = $state<Session>({ signed_in: false });

  /** What the server's clock is ahead of this browser's: ages are told by the server's. */
  skewMs = 0;

  private take(value: Session) {
    const theirs = Date.parse(value.now ?? '');
    const skew = theirs - Date.now();
    // Below two seconds it is the way here, not the clock.
    this.skewMs = Number.isFinite(skew) && Math.abs(skew) > 2000 ? skew : 0;
    this.value = value;
  }

  now(): number {
    return Date.now() + this.skewMs;
  }

  async load() {
    try {
      this.take(await api.session());
      this.unreachable = false;
    } catch {
      this.unreachable = true;
    }
    this.known = true;
  }

  async signIn(key: string) {
    this.take(await api.signIn(key));
    this.unreachable = false;
    this.known = true;
  }

  async signOut() {
    await api.signOut();
    this.value = { ...this.value, signed_in: false, party: undefined };
  }
}

export const session = new SessionState();
whenSignedOut(() => {
  session.value = { ...session.value, signed_in: false, party: undefined };
});
