// Numbers, money, dates and spans as §6 of the design writes them. Pure: the
// language is an argument; the components bind it to the reader's.

import type { Lang } from './prefs.svelte';

const locale: Record<Lang, string> = { en: 'en-GB', zh: 'zh-CN', ru: 'ru-RU' };
const NARROW = '\u202f';
const MINUS = '\u2212';

/** gap stands before a unit. Plex draws U+202F an eighth of an em wide: beside
 * letters that reads as no space at all, so en and ru take a no-break space. */
export function gap(lang: Lang): string {
  return lang === 'zh' ? NARROW : '\u00a0';
}
const hourMs = 3_600_000;
const dayMs = 86_400_000;

const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();

function numberFormat(lang: Lang, digits: number): Intl.NumberFormat {
  const key = `${lang}${digits}`;
  let f = numbers.get(key);
  if (!f) {
    f = new Intl.NumberFormat(locale[lang], {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      // Russian groups from five digits on: 6200, 11 000.
      useGrouping: (lang === 'ru' ? 'min2' : 'always') as unknown as boolean,
    });
    numbers.set(key, f);
  }
  return f;
}

function dateFormat(lang: Lang, o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang + JSON.stringify(o);
  let f = dates.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(locale[lang], { timeZone: 'UTC', ...o });
    dates.set(key, f);
  }
  return f;
}

export function number(lang: Lang, v: number, digits = 0): string {
  const rounded = Number(v.toFixed(digits));
  return numberFormat(lang, digits)
    .format(rounded === 0 ? 0 : rounded)
    .replace(/\u00a0/g, NARROW)
    .replace('-', MINUS);
}

/** signed writes the sign always: a difference. */
export function signed(lang: Lang, v: number, digits = 0): string {
  const s = number(lang, Math.abs(v), digits);
  return v < 0 ? MINUS + s : '+' + s;
}

const zhCurrency: Record<string, string> = { USD: '美元', EUR: '欧元', CNY: '元', RUB: '卢布', KZT: '坚戈' };

export function currency(lang: Lang, code: string): string {
  return lang === 'zh' ? (zhCurrency[code] ?? code) : code;
}

export function money(lang: Lang, m: { amount: number; currency: string }): string {
  return `${number(lang, m.amount)}${gap(lang)}${currency(lang, m.currency)}`;
}

/** range of plain numbers: en dash without spaces. */
export function range(lang: Lang, low: number, high: number, digits = 0): string {
  const a = number(lang, low, digits);
  const b = number(lang, high, digits);
  return a === b ? a : `${a}–${b}`;
}

const units = {
  day: { en: 'd', zh: '天', ru: 'сут' },
  hour: { en: 'h', zh: '小时', ru: 'ч' },
  minute: { en: 'min', zh: '分', ru: 'мин' },
  month: { en: 'mo', zh: '个月', ru: 'мес' },
  year: { en: 'y', zh: '年', ru: 'г' },
  tonne: { en: 't', zh: '吨', ru: 'т' },
  km: { en: 'km', zh: '公里', ru: 'км' },
  kmh: { en: 'km/h', zh: 'km/h', ru: 'км/ч' },
  intensity: { en: 'g/t·km', zh: 'g/t·km', ru: 'г/т·км' },
  m3: { en: 'm³', zh: '立方米', ru: 'м³' },
} as const;

export type Unit = keyof typeof units;

export function unit(lang: Lang, u: Unit): string {
  return units[u][lang];
}

export function quantity(lang: Lang, v: number, u: Unit, digits = 0): string {
  return `${number(lang, v, digits)}${gap(lang)}${unit(lang, u)}`;
}

/** dayCount rounds a span to what its size deserves: halves below ten days. */
export function dayCount(hours: number): number {
  const d = hours / 24;
  return d < 10 ? Math.round(d * 2) / 2 : Math.round(d);
}

function dayDigits(lang: Lang, d: number): string {
  return number(lang, d, Number.isInteger(d) ? 0 : 1);
}

export function days(lang: Lang, hours: number): string {
  return `${dayDigits(lang, dayCount(hours))}${gap(lang)}${unit(lang, 'day')}`;
}

export function dayRange(lang: Lang, from: number, to: number): string {
  const a = dayDigits(lang, dayCount(from));
  const b = dayDigits(lang, dayCount(to));
  return `${a === b ? a : `${a}–${b}`}${gap(lang)}${unit(lang, 'day')}`;
}

/** waitDays is a wait under a strip: tenths of a day, hours below half a day. */
export function waitSpan(lang: Lang, hours: number): string {
  if (hours < 12) return quantity(lang, Math.max(1, Math.round(hours)), 'hour');
  return quantity(lang, hours / 24, 'day', 1);
}

/** duration is exact to the minute for short spans and coarser for long ones. */
export function duration(lang: Lang, ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 60) return quantity(lang, minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    const rest = minutes % 60;
    const h = quantity(lang, hours, 'hour');
    return rest && hours < 24 ? `${h} ${quantity(lang, rest, 'minute')}` : h;
  }
  const whole = Math.floor(hours / 24);
  const rest = hours % 24;
  const d = quantity(lang, whole, 'day');
  return rest && whole < 7 ? `${d} ${quantity(lang, rest, 'hour')}` : d;
}

function month(lang: Lang, at: Date): string {
  return dateFormat(lang, { month: 'short', day: 'numeric' })
    .formatToParts(at)
    .find((p) => p.type === 'month')!
    .value.replace(/\.$/, '')
    .slice(0, lang === 'ru' ? 3 : undefined);
}

/** date in short: 10 Dec, 12/10, 10 дек. */
export function date(lang: Lang, at: Date): string {
  const d = at.getUTCDate();
  if (lang === 'zh') return `${at.getUTCMonth() + 1}/${d}`;
  return `${d} ${month(lang, at)}`;
}

/** weekdayDate: Fri 18 Dec, 12月18日 周五, пт 18 дек. */
export function weekdayDate(lang: Lang, at: Date): string {
  const w = dateFormat(lang, { weekday: 'short' }).format(at);
  if (lang === 'zh') return `${at.getUTCMonth() + 1}月${at.getUTCDate()}日 ${w}`;
  return `${w} ${date(lang, at)}`;
}

export function fullDate(lang: Lang, at: Date): string {
  const y = at.getUTCFullYear();
  if (lang === 'zh') return `${y}年${at.getUTCMonth() + 1}月${at.getUTCDate()}日`;
  return `${weekdayDate(lang, at)} ${y}`;
}

export function dateRange(lang: Lang, from: Date, to: Date): string {
  const a = date(lang, from);
  const b = date(lang, to);
  return a === b ? a : `${a} – ${b}`;
}

export function clock(lang: Lang, at: Date): string {
  return dateFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

export function dateTime(lang: Lang, at: Date): string {
  return `${date(lang, at)} ${clock(lang, at)}`;
}

export function percent(lang: Lang, share: number): string {
  const n = number(lang, share * 100);
  return lang === 'ru' ? `${n}${NARROW}%` : `${n}%`;
}

export const span = { hourMs, dayMs };
