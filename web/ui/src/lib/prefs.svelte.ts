// What the reader prefers, kept in this browser: language and theme.

export type Lang = 'en' | 'zh' | 'ru';
export type Theme = 'light' | 'dark';

export const langs: readonly Lang[] = ['en', 'zh', 'ru'];

function stored(key: string): string | null {
  try {
    return globalThis.localStorage?.getItem(key) ?? null;
  } catch {
    return null; // storage is denied: the choice lasts until the page closes
  }
}

function store(key: string, value: string) {
  try {
    globalThis.localStorage?.setItem(key, value);
  } catch {
    // as above
  }
}

function firstLang(): Lang {
  const wanted = [stored('corridor.lang'), ...(globalThis.navigator?.languages ?? [])];
  for (const w of wanted) {
    const short = w?.slice(0, 2).toLowerCase();
    const found = langs.find((l) => l === short);
    if (found) return found;
  }
  return 'en';
}

function firstTheme(): Theme {
  const kept = stored('corridor.theme');
  if (kept === 'light' || kept === 'dark') return kept;
  return globalThis.matchMedia?.('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

class Prefs {
  lang = $state<Lang>(firstLang());
  theme = $state<Theme>(firstTheme());

  setLang(lang: Lang) {
    this.lang = lang;
    store('corridor.lang', lang);
    this.apply();
  }

  setTheme(theme: Theme) {
    this.theme = theme;
    store('corridor.theme', theme);
    this.apply();
  }

  // apply writes both to <html>, where CSS and the browser's font choice read them.
  apply() {
    if (typeof document === 'undefined') return;
    document.documentElement.lang = this.lang === 'zh' ? 'zh-CN' : this.lang;
    document.documentElement.dataset.theme = this.theme;
  }
}

export const prefs = new Prefs();
