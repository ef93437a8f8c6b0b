/** Pictures of people and groups: chosen, cropped, seen by the others without a reload, without a network, and taken away. */
import type { Locator } from '@playwright/test';
import type { Actor } from './fixtures/actor.ts';
import { findings } from './fixtures/axe.ts';
import { CAMERA, landscape, look, photo } from './fixtures/photo.ts';
import { expect, test } from './fixtures/stage.ts';

type Chosen = { name: string; mimeType: string; buffer: Buffer };

/** Which way is up says the camera: red is above, blue below. */
const portrait = async (actor: Actor): Promise<Chosen> => ({
  name: 'IMG_0001.JPG',
  mimeType: 'image/jpeg',
  buffer: await photo(actor.page, { width: 640, height: 400 }),
});

const settings = (actor: Actor) => actor.page.getByRole('region', { name: 'Profile' });
const details = (actor: Actor) => actor.page.getByRole('region', { name: 'Details' });
const cropping = (actor: Actor) => actor.page.getByRole('dialog', { name: 'Crop the picture' });
const face = (within: Locator) => within.locator('.avatar img');

async function chooses(actor: Actor, where: Locator, file: Chosen, button = 'Choose a picture'): Promise<void> {
  const choosing = actor.page.waitForEvent('filechooser');
  await where.getByRole('button', { name: button }).click();
  await (await choosing).setFiles(file);
}

/** The colour in the middle of the picture that is drawn there; null while there is none. */
const colourIn = (within: Locator): Promise<string | null> =>
  within
    .locator('.avatar')
    .first()
    .evaluate((avatar) => {
      const img = avatar.querySelector('img');
      if (img === null || !img.complete || img.naturalWidth === 0) return null;
      const context = new OffscreenCanvas(8, 8).getContext('2d')!;
      context.drawImage(img, 0, 0, 8, 8);
      const [red = 0, , blue = 0] = context.getImageData(4, 4, 1, 1).data;
      return red > 200 && blue > 200 ? 'white' : red > blue ? 'red' : 'blue';
    });
const shows = (within: Locator, colour: string | null) =>
  expect.poll(() => colourIn(within), { timeout: 15_000 }).toBe(colour);

async function goesToSettings(actor: Actor): Promise<void> {
  await actor.page.getByRole('link', { name: 'Settings' }).first().click();
  await expect(settings(actor)).toBeVisible();
}

const pictureOf = async (actor: Actor, of = actor.id): Promise<string | null> => {
  const answer = await actor.context.request.get(`${actor.url}/api/users/${of}`);
  return ((await answer.json()) as { user: { avatar: string | null } }).user.avatar;
};

/** Upwards, and as near as it goes: nothing but red. */
async function cropsRed(actor: Actor): Promise<void> {
  await expect(actor.page.getByRole('application', { name: 'The part that is shown' })).toBeFocused();
  for (let n = 0; n < 20; n += 1) await actor.page.keyboard.press('ArrowUp');
  for (let n = 0; n < 12; n += 1) await actor.page.keyboard.press('+');
  await expect(cropping(actor).getByRole('status')).toHaveText(/zoom 400%$/);
  for (let n = 0; n < 30; n += 1) await actor.page.keyboard.press('ArrowUp');
  await expect(cropping(actor).getByRole('status')).toHaveText('50% across, 0% down, zoom 400%');
  await actor.page.keyboard.press('Enter');
  await expect(cropping(actor)).toHaveCount(0);
}

test('[B20] [B21] a picture is cropped with the keyboard, and seen everywhere without a reload', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Xóm nhỏ', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await binh.startsDirect(an.name);
  await binh.writes('chào');
  // The group's row names An, too.
  const theirs = binh.row('chào');
  await expect(theirs).toBeVisible();
  await an.opens('Xóm nhỏ');
  await an.writes('có ai không');
  await expect(face(binh.list)).toHaveCount(0);

  await goesToSettings(an);
  await chooses(an, settings(an), await portrait(an));
  expect(await findings(an.page)).toEqual([]);
  await cropsRed(an);
  await shows(settings(an), 'red');
  await shows(an.page.getByRole('link', { name: 'Settings' }).first(), 'red');

  await shows(theirs, 'red');
  await shows(binh.page.locator('main header, section header').filter({ hasText: an.name }), 'red');
  await binh.opens('Xóm nhỏ');
  await shows(binh.message('có ai không').first(), 'red');
  await binh.page.getByRole('button', { name: 'Details', exact: true }).click();
  await shows(details(binh).getByRole('listitem').filter({ hasText: an.name }), 'red');

  const sha256 = await pictureOf(binh, an.id);
  const answer = await binh.context.request.get(`${binh.url}/api/blobs/${sha256}`);
  expect(answer.headers()['content-type']).toBe('image/webp');
  const bytes = await answer.body();
  expect(await look(binh.page, bytes)).toEqual({ width: 512, height: 512, top: 'red', bottom: 'red' });
  expect(bytes.includes(CAMERA) || bytes.includes('Exif')).toBe(false);
  expect(bytes.length).toBeLessThan(100_000);

  await settings(an).getByRole('button', { name: 'Remove picture' }).click();
  await shows(settings(an), null);
  await expect(settings(an).getByRole('button', { name: 'Choose a picture' })).toBeFocused();
  await shows(theirs, null);
  await shows(details(binh).getByRole('listitem').filter({ hasText: an.name }), null);
});

test('[B20] a picture is dragged, scrolled and zoomed; large ones become small, and Escape leaves the old one', async ({
  stage,
}) => {
  const an = await stage.actor('An');
  await an.comesIn();
  await goesToSettings(an);
  const wide = await photo(an.page, { width: 4_000, height: 2_600, orientation: 1, noisy: true });
  await chooses(an, settings(an), { name: 'rộng.jpg', mimeType: 'image/jpeg', buffer: wide });
  const part = an.page.getByRole('application', { name: 'The part that is shown' });
  const box = (await part.boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await an.page.mouse.move(x, y);
  await an.page.mouse.down();
  await an.page.mouse.move(x + 400, y, { steps: 4 });
  await an.page.mouse.up();
  await expect(cropping(an).getByRole('status')).toHaveText('0% across, 50% down, zoom 100%');
  await an.page.mouse.move(x, y);
  await an.page.mouse.wheel(0, -400);
  const zoom = cropping(an).getByRole('slider', { name: 'Zoom' });
  await expect.poll(async () => Number(await zoom.inputValue())).toBeGreaterThan(1.5);
  await zoom.fill('1');
  await expect(cropping(an).getByRole('status')).toHaveText(/zoom 100%$/);
  await an.page.mouse.move(x, y);
  await an.page.mouse.down();
  await an.page.mouse.move(x + 400, y, { steps: 4 });
  await an.page.mouse.up();
  await cropping(an).getByRole('button', { name: 'Save' }).click();
  await shows(settings(an), 'red');
  await expect.poll(() => pictureOf(an)).not.toBeNull();
  const before = await pictureOf(an);
  const bytes = await (await an.context.request.get(`${an.url}/api/blobs/${before}`)).body();
  expect(bytes.length).toBeLessThan(100_000);

  await chooses(an, settings(an), await portrait(an), 'Change picture');
  await expect(cropping(an)).toBeVisible();
  await an.page.keyboard.press('Escape');
  await expect(cropping(an)).toHaveCount(0);
  await settings(an)
    .getByRole('button', { name: `Picture of ${an.name}` })
    .click();
  await shows(an.page.getByRole('dialog', { name: an.name }), 'red');
  expect(await pictureOf(an)).toBe(before);
});

test('[B20] what is no picture, or too large to look at, is refused in a sentence', async ({ stage }) => {
  const an = await stage.actor('An', { viewport: { width: 390, height: 844 } });
  await an.comesIn();
  await goesToSettings(an);
  const told = settings(an).getByRole('alert');
  await chooses(an, settings(an), { name: 'ảnh.png', mimeType: 'image/png', buffer: Buffer.from('không phải ảnh') });
  await expect(told).toHaveText('This file is not a picture.');
  /** Its header, and nothing behind it. */
  const png = (side: string) => Buffer.from(`89504e470d0a1a0a0000000d49484452${side}${side}080600000000000000`, 'hex');
  await chooses(an, settings(an), { name: 'to.png', mimeType: 'image/png', buffer: png('0000ea60') });
  await expect(told).toHaveText('This picture is too large: more than 100 megapixels.');
  await chooses(an, settings(an), { name: 'hỏng.png', mimeType: 'image/png', buffer: png('00000010') });
  await expect(told).toHaveText('This picture cannot be read here. Try it as a JPEG or PNG.');
  await chooses(an, settings(an), await portrait(an));
  await expect(told).toHaveCount(0);
  expect(await findings(an.page)).toEqual([]);
  await cropsRed(an);
  await shows(settings(an), 'red');
});

test('[B22] a picture chosen without a network shows at once, outlasts a reload, and goes when the network is back', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Trên tàu', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await binh.startsDirect(an.name);
  await goesToSettings(an);
  const file = await portrait(an);
  await an.goesOffline();
  await chooses(an, settings(an), file);
  await cropsRed(an);
  await shows(settings(an), 'red');
  await an.reloads();
  await shows(settings(an), 'red');
  expect(await pictureOf(binh, an.id)).toBeNull();
  await an.comesBack();
  await shows(binh.row(an.name), 'red');
  await shows(settings(an), 'red');

  // What was seen is kept: it is there without a network, too.
  await binh.goesOffline();
  await binh.reloads();
  await shows(binh.row(an.name), 'red');
});

test('[B22] a picture that the relay does not take is told, and the one before shows again', async ({ stage }) => {
  const an = await stage.actor('An');
  await an.comesIn();
  await goesToSettings(an);
  await chooses(an, settings(an), await portrait(an));
  await cropsRed(an);
  await expect.poll(() => pictureOf(an)).not.toBeNull();
  const before = await pictureOf(an);

  const problem = JSON.stringify({
    ...{ type: 'about:blank', title: 'used up', status: 413, code: 'share-used-up', detail: 'used up', timestamp: 1 },
  });
  await an.page.route('**/api/blobs/*?profile=1', (route) =>
    route.fulfill({ status: 413, contentType: 'application/problem+json', body: problem }),
  );
  const blue = await photo(an.page, { width: 640, height: 400, orientation: 8 });
  await chooses(an, settings(an), { name: 'xanh.jpg', mimeType: 'image/jpeg', buffer: blue }, 'Change picture');
  await cropsRed(an);
  await expect(settings(an).getByRole('alert')).toContainText('the one before stays');
  await shows(settings(an), 'red');
  expect(await pictureOf(an)).toBe(before);
});

test('[B21] a group’s picture is chosen by who may; a plain member sees it and has no button', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình', { viewport: { width: 390, height: 844 } })];
  await stage.group('Đội bóng', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Đội bóng');
  await an.page.getByRole('button', { name: 'Details', exact: true }).click();
  await chooses(an, details(an), await landscape(an.page, 'sân.jpg', { width: 900, height: 600, hue: 200 }));
  await expect(cropping(an)).toBeVisible();
  await cropping(an).getByRole('button', { name: 'Save' }).click();
  await expect(face(details(an).getByRole('button', { name: 'Picture of Đội bóng' }))).toBeVisible();
  await expect(face(an.row('Đội bóng'))).toBeVisible();

  await expect(face(binh.row('Đội bóng'))).toBeVisible();
  await binh.opens('Đội bóng');
  await binh.page.getByRole('button', { name: /Đội bóng/ }).click();
  await expect(face(details(binh).getByRole('button', { name: 'Picture of Đội bóng' }))).toBeVisible();
  await expect(details(binh).getByRole('button', { name: /^(Choose a|Change|Remove) picture$/ })).toHaveCount(0);

  await details(an).getByRole('button', { name: 'Remove picture' }).click();
  await expect(face(details(binh).getByRole('button', { name: 'Picture of Đội bóng' }))).toHaveCount(0);
  await expect(face(an.row('Đội bóng'))).toHaveCount(0);
});
