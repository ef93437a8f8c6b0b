/** Pictures over the whole window. */
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
  const thumbnail = an.message('hai.jpg').getByRole('button', { name: /^Photo from/ });
  await thumbnail.click();
  const gallery = an.page.getByRole('dialog', { name: 'Photos and videos' });
  await expect(gallery.getByRole('status')).toContainText('You');
  await expect(gallery.getByText('2 / 2')).toBeVisible();
  await expect
    .poll(() =>
      gallery
        .locator('img.pswp__img')
        .last()
        .evaluate((image: HTMLImageElement) => image.naturalWidth),
    )
    .toBeGreaterThan(0);
  await an.page.keyboard.press('ArrowLeft');
  await expect(gallery.getByText('1 / 2')).toBeVisible();
  const [saved] = await Promise.all([
    an.page.waitForEvent('download'),
    gallery.getByRole('button', { name: 'Download' }).click(),
  ]);
  expect(saved.suggestedFilename()).toContain('mot');
  await an.page.keyboard.press('Escape');
  await expect(gallery).toHaveCount(0);
  await expect(thumbnail).toBeFocused();
  await expect(an.composer).toBeVisible();
});
