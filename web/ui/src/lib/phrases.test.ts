import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogues } from './i18n';
import { phrase } from './phrases';
import { Words } from './words';

const root = new URL('../../../../', import.meta.url);

/** csv reads rows of simple CSV with quoted fields. */
function csv(path: string): Record<string, string>[] {
  const rows = readFileSync(new URL(path, root), 'utf8').trim().split('\n').map((l) => [...l.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((m) => m[1]!.replace(/^"|"$/g, '').replace(/""/g, '"')));
  const head = rows[0]!;
  return rows.slice(1).map((r) => Object.fromEntries(head.map((h, i) => [h, r[i] ?? ''])));
}

function untranslated(texts: Iterable<string>): string[] {
  return [...new Set(texts)].filter((s) => s && (phrase('zh', s) === s || phrase('ru', s) === s));
}

// When one of these fails, a word was added on the server's side: give phrases.ts
// its Chinese and Russian.
describe('the words of the reference data', () => {
  it('price lines', () => {
    expect(untranslated(csv('routing/tariff/rates.csv').map((r) => r.what!))).toEqual([]);
  });
  it('services', () => {
    expect(untranslated(csv('routing/timetable/services.csv').map((r) => r.name!))).toEqual([]);
  });
  it('sea passages', () => {
    const text = readFileSync(new URL('geodata/network/sea/internal/pilot/passages.txt', root), 'utf8');
    const ids = text.split('\n').filter((l) => /^[a-z]/.test(l) && !/\|\s*weight\s*\|/.test(l)).map((l) => l.split('|')[0]!.trim());
    expect(ids.length).toBeGreaterThan(40);
    for (const lang of ['zh', 'ru'] as const) {
      const words = new Words(lang, []);
      expect(ids.filter((id) => words.passage(id) === id)).toEqual([]);
    }
  });
  it('notes on border posts', () => {
    expect(untranslated(csv('geodata/border/borders.csv').map((r) => r.note!))).toEqual([]);
  });
  it('rules', () => {
    const source = readFileSync(new URL('routing/regime/regime.go', root), 'utf8');
    const rules = [...source.matchAll(/= rule\("[A-Z0-9-]+", "[^"]+", "([^"]+)"/g)].map((m) => m[1]!);
    expect(rules.length).toBeGreaterThan(15);
    expect(untranslated(rules)).toEqual([]);
    // Every topic has its heading, every source its name.
    const topics = [...source.matchAll(/= rule\("[A-Z0-9-]+", "([^"]+)"/g)].map((m) => m[1]!);
    const sources = [...source.matchAll(/published\("[HML]", "([^"]+)"\)/g)].map((m) => m[1]!);
    expect(sources.length).toBeGreaterThan(8);
    expect(untranslated(sources)).toEqual([]);
    expect(topics.filter((x) => !(`topic.${x}` in catalogues.en))).toEqual([]);
  });
});

describe('what the planner says', () => {
  const posts = [
    { id: 'MZL-ZAB-R', name: 'Manzhouli–Zabaikalsk', names: { en: 'Manzhouli–Zabaikalsk', zh: '满洲里—后贝加尔斯克', ru: 'Маньчжурия – Забайкальск' } },
    { id: 'PET', name: 'Zhana Zhol–Petukhovo', names: { en: 'Zhana Zhol–Petukhovo', zh: '扎纳若尔—佩图霍沃', ru: 'Жана Жол – Петухово' } },
  ].map((p) => ({ ...p, countries: ['CN', 'RU'] as [string, string], modes: [], lat: 0, lon: 0, dwell_hours: { p50: 1, p90: 2 }, origin: { kind: 'A', confidence: 'M' }, status: 'open' }));
  const led = { code: 'RULED', name: { en: 'St Petersburg', zh: '圣彼得堡', ru: 'Санкт-Петербург' }, country: 'RU', kind: 'port', lat: 0, lon: 0 };
  const zh = new Words('zh', posts, [led]);
  const ru = new Words('ru', posts, [led]);

  it('titles', () => {
    const title = (corridor: string, t: string) => [zh.title({ corridor, title: t }), ru.title({ corridor, title: t })];
    expect(title('road-tir', 'Road TIR via Manzhouli and Zhana Zhol')).toEqual(['公路 TIR · 经满洲里、扎纳若尔', 'Авто TIR: Маньчжурия, Жана Жол']);
    expect(title('sea-road', 'Deep sea via Suez to St Petersburg')).toEqual(['远洋 · 经苏伊士至圣彼得堡', 'Море: Суэц → Санкт-Петербург']);
    expect(title('rail', 'China–Europe rail via Manzhouli')).toEqual(['中欧班列 · 经满洲里', 'Поезд Китай – Европа: Маньчжурия']);
    expect(title('sea-rail', 'Sea–rail via St Petersburg')[0]).toBe('海铁联运 · 经圣彼得堡');
    expect(new Words('en', posts).title({ corridor: 'air', title: 'Air to Sheremetyevo International Airport' })).toBe('Air to Sheremetyevo');
  });
  it('reasons, clauses and risks', () => {
    expect(zh.say('Lowest cost, best while a day is worth less than 460 USD')).toBe('费用最低，一天低于 460 美元时最优');
    expect(ru.say('Fastest, best from 37,000 USD a day')).toBe('Быстрее всех, лучший от 37\u202f000 USD за сутки');
    expect(ru.say('Line haul under TIR, KZ')).toBe('Магистраль под TIR, Казахстан');
    expect(zh.say('One lorry or train in ten waits longer than 72 h at Manzhouli.')).toBe('十分之一的车辆或列车在满洲里等待超过 72 小时。');
    expect(zh.say('Manzhouli: toll bridge.')).toBe('满洲里：收费桥。');
    expect(ru.say('No sensible way by ship is known between Qingdao and Moscow. The network must have a way and a service.')).toBe('Разумного пути (судно) между Qingdao и Moscow не известно. В сети должны быть путь и рейс.');
    expect(zh.say('Qilu block train, about daily')).toBe('齐鲁号班列，约每天一班');
    expect(zh.say('Freighter, about 4 a week (rhythm assumed)')).toBe('货机，约每周 4 班 （班期为假设）');
    expect(zh.say('12 in 100 that the departure from Qingdao on Tue 8 Dec is missed; the next one follows 3.5 days later and costs 210 USD of capital.')).toContain('下一班晚 3.5 天');
    expect(ru.say('Road TIR via Manzhouli beats it throughout: 510 USD less, 0.7 days sooner')).toBe('Авто TIR: Маньчжурия лучше во всём: дешевле на 510 USD, быстрее на 0,7 сут');
    expect(zh.say('something new')).toBe('something new');
  });
  it('places under a strip', () => {
    expect(zh.where('Manzhouli–Zabaikalsk')).toBe('满洲里');
    expect(ru.where('Jiaozhou (Qingdao SCO)')).toBe('Jiaozhou');
  });
});
