/** Sending pictures and files from a real browser: what is in them, and what becomes of them without a network. */
import type { Actor } from './fixtures/actor.ts';
import { findings } from './fixtures/axe.ts';
import { fillsDisk } from './fixtures/disk.ts';
import { CAMERA, look, photo } from './fixtures/photo.ts';
import { expect, test } from './fixtures/stage.ts';

interface Sent {
  id: string;
  text: string;
  attachments?: {
    sha256: string;
    name: string;
    type: string;
    size: number;
    width?: number;
    height?: number;
    thumb?: string;
    poster?: string;
    seconds?: number;
  }[];
}

/** As the relay has them, the earliest first. */
async function messages(actor: Actor, conversation: string): Promise<Sent[]> {
  const answer = await actor.context.request.get(`${actor.url}/api/conversations/${conversation}/messages`);
  return ((await answer.json()) as { messages: Sent[] }).messages.reverse();
}

async function blob(actor: Actor, sha256: string): Promise<Buffer> {
  const answer = await actor.context.request.get(`${actor.url}/api/blobs/${sha256}`);
  expect(answer.status()).toBe(200);
  return answer.body();
}

async function chooses(actor: Actor, ...files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  const choosing = actor.page.waitForEvent('filechooser');
  await actor.page.getByRole('button', { name: 'Attach file' }).click();
  await (await choosing).setFiles(files);
}

const tray = (actor: Actor) => actor.page.getByRole('list', { name: 'Attached' });
const jpeg = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/jpeg', buffer });
const text = (name: string, words: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(words) });

test('[B11] a photo arrives upright, smaller, and without the place and the camera', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Ảnh đẹp', an, [binh]);
  await an.comesIn();
  await an.opens('Ảnh đẹp');
  const taken = await photo(an.page, { width: 3_000, height: 2_000 });
  expect(taken.includes(CAMERA)).toBe(true);
  expect(await look(an.page, taken)).toEqual({ width: 2_000, height: 3_000, top: 'red', bottom: 'blue' });
  await chooses(an, jpeg('IMG_0412.JPG', taken));
  await an.writes('ở hồ Tây');
  await an.seesState('ở hồ Tây', 'Sent');

  const [sent] = await messages(binh, id);
  const [attachment] = sent?.attachments ?? [];
  expect(attachment).toMatchObject({ name: 'IMG_0412.webp', type: 'image/webp', width: 1_365, height: 2_048 });
  expect(Buffer.from(attachment?.thumb ?? '', 'base64').length).toBeGreaterThan(4);
  const arrived = await blob(binh, attachment?.sha256 ?? '');
  expect(arrived.length).toBe(attachment?.size);
  for (const hidden of [CAMERA, 'Exif', 'EXIF', 'MM\0*']) expect(arrived.includes(hidden)).toBe(false);
  expect(await look(an.page, arrived)).toEqual({ width: 1_365, height: 2_048, top: 'red', bottom: 'blue' });
});

test('[B10] [B11] what is sent without a network survives a reload, is prepared there too, and arrives once', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Trên tàu', an, [binh]);
  await an.comesIn();
  await an.opens('Trên tàu');
  const taken = await photo(an.page);
  await an.goesOffline();
  await chooses(an, jpeg('a.jpg', taken), text('b.txt', 'ghi chú'));
  await an.writes('ảnh và ghi chú');
  await an.writes('viết sau');
  await an.seesState('viết sau', 'Waiting');
  await an.reloads();
  await an.sees('ảnh và ghi chú');
  expect(await an.textsWith('viết sau')).toEqual(['viết sau']);
  await an.comesBack();
  await an.seesState('ảnh và ghi chú', 'Sent');
  await an.seesState('viết sau', 'Sent');
  await an.seesOnce('ảnh và ghi chú');

  const arrived = await messages(binh, id);
  expect(arrived.map((one) => one.text)).toEqual(['ảnh và ghi chú', 'viết sau']);
  const [picture, note] = arrived[0]?.attachments ?? [];
  expect(picture).toMatchObject({ type: 'image/webp', width: 400, height: 640 });
  expect((await blob(binh, picture?.sha256 ?? '')).includes(CAMERA)).toBe(false);
  expect(note).toMatchObject({ name: 'b.txt', type: 'text/plain', size: 8 });
  expect((await blob(binh, note?.sha256 ?? '')).toString()).toBe('ghi chú');
});

test('[B11] a picture under the name of a file loses what is hidden in it too', async ({ stage }) => {
  const an = await stage.actor('An');
  const id = await stage.group('Tên giả', an, []);
  await an.comesIn();
  await an.opens('Tên giả');
  const taken = await photo(an.page);
  await chooses(an, { name: 'tài liệu.pdf', mimeType: 'application/pdf', buffer: taken });
  await an.writes('không phải pdf');
  await an.seesState('không phải pdf', 'Sent');
  const [first] = await messages(an, id);
  expect(first?.attachments?.[0]).toMatchObject({ name: 'tài liệu.webp', type: 'image/webp' });
  expect((await blob(an, first?.attachments?.[0]?.sha256 ?? '')).includes(CAMERA)).toBe(false);
});

test('[B11] a picture goes as it was only when the person says so, and what does not decode only as a file', async ({
  stage,
}) => {
  const an = await stage.actor('An');
  const id = await stage.group('Ảnh gốc', an, []);
  await an.comesIn();
  await an.opens('Ảnh gốc');
  const taken = await photo(an.page, { width: 2_400, height: 1_600 });
  await chooses(an, jpeg('gốc.jpg', taken), jpeg('hỏng.jpg', Buffer.from('đây không phải ảnh')));
  await expect(tray(an).getByText('Not a picture that can be read')).toBeVisible();
  await tray(an).getByRole('switch', { name: 'Original' }).click();
  await tray(an).getByRole('button', { name: 'As a file' }).click();
  await expect(tray(an).getByText('Preparing')).toHaveCount(0);
  await expect(tray(an).getByText('Not a picture that can be read')).toHaveCount(0);
  await an.writes('như nó vốn thế');
  await an.seesState('như nó vốn thế', 'Sent');

  const [original, file] = (await messages(an, id))[0]?.attachments ?? [];
  expect(original).toMatchObject({ name: 'gốc.jpg', type: 'image/jpeg', width: 1_600, height: 2_400 });
  expect(await blob(an, original?.sha256 ?? '')).toEqual(taken);
  const poster = await blob(an, original?.poster ?? '');
  expect(poster.includes(CAMERA)).toBe(false);
  expect(await look(an.page, poster)).toEqual({ width: 1_365, height: 2_048, top: 'red', bottom: 'blue' });
  expect(file).toMatchObject({ name: 'hỏng.jpg', type: 'application/octet-stream' });
});

test('what a full disk has no room for is said at once, and nothing that was typed is lost', async ({ stage }) => {
  test.setTimeout(180_000);
  const an = await stage.actor('An');
  await stage.group('Máy đầy', an, []);
  await an.comesIn();
  await an.opens('Máy đầy');
  await an.composer.fill('kèm tệp này');
  await an.goesOffline();
  const freesDisk = await fillsDisk(an);
  await chooses(an, text('a.txt', 'x'.repeat(3_000_000)));
  await expect(tray(an).getByText('No room for it on this device')).toBeVisible();
  await expect(an.composer).toHaveValue('kèm tệp này');
  await freesDisk();
  await an.comesBack();
});

test('[B17] what is more than a message takes is said in the tray, which everybody can read, and the rest goes', async ({
  stage,
}) => {
  const an = await stage.actor('An');
  const id = await stage.group('Nhiều tệp', an, []);
  await an.comesIn();
  await an.opens('Nhiều tệp');
  const files = Array.from({ length: 20 }, (_, at) => text(`${String(at)}.txt`, `tệp ${String(at)}`));
  await chooses(an, jpeg('a.jpg', await photo(an.page)), jpeg('b.jpg', Buffer.from('không phải ảnh')), ...files);
  await expect(tray(an).getByRole('listitem')).toHaveCount(20);
  await expect(an.page.getByText('2 files were left out')).toBeVisible();
  await expect(tray(an).getByText('Not a picture that can be read')).toBeVisible();
  await expect(tray(an).getByText('Preparing')).toHaveCount(0);
  expect(await findings(an.page)).toEqual([]);
  await an.writes('mười chín');
  await an.seesState('mười chín', 'Sent');
  await expect(an.page.getByText('were left out')).toHaveCount(0);
  expect((await messages(an, id))[0]?.attachments).toHaveLength(19);
});
