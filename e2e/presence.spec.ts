/** How far a message got, who is here, who types: live, over an absence, and honest without a network. */
import { expect, test } from './fixtures/stage.ts';
import type { Actor } from './fixtures/actor.ts';

const header = (actor: Actor, title: string) =>
  actor.page.getByRole('region', { name: title }).getByRole('button', { name: title });

/** The state of the last message, in the list. */
const rowTick = (actor: Actor, title: string, state: string) => actor.row(title).getByText(state, { exact: true });

test('one’s own message is sent, delivered and read, live, in the conversation and in the list', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await an.comesIn();
  await an.startsDirect(binh.name);
  await an.writes('mai đi Đà Lạt nha');
  await an.seesTick('mai đi Đà Lạt nha', 'Sent');
  await expect(rowTick(an, binh.name, 'Sent')).toHaveCount(1);
  // On a device of his, although he has not opened it.
  await binh.comesIn();
  await an.seesTick('mai đi Đà Lạt nha', 'Delivered');
  await expect(rowTick(an, binh.name, 'Delivered')).toHaveCount(1);
  await binh.opens(an.name);
  await an.seesTick('mai đi Đà Lạt nha', 'Read');
  await expect(rowTick(an, binh.name, 'Read')).toHaveCount(1);
  // He looks at it: what comes now is read at once.
  await an.writes('đi sớm cho mát');
  await an.seesTick('đi sớm cho mát', 'Read');
  await an.reloads();
  await an.seesTick('mai đi Đà Lạt nha', 'Read');
});

test('what is read without a network is read for the others when it is back, and ticks stay meanwhile', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Trên tàu', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Trên tàu');
  await an.writes('đọc lúc nào cũng được');
  await an.seesTick('đọc lúc nào cũng được', 'Delivered');
  await binh.goesOffline();
  await binh.opens('Trên tàu');
  await binh.sees('đọc lúc nào cũng được');
  await expect(binh.row('Trên tàu')).not.toContainText('unread');
  await an.seesTick('đọc lúc nào cũng được', 'Delivered');
  await binh.comesBack();
  await an.seesTick('đọc lúc nào cũng được', 'Read');
  await an.goesOffline();
  await an.reloads();
  await an.seesTick('đọc lúc nào cũng được', 'Read');
});

test('who of a group has read a message, and who has not', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Họp lớp', an, [binh, chi]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Họp lớp');
  await an.writes('thứ bảy này nha');
  await binh.opens('Họp lớp');
  await binh.sees('thứ bảy này nha');
  await an.chooses('thứ bảy này nha', 'Read by');
  const dialog = an.page.getByRole('dialog', { name: 'Read by' });
  await expect(dialog.getByRole('region', { name: 'Read', exact: true })).toContainText(binh.name);
  await expect(dialog.getByRole('region', { name: 'Not yet delivered' })).toContainText(chi.name);
  await an.seesTick('thứ bảy này nha', 'Sent');
  // It goes on while one looks at it.
  await chi.comesIn();
  await expect(dialog.getByRole('region', { name: 'Delivered', exact: true })).toContainText(chi.name);
  await chi.opens('Họp lớp');
  await expect(dialog.getByRole('region', { name: 'Read', exact: true })).toContainText(chi.name);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await an.seesTick('thứ bảy này nha', 'Read');
  // Without a network too.
  await an.goesOffline();
  await an.chooses('thứ bảy này nha', 'Read by');
  await expect(dialog.getByRole('listitem')).toHaveCount(2);
});

test('who types is seen above the conversation and in the list, and no longer when they stop', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Bàn tròn', an, [binh, chi]);
  await Promise.all([an.comesIn(), binh.comesIn(), chi.comesIn()]);
  await Promise.all([an.opens('Bàn tròn'), binh.opens('Bàn tròn')]);
  await an.composer.pressSequentially('để mình nghĩ', { delay: 30 });
  await expect(header(binh, 'Bàn tròn')).toContainText(`${an.name} is typing`);
  // She has not opened it.
  await expect(chi.row('Bàn tròn')).toContainText(`${an.name} is typing`);
  await expect(an.row('Bàn tròn')).not.toContainText('typing');
  await expect(header(binh, 'Bàn tròn')).not.toContainText('typing');
  await an.composer.pressSequentially(' xem', { delay: 30 });
  await expect(header(binh, 'Bàn tròn')).toContainText('typing');
  await an.composer.press('Enter');
  await expect(header(binh, 'Bàn tròn')).not.toContainText('typing', { timeout: 3_000 });
  await expect(chi.row('Bàn tròn')).toContainText('để mình nghĩ xem');
});

test('a dot and words for who is here, last seen for who is not, and no dots without a network', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.startsDirect(binh.name);
  await expect(header(an, binh.name)).toContainText('Online');
  await expect(an.row(binh.name).getByText('Online', { exact: true })).toHaveCount(1);
  // A page that is loaded again is not away.
  await binh.reloads();
  await binh.isOnline();
  await expect(header(an, binh.name)).toContainText('Online');
  await binh.page.close();
  await expect(header(an, binh.name)).toContainText('Last seen just now');
  await expect(an.row(binh.name).getByText('Online', { exact: true })).toHaveCount(0);

  binh.page = await binh.context.newPage();
  await binh.comesIn();
  await expect(header(an, binh.name)).toContainText('Online');
  await an.goesOffline();
  await expect(header(an, binh.name)).toContainText('Last seen');
  await an.reloads();
  await expect(header(an, binh.name)).toContainText('Last seen');
  await expect(an.row(binh.name).getByText('Online', { exact: true })).toHaveCount(0);
});

test('what names one is told apart from what is only new, in the list, the title and on the favicon', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Điểm danh', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  const icon = an.page.locator('link[rel="icon"]');
  await expect(icon).toHaveAttribute('href', /favicon\.svg$/);
  await binh.opens('Điểm danh');
  await binh.writes('có ai không');
  await expect(an.row('Điểm danh')).toContainText('1 unread');
  await expect(an.page).toHaveTitle(/^\(1\)/);
  await expect(icon).not.toHaveAttribute('href', /favicon\.svg$/);
  const calm = await icon.getAttribute('href');
  await binh.writes(`@${an.name} ơi`);
  await expect(an.row('Điểm danh')).toContainText('1 mention');
  await expect(an.page).toHaveTitle(/^\(2 · @1\)/);
  expect(await icon.getAttribute('href')).not.toBe(calm);
  await an.opens('Điểm danh');
  await expect(an.page).toHaveTitle('Ting Ting');
  await expect(icon).toHaveAttribute('href', /favicon\.svg$/);
});
