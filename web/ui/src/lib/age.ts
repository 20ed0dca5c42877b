// How old a dated fact is. Sources date prices by day, month or year; the age is
// counted from the end of what they name, the youngest it can be.

import { gap, number, unit, type Unit } from './format';
import type { Lang } from './prefs.svelte';

export type Precision = 'day' | 'month' | 'year';

export interface Age {
  days: number;
  precision: Precision;
}

export function ageOf(asOf: string | undefined, now: Date): Age | null {
  const m = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(asOf ?? '');
  if (!m) return null;
  const year = Number(m[1]);
  let end: number;
  let precision: Precision;
  if (m[3]) {
    precision = 'day';
    end = Date.UTC(year, Number(m[2]) - 1, Number(m[3]));
  } else if (m[2]) {
    precision = 'month';
    end = Date.UTC(year, Number(m[2]), 0);
  } else {
    precision = 'year';
    end = Date.UTC(year, 12, 0);
  }
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return { days: Math.max(0, Math.round((today - end) / 86_400_000)), precision };
}

/** Days after which a price is old (§4): the server's verdict counts too. */
export const priceLimitDays = 90;

export function ageText(lang: Lang, age: Age): string {
  let value = age.days;
  let u: Unit = 'day';
  if (age.precision === 'year' && age.days >= 365) {
    value = Math.round(age.days / 365);
    u = 'year';
  } else if (age.precision !== 'day' || age.days > 120) {
    value = Math.round(age.days / 30.4);
    u = 'month';
  }
  if (value === 0 && age.precision !== 'day') return `<${number(lang, 1)}${gap(lang)}${unit(lang, u)}`;
  return `${number(lang, value)}${gap(lang)}${unit(lang, u)}`;
}
