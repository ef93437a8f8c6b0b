/** Pictures and files: sent and seen, also without a network. */
import type { Actor } from './fixtures/actor.ts';
import { findings } from './fixtures/axe.ts';
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

test.describe('with little room at the relay', () => {
  test.use({ settings: { PERSON_MAX_MB: '1' } });

  test('[B12] [B14] what did not go says why and comes back; what was kept is counted, limited and let go of', async ({
    ownStage: stage,
  }) => {
    const an = await stage.actor('An', { colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await stage.group('Hết chỗ', an, []);
    await an.comesIn();
    await an.opens('Hết chỗ');
    await choose(an, await photo(an.page, 'vua.jpg', { width: 900, height: 600, hue: 100 }));
    await an.writes('còn chỗ');
    await an.seesState('còn chỗ', 'Sent');
    await choose(an, { name: 'nặng.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(2_000_000, 7) });
    await an.writes('hết chỗ rồi');
    const refused = an.message('hết chỗ rồi');
    await expect(refused.getByRole('alert')).toContainText('share of the server’s storage is used up');
    expect(await findings(an.page)).toEqual([]);
    await refused.getByRole('button', { name: 'Take back' }).click();
    await expect(refused).toHaveCount(0);
    await expect(an.composer).toHaveValue('hết chỗ rồi');
    await expect(an.page.getByRole('list', { name: 'Attached' })).toContainText('nặng.bin');

    await an.page.goto(`${an.url}/settings`);
    const kept = an.page
      .getByRole('definition')
      .filter({ hasText: /^\d+ kB$/ })
      .last();
    const all = an.page.getByRole('button', { name: 'Forget received media' });
    await expect(kept).toBeVisible();
    await an.page.getByRole('radio', { name: '200 MB' }).check({ force: true });
    expect(await findings(an.page)).toEqual([]);
    await all.click();
    await an.page.getByRole('dialog').getByRole('button', { name: 'Forget', exact: true }).click();
    await expect(an.page.getByText('0 byte', { exact: true })).toBeVisible();
    await expect(all).toBeDisabled();
    await an.page.reload();
    await expect(an.page.getByRole('radio', { name: '200 MB' })).toBeChecked();
    // What was chosen and not sent is still there; what was let go of comes again.
    await an.page.goBack();
    await expect(an.page.getByRole('list', { name: 'Attached' })).toContainText('nặng.bin');
    await expect.poll(() => isPainted(an)).toBe(true);
  });
});
