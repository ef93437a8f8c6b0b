/** Pictures and files: sent and seen, also without a network. */
import type { Actor } from './fixtures/actor.ts';
import { landscape as photo } from './fixtures/photo.ts';
import { expect, test } from './fixtures/stage.ts';

const choose = async (who: Actor, ...files: Parameters<ReturnType<Actor['page']['locator']>['setInputFiles']>[0][]) => {
  await who.page.locator('input[type=file]').setInputFiles(files.flat() as never);
};
const pictures = (who: Actor) => who.log.getByRole('article').locator('img');

/** Whether what is on screen are really decoded pixels. */
const isPainted = (who: Actor, at = 0) =>
  pictures(who)
    .nth(at)
    .evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0);

test('a photo is sent with its caption, and seen', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Ảnh', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Ảnh'), binh.opens('Ảnh')]);
  await choose(an, await photo(an.page, 'đồi chè.jpg', { width: 1600, height: 1200, hue: 200 }));
  await expect(an.page.getByRole('list', { name: 'Attached' })).toContainText('đồi chè');
  await an.writes('Đồi chè sáng nay');
  await expect(an.page.getByRole('list', { name: 'Attached' })).toHaveCount(0);
  await an.seesState('Đồi chè sáng nay', 'Sent');
  await binh.sees('Đồi chè sáng nay');
  await expect(binh.log.getByRole('button', { name: /^Photo from An/ })).toBeVisible();
  await expect.poll(() => isPainted(binh)).toBe(true);
});

test('[B10] photos chosen without a network are there after a reload, and arrive once, in order', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Chuyến tàu', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Chuyến tàu'), binh.opens('Chuyến tàu')]);
  const files = [
    await photo(an.page, 'ga.jpg', { width: 900, height: 1200, hue: 20 }),
    await photo(an.page, 'biển.jpg', { width: 1600, height: 900, hue: 180 }),
  ];
  await an.goesOffline();
  await choose(an, ...files);
  await an.writes('Trên tàu');
  await an.writes('Sắp tới nơi');
  await an.seesState('Trên tàu', 'Waiting');
  await expect.poll(() => isPainted(an, 1)).toBe(true);
  await an.reloads();
  await an.sees('Trên tàu');
  await expect(an.log.getByRole('button', { name: /^Photo from You/ })).toHaveCount(2);
  await expect.poll(() => isPainted(an, 1)).toBe(true);
  await an.comesBack();
  await an.seesState('Sắp tới nơi', 'Sent');
  await an.seesState('Trên tàu', 'Sent');
  await binh.sees('Sắp tới nơi');
  await binh.seesOnce('Trên tàu');
  for (const who of [an, binh]) {
    const said = await who.log.getByRole('article').allInnerTexts();
    expect(said.map((text) => /Trên tàu|Sắp tới nơi/.exec(text)?.[0])).toEqual(['Trên tàu', 'Sắp tới nơi']);
  }
  await expect.poll(() => isPainted(binh, 1)).toBe(true);
  // And what was received is there without a network.
  await binh.hasTheApp();
  await binh.context.setOffline(true);
  await binh.reloads();
  await binh.sees('Trên tàu');
  await expect.poll(() => isPainted(binh, 1)).toBe(true);
});
