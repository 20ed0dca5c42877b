import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogues } from './i18n';
import { eventName, isDeviation } from './happenings';

const root = new URL('../../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

describe('kinds of events', () => {
  const kinds = [
    ...[...read('tracking/events.go').matchAll(/^\tEvent\w+\s*= "([a-z-]+)"/gm)].map((m) => m[1]!),
    ...[...read('tracking/carnet/notice.go').matchAll(/^\tNotice\w+\s*= "([a-z-]+)"/gm)].map((m) => m[1]!),
    ...[...read('tracking/carnet/step.go').matchAll(/^\t\w+\s+Kind = "([a-z-]+)"/gm)].map((m) => `carnet-${m[1]!}`),
    'carnet-issued', 'carnet-bound',
  ];
  it('have names', () => {
    expect(kinds.length).toBeGreaterThan(50);
    expect(kinds.filter((k) => !(`event.${k}` in catalogues.en))).toEqual([]);
    expect(eventName('silent')).toBe('No longer heard');
    expect(eventName('something-new')).toBe('something new');
  });
  it('no name is left of a kind that is gone', () => {
    expect(Object.keys(catalogues.en).filter((k) => k.startsWith('event.') && !kinds.includes(k.slice(6)))).toEqual([]);
  });
  it('differ from plan or not', () => {
    expect(kinds.filter(isDeviation).length).toBeGreaterThan(20);
    expect(isDeviation('arrived')).toBe(false);
  });
});
