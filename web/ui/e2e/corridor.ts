// A running Corridor with an empty data folder of its own, and what a carrier's
// system does to it.

import { test as base, expect, type Page } from '@playwright/test';
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const adminKey = 'e2e-administrator-key-of-32-characters';

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const s = createServer();
    s.on('error', fail);
    s.listen(0, '127.0.0.1', () => {
      const at = s.address();
      s.close(() => done(typeof at === 'object' && at ? at.port : 0));
    });
  });
}

export class Corridor {
  private process: ChildProcess | null = null;
  private output = '';
  readonly data = mkdtempSync(join(tmpdir(), 'corridor-data-'));
  url = '';
  private port = 0;

  async start() {
    this.port ||= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const child = spawn(process.env.CORRIDOR_BIN!, ['serve', '--addr', `127.0.0.1:${this.port}`, '--data', this.data], {
      env: { ...process.env, CORRIDOR_ADMIN_KEY: adminKey },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (b) => (this.output = (this.output + String(b)).slice(-8000)));
    for (const end = Date.now() + 60_000; ; ) {
      if (child.exitCode !== null) throw new Error(`corridor ended with ${child.exitCode}:\n${this.output}`);
      try {
        if ((await fetch(`${this.url}/readyz`)).ok) return;
      } catch {
        // not listening yet
      }
      if (Date.now() > end) throw new Error(`corridor is not ready after a minute:\n${this.output}`);
      await new Promise((r) => setTimeout(r, 100));
    }
  }

  async stop() {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((r) => child.once('exit', r));
    child.kill('SIGTERM');
    await gone;
  }

  clean() {
    rmSync(this.data, { recursive: true, force: true });
  }

  async call<T>(method: string, path: string, body?: unknown, key = adminKey): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** carrier makes a carrier with a key. */
  async carrier(name: string): Promise<{ id: string; key: string }> {
    const { id } = await this.call<{ id: string }>('POST', '/api/v1/carriers', { name });
    const { key } = await this.call<{ key: string }>('POST', `/api/v1/carriers/${id}/keys`);
    return { id, key };
  }
}

export const shots = process.env.CORRIDOR_SHOTS ?? join(import.meta.dirname, '../test-results/screens');
if (!existsSync(shots)) mkdirSync(shots, { recursive: true });

export const test = base.extend<{ strict: void }, { corridor: Corridor }>({
  corridor: [
    async ({}, use) => {
      const c = new Corridor();
      await c.start();
      await use(c);
      await c.stop();
      c.clean();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  // Every page: no request to another host, no error in the console.
  strict: [
    async ({ page, corridor }, use) => {
      const wrong: string[] = [];
      page.on('request', (r) => {
        if (!r.url().startsWith(corridor.url) && !/^(data|blob):/.test(r.url())) wrong.push(`asked ${r.url()}`);
      });
      page.on('console', (m) => {
        if (m.type() === 'error' && !/status of (401|4\d\d)|ERR_CONNECTION|ERR_INTERNET|WebSocket/.test(m.text())) wrong.push(m.text());
      });
      page.on('pageerror', (e) => wrong.push(e.stack ?? String(e)));
      await use();
      expect(wrong).toEqual([]);
    },
    { auto: true },
  ],
});

export type Lang = 'en' | 'zh' | 'ru';
export type Theme = 'light' | 'dark';

export async function prefer(page: Page, lang: Lang, theme: Theme) {
  await page.addInitScript(
    ([l, t]) => {
      if (location.protocol === 'about:') return; // it has no storage
      // Only the first time: what the test chooses in the page stays.
      if (!localStorage.getItem('corridor.lang')) localStorage.setItem('corridor.lang', l!);
      if (!localStorage.getItem('corridor.theme')) localStorage.setItem('corridor.theme', t!);
    },
    [lang, theme],
  );
}

/** signIn enters by the key in the fragment, as the link a demo prints does. */
export async function signIn(page: Page, corridor: Corridor) {
  await page.goto(`${corridor.url}/signin#key=${adminKey}`);
  await expect(page.locator('header nav')).toBeVisible();
  expect(page.url()).not.toContain(adminKey);
}

export { expect };
