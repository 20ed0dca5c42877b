// A TIR carnet from its issue to the printed journal, on the real program: put to use
// for a planned shipment, accepted, warned of by what its truck reports, recorded on
// a phone, and checked on paper by somebody without a key.

import { join } from 'node:path';
import { expectAccessible } from './axe';
import { expect, prefer, shots, signIn, test, type Lang, type Theme } from './corridor';

interface Shipment { id: string; option: { legs: { geometry: { type: string; coordinates: number[][] | number[][][] } }[] } }

for (const [lang, theme, width, number] of [['en', 'light', 1440, 'XB25000001'], ['zh', 'dark', 1440, 'XB25000002'], ['ru', 'light', 390, 'XB25000003']] as [Lang, Theme, number, string][]) {
  test(`carnet (${lang}, ${theme}, ${width})`, async ({ page, browser, corridor }) => {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
    const carrier = await corridor.carrier(`Shandong Road TIR ${number}`);
    const plan = await corridor.call<{ id: string }>('POST', '/api/v1/plans', {
      origin: 'CNTAO', destination: 'RUMOW', cargo: { weight_kg: 20000, unit: 'FTL', hs: '0808' }, modes: ['road'], depart: new Date().toISOString(),
    });
    const unit = `LU-${number}`;
    const shipment = await corridor.call<Shipment>('POST', '/api/v1/shipments', { plan_id: plan.id, option: 0, reference: `PO-${number}`, carrier: carrier.id, unit });
    await prefer(page, lang, theme);
    await signIn(page, corridor);

    // Put to use, by keyboard.
    await page.goto(`${corridor.url}/carnets`);
    await expect(page.locator('h1')).toBeVisible();
    await page.keyboard.press('n');
    await page.locator('#number').fill(number.toLowerCase());
    await page.locator('#holder').fill('Shandong Road TIR');
    await page.locator('#valid').fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10));
    await page.locator('#ship').selectOption(shipment.id);
    await page.locator('#vehicle').fill('鲁B·K7723');
    await page.locator('#approval').fill('CN-118');
    await expectAccessible(page);
    await page.locator('dialog button[type=submit]').click();
    await expect(page.locator('h2')).toHaveText(number);
    expect(await page.locator('.ops li').count()).toBeGreaterThanOrEqual(2);

    // What cannot be done yet is refused in words, and the dialog stays.
    await page.keyboard.press('s');
    await page.locator('#act').selectOption('refuse');
    await page.locator('#act').selectOption('accept');
    await page.locator('dialog button[type=submit]').click();
    await expect(page.getByRole('alert')).toContainText('Art. 19');
    await page.locator('#seal').fill('CN0048213');
    await page.locator('#limit').fill(new Date(Date.now() + 6 * 3_600_000).toISOString().slice(0, 16));
    await page.locator('dialog button[type=submit]').click();
    await expect(page.locator('dialog')).toBeHidden();
    await expect(page.locator('section.right')).toContainText('CN0048213');

    // Six hours are too few for China: the first report says so.
    const line = shipment.option.legs[0]!.geometry;
    const [lon, lat] = (line.type === 'LineString' ? (line.coordinates as number[][])[0] : (line.coordinates as number[][][])[0]![0])!;
    await corridor.call('POST', '/api/v1/positions', [{ unit, time: new Date(Date.now() + 1000).toISOString(), lat, lon }], carrier.key);
    await page.reload();
    await expect(page.locator('.wrongs li').first()).toBeVisible();
    await expectAccessible(page);
    await page.screenshot({ path: join(shots, `carnet-${lang}-${theme}-${width}.png`), fullPage: true });
    if (width === 390) {
      await page.locator('.back').click();
      await expect(page.locator('.rows')).toBeVisible();
      await page.screenshot({ path: join(shots, `carnets-${lang}-${theme}-${width}.png`) });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.locator('.rows a').first().click();
    }

    // The journal, in the reader's language, as it is printed.
    const href = await page.locator('.do a').getAttribute('href');
    await page.goto(corridor.url + href);
    await expect(page.locator('html')).toHaveAttribute('lang', lang);
    await expect(page.locator('svg.code')).toBeVisible();
    await page.screenshot({ path: join(shots, `journal-${lang}-${width}.png`), fullPage: true });
    const link = (await page.locator('p.mono').last().textContent())!;
    // Who has the paper has no key.
    const stranger = await browser.newPage();
    await stranger.goto(link);
    await expect(stranger.locator('h1')).toContainText(number);
    await expect(stranger.locator('.bad')).toHaveCount(0);
    await stranger.screenshot({ path: join(shots, `paper-${lang}.png`) });
    await stranger.close();
  });
}
