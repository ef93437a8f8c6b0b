/** Doors: refusals beside the fields, sessions that end elsewhere, leaving without a trace, Vietnamese. */
import { readFileSync } from 'node:fs';
import { expect, PASSWORD, test } from './fixtures/stage.ts';

const vi = JSON.parse(readFileSync(new URL('../messages/vi.json', import.meta.url), 'utf8')) as Record<string, string>;

test('refusals stand beside their fields, and what was typed stays', async ({ stage }) => {
  const an = await stage.actor('An');
  const page = await (await stage.stranger()).newPage();
  await page.goto(`${stage.relay.url}/signup`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Người khác');
  await page.getByRole('textbox', { name: 'Email' }).fill(an.email);
  await page.getByLabel('Password', { exact: true }).fill('ngắn');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('Password', { exact: true }).fill('đủ dài rồi đây');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('There is an account with this email already')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Người khác');

  await page.goto(`${stage.relay.url}/login`);
  await page.getByRole('textbox', { name: 'Email' }).fill(an.email);
  await page.getByLabel('Password', { exact: true }).fill('không phải mật khẩu này');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('The email or the password is not right.')).toBeVisible();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('navigation', { name: 'Conversations' })).toBeVisible();
});

test('a session that is ended elsewhere is told, and what was written stays', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Họp lớp', an, [binh]);
  const phone = await stage.anotherDevice(an);
  await Promise.all([an.comesIn(), phone.comesIn()]);
  await an.opens('Họp lớp');
  await an.composer.fill('chưa kịp gửi');
  await phone.page.goto(`${stage.relay.url}/settings`);
  await phone.page.getByRole('button', { name: 'Sign out there' }).click();
  await expect(an.page.getByText('You were signed out on this device')).toBeVisible();
  await expect(an.composer).toHaveValue('chưa kịp gửi');
  await an.composer.press('Enter');
  await an.seesState('chưa kịp gửi', 'Waiting');
  await an.page.getByRole('link', { name: 'Sign in' }).click();
  await an.page.getByRole('textbox', { name: 'Email' }).fill(an.email);
  await an.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await an.page.getByRole('button', { name: 'Sign in' }).click();
  await an.opens('Họp lớp');
  await an.seesState('chưa kịp gửi', 'Sent');
});

test('a changed password signs the other devices out, and is the one that opens the door', async ({ stage }) => {
  const an = await stage.actor('An');
  await stage.group('Ổ khoá', an, []);
  const phone = await stage.anotherDevice(an);
  await Promise.all([an.comesIn(), phone.comesIn()]);
  await phone.opens('Ổ khoá');
  await an.page.getByRole('link', { name: 'Settings' }).click();
  const [current, next] = [
    an.page.getByLabel('Current password', { exact: true }),
    an.page.getByLabel('New password', { exact: true }),
  ];
  const change = an.page.getByRole('button', { name: 'Change password' });
  await expect(an.page.getByRole('button', { name: 'Sign out there' })).toHaveCount(1);
  await expect(change).toBeDisabled();

  await current.fill('không phải cái này');
  await next.fill('ngắn');
  await change.click();
  await expect(next).toHaveAttribute('aria-invalid', 'true');
  await next.fill('chìa khoá mới tinh');
  await change.click();
  await expect(an.page.getByText('This is not your current password.')).toBeVisible();
  await expect(next).toHaveValue('chìa khoá mới tinh');

  await current.fill(PASSWORD);
  await change.click();
  await expect(an.page.getByText('Changed. Your other devices are signed out')).toBeVisible();
  await expect(current).toHaveValue('');
  await expect(an.page.getByRole('button', { name: 'Sign out there' })).toHaveCount(0);
  await an.isOnline();
  await expect(phone.page.getByText('You were signed out on this device')).toBeVisible();

  await phone.page.getByRole('link', { name: 'Sign in' }).click();
  await phone.page.getByRole('textbox', { name: 'Email' }).fill(an.email);
  await phone.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await phone.page.getByRole('button', { name: 'Sign in' }).click();
  await expect(phone.page.getByText('The email or the password is not right.')).toBeVisible();
  await phone.page.getByLabel('Password', { exact: true }).fill('chìa khoá mới tinh');
  await phone.page.getByRole('button', { name: 'Sign in' }).click();
  await expect(phone.row('Ổ khoá')).toBeVisible();
});

test('signing out asks when something is unsent, and forgets the person on this device', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Bí mật', an, [binh]);
  await an.comesIn();
  await an.opens('Bí mật');
  await an.writes('đã gửi rồi');
  await an.seesState('đã gửi rồi', 'Sent');
  await an.goesOffline();
  await an.writes('còn chờ');
  await an.page.goto(`${stage.relay.url}/settings`);
  await an.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(an.page.getByRole('dialog')).toContainText('not been sent');
  await an.page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click();
  await an.comesBack();
  await an.opens('Bí mật');
  await an.seesState('còn chờ', 'Sent');
  await an.page.goto(`${stage.relay.url}/settings`);
  await an.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(an.page).toHaveURL(/\/login$/);
  const left = await an.page.evaluate(async () => (await indexedDB.databases()).map((database) => database.name ?? ''));
  expect(left.filter((name) => name.includes(an.id))).toEqual([]);
});

test('in Vietnamese, from the browser’s language', async ({ stage }) => {
  const page = await (await stage.stranger({ locale: 'vi-VN' })).newPage();
  await page.goto(`${stage.relay.url}/signup`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'vi');
  await page.getByRole('textbox', { name: vi.name ?? '', exact: true }).fill('Chị Hương');
  await page.getByRole('textbox', { name: vi.email ?? '' }).fill(`huong.${process.pid}.${Date.now()}@example.org`);
  await page.getByLabel(vi.password ?? '', { exact: true }).fill('một mật khẩu đủ dài');
  await page.getByRole('button', { name: vi.create_account ?? '' }).click();
  await expect(page.getByRole('navigation', { name: vi.conversations ?? '' })).toBeVisible();
  await expect(page.getByText(vi.empty_title ?? '')).toBeVisible();
});
