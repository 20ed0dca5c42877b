// The server speaks English and codes; this turns what it says about a plan into
// the reader's language where code and names allow, and leaves it as it came
// where they do not.

import type { BorderPost, Names, Option, Plan, Point } from './api/types';
import { country, named } from './i18n';
import type { Lang } from './prefs.svelte';
import { phrase } from './phrases';

const corridors: Record<string, { zh: string; ru: string }> = {
  sea: { zh: '远洋', ru: 'Море' },
  rail: { zh: '铁路班列', ru: 'Поезд' },
  road: { zh: '公路', ru: 'Авто' },
  'road-tir': { zh: '公路 TIR', ru: 'Авто TIR' },
  air: { zh: '航空', ru: 'Самолёт' },
  'sea-rail': { zh: '海铁联运', ru: 'Море + ж/д' },
  'rail-sea': { zh: '铁海联运', ru: 'Ж/д + море' },
  'sea-air': { zh: '海空联运', ru: 'Море + авиа' },
  'sea-road': { zh: '海公联运', ru: 'Море + авто' },
  'road-sea': { zh: '公海联运', ru: 'Авто + море' },
  'rail-road': { zh: '铁公联运', ru: 'Ж/д + авто' },
  'road-rail': { zh: '公铁联运', ru: 'Авто + ж/д' },
  'road-air': { zh: '公空联运', ru: 'Авто + авиа' },
  'rail-air': { zh: '铁空联运', ru: 'Ж/д + авиа' },
  'sea-rail-road': { zh: '海铁公联运', ru: 'Море + ж/д + авто' },
};

// The passages of geodata/network/sea, by id; words.test.ts holds them together.
const passages: Record<string, Names> = {
  suez: { en: 'Suez Canal', zh: '苏伊士运河', ru: 'Суэцкий канал' },
  panama: { en: 'Panama Canal', zh: '巴拿马运河', ru: 'Панамский канал' },
  kiel: { en: 'Kiel Canal', zh: '基尔运河', ru: 'Кильский канал' },
  corinth: { en: 'Corinth Canal', zh: '科林斯运河', ru: 'Коринфский канал' },
  malacca: { en: 'Strait of Malacca', zh: '马六甲海峡', ru: 'Малаккский пролив' },
  singapore: { en: 'Singapore Strait', zh: '新加坡海峡', ru: 'Сингапурский пролив' },
  sunda: { en: 'Sunda Strait', zh: '巽他海峡', ru: 'Зондский пролив' },
  lombok: { en: 'Lombok Strait', zh: '龙目海峡', ru: 'Ломбокский пролив' },
  makassar: { en: 'Makassar Strait', zh: '望加锡海峡', ru: 'Макасарский пролив' },
  ombai: { en: 'Ombai Strait', zh: '翁拜海峡', ru: 'Омбай' },
  karimata: { en: 'Karimata Strait', zh: '卡里马塔海峡', ru: 'пролив Каримата' },
  torres: { en: 'Torres Strait', zh: '托雷斯海峡', ru: 'Торресов пролив' },
  taiwan: { en: 'Taiwan Strait', zh: '台湾海峡', ru: 'Тайваньский пролив' },
  luzon: { en: 'Luzon Strait', zh: '吕宋海峡', ru: 'пролив Лусон' },
  korea: { en: 'Korea Strait', zh: '朝鲜海峡', ru: 'Корейский пролив' },
  kanmon: { en: 'Kanmon Strait', zh: '关门海峡', ru: 'пролив Каммон' },
  tsugaru: { en: 'Tsugaru Strait', zh: '津轻海峡', ru: 'пролив Цугару' },
  'la-perouse': { en: 'La Pérouse Strait', zh: '宗谷海峡', ru: 'пролив Лаперуза' },
  bering: { en: 'Bering Strait', zh: '白令海峡', ru: 'Берингов пролив' },
  'bab-el-mandeb': { en: 'Bab-el-Mandeb', zh: '曼德海峡', ru: 'Баб-эль-Мандебский пролив' },
  hormuz: { en: 'Strait of Hormuz', zh: '霍尔木兹海峡', ru: 'Ормузский пролив' },
  gibraltar: { en: 'Strait of Gibraltar', zh: '直布罗陀海峡', ru: 'Гибралтарский пролив' },
  messina: { en: 'Strait of Messina', zh: '墨西拿海峡', ru: 'Мессинский пролив' },
  bonifacio: { en: 'Strait of Bonifacio', zh: '博尼法乔海峡', ru: 'пролив Бонифачо' },
  dover: { en: 'Strait of Dover', zh: '多佛尔海峡', ru: 'Дуврский пролив' },
  oresund: { en: 'Øresund', zh: '厄勒海峡', ru: 'Эресунн' },
  'great-belt': { en: 'Great Belt', zh: '大贝尔特海峡', ru: 'Большой Бельт' },
  bosporus: { en: 'Bosporus', zh: '博斯普鲁斯海峡', ru: 'Босфор' },
  dardanelles: { en: 'Dardanelles', zh: '达达尼尔海峡', ru: 'Дарданеллы' },
  kerch: { en: 'Kerch Strait', zh: '刻赤海峡', ru: 'Керченский пролив' },
  magellan: { en: 'Strait of Magellan', zh: '麦哲伦海峡', ru: 'Магелланов пролив' },
  'cape-of-good-hope': { en: 'Cape of Good Hope', zh: '好望角', ru: 'мыс Доброй Надежды' },
  'cape-horn': { en: 'Cape Horn', zh: '合恩角', ru: 'мыс Горн' },
  'northern-sea-route': { en: 'Northern Sea Route', zh: '北方海航道', ru: 'Северный морской путь' },
  'northwest-passage': { en: 'Northwest Passage', zh: '西北航道', ru: 'Северо-Западный проход' },
  windward: { en: 'Windward Passage', zh: '向风海峡', ru: 'Наветренный пролив' },
  mona: { en: 'Mona Passage', zh: '莫纳海峡', ru: 'пролив Мона' },
  yucatan: { en: 'Yucatán Channel', zh: '尤卡坦海峡', ru: 'Юкатанский пролив' },
  florida: { en: 'Straits of Florida', zh: '佛罗里达海峡', ru: 'Флоридский пролив' },
  bass: { en: 'Bass Strait', zh: '巴斯海峡', ru: 'Бассов пролив' },
  cook: { en: 'Cook Strait', zh: '库克海峡', ru: 'пролив Кука' },
  elbe: { en: 'Elbe to Hamburg', zh: '易北河（汉堡）', ru: 'Эльба до Гамбурга' },
  weser: { en: 'Weser to Bremen', zh: '威悉河（不来梅）', ru: 'Везер до Бремена' },
  scheldt: { en: 'Scheldt to Antwerp', zh: '斯海尔德河（安特卫普）', ru: 'Шельда до Антверпена' },
  'new-waterway': { en: 'New Waterway to Rotterdam', zh: '新水道（鹿特丹）', ru: 'Новый водный путь до Роттердама' },
  thames: { en: 'Thames to London', zh: '泰晤士河（伦敦）', ru: 'Темза до Лондона' },
  yangtze: { en: 'Yangtze to Shanghai', zh: '长江（上海）', ru: 'Янцзы до Шанхая' },
  'pearl-river': { en: 'Pearl River to Guangzhou', zh: '珠江（广州）', ru: 'Жемчужная река до Гуанчжоу' },
  saigon: { en: 'Saigon River', zh: '西贡河', ru: 'река Сайгон' },
  hooghly: { en: 'Hooghly to Kolkata', zh: '胡格利河（加尔各答）', ru: 'Хугли до Калькутты' },
  houston: { en: 'Houston Ship Channel', zh: '休斯敦航道', ru: 'Хьюстонский судоходный канал' },
  mississippi: { en: 'Mississippi to New Orleans', zh: '密西西比河（新奥尔良）', ru: 'Миссисипи до Нового Орлеана' },
  'new-york': { en: 'New York Narrows', zh: '纽约海峡', ru: 'Нью-Йорк, пролив Тэ-Нарроус' },
  delaware: { en: 'Delaware to Philadelphia', zh: '特拉华河（费城）', ru: 'Делавэр до Филадельфии' },
  chesapeake: { en: 'Chesapeake Bay to Baltimore', zh: '切萨皮克湾（巴尔的摩）', ru: 'Чесапикский залив до Балтимора' },
  columbia: { en: 'Columbia to Portland', zh: '哥伦比亚河（波特兰）', ru: 'Колумбия до Портленда' },
  'st-lawrence': { en: 'St Lawrence to Montréal', zh: '圣劳伦斯河（蒙特利尔）', ru: 'река Святого Лаврентия до Монреаля' },
  seaway: { en: 'St Lawrence Seaway', zh: '圣劳伦斯航道', ru: 'Морской путь Святого Лаврентия' },
  plate: { en: 'River Plate to Buenos Aires', zh: '拉普拉塔河（布宜诺斯艾利斯）', ru: 'Ла-Плата до Буэнос-Айреса' },
  amazon: { en: 'Amazon to Manaus', zh: '亚马孙河（马瑙斯）', ru: 'Амазонка до Манауса' },
  'saint-petersburg': { en: 'Saint Petersburg fairway', zh: '圣彼得堡航道', ru: 'Санкт-Петербургский морской канал' },
  don: { en: 'Azov–Don fairway to Rostov', zh: '亚速—顿河航道（罗斯托夫）', ru: 'Азово-Донской канал до Ростова' },
  danube: { en: 'Danube by Sulina', zh: '多瑙河（苏利纳）', ru: 'Дунай, Сулинский канал' },
};

/** Passages that can be supposed closed. */
export const passageIds: readonly string[] = Object.keys(passages);

/** By their English names, and the short ones of the planner's titles: an id such as singapore is a port's name too. */
const passageNames = new Map<string, Names>([
  ...Object.values(passages).map((n): [string, Names] => [n.en, n]),
  ['Suez', { en: 'Suez', zh: '苏伊士', ru: 'Суэц' }],
  ['Panama', { en: 'Panama', zh: '巴拿马', ru: 'Панама' }],
]);

const titles: Record<string, { zh: string; ru: string }> = {
  'Road TIR': { zh: '公路 TIR', ru: 'Авто TIR' },
  Road: { zh: '公路', ru: 'Авто' },
  'Road without TIR': { zh: '公路（非 TIR）', ru: 'Авто без TIR' },
  Rail: { zh: '铁路', ru: 'Поезд' },
  'China–Europe rail': { zh: '中欧班列', ru: 'Поезд Китай – Европа' },
  'Middle Corridor rail': { zh: '中间走廊班列', ru: 'Поезд Среднего коридора' },
  'Deep sea': { zh: '远洋', ru: 'Море' },
  Sea: { zh: '海运', ru: 'Море' },
  'Express sea': { zh: '快船', ru: 'Быстрое судно' },
  Air: { zh: '航空', ru: 'Самолёт' },
};

/** statusKey is the message for a shipment's status. */
export function statusKey(status: string | undefined): 'live.arrived' | 'live.planned' | 'live.cancelled' | 'live.underWay' {
  switch (status) {
    case 'arrived': return 'live.arrived';
    case 'planned': return 'live.planned';
    case 'cancelled': return 'live.cancelled';
  }
  return 'live.underWay';
}

/** shortAirport leaves the words every airport has in its name. */
function shortAirport(name: string, lang: Lang = 'en'): string {
  const m = /^(.*?),? (?:International )?Airport\b(.*)$/.exec(name);
  if (!m) return name;
  return lang === 'zh' ? `${m[1]}机场${m[2]}` : lang === 'ru' ? `аэропорт ${m[1]}${m[2]}` : `${m[1]}${m[2]}`;
}

function parts(name: string | undefined): string[] {
  return (name ?? '').split(/\s*[–—]\s*/).map((s) => s.trim());
}

type Post = Pick<BorderPost, 'id' | 'names'>;

/** Words knows the names one plan needs. */
export class Words {
  private readonly post = new Map<string, Post>();
  private readonly names = new Map<string, Names>();
  private readonly cities: Names[] = [];

  constructor(
    readonly lang: Lang,
    posts: readonly Post[],
    points: readonly Point[] = [],
    more: readonly Names[] = [],
  ) {
    for (const n of more) this.names.set(n.en, n);
    for (const p of posts) {
      this.post.set(p.id, p);
      this.names.set(p.names.en, p.names);
      const en = parts(p.names.en);
      const zh = parts(p.names.zh);
      const ru = parts(p.names.ru);
      en.forEach((e, i) => {
        if (e && !this.names.has(e)) this.names.set(e, { en: e, zh: zh[i] || undefined, ru: ru[i] || undefined });
      });
    }
    for (const p of points) {
      if (p.kind === 'place') this.cities.push(p.name);
      if (p.name.en) this.names.set(p.name.en, p.name);
      if (p.code) this.names.set(p.code, p.name);
    }
  }

  /** place translates an English name, or a code, if a source knows it. */
  place(name: string): string {
    const known = this.names.get(name) ?? passageNames.get(name);
    return known ? shortAirport(named(known, this.lang), this.lang) : shortAirport(name, this.lang);
  }

  /** ends names both ends of a shipment's summary. */
  ends(s: { origin: string; destination: string; origin_names?: Names; destination_names?: Names }): [string, string] {
    return [s.origin_names ? named(s.origin_names, this.lang) : this.place(s.origin), s.destination_names ? named(s.destination_names, this.lang) : this.place(s.destination)];
  }

  /** border names a post: both sides, or the near side only. */
  border(id: string, short = false, fallback = id): string {
    const p = this.post.get(id);
    const name = p ? named(p.names, this.lang) : this.place(fallback);
    return short ? (parts(name)[0] ?? name) : name;
  }

  passage(id: string): string {
    const known = passages[id];
    return known ? named(known, this.lang) : id;
  }

  via(id: string): string {
    if (this.post.has(id)) return this.border(id, true);
    return passages[id] ? this.passage(id) : this.place(id);
  }

  corridor(id: string): string {
    const c = corridors[id];
    return this.lang !== 'en' && c ? c[this.lang] : id;
  }

  /** where is a place under a strip: the near side of a post, a terminal without
   * what its name explains. */
  where(name: string): string {
    // "Moscow Tovarnaya Paveletskaya" waits in Moscow.
    const city = this.cities.find((c) => name.startsWith(c.en + ' '));
    if (city) return named(city, this.lang);
    const said = this.place(name);
    const post = [...this.post.values()].some((p) => p.names.en === name);
    return (post ? (parts(said)[0] ?? said) : said).replace(/\s*[(（].*$/, '');
  }

  /** title names an option: "Deep sea via Suez to St Petersburg". */
  title(o: Pick<Option, 'corridor' | 'title'>): string {
    const title = shortAirport(o.title);
    if (this.lang === 'en') return title;
    const m = /^(.+?)(?: via (?:the )?(.+?))?(?: to (.+?)(?: via (.+))?)?$/.exec(title);
    if (!m) return title;
    const base = titles[m[1]!]?.[this.lang] ?? corridors[m[1]!.toLowerCase().replace(/–/g, '-')]?.[this.lang] ?? corridors[o.corridor]?.[this.lang] ?? m[1]!;
    const via = [m[2], m[4]].flatMap((v) => (v ? v.split(' and ') : [])).map((v) => this.where(v.trim()));
    const to = m[3] ? this.where(m[3]) : '';
    if (this.lang === 'zh') return [base, (via.length ? `经${via.join('、')}` : '') + (to ? `至${to}` : '')].filter(Boolean).join(' · ');
    return base + (via.length ? `: ${via.join(', ')}` : '') + (to ? ` → ${to}` : '');
  }

  /** say turns a sentence of the server into the reader's language. */
  say(text: string): string {
    if (this.lang === 'en') return text.replace(/, ([A-Z]{2})$/, (_, c: string) => `, ${this.country(c)}`);
    return phrase(this.lang, text, (name) => (/^[A-Z]{2}$/.test(name) ? this.country(name) : / via | to |TIR|rail/.test(name) ? this.title({ corridor: '', title: name }) : this.where(name)));
  }

  country(code: string): string {
    return country(code, this.lang);
  }
}

export function pointsOf(plan: Pick<Plan, 'origin' | 'destination' | 'options'> | null): Point[] {
  if (!plan) return [];
  return [plan.origin, plan.destination, ...plan.options.flatMap((o) => o.legs.flatMap((l) => [l.from, l.to]))];
}
