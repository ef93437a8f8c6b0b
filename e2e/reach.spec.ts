/** Everybody gets at everything: by keyboard, on a phone, with a screen reader. */
import { findings } from './fixtures/axe.ts';
import { expect, PASSWORD, test } from './fixtures/stage.ts';

test('axe finds nothing on any screen', async ({ stage }) => {
  const door = await (await stage.stranger()).newPage();
  for (const path of ['/signup', '/login']) {
    await door.goto(`${stage.relay.url}${path}`);
    await door.getByRole('button').first().waitFor();
    expect(await findings(door)).toEqual([]);
  }
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await an.comesIn();
  expect(await findings(an.page)).toEqual([]);
  await stage.group('Lớp tiếng Anh', an, [binh]);
  await binh.comesIn();
  await binh.opens('Lớp tiếng Anh');
  await binh.writes('xem giúp bài này nhé https://example.org `code` **đậm**');
  await an.opens('Lớp tiếng Anh');
  await an.sees('xem giúp bài này nhé');
  await an.writes('để mình xem');
  await an.seesState('để mình xem', 'Sent');
  expect(await findings(an.page)).toEqual([]);
  await an.page.getByRole('button', { name: 'Details' }).click();
  await an.page.getByRole('button', { name: 'Leave group' }).waitFor();
  expect(await findings(an.page)).toEqual([]);
  await an.page.getByRole('button', { name: 'New conversation' }).first().click();
  await an.page.getByRole('dialog').getByRole('checkbox').first().waitFor();
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('Escape');
  await an.page.goto(`${stage.relay.url}/settings`);
  await an.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
  expect(await findings(an.page)).toEqual([]);
});

test('by keyboard alone: choose, write, reply', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Bàn phím', an, [binh]);
  await binh.comesIn();
  await binh.opens('Bàn phím');
  await binh.writes('trả lời em đi');
  await an.comesIn();
  await expect(an.row('Bàn phím')).toBeVisible();
  await an.page.keyboard.press('Control+k');
  await an.page.keyboard.type('ban phim');
  await an.page.keyboard.press('ArrowDown');
  await an.page.keyboard.press('Enter');
  await an.sees('trả lời em đi');
  await an.message('trả lời em đi').focus();
  await an.page.keyboard.press('Enter');
  await expect(an.page.getByRole('menuitem', { name: 'Reply' })).toBeFocused();
  await an.page.keyboard.press('Enter');
  await expect(an.composer).toBeFocused();
  await an.page.keyboard.type('đây nè');
  await an.page.keyboard.press('Shift+Enter');
  await an.page.keyboard.type('dòng hai');
  await an.page.keyboard.press('Enter');
  await expect(binh.message('đây nè')).toContainText('trả lời em đi');
  await expect(binh.message('đây nè')).toContainText('dòng hai');
});

test('on a phone: the list, a conversation, and back', async ({ stage }) => {
  const [an, binh] = [
    await stage.actor('An', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }),
    await stage.actor('Bình'),
  ];
  await stage.group('Bỏ túi', an, [binh]);
  await an.comesIn();
  await an.opens('Bỏ túi');
  await expect(an.list).toBeHidden();
  await an.composer.fill('từ điện thoại');
  await an.page.getByRole('button', { name: 'Send' }).tap();
  await an.seesState('từ điện thoại', 'Sent');
  await an.page
    .getByRole('button', { name: /^Back/ })
    .or(an.page.getByRole('link', { name: /^Back/ }))
    .first()
    .tap();
  await expect(an.list).toBeVisible();
  await expect(an.row('Bỏ túi')).toContainText('từ điện thoại');
  const overflow = await an.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test('axe finds nothing in menus, dialogs and on a phone', async ({ stage }) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  await stage.group('Họp phụ huynh', an, [binh]);
  await stage.group('Nhóm khác', an, [chi]);
  await an.comesIn();
  await an.opens('Họp phụ huynh');
  await an.writes('mai họp lúc 8 giờ');
  await an.seesState('mai họp lúc 8 giờ', 'Sent');

  const message = an.message('mai họp lúc 8 giờ');
  await message.hover();
  await message.getByRole('button', { name: 'Message actions' }).click();
  await expect(an.page.getByRole('menuitem', { name: 'Reply' })).toBeVisible();
  expect(await findings(an.page)).toEqual([]);
  await an.page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(an.page.getByRole('dialog').getByRole('button', { name: 'Delete' })).toBeVisible();
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('Escape');
  await expect(an.page.getByRole('dialog')).toHaveCount(0);

  await an.chooses('mai họp lúc 8 giờ', 'Reply');
  await an.goesOffline();
  await an.writes('trả lời lúc mất mạng');
  await expect(an.page.getByText(/1 waiting/)).toBeVisible();
  expect(await findings(an.page)).toEqual([]);
  await an.comesBack();

  await an.page.getByRole('button', { name: 'Details' }).click();
  await an.page.getByRole('button', { name: 'Add people' }).click();
  await an.page.getByRole('dialog').getByRole('checkbox', { name: chi.name }).check();
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('Escape');
  await an.page.getByRole('button', { name: 'Leave group' }).click();
  await expect(an.page.getByRole('dialog')).toBeVisible();
  expect(await findings(an.page)).toEqual([]);

  const phone = await stage.anotherDevice(an, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await phone.comesIn();
  expect(await findings(phone.page)).toEqual([]);
  await phone.opens('Họp phụ huynh');
  await phone.sees('mai họp lúc 8 giờ');
  expect(await findings(phone.page)).toEqual([]);
});

test('axe finds nothing in roles, pickers, refusals and where there is nothing', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An', { viewport: { width: 820, height: 760 } }), await stage.actor('Bình')];
  const { page } = an;
  await stage.group('Chung cư', an, [binh]);
  await an.comesIn();
  await an.opens('Chung cư');
  await page.getByRole('button', { name: 'Emoji' }).click();
  await page.getByText('😀').first().waitFor();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const options = page.getByRole('button', { name: `Options for ${binh.name}` });
  await options.click();
  await expect(page.getByRole('menuitem', { name: 'Make admin' })).toBeVisible();
  expect(await findings(page)).toEqual([]);
  for (const item of ['Hand over the group', 'Remove from group']) {
    await page.getByRole('menuitem', { name: item }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await options.click();
  }
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Leave group' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible();
  expect(await findings(page)).toEqual([]);

  await page.goto(`${stage.relay.url}/settings`);
  await page.getByLabel('Current password', { exact: true }).fill('không phải cái này');
  await page.getByLabel('New password', { exact: true }).fill('một mật khẩu mới');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('This is not your current password.')).toBeVisible();
  expect(await findings(page)).toEqual([]);
  await an.opens('Chung cư');
  await an.goesOffline();
  await an.writes('chưa gửi được');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await an.comesBack();

  for (const [path, words] of [
    ['/khong-co-o-day', 'There is nothing at this address.'],
    [`/c/c${'0'.repeat(25)}`, 'This conversation is not on this device'],
  ] as const) {
    await page.goto(stage.relay.url + path);
    await expect(page.getByText(words)).toBeVisible();
    expect(await findings(page)).toEqual([]);
  }
});

test('the width of the list is dragged, moved by keys, kept, and leaves room for what is open', async ({ stage }) => {
  const an = await stage.actor('An');
  await an.comesIn();
  const edge = an.page.getByRole('separator', { name: 'Width of the list' });
  const width = async (): Promise<number> => (await an.list.boundingBox())?.width ?? 0;
  const usual = await width();
  const box = await edge.boundingBox();
  if (box === null) throw new Error('the list has no edge');
  await an.page.mouse.move(box.x + box.width / 2, 300);
  await an.page.mouse.down();
  await an.page.mouse.move(900, 300, { steps: 3 });
  await an.page.mouse.up();
  await expect(edge).toHaveAttribute('aria-valuenow', '480');
  expect(await width()).toBeGreaterThan(usual + 100);
  await edge.press('ArrowLeft');
  await expect(edge).toHaveAttribute('aria-valuenow', '464');
  await an.reloads();
  await expect(edge).toHaveAttribute('aria-valuenow', '464');
  await an.page.setViewportSize({ width: 720, height: 700 });
  await expect(edge).toHaveAttribute('aria-valuenow', '324');
  await edge.press('Home');
  await expect(edge).toHaveAttribute('aria-valuenow', '280');
});

test('by keyboard alone: sign in, and the first conversation opens', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Cửa mở', an, [binh]);
  const page = await (await stage.stranger()).newPage();
  await page.goto(stage.relay.url);
  const email = page.getByRole('textbox', { name: 'Email' });
  await expect(email).toBeVisible();
  for (
    let presses = 0;
    presses < 4 && !(await email.evaluate((element) => element === document.activeElement));
    presses++
  ) {
    await page.keyboard.press('Tab');
  }
  await expect(email).toBeFocused();
  await page.keyboard.type(an.email);
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Password', { exact: true })).toBeFocused();
  await page.keyboard.insertText(PASSWORD);
  await page.keyboard.press('Enter');
  const row = page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: 'Cửa mở' });
  await expect(row).toBeVisible();
  for (
    let presses = 0;
    presses < 8 && !(await row.evaluate((element) => element === document.activeElement));
    presses++
  ) {
    await page.keyboard.press('Tab');
  }
  await expect(row).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Message', exact: true })).toBeFocused();
  await page.keyboard.insertText('vào được rồi');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('log', { name: 'Messages' }).getByRole('article')).toContainText('Sent');
});
