/** Pictures over the whole window. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../src/shared/ids.ts';
import { findings } from './fixtures/axe.ts';
import { film } from './fixtures/film.ts';
import { writeHistory } from './fixtures/history.ts';
import { landscape as photo } from './fixtures/photo.ts';
import { expect, test } from './fixtures/stage.ts';

test('a picture opens in the gallery, with who and when, arrows, and the focus back afterwards', async ({ stage }) => {
  const an = await stage.actor('An');
  await stage.group('Ảnh', an, []);
  await an.comesIn();
  await an.opens('Ảnh');
  const input = an.page.locator('input[type=file]');
  // A browser in a surrounding without a language cannot give its files names beyond ASCII.
  for (const [name, hue] of [['mot.jpg', 20] as const, ['hai.jpg', 200] as const]) {
    await input.setInputFiles(await photo(an.page, name, { width: 900, height: 600, hue }));
    await an.writes(name);
    await an.seesState(name, 'Sent');
  }
  await input.setInputFiles(await film(an.page, 'phim.webm'));
  await an.writes('phim');
  await an.seesState('phim', 'Sent');
  const thumbnail = an.message('hai.jpg').getByRole('button', { name: /^Photo from/ });
  await thumbnail.click();
  const gallery = an.page.getByRole('dialog', { name: 'Photos and videos' });
  await expect(gallery.getByRole('status')).toContainText('You');
  await expect(gallery.getByText('2 / 3')).toBeVisible();
  await expect
    .poll(() =>
      gallery
        .locator('img.pswp__img')
        .last()
        .evaluate((image: HTMLImageElement) => image.naturalWidth),
    )
    .toBeGreaterThan(0);
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('ArrowLeft');
  await expect(gallery.getByText('1 / 3')).toBeVisible();
  const [saved] = await Promise.all([
    an.page.waitForEvent('download'),
    gallery.getByRole('button', { name: 'Download' }).click(),
  ]);
  expect(saved.suggestedFilename()).toContain('mot');
  // A film among them plays there, and not behind another picture.
  await an.page.keyboard.press('End');
  await expect(gallery.getByText('3 / 3')).toBeVisible();
  const shown = gallery.locator('video');
  const isPaused = () => shown.first().evaluate((one: HTMLVideoElement) => one.paused);
  await shown.first().evaluate((one: HTMLVideoElement) => {
    // However long it takes to look at it.
    one.loop = true;
    return one.play();
  });
  expect(await isPaused()).toBe(false);
  await an.page.keyboard.press('ArrowLeft');
  await expect(gallery.getByText('2 / 3')).toBeVisible();
  expect(await isPaused()).toBe(true);
  await an.page.keyboard.press('Home');
  await expect(gallery.getByText('1 / 3')).toBeVisible();
  await an.page.keyboard.press('Escape');
  await expect(gallery).toHaveCount(0);
  await expect(thumbnail).toBeFocused();
  await expect(an.composer).toBeVisible();
});

test('pictures from long ago come in front of those that are here, and nothing moves for whoever wants it still', async ({
  stage,
}) => {
  test.setTimeout(120_000);
  const an = await stage.actor('An', { reducedMotion: 'reduce' });
  const id = await stage.group('Ảnh cũ', an, []);
  await an.comesIn();
  const attached: Record<
    number,
    { sha256: Sha256; name: string; type: string; size: number; width: number; height: number }
  > = {};
  for (const [n, name] of [[5, 'xua.jpg'] as const, [2_095, 'nay.jpg'] as const]) {
    const { buffer } = await photo(an.page, name, { width: 600, height: 400, hue: n % 360 });
    const sha256 = createHash('sha256').update(buffer).digest('hex') as Sha256;
    const address = `${an.url}/api/blobs/${sha256}?conversation=${id}`;
    expect((await an.context.request.put(address, { data: buffer })).ok()).toBe(true);
    attached[n] = { sha256, name, type: 'image/jpeg', size: buffer.length, width: 600, height: 400 };
  }
  await writeHistory(an, id, 2_100, undefined, attached);
  await an.opens('Ảnh cũ');
  await an
    .message('dòng số 2095.')
    .getByRole('button', { name: /^Photo from/ })
    .click();
  const gallery = an.page.getByRole('dialog', { name: 'Photos and videos' });
  const moves = () =>
    document.getAnimations().flatMap((animation) => {
      const { target } = animation.effect as KeyframeEffect;
      const duration = Number(animation.effect!.getTiming().duration);
      // Shorter than a frame is not seen.
      return target?.closest('.pswp') && duration > 1 ? [`${target.outerHTML.slice(0, 80)} ${duration}`] : [];
    });
  expect(await an.page.evaluate(moves)).toEqual([]);
  await expect(gallery.getByText('2 / 2')).toBeVisible();
  const shown = () =>
    gallery
      .locator('.pswp__item[aria-hidden=false] img.pswp__img')
      .last()
      .evaluate((image: HTMLImageElement) => (image.naturalWidth > 0 ? image.alt : null));
  await expect.poll(shown).toBe('nay.jpg');
  await an.page.keyboard.press('ArrowLeft');
  await expect(gallery.getByText('1 / 2')).toBeVisible();
  await expect.poll(shown).toBe('xua.jpg');
  await an.page.keyboard.press('ArrowRight');
  await expect.poll(shown).toBe('nay.jpg');
  await an.page.keyboard.press('Escape');
  await expect(gallery).toHaveCount(0);
});
