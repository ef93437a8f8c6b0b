/** Who may no longer do something is told so, calmly, by the screen they are looking at. */
import { PASSWORD, expect, test } from './fixtures/stage.ts';

test('who is removed is told so, and finds all of it again when they are added again', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Câu lạc bộ', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Câu lạc bộ'), binh.opens('Câu lạc bộ')]);
  await an.writes('chào mọi người');
  await binh.sees('chào mọi người');
  const member = `${stage.relay.url}/api/conversations/${id}/members/${binh.id}`;
  await an.context.request.delete(member);
  await expect(binh.page.getByText('You are no longer in this conversation.')).toBeVisible();
  await expect(binh.composer).toHaveCount(0);
  await an.writes('lúc Bình đi vắng');
  await an.seesState('lúc Bình đi vắng', 'Sent');

  await an.context.request.put(member, { data: { role: 'member' } });
  await binh.sees('lúc Bình đi vắng');
  await binh.sees('chào mọi người');
  await binh.writes('mình quay lại rồi');
  await an.sees('mình quay lại rồi');
});

test('an administrator who no longer is one goes on writing, and is not offered what they may not do', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Ban tổ chức', an, [binh]);
  const member = `${stage.relay.url}/api/conversations/${id}/members/${binh.id}`;
  await an.context.request.put(member, { data: { role: 'admin' } });
  await binh.comesIn();
  await binh.opens('Ban tổ chức');
  await binh.page.getByRole('button', { name: 'Details', exact: true }).click();
  const rename = binh.page.getByRole('button', { name: 'Change the group name' });
  await expect(rename).toBeVisible();
  await an.context.request.put(member, { data: { role: 'member' } });
  await expect(rename).toHaveCount(0);
  await binh.writes('vẫn viết được');
  await binh.seesState('vẫn viết được', 'Sent');
});

test('a password that is changed elsewhere signs this device out, which says so and keeps what was written', async ({
  stage,
}) => {
  const an = await stage.actor('An');
  await stage.group('Việc nhà', an, []);
  const phone = await stage.anotherDevice(an);
  await phone.comesIn();
  await phone.opens('Việc nhà');
  await phone.composer.fill('chưa gửi');
  const answer = await an.context.request.post(`${stage.relay.url}/api/auth/password`, {
    data: { current: PASSWORD, next: `${PASSWORD} mới` },
  });
  expect(answer.status()).toBe(204);
  await expect(phone.page.getByText('You were signed out on this device.')).toBeVisible();
  await expect(phone.composer).toHaveValue('chưa gửi');
});

test('a group that its owner deletes is gone for everybody, who are told so if they look at it', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Chuyến đi Huế', an, [binh, chi]);
  await Promise.all([an.comesIn(), binh.comesIn(), chi.comesIn()]);
  await Promise.all([an.opens('Chuyến đi Huế'), binh.opens('Chuyến đi Huế')]);
  await binh.writes('mai mấy giờ đi?');
  await an.sees('mai mấy giờ đi?');
  await expect(chi.row('Chuyến đi Huế')).toBeVisible();
  await binh.page.getByRole('button', { name: 'Details', exact: true }).click();
  await expect(binh.page.getByRole('button', { name: 'Leave group' })).toBeVisible();
  await expect(binh.page.getByRole('button', { name: 'Delete group' })).toHaveCount(0);

  // Without a network it waits in the outbox.
  await an.goesOffline();
  await an.page.getByRole('button', { name: 'Details', exact: true }).click();
  await an.page.getByRole('button', { name: 'Delete group' }).click();
  const dialog = an.page.getByRole('dialog', { name: 'Delete “Chuyến đi Huế” for everyone?' });
  await expect(dialog).toContainText('for every member and on all their devices');
  await dialog.getByRole('button', { name: 'Delete for everyone' }).click();
  await expect(an.row('Chuyến đi Huế')).toHaveCount(0);
  await expect(binh.row('Chuyến đi Huế')).toBeVisible();

  await an.comesBack();
  await expect(binh.row('Chuyến đi Huế')).toHaveCount(0);
  await expect(binh.page.getByText('This group was deleted by its owner.')).toBeVisible();
  await expect(binh.composer).toHaveCount(0);
  await expect(chi.row('Chuyến đi Huế')).toHaveCount(0);
  await binh.reloads();
  await expect(binh.page.getByText('This group was deleted by its owner.')).toBeVisible();
  // Its documents leave the devices.
  await chi.page.goto(stage.relay.url);
  await expect
    .poll(() => chi.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name).join()), {
      timeout: 30_000,
    })
    .not.toMatch(/:c:/);
});
