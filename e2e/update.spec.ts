/** A new version of the app: told when it is ready, and nothing changes under a person who is writing. */
import type { Actor } from './fixtures/actor.ts';
import { NEXT } from './fixtures/next-version.ts';
import { expect, test } from './fixtures/stage.ts';

const told = ({ page }: Actor) => page.getByText('A new version is ready.');
const next = ({ page }: Actor) => page.locator(NEXT);

/** Somebody comes back to a tab that stayed open. */
const comesBackTo = ({ page }: Actor) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

test('a new version is told, waits until the person agrees, and takes no draft with it', async ({
  ownStage: stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Lịch trực', an, [binh]);
  await an.comesIn();
  await an.hasTheApp();
  await an.opens('Lịch trực');
  await an.composer.fill('thứ hai tới');
  await expect(next(an)).toHaveCount(0);

  await stage.relay.update();
  await an.isOnline();
  await comesBackTo(an);
  await expect(told(an)).toBeVisible();
  await an.composer.pressSequentially(' thì đến lượt em');
  await expect(an.composer).toHaveValue('thứ hai tới thì đến lượt em');
  await an.page.getByRole('button', { name: 'Later' }).click();
  await expect(told(an)).toHaveCount(0);

  // The old one is what starts, until somebody agrees.
  await an.reloads();
  await expect(an.composer).toHaveValue('thứ hai tới thì đến lượt em');
  await expect(next(an)).toHaveCount(0);
  await expect(told(an)).toBeVisible();
  await an.composer.press('End');
  await an.composer.pressSequentially(', em đổi được không?');
  await an.page.getByRole('button', { name: 'Switch now' }).click();
  await expect(next(an)).toHaveCount(1);
  await expect(an.composer).toHaveValue('thứ hai tới thì đến lượt em, em đổi được không?');
  await expect(told(an)).toHaveCount(0);

  // It is on the device.
  await an.goesOffline();
  await an.reloads();
  await expect(next(an)).toHaveCount(1);
  await expect(an.composer).toHaveValue('thứ hai tới thì đến lượt em, em đổi được không?');
  await an.composer.press('Enter');
  await an.seesState('thứ hai tới thì đến lượt em, em đổi được không?', 'Waiting');
  await an.comesBack();
  await an.seesState('thứ hai tới thì đến lượt em, em đổi được không?', 'Sent');
});

test('all open tabs switch together, each with what was being written in it', async ({ ownStage: stage }) => {
  const an = await stage.actor('An');
  await stage.group('Tab trái', an, []);
  await stage.group('Tab phải', an, []);
  await an.comesIn();
  await an.hasTheApp();
  await an.opens('Tab trái');
  const right = await an.anotherTab();
  await right.comesIn();
  await right.opens('Tab phải');
  await stage.relay.update();
  await Promise.all([an.isOnline(), right.isOnline()]);
  await comesBackTo(an);
  await Promise.all([an, right].map((tab) => expect(told(tab)).toBeVisible()));
  await an.composer.fill('đang viết bên trái');
  await right.composer.fill('đang viết bên phải');
  await an.page.getByRole('button', { name: 'Switch now' }).click();
  for (const [tab, text] of [
    [an, 'đang viết bên trái'],
    [right, 'đang viết bên phải'],
  ] as const) {
    await expect(next(tab)).toHaveCount(1);
    await expect(tab.composer).toHaveValue(text);
  }
});
