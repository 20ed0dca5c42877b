// The kinds of events as a reader calls them, and which of them differ from plan.
// tracking/events.go and tracking/carnet have the kinds; happenings.test.ts holds
// them together.

import { has, t, type Key } from './i18n';

const deviations = new Set([
  'shipment-cancelled', 'off-corridor', 'unplanned-stop', 'dwell-long', 'connection-at-risk', 'connection-missed', 'silent', 'seal-opened', 'temperature-out', 'shock', 'battery-low', 'tamper',
  'carnet-expired', 'carnet-time-at-risk', 'carnet-time-passed', 'carnet-itinerary-left', 'carnet-office-skipped', 'carnet-seal-opened', 'carnet-seal-changed', 'carnet-unloading', 'carnet-not-terminated',
  'carnet-claim', 'carnet-refuse', 'carnet-seal-break',
]);

/** isDeviation tells whether a kind of event differs from plan. */
export function isDeviation(kind: string): boolean {
  return deviations.has(kind);
}

/** eventName is what a kind is called; a kind nobody has named yet is shown as it came. */
export function eventName(kind: string): string {
  const key = `event.${kind}`;
  return has(key) ? t(key as Key) : kind.replace(/-/g, ' ');
}
