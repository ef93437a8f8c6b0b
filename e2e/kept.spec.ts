/** Nothing that a person typed, and nothing that they were told, is lost or wrong: drafts, counts, changes made offline, texts with traps in them. */
import { expect, test } from './fixtures/stage.ts';

test('what was not sent stays: through another conversation, a reload, and on another device', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Chuyện dở dang', an, [binh]);
  await stage.group('Chuyện khác', an, [binh]);
  await an.comesIn();
  await an.opens('Chuyện dở dang');
  await an.composer.fill('mai mình tính…');
  await an.opens('Chuyện khác');
  await expect(an.composer).toHaveValue('');
  await expect(an.row('Chuyện dở dang')).toContainText('mai mình tính…');
  await an.opens('Chuyện dở dang');
  await expect(an.composer).toHaveValue('mai mình tính…');
  await an.reloads();
  await expect(an.composer).toHaveValue('mai mình tính…');
  const phone = await stage.anotherDevice(an, { viewport: { width: 390, height: 844 } });
  await phone.comesIn();
  await expect(phone.row('Chuyện dở dang')).toContainText('mai mình tính…');
});

test('an answer that was begun on one device is gone on with on another, with what it answers', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Trả lời dở', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await binh.opens('Trả lời dở');
  await binh.writes('mai mấy giờ đi?');
  await an.opens('Trả lời dở');
  await an.sees('mai mấy giờ đi?');
  await an.chooses('mai mấy giờ đi?', 'Reply');
  await an.composer.fill('6 giờ nha');
  const laptop = await stage.anotherDevice(an);
  await laptop.comesIn();
  await expect(laptop.row('Trả lời dở')).toContainText('6 giờ nha');
  await laptop.opens('Trả lời dở');
  await expect(laptop.composer).toHaveValue('6 giờ nha');
  await expect(laptop.page.getByText(`Reply to ${binh.name}`)).toBeVisible();
  await laptop.composer.press('Enter');
  await expect(binh.message('6 giờ nha')).toContainText('mai mấy giờ đi?');
});

test('unread is counted, also in the title, and gone everywhere once it is read on one device', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Đếm tin', an, [binh]);
  const phone = await stage.anotherDevice(an, { viewport: { width: 390, height: 844 } });
  await Promise.all([an.comesIn(), phone.comesIn(), binh.comesIn()]);
  await binh.opens('Đếm tin');
  for (const text of ['một tin', 'hai tin', 'ba tin']) await binh.writes(text);
  for (const device of [an, phone]) {
    await expect(device.row('Đếm tin')).toContainText('3 unread');
    await expect(device.page).toHaveTitle(/3/);
  }
  await expect(binh.row('Đếm tin')).not.toContainText('unread');
  await phone.opens('Đếm tin');
  await phone.sees('ba tin');
  await expect(an.row('Đếm tin')).not.toContainText('unread');
  await expect(an.page).not.toHaveTitle(/3/);
  await an.reloads();
  await an.isOnline();
  await expect(an.row('Đếm tin')).not.toContainText('unread');
});

test('an edit and a deletion made offline are kept through a reload, and arrive', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Sửa lúc tối', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Sửa lúc tối'), binh.opens('Sửa lúc tối')]);
  await an.writes('hẹn 5 giờ');
  await an.writes('gửi nhầm rồi');
  await binh.sees('gửi nhầm rồi');
  await an.goesOffline();
  await an.chooses('hẹn 5 giờ', 'Edit');
  await expect(an.composer).toHaveValue('hẹn 5 giờ');
  await an.writes('hẹn 6 giờ');
  await an.chooses('gửi nhầm rồi', 'Delete');
  await an.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(an.row('Sửa lúc tối')).toContainText('hẹn 6 giờ');
  await expect(an.row('Sửa lúc tối')).not.toContainText('gửi nhầm rồi');
  await an.reloads();
  await expect(an.row('Sửa lúc tối')).toContainText('hẹn 6 giờ');
  await an.sees('hẹn 6 giờ');
  await expect(an.log.getByText('Message deleted')).toBeVisible();
  await expect(an.log.getByText('gửi nhầm rồi')).toHaveCount(0);
  await binh.sees('hẹn 5 giờ');
  await an.comesBack();
  await binh.sees('hẹn 6 giờ');
  await expect(binh.log.getByText('hẹn 5 giờ')).toHaveCount(0);
  await expect(binh.log.getByText('gửi nhầm rồi')).toHaveCount(0);
  await expect(binh.log.getByText('Message deleted')).toBeVisible();
  for (const actor of [an, binh]) await expect(actor.row('Sửa lúc tối')).toContainText('hẹn 6 giờ');
});

test('removed while offline: what was written meanwhile reaches nobody, and its author is told', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Vắng mặt', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Vắng mặt'), binh.opens('Vắng mặt')]);
  await an.writes('có ai không');
  await binh.sees('có ai không');
  await binh.goesOffline();
  await binh.writes('em viết lúc mất mạng');
  const answer = await an.context.request.delete(`${stage.relay.url}/api/conversations/${id}/members/${binh.id}`);
  expect(answer.ok()).toBe(true);
  await binh.comesBack();
  await expect(binh.row('Vắng mặt')).toHaveCount(0);
  await expect(binh.composer).toHaveCount(0);
  // Told, with the text to copy: nothing that was typed is lost in silence.
  await expect(binh.page.getByText('em viết lúc mất mạng')).toBeVisible();
  await an.writes('hết rồi');
  await an.seesState('hết rồi', 'Sent');
  await expect(an.log.getByText('em viết lúc mất mạng')).toHaveCount(0);
});

test('names, titles and texts are shown as text; only harmless links are links', async ({ stage }) => {
  const trap = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>';
  const [an, binh] = [await stage.actor('An'), await stage.actor(`<b>Bình</b>`)];
  await stage.group(`Bẫy ${trap}`, an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await binh.opens('Bẫy');
  await binh.writes(`${trap} [bấm](javascript:window.caught=1) javascript:alert(1) https://example.org/a?b=1`);
  await an.opens('Bẫy');
  await an.sees(trap);
  await expect(an.log.getByText('<b>Bình</b>').first()).toBeVisible();
  const links = await an.log.getByRole('link').evaluateAll((found) => found.map((link) => link.getAttribute('href')));
  expect(links).toEqual(['https://example.org/a?b=1']);
  expect(await an.page.evaluate(() => (window as { caught?: number }).caught)).toBeUndefined();
});
