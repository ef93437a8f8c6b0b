/** Everybody gets at everything: by keyboard, on a phone, with a screen reader. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures/stage.ts';

async function finds(page: Page): Promise<string[]> {
  // A colour in the middle of a fade is not one that anybody reads.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))));
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  return violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(' | ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any screen, ${colorScheme}`, async ({ stage }) => {
    const door = await (await stage.stranger({ colorScheme })).newPage();
    for (const path of ['/signup', '/login']) {
      await door.goto(`${stage.relay.url}${path}`);
      await door.getByRole('button').first().waitFor();
      expect(await finds(door)).toEqual([]);
    }
    const [an, binh] = [await stage.actor('An', { colorScheme }), await stage.actor('Bình')];
    await an.comesIn();
    expect(await finds(an.page)).toEqual([]);
    await stage.group('Lớp tiếng Anh', an, [binh]);
    await binh.comesIn();
    await binh.opens('Lớp tiếng Anh');
    await binh.writes('xem giúp bài này nhé https://example.org `code` **đậm**');
    await an.opens('Lớp tiếng Anh');
    await an.sees('xem giúp bài này nhé');
    await an.writes('để mình xem');
    await an.seesState('để mình xem', 'Sent');
    expect(await finds(an.page)).toEqual([]);
    await an.page.getByRole('button', { name: 'Details' }).click();
    await an.page.getByRole('button', { name: 'Leave group' }).waitFor();
    expect(await finds(an.page)).toEqual([]);
    await an.page.getByRole('button', { name: 'New conversation' }).first().click();
    await an.page.getByRole('dialog').getByRole('checkbox').first().waitFor();
    expect(await finds(an.page)).toEqual([]);
    await an.page.keyboard.press('Escape');
    await an.page.goto(`${stage.relay.url}/settings`);
    await an.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
    expect(await finds(an.page)).toEqual([]);
  });
}

test('by keyboard alone: choose, write, reply', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Bàn phím', an, [binh]);
  await binh.comesIn();
  await binh.opens('Bàn phím');
  await binh.writes('trả lời em đi');
  await an.comesIn();
  await expect(an.row('Bàn phím')).toBeVisible();
  await an.page.keyboard.press('Control+k');
  await an.page.keyboard.type('ban phim');
  await an.page.keyboard.press('ArrowDown');
  await an.page.keyboard.press('Enter');
  await an.sees('trả lời em đi');
  await an.message('trả lời em đi').focus();
  await an.page.keyboard.press('Enter');
  await expect(an.page.getByRole('menuitem', { name: 'Reply' })).toBeFocused();
  await an.page.keyboard.press('Enter');
  await expect(an.composer).toBeFocused();
  await an.page.keyboard.type('đây nè');
  await an.page.keyboard.press('Shift+Enter');
  await an.page.keyboard.type('dòng hai');
  await an.page.keyboard.press('Enter');
  await expect(binh.message('đây nè')).toContainText('trả lời em đi');
  await expect(binh.message('đây nè')).toContainText('dòng hai');
});

test('on a phone: the list, a conversation, and back', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }), await stage.actor('Bình')];
  await stage.group('Bỏ túi', an, [binh]);
  await an.comesIn();
  await an.opens('Bỏ túi');
  await expect(an.list).toBeHidden();
  await an.composer.fill('từ điện thoại');
  await an.page.getByRole('button', { name: 'Send' }).tap();
  await an.seesState('từ điện thoại', 'Sent');
  await an.page.getByRole('button', { name: /^Back/ }).or(an.page.getByRole('link', { name: /^Back/ })).first().tap();
  await expect(an.list).toBeVisible();
  await expect(an.row('Bỏ túi')).toContainText('từ điện thoại');
  const overflow = await an.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});
