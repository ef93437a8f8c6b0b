/** People talk: two of them, a group, with everything one does to a message. */
import { expect, test } from './fixtures/stage.ts';

test('a person signs up, finds another, and they write to each other', async ({ stage }) => {
  const binh = await stage.actor('Bình');
  const context = await stage.stranger();
  const page = await context.newPage();
  await page.goto(stage.relay.url);
  await expect(page).toHaveURL(/\/login$/);
  await page.goto(`${stage.relay.url}/signup`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Ân Nguyễn');
  await page.getByRole('textbox', { name: 'Email' }).fill(`an.${process.pid}.${Date.now()}@example.org`);
  await page.getByLabel('Password', { exact: true }).fill('một mật khẩu đủ dài');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await page.getByRole('searchbox', { name: 'Search people' }).fill(binh.name.replace('Bình', 'binh'));
  await page.getByRole('checkbox', { name: binh.name }).check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Tối nay cả nhà ăn cơm lúc mấy giờ?');
  await page.getByRole('button', { name: 'Send' }).click();

  await binh.comesIn();
  await expect(binh.row('Ân Nguyễn')).toContainText('Tối nay cả nhà');
  await binh.opens('Ân Nguyễn');
  await binh.sees('Tối nay cả nhà ăn cơm');
  await binh.writes('7 giờ nha');
  await expect(page.getByRole('log', { name: 'Messages' }).getByText('7 giờ nha')).toBeVisible();
  await binh.seesState('7 giờ nha', 'Sent');
});

test('three people in a group, live', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await Promise.all([an.comesIn(), binh.comesIn(), chi.comesIn()]);
  await an.startsGroup('Gia đình mình', [binh.name, chi.name]);
  await an.writes('Cuối tuần về quê không?');
  for (const other of [binh, chi]) {
    await expect(other.row('Gia đình mình')).toContainText('Cuối tuần');
    await expect(
      other
        .row('Gia đình mình')
        .getByText(/^1( unread)?$/)
        .first(),
    ).toBeVisible();
    await other.opens('Gia đình mình');
    await other.sees('Cuối tuần về quê không?');
  }
  await binh.writes('Em về được');
  await chi.sees('Em về được');
  await chi.writes('Con cũng về');
  await an.sees('Con cũng về');
  const order = await an.textsWith('về');
  expect(await binh.textsWith('về')).toEqual(order);
  expect(await chi.textsWith('về')).toEqual(order);
});

test('edit, delete, reply and react, while the other is offline', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Việc nhà', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Việc nhà'), binh.opens('Việc nhà')]);
  for (const text of ['sửa tin này', 'xoá tin này', 'trả lời tin này']) await an.writes(text);
  await binh.sees('trả lời tin này');
  await binh.goesOffline();

  await an.chooses('sửa tin này', 'Edit');
  await expect(an.composer).toHaveValue('sửa tin này');
  await an.writes('đã sửa xong');
  await an.chooses('xoá tin này', 'Delete');
  await an.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(an.log.getByText('Message deleted')).toBeVisible();

  await binh.chooses('trả lời tin này', 'Reply');
  await binh.writes('câu trả lời lúc mất mạng');
  await binh.seesState('câu trả lời lúc mất mạng', 'Waiting');
  await binh.message('trả lời tin này').first().hover();
  await binh.message('trả lời tin này').first().getByRole('button', { name: 'Message actions' }).click();
  await binh.page.getByRole('menuitem', { name: 'React' }).click();
  await binh.page.getByRole('menuitem').or(binh.page.getByRole('button')).filter({ hasText: '❤️' }).first().click();
  await binh.sees('sửa tin này');

  await binh.comesBack();
  await binh.sees('đã sửa xong');
  await expect(binh.log.getByText('xoá tin này')).toHaveCount(0);
  await expect(binh.log.getByText('Message deleted')).toBeVisible();
  await an.sees('câu trả lời lúc mất mạng');
  await expect(an.message('câu trả lời lúc mất mạng')).toContainText('trả lời tin này');
  await expect(an.message('trả lời tin này').getByRole('button', { name: /❤️ 1/ })).toBeVisible();
  await expect(an.message('đã sửa xong')).toContainText('edited');
});

test('a member who is removed loses the conversation, and nothing they send is taken', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Câu lạc bộ', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Câu lạc bộ'), binh.opens('Câu lạc bộ')]);
  await an.writes('chào mọi người');
  await binh.sees('chào mọi người');
  await an.page.getByRole('button', { name: 'Details' }).click();
  await an.page.getByRole('button', { name: `Options for ${binh.name}` }).click();
  await an.page.getByRole('menuitem', { name: 'Remove from group' }).click();
  await an.page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(binh.row('Câu lạc bộ')).toHaveCount(0, { timeout: 3_000 });
  await expect(binh.composer).toHaveCount(0);
  const answer = await binh.context.request.post(`${stage.relay.url}/api/conversations/${id}/messages`, {
    data: { text: 'vẫn ở đây' },
  });
  expect(answer.status()).toBe(403);
  await an.writes('tạm biệt');
  await an.seesState('tạm biệt', 'Sent');
});
