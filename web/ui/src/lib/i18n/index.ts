// Messages in the reader's language. translate is pure; t reads the reader's
// choice, so a template that calls it is redrawn when the choice changes.

import { number } from '../format';
import { prefs, type Lang } from '../prefs.svelte';
import { en, type Catalogue, type Key, type Message } from './en';
import { ru } from './ru';
import { zh } from './zh';

export type { Key } from './en';
export const catalogues: Record<Lang, Catalogue> = { en, zh, ru };

type Values = Record<string, string | number>;

const plurals: Partial<Record<Lang, Intl.PluralRules>> = {};

export function translate(lang: Lang, key: Key, values: Values = {}): string {
  const message: Message = catalogues[lang][key];
  let text: string;
  if (typeof message === 'string') text = message;
  else {
    const rules = (plurals[lang] ??= new Intl.PluralRules(lang));
    const form = rules.select(Number(values.n)) as 'one' | 'few' | 'many' | 'other';
    text = message[form] ?? message.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const v = values[name];
    return v === undefined ? whole : typeof v === 'number' ? number(lang, v) : v;
  });
}

export function t(key: Key, values?: Values): string {
  return translate(prefs.lang, key, values);
}

/** has tells whether a key the server's words lead to is in the catalogue. */
export function has(key: string): key is Key {
  return key in en;
}

/** named picks a name in the reader's language. */
export function named(names: { en: string; zh?: string; ru?: string }, lang: Lang = prefs.lang): string {
  return (lang === 'zh' && names.zh) || (lang === 'ru' && names.ru) || names.en;
}

let regions: Partial<Record<Lang, Intl.DisplayNames>> = {};

/** country names an ISO 3166 code; the short form where one is usual. */
export function country(code: string, lang: Lang = prefs.lang): string {
  const names = (regions[lang] ??= new Intl.DisplayNames([lang], { type: 'region', style: 'short' }));
  try {
    return names.of(code) ?? code;
  } catch {
    return code; // not a region code: show what was given
  }
}
