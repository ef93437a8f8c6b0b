/** What goes wrong between a device and its relay never costs anybody's words: refused changes, damaged copies, a relay that was put back. */
import { MESSAGE_MAX_CHARS } from '../src/shared/limits.ts';
import type { Actor } from './fixtures/actor.ts';
import { catalogue } from './fixtures/catalogue.ts';
import { damageCopy, writeBehindTheApp } from './fixtures/disk.ts';
import { expect, test } from './fixtures/stage.ts';

const words = catalogue('en');
const conversationOf = (actor: Actor): string => new URL(actor.page.url()).pathname.split('/').at(-1) ?? '';

test('demoted while offline: the words arrive, the new name is told as not taken', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const group = await stage.group('Tên cũ', an, [binh]);
  const role = (to: 'admin' | 'member') =>
    an.context.request.put(`${stage.relay.url}/api/conversations/${group}/members/${binh.id}`, { data: { role: to } });
  await role('admin');
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Tên cũ'), binh.opens('Tên cũ')]);
  await an.writes('xin chào');
  await binh.sees('xin chào');
  await binh.goesOffline();
  await binh.renames('Tên mới');
  await binh.writes('đã đổi tên nhóm');
  await binh.composer.fill('đang viết dở');
  await role('member');
  await binh.comesBack();
  await binh.seesState('đã đổi tên nhóm', 'Sent');
  await an.seesOnce('đã đổi tên nhóm');
  await expect(binh.page.getByRole('alert').filter({ hasText: '“Tên mới”' })).toBeVisible();
  await expect(binh.row('Tên cũ')).toBeVisible();
  await expect(binh.composer).toHaveValue('đang viết dở');
  await expect(an.row('Tên cũ')).toBeVisible();
});

test('above the limit: the rest arrives, the long text can be copied, also after a reload', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Giới hạn', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Giới hạn'), binh.opens('Giới hạn')]);
  await an.writes('xin chào');
  await binh.sees('xin chào');
  await binh.goesOffline();
  await binh.writes('viết trước');
  // As a version of the app does that allowed more: into the copy on the disk, and the app is started on it.
  const long = 'rất dài '.repeat(MESSAGE_MAX_CHARS / 8 + 1);
  const conversation = conversationOf(binh);
  await binh.page.goto(`${stage.relay.url}/settings`);
  await writeBehindTheApp(binh, conversation, long);
  await binh.page.goto(`${stage.relay.url}/c/${conversation}`);
  await binh.writes('viết sau');
  await binh.comesBack();
  await binh.seesState('viết sau', 'Sent');
  await an.seesOnce('viết trước');
  await an.seesOnce('viết sau');
  const notice = binh.page.getByRole('alert').filter({ hasText: words('notice_rescued') });
  await expect(notice.getByText('rất dài')).toBeVisible();
  await binh.reloads();
  await binh.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await notice.getByRole('button', { name: words('copy_all') }).click();
  expect(await binh.page.evaluate(() => navigator.clipboard.readText())).toBe(long);
  await notice.getByRole('button', { name: words('dismiss') }).click();
  await expect(notice).toHaveCount(0);
  await binh.reloads();
  await binh.sees('viết sau');
  await expect(notice).toHaveCount(0);
});

for (const damage of ['rubbish', 'a missing row'] as const) {
  test(`${damage} on the disk: what can be read is there offline, and everything with the relay`, async ({ stage }) => {
    const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
    await stage.group('Đĩa hỏng', an, [binh]);
    await Promise.all([an.comesIn(), binh.comesIn()]);
    await Promise.all([an.opens('Đĩa hỏng'), binh.opens('Đĩa hỏng')]);
    for (const line of ['câu thứ nhất', 'câu thứ hai']) await binh.writes(line);
    await an.writes('câu thứ ba');
    await binh.sees('câu thứ ba');
    await binh.seesState('câu thứ hai', 'Sent');
    await binh.goesOffline();
    await binh.writes('câu chưa gửi');
    const conversation = conversationOf(binh);
    await binh.page.goto(`${stage.relay.url}/settings`);
    await damageCopy(binh, conversation, damage, ['câu thứ hai', 'câu chưa gửi']);
    await binh.page.goto(`${stage.relay.url}/c/${conversation}`);
    await binh.seesState('câu chưa gửi', 'Waiting');
    await binh.sees('câu thứ nhất');
    await binh.comesBack();
    await binh.seesState('câu chưa gửi', 'Sent');
    await an.seesOnce('câu chưa gửi');
    const all = ['câu thứ nhất', 'câu thứ hai', 'câu thứ ba', 'câu chưa gửi'];
    await expect.poll(() => binh.textsWith('câu')).toEqual(all);
    // Whole again, without the relay too.
    await binh.goesOffline();
    await binh.reloads();
    await expect.poll(() => binh.textsWith('câu')).toEqual(all);
  });
}

test('the relay is restored from an older backup: what both have written since is there once, in one order', async ({
  ownStage: stage,
}) => {
  test.setTimeout(180_000);
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Sao lưu', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Sao lưu'), binh.opens('Sao lưu')]);
  await an.writes('dòng 1');
  await binh.writes('dòng 2');
  await Promise.all([an.sees('dòng 2'), binh.sees('dòng 1')]);
  const backup = stage.relay.backup();
  for (const [who, text] of [
    [an, 'dòng 3'],
    [binh, 'dòng 4'],
    [an, 'dòng 5'],
  ] as const) {
    await who.writes(text);
    await who.seesState(text, 'Sent');
  }
  await stage.relay.stop();
  await Promise.all([an.isOffline(), binh.isOffline()]);
  await an.writes('dòng 6');
  await stage.relay.startFrom(backup);
  await Promise.all([an.isOnline(), binh.isOnline()]);
  const all = ['dòng 1', 'dòng 2', 'dòng 3', 'dòng 4', 'dòng 5', 'dòng 6'];
  for (const who of [an, binh]) for (const line of all) await who.seesOnce(line);
  for (const [who, mine] of [
    [an, ['dòng 3', 'dòng 5', 'dòng 6']],
    [binh, ['dòng 4']],
  ] as const)
    for (const line of mine) await who.seesState(line, 'Sent');
  const order = await an.textsWith('dòng');
  expect([...order].sort()).toEqual(all);
  expect(await binh.textsWith('dòng')).toEqual(order);
  await expect(an.page.getByRole('alert')).toHaveCount(0);
  await Promise.all([an.reloads(), binh.reloads()]);
  await expect.poll(() => an.textsWith('dòng')).toEqual(order);
  await expect.poll(() => binh.textsWith('dòng')).toEqual(order);
  // Numbered from 1 without a gap, and nothing in the tables that is not in the documents.
  expect(stage.relay.checkDocuments()).toContain('all as it should be');
});
