import { describe, expect, it } from 'vitest';
import type { Carnet } from './api/types';
import { actsOf, actWord, officesFor, sayText, territory } from './carnet';
import { prefs } from './prefs.svelte';

const office = (id: string, role: Carnet['offices'][number]['role'], country: string) => ({ id, name: id, role, country, lat: 1, lon: 1 });

function carnet(change: Partial<Carnet> = {}): Carnet {
  return {
    number: 'XB25000001', holder: 'H', stage: 'issued', countries: ['CN', 'RU'], vouchers: 4, valid_until: '2026-12-20T00:00:00Z',
    offices: [office('a', 'departure', 'CN'), office('b', 'exit', 'CN'), office('c', 'entry', 'RU'), office('d', 'destination', 'RU')],
    operations: [{ country: 'CN' }, { country: 'RU' }], journal: [], wrong: [], head: '', ...change,
  };
}

describe('carnets', () => {
  it('offers first what comes next', () => {
    expect(actsOf(carnet())[0]!.kind).toBe('accept');
    const running = carnet({ stage: 'accepted', operations: [{ country: 'CN', started: '2026-12-01T00:00:00Z' }, { country: 'RU' }] });
    expect(actsOf(running)[0]!.kind).toBe('terminate');
    expect(actsOf(running).map((a) => a.kind)).not.toContain('load'); // there is one office of departure
    const between = carnet({ stage: 'in-transit', operations: [{ country: 'CN', started: 'x', terminated: 'y' }, { country: 'RU' }] });
    expect(actsOf(between)[0]!.kind).toBe('start');
    expect(actsOf(carnet({ stage: 'terminated' })).map((a) => a.kind)).toEqual(['discharge', 'claim', 'report']);
  });

  it('names the office that is next first', () => {
    const c = carnet({ stage: 'accepted', journal: [{ n: 1, kind: 'terminate', at: '', by: '', office: 'b', hash: '' }] });
    const terminate = actsOf(c).find((a) => a.kind === 'terminate')!;
    expect(officesFor(c, terminate).map((o) => o.id)).toEqual(['d', 'b']);
    expect(officesFor(carnet(), actsOf(carnet())[0]!).map((o) => o.id)).toEqual(['a']);
  });

  it('says what the server wrote, and leaves what somebody has typed', () => {
    const text = 'seal CN0048213; certificate of approval CN-118; time limit 2026-11-25 21:32 UTC; two pallets wet';
    expect(sayText(text, 'en')).toBe(text);
    expect(sayText(text, 'zh')).toBe('关封 CN0048213；批准证明书 CN-118；时限 2026-11-25 21:32 UTC；two pallets wet');
    expect(sayText('Maikapchagai–Zimunai is expected 2026-11-29 13:46 UTC, the time limit is 2026-11-25 21:32 UTC', 'ru')).toBe('Maikapchagai–Zimunai: ожидается 2026-11-29 13:46 UTC, срок 2026-11-25 21:32 UTC');
    expect(sayText('goes with shipment shp-1 on unit T 1', 'ru')).toBe('перевозит T 1');
  });

  it('has words for every step and notice in each language', () => {
    const kinds = [
      ...new Set(['issued', 'announced', 'accepted', 'terminated'].flatMap((stage) => actsOf(carnet({ stage })).map((a) => a.kind))),
      'issued', 'bound', 'reroute', 'carnet-office-reached', 'carnet-border-crossed', 'carnet-expired', 'carnet-time-at-risk', 'carnet-time-passed',
      'carnet-itinerary-left', 'carnet-itinerary-back', 'carnet-office-skipped', 'carnet-seal-opened', 'carnet-seal-changed', 'carnet-unloading',
      'carnet-not-terminated', 'carnet-unsealed', 'carnet-report-missing', 'carnet-claimed', 'carnet-reservation',
    ];
    for (const lang of ['en', 'zh', 'ru'] as const) {
      prefs.lang = lang;
      for (const k of kinds) {
        expect(actWord(k), `${lang} ${k}`).not.toBe(k.replace(/^carnet-/, ''));
        expect(actWord(k), `${lang} ${k}`).not.toMatch(/^(TIR|МДП)\s*[:：]/);
      }
      expect(territory('EU', lang)).not.toBe('EU');
    }
  });
});
