/** Pictures over the whole window. */
import { findings } from './fixtures/axe.ts';
import { film } from './fixtures/film.ts';
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
