/** Without a network: read, write, close the browser, come back; everything once, in order. */
import { expect, test } from './fixtures/stage.ts';

const LINES = ['một con vịt', 'hai con vịt', 'ba con vịt'];

for (const cut of ['the network is cut', 'the relay is stopped', 'the relay is killed'] as const) {
  test(`${cut}: written, reloaded, the browser restarted, and sent once and in order`, async ({ ownStage: stage }) => {
    test.setTimeout(120_000);
    const binh = await stage.actor('Bình');
    const { actor: an, closeBrowser, openBrowser } = await stage.actorWithBrowser('An');
    await stage.group('Chuyến tàu', an, [binh]);
    await Promise.all([an.comesIn(), binh.comesIn()]);
    await Promise.all([an.opens('Chuyến tàu'), binh.opens('Chuyến tàu')]);
    await an.writes('trước khi mất mạng');
    await an.seesState('trước khi mất mạng', 'Sent');
    await an.hasTheApp();

    if (cut === 'the network is cut') await an.context.setOffline(true);
    else await (cut === 'the relay is stopped' ? stage.relay.stop() : stage.relay.kill());
    await an.isOffline();
    for (const line of LINES.slice(0, 2)) await an.writes(line);
    await an.seesState('hai con vịt', 'Waiting');
    await an.reloads();
    await an.sees('hai con vịt');
    await an.writes(LINES[2] ?? '');
    await an.sees('ba con vịt');
    await closeBrowser();

    await openBrowser();
    if (cut === 'the network is cut') await an.context.setOffline(true);
    await an.page.goto(`${stage.relay.url}/`);
    await expect(an.row('Chuyến tàu')).toContainText('ba con vịt');
    await an.opens('Chuyến tàu');
    await an.sees('trước khi mất mạng');
    expect(await an.textsWith('con vịt')).toEqual(LINES);
    await expect(an.page.getByText(/3 waiting/)).toBeVisible();

    if (cut === 'the network is cut') await an.context.setOffline(false);
    else await stage.relay.start();
    await an.isOnline();
    for (const line of LINES) await an.seesState(line, 'Sent');
    await binh.isOnline();
    for (const line of LINES) await binh.seesOnce(line);
    expect(await binh.textsWith('con vịt')).toEqual(LINES);
    expect(await an.textsWith('con vịt')).toEqual(LINES);
  });
}

test('two people write offline at the same time, and see the same order afterwards', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Hai bờ', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens('Hai bờ'), binh.opens('Hai bờ')]);
  await an.writes('bắt đầu');
  await binh.sees('bắt đầu');
  await Promise.all([an.goesOffline(), binh.goesOffline()]);
  for (let i = 1; i <= 4; i++) {
    await an.writes(`An viết câu ${i}`);
    await binh.writes(`Bình viết câu ${i}`);
  }
  await Promise.all([an.comesBack(), binh.comesBack()]);
  for (let i = 1; i <= 4; i++) {
    await an.seesOnce(`Bình viết câu ${i}`);
    await binh.seesOnce(`An viết câu ${i}`);
    await an.seesState(`An viết câu ${i}`, 'Sent');
    await binh.seesState(`Bình viết câu ${i}`, 'Sent');
  }
  const order = await an.textsWith('viết câu');
  expect(order).toHaveLength(8);
  expect(await binh.textsWith('viết câu')).toEqual(order);
});

test('a group made offline, written into, arrives when the network is back', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Nhóm cũ', an, [binh, chi]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await expect(an.row('Nhóm cũ')).toBeVisible();
  await an.goesOffline();
  await an.startsGroup('Đi biển hè này', [binh.name, chi.name]);
  await an.writes('ai đi thì giơ tay');
  await an.seesState('ai đi thì giơ tay', 'Waiting');
  await an.reloads();
  await expect(an.row('Đi biển hè này')).toContainText('ai đi thì giơ tay');
  await an.comesBack();
  await an.opens('Đi biển hè này');
  await an.seesState('ai đi thì giơ tay', 'Sent');
  await expect(binh.row('Đi biển hè này')).toContainText('ai đi thì giơ tay');
  await binh.opens('Đi biển hè này');
  await binh.seesOnce('ai đi thì giơ tay');
});

test('a draft is kept, and the second tab agrees, also offline', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Hai thẻ', an, [binh]);
  await an.comesIn();
  await an.opens('Hai thẻ');
  await an.hasTheApp();
  const second = await an.context.newPage();
  await second.goto(an.page.url());
  const log = second.getByRole('log', { name: 'Messages' });
  await an.writes('thấy ở cả hai thẻ');
  await expect(log.getByText('thấy ở cả hai thẻ')).toBeVisible();
  await an.context.setOffline(true);
  await an.isOffline();
  await an.writes('cả khi mất mạng');
  await expect(log.getByText('cả khi mất mạng')).toBeVisible();
  await second.getByRole('textbox', { name: 'Message', exact: true }).fill('đang viết dở');
  await an.context.setOffline(false);
  await an.seesState('cả khi mất mạng', 'Sent');
  await an.seesOnce('cả khi mất mạng');
  await second.reload();
  await expect(second.getByRole('textbox', { name: 'Message', exact: true })).toHaveValue('đang viết dở');
});

test('the other language is there without a network, and stays', async ({ stage }) => {
  const an = await stage.actor('An');
  await an.comesIn();
  await an.goesOffline();
  await an.page.getByRole('link', { name: 'Settings' }).click();
  await an.page.getByRole('radio', { name: 'Tiếng Việt' }).click();
  await expect(an.page.getByRole('heading', { name: 'Cài đặt' })).toBeVisible();
  await expect(an.page.locator('html')).toHaveAttribute('lang', 'vi');
  await an.reloads();
  await expect(an.page.getByRole('heading', { name: 'Cài đặt' })).toBeVisible();
});

test('[L12] a network that goes while the app is being fetched is waited for', async ({ stage }) => {
  const an = await stage.actor('An');
  // What keeps the app on the device is fetched last; whether the rest gets through before is not what this play is about.
  let isAway = true;
  await an.context.route('**/_app/immutable/chunks/*.js', async (route) => {
    const response = await route.fetch();
    if (isAway && (await response.text()).includes('workbox:window')) await route.abort('internetdisconnected');
    else await route.fulfill({ response });
  });
  const missed = an.page.waitForEvent('requestfailed');
  await an.comesIn();
  await missed;
  await an.context.setOffline(true);
  await an.isOffline();
  isAway = false;
  await an.comesBack();
  await an.hasTheApp();
});
