// The whole journey, on the real program: plan Qingdao → Moscow, open a shipment
// from an option, post positions as its carrier, see the unit move; in three
// languages, two themes and on a phone.

import { join } from 'node:path';
import { expectAccessible } from './axe';
import { adminKey, expect, prefer, shots, signIn, test, type Lang, type Theme } from './corridor';

const query = 'from=CNTAO&to=RUMOW&kg=24200&unit=FTL&depart=2026-12-01&by=2026-12-18';

interface Point { code?: string; lat: number; lon: number }
interface ShipmentView { id: string; unit?: string; option: { title: string; legs: { from: Point; geometry: { type: string; coordinates: number[][] | number[][][] } }[] } }

/** along returns n points of the planned way, 1 km apart, as [lon, lat]. */
function along(s: ShipmentView, n: number): [number, number][] {
  const all = s.option.legs.flatMap((l) => (l.geometry.type === 'LineString' ? (l.geometry.coordinates as number[][]) : (l.geometry.coordinates as number[][][]).flat())) as [number, number][];
  const km = (p: [number, number], q: [number, number]) => 111.2 * Math.hypot((q[0] - p[0]) * Math.cos((p[1] * Math.PI) / 180), q[1] - p[1]);
  const out: [number, number][] = [];
  let gone = 0;
  for (let i = 1; i < all.length && out.length < n; i++) {
    const [p, q] = [all[i - 1]!, all[i]!];
    const d = km(p, q);
    for (; out.length < n && d > 0 && out.length <= gone + d; ) {
      const f = (out.length - gone) / d;
      out.push([p[0] + f * (q[0] - p[0]), p[1] + f * (q[1] - p[1])]);
    }
    gone += d;
  }
  return out;
}

const words: Record<Lang, { live: string; book: string; open: string; nothing: string; simulated: string; moscow: string; excluded: RegExp; papers: string; addNumber: string; number: string; save: string; shareOut: string; makeLink: string; gone: string; opened: string }> = {
  en: { live: 'Live', book: 'Book this corridor', open: 'Open the shipment', nothing: 'Nothing needs a decision now', simulated: 'simulated', moscow: 'Moscow', excluded: /Excluded by rule/, papers: 'Papers', addNumber: 'Add a number', number: 'Number', save: 'Save', shareOut: 'Share', makeLink: 'Make a link', gone: 'This link shows nothing', opened: 'Shipment opened' },
  zh: { live: '实时', book: '预订此走廊', open: '开立运单', nothing: '目前没有待决策事项', simulated: '模拟', moscow: '莫斯科', excluded: /按规则/, papers: '单证', addNumber: '添加单号', number: '号码', save: '保存', shareOut: '分享', makeLink: '生成链接', gone: '此链接没有内容', opened: '运单已开立' },
  ru: { live: 'На линии', book: 'Забронировать', open: 'Открыть перевозку', nothing: 'Сейчас решать нечего', simulated: 'имитация', moscow: 'Москва', excluded: /Исключён правилом/, papers: 'Документы', addNumber: 'Добавить номер', number: 'Номер', save: 'Сохранить', shareOut: 'Поделиться', makeLink: 'Создать ссылку', gone: 'Эта ссылка ничего не показывает', opened: 'Перевозка открыта' },
};

test('a wrong key is refused in words', async ({ page, corridor }) => {
  await prefer(page, 'en', 'light');
  await page.goto(`${corridor.url}/live`);
  await page.getByLabel('Key', { exact: true }).fill('not a key');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toHaveText('This key is not known here.');
  await expectAccessible(page);
  await page.getByLabel('Key', { exact: true }).fill(adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/live/);
  await expect(page.locator('header nav')).toBeVisible();
});

for (const [lang, theme] of [['en', 'light'], ['zh', 'light'], ['ru', 'dark']] as [Lang, Theme][]) {
  test(`plan, book, post and watch (${lang}, ${theme})`, async ({ page, browser, corridor }) => {
    const w = words[lang];
    const carrier = await corridor.carrier(`Lunan Cold Chain ${lang}`);
    const unit = `鲁B-K77${lang}`;
    await prefer(page, lang, theme);
    await signIn(page, corridor);

    // Plan: typed by a person in their own language.
    await page.goto(`${corridor.url}/compare`);
    const from = page.locator('#from');
    await from.fill({ en: 'Qingdao', zh: '青岛', ru: 'Циндао' }[lang]);
    await page.locator('#from-list [role=option]').first().click();
    await page.locator('#to').fill({ en: 'Moscow', zh: '莫斯科', ru: 'Москва' }[lang]);
    await page.locator('#to-list [role=option]').first().click();
    await page.locator('#kg').fill('24.2');
    await page.locator('#depart').fill('2026-12-01');
    await page.locator('#by').fill('2026-12-18');
    await page.locator('form button[type=submit]').click();
    const rows = page.locator('[data-option]');
    await expect(rows.first()).toBeVisible({ timeout: 60_000 });
    expect(await rows.count()).toBeGreaterThanOrEqual(4);
    await expect(page.locator('.query')).toContainText(w.moscow);
    await expect(page.locator('.ex').first()).toContainText(w.excluded);

    // What the pane says of an option adds up and is dated.
    const road = page.locator('[data-option^="road"]').first();
    await road.click();
    await expect(road).toHaveAttribute('aria-selected', 'true');
    const hero = Number((await page.locator('.hero .n').textContent())!.replace(/[^\d]/g, ''));
    const lines = await page.locator('.bd tbody tr td:last-child').allTextContents();
    const sum = lines.reduce((s, t) => s + Number(t.replace(/[^\d]/g, '')), 0);
    expect(Math.abs(sum - hero)).toBeLessThanOrEqual(lines.length); // each line is rounded

    // Time worth nothing sorts by cost; moving the slider re-sorts the table.
    const slider = page.locator('input[type=range]').first();
    await slider.fill('0');
    await page.locator('input[type=range]').nth(1).fill('0');
    const cheapest = await rows.first().getAttribute('data-option');
    await slider.press('End');
    await expect(rows.first()).not.toHaveAttribute('data-option', cheapest!);
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `compare-${lang}-${theme}.png`) });

    // The rule that excludes a corridor is one step away, and back again.
    const rule = page.locator('.ex a.rule').first();
    const ruleId = new URL((await rule.getAttribute('href'))!, page.url()).searchParams.get('rule')!;
    await rule.click();
    await expect(page.locator('li[aria-current=true]')).toContainText(ruleId);
    await expectAccessible(page);
    await page.goBack();
    await expect(road).toHaveAttribute('aria-selected', 'true', { timeout: 60_000 });

    // Suppose a post on the way backs up from a day on: its state is a switch to take back.
    const post0 = await page.locator('.togs .tog').first().textContent();
    await page.locator('.what .more').click();
    await page.locator('#what').selectOption('border:MZL-ZAB-R');
    await page.locator('#regime').selectOption('congested');
    await page.locator('#since').fill('2026-12-02');
    await expectAccessible(page);
    const planned = page.waitForResponse((r) => r.url().endsWith('/api/v1/plans') && r.request().method() === 'POST');
    await page.locator('dialog button[type=submit]').click();
    expect((await planned).request().postDataJSON()).toMatchObject({ what_if: ['border:MZL-ZAB-R=congested@2026-12-02'] });
    await expect(page.locator('.what .note')).not.toBeEmpty();
    await page.locator('.togs [aria-pressed=true]').click();
    await expect(page.locator('.togs [aria-pressed=true]')).toHaveCount(0);
    await expect(page.locator('.togs .tog').first()).toHaveText(post0!);

    // What the option leans on, and the ways round.
    await page.locator('.detail [role=tab]').nth(2).click();
    await expect(page.locator('.detail h3').first()).toBeVisible();
    await expectAccessible(page);
    await page.locator('.detail [role=tab]').first().click();

    // The address alone brings the same plan back.
    const shared = page.url();
    await page.goto('about:blank');
    await page.goto(shared);
    await expect(page.locator('[data-option][aria-selected=true]')).toHaveAttribute('data-option', /^road/, { timeout: 60_000 });

    // Book it.
    await page.getByRole('button', { name: w.book }).click();
    await page.locator('#ref').fill(`PO-${lang}-20931`);
    await page.locator('#carrier').selectOption(carrier.id);
    await page.locator('#unit-name').fill(unit);
    await expectAccessible(page);
    await page.getByRole('button', { name: w.open }).click();
    await expect(page).toHaveURL(/\/live\?shipment=/);
    const id = new URL(page.url()).searchParams.get('shipment')!;
    const shipment = await corridor.call<ShipmentView>('GET', `/api/v1/shipments/${id}`);
    expect(shipment.unit).toBe(unit);
    await expect(page.locator('.panel.right')).toContainText(unit);

    // The carrier's box reports; the unit stands on the map, then moves.
    const way = along(shipment, 6);
    const post = (i: number) =>
      corridor.call<{ stored: number }>('POST', '/api/v1/positions', [{ unit, time: new Date(Date.now() - (6 - i) * 60_000).toISOString().replace(/\.\d+Z/, 'Z'), lat: way[i]![1], lon: way[i]![0], speed_kmh: 62 + i, course_deg: 315 }], carrier.key);
    expect((await post(0)).stored).toBe(1);
    const mark = page.locator('.chosen');
    await expect(mark).toHaveAttribute('data-unit', unit);
    await expect(mark).toHaveAttribute('data-motion', 'moving');
    // Near enough to see a kilometre.
    await page.keyboard.press('f');
    for (let i = 0; i < 7; i++) await page.locator('.zoom button').first().click();
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.querySelector('.ground > .map')?.hasAttribute('data-idle'));
    const before = await mark.getAttribute('data-lon');
    const at = await mark.boundingBox();
    for (let i = 1; i < 6; i++) await post(i);
    await expect(mark).not.toHaveAttribute('data-lon', before!);
    await expect.poll(async () => Number(await mark.getAttribute('data-lon'))).toBeCloseTo(way[5]![0], 4);
    await expect.poll(async () => {
      const now = await mark.boundingBox();
      return now && at ? Math.hypot(now.x - at.x, now.y - at.y) : 0;
    }).toBeGreaterThan(4);
    // Milestones first, then what happened, then the positions themselves.
    const lists = page.locator('.panel.right .tabs [role=tab]');
    expect(await page.locator('.ms li').count()).toBeGreaterThan(2);
    await lists.nth(1).click();
    await expect(page.locator('.ev li').last()).toContainText(w.opened);
    await lists.nth(2).click();
    await expect(page.locator('.fx tr')).toHaveCount(6);
    await expect(page.locator('.panel.right')).toContainText(/67/);

    // The map has drawn: water, land and marks are not one colour.
    await expect(page.locator('.map canvas')).toBeVisible();
    await page.waitForFunction(() => document.querySelector('.ground > .map')?.hasAttribute('data-idle'));
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `live-${lang}-${theme}.png`) });

    // Its papers: a container number with a wrong digit is refused, the right one finds the shipment.
    await page.getByRole('button', { name: w.papers, exact: true }).click();
    await page.getByRole('button', { name: w.addNumber }).click();
    const number = page.getByLabel(w.number, { exact: true }).first();
    await number.fill('CSQU3054384');
    await page.getByRole('button', { name: w.save, exact: true }).click();
    await expect(page.locator('dialog')).toContainText('would be 3');
    await number.fill('csqu 305438-3');
    await page.getByRole('button', { name: w.save, exact: true }).click();
    await expect(number).toHaveValue('CSQU3054383');
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `papers-${lang}-${theme}.png`) });
    await page.keyboard.press('Escape');

    // A link for whoever waits for the goods, opened by somebody without a key.
    await page.getByRole('button', { name: w.shareOut, exact: true }).click();
    await page.getByRole('button', { name: w.makeLink }).click();
    const link = await page.locator('#made').inputValue();
    const guests = await browser.newContext({ viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' });
    const guest = await guests.newPage();
    await prefer(guest, lang, theme);
    await guest.goto(link);
    await expect(guest.locator('.hero')).toBeVisible();
    await expect(guest.locator('body')).not.toContainText(unit);
    expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await expectAccessible(guest);
    await guest.screenshot({ path: join(shots, `share-${lang}-${theme}.png`), fullPage: true });
    await page.locator('dialog li button').click();
    await expect(page.locator('dialog li')).toHaveCount(0);
    await guest.reload();
    await expect(guest.locator('h1')).toContainText(w.gone);
    await guests.close();
    await page.keyboard.press('Escape');

    // Nothing is wrong yet, and the page says so rather than invent something.
    await expect(page.locator('.panel.left')).toContainText(w.nothing);

    // A link to a unit opens it.
    await page.goto(`${corridor.url}/live?unit=${encodeURIComponent(unit)}`);
    await expect(page.locator('.chosen')).toHaveAttribute('data-unit', unit);
    await expect(page.locator('.panel.right')).toContainText(`PO-${lang}-20931`); // with its shipment
    await page.goto(`${corridor.url}/shipments`);
    await page.getByRole('searchbox').fill('csqu-3054383');
    await expect(page.getByRole('link', { name: `PO-${lang}-20931` })).toBeVisible();
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `shipments-${lang}-${theme}.png`) });
    await page.goto(`${corridor.url}/borders`);
    await expect(page.locator('tbody tr').first()).toBeVisible();
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `borders-${lang}-${theme}.png`) });
  });
}

test('an unknown place is said so, with the nearest names', async ({ page, corridor }) => {
  await prefer(page, 'en', 'light');
  await signIn(page, corridor);
  await page.goto(`${corridor.url}/compare?from=Qingdaoo&to=RUMOW&kg=24200&unit=FTL&depart=2026-12-01`);
  await expect(page.getByRole('alert')).toContainText('Qingdaoo');
  await page.getByRole('alert').getByRole('button', { name: /Qingdao/ }).first().click();
  await expect(page.locator('[data-option]').first()).toBeVisible({ timeout: 60_000 });
});

test('what if a border closes', async ({ page, corridor }) => {
  await prefer(page, 'en', 'light');
  await signIn(page, corridor);
  await page.goto(`${corridor.url}/compare?${query}`);
  await expect(page.locator('[data-option]').first()).toBeVisible({ timeout: 60_000 });
  const before = await page.locator('[data-option]').evaluateAll((e) => e.map((x) => x.getAttribute('data-option')));
  const toggle = page.locator('.tog', { hasText: /closed/ }).first();
  await toggle.click();
  await expect(toggle).toHaveAttribute('aria-pressed', 'true');
  await expect.poll(async () => page.locator('[data-option]').evaluateAll((e) => e.map((x) => x.getAttribute('data-option')))).not.toEqual(before);
  await expect(page.locator('.note')).toContainText(/corridor|cost|fastest/i);
  await toggle.click();
  await expect.poll(async () => page.locator('[data-option]').evaluateAll((e) => e.map((x) => x.getAttribute('data-option')))).toEqual(before);
});

test('a lost connection is told, and the picture comes back', async ({ page, corridor }) => {
  await prefer(page, 'en', 'light');
  await signIn(page, corridor);
  const carrier = await corridor.carrier('Steady Haulage');
  const post = (s: number, lon: number) => corridor.call('POST', '/api/v1/positions', [{ unit: 'TRK-9', time: new Date(Date.now() - s * 1000).toISOString(), lat: 50, lon, speed_kmh: 70, course_deg: 270 }], carrier.key);
  await post(300, 90);
  await page.goto(`${corridor.url}/live?unit=TRK-9`);
  await expect(page.locator('.chosen')).toHaveAttribute('data-unit', 'TRK-9');
  await corridor.stop();
  await expect(page.locator('.banner')).toContainText('Connection lost');
  await expect(page.locator('.chosen')).toHaveAttribute('data-unit', 'TRK-9'); // what was known stays
  await corridor.start();
  await expect(page.locator('.banner')).toContainText('Back online', { timeout: 60_000 });
  await post(10, 89.95);
  await expect(page.locator('.chosen')).toHaveAttribute('data-lon', '89.95');
});

test('a fence, a rule and what comes of them', async ({ page, corridor }) => {
  await prefer(page, 'en', 'dark');
  await signIn(page, corridor);
  const carrier = await corridor.carrier('Yard Shuttle');
  const post = (minutesAgo: number, lon: number) => corridor.call('POST', '/api/v1/positions', [{ unit: 'YS-1', time: new Date(Date.now() - minutesAgo * 60_000).toISOString(), lat: 50, lon, speed_kmh: 30 }], carrier.key);
  await post(20, 9.9);

  // A fence that crosses itself is refused in words; a circle is kept and drawn.
  await page.goto(`${corridor.url}/fences`);
  await page.getByRole('button', { name: 'New fence' }).click();
  await page.locator('#fname').fill('North yard');
  await page.getByRole('button', { name: 'GeoJSON' }).click();
  await page.locator('#fshape').fill('{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}');
  await page.locator('dialog button[type=submit]').click();
  await expect(page.getByRole('alert')).toContainText('crosses itself');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Circle' }).click();
  await page.locator('#fwhere').fill('50, 10');
  await page.locator('#fradius').fill('2');
  await page.locator('dialog button[type=submit]').click();
  await expect(page.locator('.row')).toContainText('Circle · 2 km');

  // A rule about it.
  await page.goto(`${corridor.url}/alerts`);
  await expect(page.getByText('No open alerts')).toBeVisible();
  await page.getByRole('tab', { name: 'Rules' }).click();
  await page.getByRole('button', { name: 'New rule' }).click();
  await page.locator('#rname').fill('Yard');
  await page.locator('#rsev').selectOption('critical');
  await page.getByLabel('Entered fence').check();
  await page.getByLabel('North yard').check();
  await expectAccessible(page);
  await page.locator('dialog button[type=submit]').click();
  await expect(page.locator('li', { hasText: 'Entered fence' })).toContainText('critical');

  // The unit drives in: an alert, to be put off with a reason, and closed.
  await post(2, 10);
  await page.getByRole('tab', { name: 'Alerts' }).click();
  await expect(page.locator('.al')).toContainText('YS-1', { timeout: 30_000 });
  await expect(page.locator('.al')).toContainText('North yard');
  await expectAccessible(page);
  await page.screenshot({ path: join(shots, 'alerts-en-dark.png') });
  await page.getByRole('button', { name: 'Snooze', exact: true }).click();
  await page.locator('#reason').fill('shift change');
  await page.locator('dialog button[type=submit]').click();
  await expect(page.locator('.al')).toHaveCount(0);
  await page.getByRole('button', { name: 'Snoozed' }).click();
  await expect(page.locator('.al')).toContainText('shift change');
  await page.locator('.al').getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByRole('button', { name: 'Closed', exact: true }).click();
  await expect(page.locator('.al')).toContainText('YS-1');

  // Who is in the fence, and where it is.
  await page.goto(`${corridor.url}/fences`);
  await page.locator('.nm').click();
  await expect(page.locator('.in')).toContainText('YS-1');
  await page.getByRole('link', { name: 'On the map' }).click();
  await expect(page.getByRole('button', { name: 'Fences 1' })).toHaveAttribute('aria-pressed', 'true');
  await page.waitForFunction(() => document.querySelector('.ground > .map')?.hasAttribute('data-idle'));
  await expectAccessible(page);
});

for (const [lang, theme] of [['en', 'light'], ['zh', 'dark'], ['ru', 'light']] as [Lang, Theme][]) {
  test(`on a phone (${lang}, ${theme})`, async ({ browser, corridor }) => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await prefer(page, lang, theme);
    await signIn(page, corridor);
    await page.goto(`${corridor.url}/compare?${query}`);
    await expect(page.locator('[data-option]').first()).toBeVisible({ timeout: 60_000 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `phone-compare-${lang}-${theme}.png`) });
    await page.locator('[data-option]').first().tap();
    await expect(page.getByRole('button', { name: words[lang].book })).toBeVisible();
    await page.screenshot({ path: join(shots, `phone-option-${lang}-${theme}.png`) });
    await page.goto(`${corridor.url}/live`);
    await expect(page.locator('.map canvas')).toBeVisible();
    await page.waitForFunction(() => document.querySelector('.ground > .map')?.hasAttribute('data-idle'));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `phone-live-${lang}-${theme}.png`) });
    await context.close();
  });
}
