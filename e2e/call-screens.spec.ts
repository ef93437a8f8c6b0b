/** The screens of calls, as they are seen, read out and reached by keys; what is sent in a call is the matter of calls.spec.ts. */
import type { Locator } from '@playwright/test';
import { findings } from './fixtures/axe.ts';
import { Caller, CALLER_BROWSER } from './fixtures/caller.ts';
import { expect, test, type Stage } from './fixtures/stage.ts';

test.use(CALLER_BROWSER);
test.describe.configure({ timeout: 150_000 });

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const lines = ({ who }: Caller): Locator => who.log.getByRole('article');
const bar = ({ page }: Caller): Locator => page.getByRole('region', { name: /^Call with/ });
const screenOf = ({ page }: Caller): Locator => page.getByRole('dialog', { name: /^Call with/ });

/** Two who have a conversation of their own, both looking at it: one at a desk, one with a phone. */
async function two(stage: Stage): Promise<[an: Caller, binh: Caller]> {
  const an = new Caller(await stage.actor('An'));
  const binh = new Caller(await stage.actor('Bình', PHONE));
  const answer = await an.who.context.request.post(`${stage.relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.who.id] },
  });
  expect(answer.ok()).toBe(true);
  await Promise.all([an.who.comesIn(), binh.who.comesIn()]);
  await Promise.all([an.who.opens(binh.who.name), binh.who.opens(an.who.name)]);
  return [an, binh];
}

test('a call that comes in is a dialog that no key answers by accident', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Video call');
  await expect(binh.ring).toBeVisible();
  await expect(binh.ring).toContainText(an.who.name);
  await expect(binh.ring).toContainText('Video call');
  await expect(binh.ring).toBeFocused();
  await expect(binh.page).toHaveTitle(/^Incoming call/);
  expect(await findings(binh.page)).toEqual([]);
  expect(await findings(an.page)).toEqual([]);
  for (const key of ['Space', 'Enter', 'Escape']) await binh.page.keyboard.press(key);
  await expect(binh.ring).toBeVisible();
  await binh.ring.getByRole('button', { name: 'Voice only' }).click();
  await expect(binh.button('Camera')).toHaveAttribute('aria-pressed', 'false');
  await expect(binh.page).not.toHaveTitle(/Incoming call/);
  await an.hangsUp();
  await binh.isInNoCall();
});

test('in a call: keys, names, and a bar that covers nothing while it is small', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Voice call');
  await expect(screenOf(an).getByText('Ringing…')).toBeVisible();
  await binh.accepts();
  await expect(screenOf(an).getByText(/^0:\d\d/)).toBeVisible();
  for (const caller of [an, binh]) expect(await findings(caller.page)).toEqual([]);
  await an.page.keyboard.press('m');
  await expect(an.button('Mute')).toHaveAttribute('aria-pressed', 'true');
  await expect(screenOf(binh).getByText('Muted')).toBeVisible();
  await an.page.keyboard.press('v');
  await expect(an.button('Camera')).toHaveAttribute('aria-pressed', 'true');
  // Renamed meanwhile.
  await binh.who.context.request.patch(`${stage.relay.url}/api/me`, { data: { name: 'Bình An' } });
  await expect(screenOf(an)).toHaveAccessibleName('Call with Bình An');
  await an.page.keyboard.press('Escape');
  await expect(screenOf(an)).toHaveCount(0);
  await expect(bar(an)).toBeVisible();
  // Letters are for writing again.
  await an.who.writes('mai vẫn gặp nhé');
  await expect(bar(an).getByRole('button', { name: 'Mute' })).toHaveAttribute('aria-pressed', 'true');
  expect(await findings(an.page)).toEqual([]);
  const [above, below] = await Promise.all([bar(an).boundingBox(), an.who.list.boundingBox()]);
  expect(below?.y).toBeGreaterThanOrEqual((above?.y ?? 0) + (above?.height ?? 0));
  await bar(an).getByRole('button', { name: 'Return to the call' }).click();
  await expect(screenOf(an)).toBeVisible();
  await binh.page.getByRole('button', { name: 'Make small' }).click();
  await expect(bar(binh)).toBeVisible();
  expect(await findings(binh.page)).toEqual([]);
  await bar(binh).getByRole('button', { name: 'Hang up' }).click();
  await expect(screenOf(an).getByText(/^Call ended/)).toBeVisible();
  await expect(screenOf(an).getByRole('button', { name: 'Call again' })).toBeVisible();
});

test('devices are chosen in the call, with how loud one is', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Video call');
  await binh.accepts();
  await an.page.getByRole('button', { name: 'Sound and camera' }).click();
  const devices = an.page.getByRole('dialog', { name: 'Sound and camera' });
  await expect(devices.getByRole('combobox', { name: 'Microphone' }).locator('option')).not.toHaveCount(0);
  await expect(devices.getByRole('combobox', { name: 'Camera' })).toBeVisible();
  // The make-believe microphone beeps.
  const meter = devices.getByRole('meter', { name: 'Microphone level' });
  await expect.poll(() => meter.getAttribute('aria-valuenow').then(Number)).toBeGreaterThan(10);
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('Escape');
  await expect(devices).toHaveCount(0);
  await an.hangsUp();
});

test('[C17] what is left of a call is a line to call back from, and says another thing to whoever missed it', async ({
  stage,
}) => {
  const [an, binh] = await two(stage);
  await an.calls('Voice call');
  await expect(binh.ring).toBeVisible();
  await an.hangsUp();
  await expect(lines(an)).toHaveText(/Voice call.*Cancelled/s);
  await expect(lines(binh)).toHaveText(/Missed call/);
  await expect(an.who.row(binh.who.name)).toContainText('Voice call · Cancelled');
  expect(await findings(binh.page)).toEqual([]);
  // Nothing of it can be copied, edited or reacted to.
  await lines(an).press('Enter');
  await expect(an.page.getByRole('menuitem')).toHaveText(['Call again', 'Reply', 'Delete']);
  await an.page.keyboard.press('Escape');
  await lines(binh).getByRole('button', { name: 'Call back' }).click();
  await an.accepts();
  await expect(screenOf(binh).getByText(/^0:\d\d/)).toBeVisible();
  await an.hangsUp();
  await expect(lines(an)).toHaveCount(2);
  // And a list of all of them, also without a network.
  await binh.page.goto(`${stage.relay.url}/calls`);
  const past = binh.page.getByRole('list', { name: 'Calls' }).getByRole('listitem');
  await expect(past).toHaveText([/Outgoing.*Voice call · 0:\d\d/s, /Incoming.*Missed call/s]);
  expect(await findings(binh.page)).toEqual([]);
  await binh.who.goesOffline();
  await binh.who.reloads();
  await expect(past).toHaveCount(2);
});

test.describe(() => {
  test.use({ settings: { RING_SECONDS: '5' } });
  test('who does not answer in time has missed it, and both are told so', async ({ ownStage }) => {
    const [an, binh] = await two(ownStage);
    await an.calls('Video call');
    await expect(binh.ring).toBeVisible();
    await expect(screenOf(an).getByText('No answer')).toBeVisible();
    await expect(binh.ring).toHaveCount(0);
    await expect(lines(an)).toHaveText(/Video call.*No answer/s);
    await expect(lines(binh)).toHaveText(/Missed video call/);
    await expect(an.button('Video call')).toBeFocused();
  });
});

test('a call that goes on is joined from its conversation, and taken over from another device', async ({ stage }) => {
  const an = new Caller(await stage.actor('An'));
  const binh = new Caller(await stage.actor('Bình', PHONE));
  const chi = new Caller(await stage.actor('Chi'));
  await stage.group('Gọi cả nhóm', an.who, [binh.who, chi.who]);
  await Promise.all([an, binh, chi].map(({ who }) => who.comesIn()));
  await Promise.all([an, binh, chi].map(({ who }) => who.opens('Gọi cả nhóm')));
  await an.calls('Voice call');
  await expect(chi.ring).toContainText(`${an.who.name} is calling the group`);
  await binh.accepts();
  await chi.declines();
  const ongoing = chi.page.getByRole('region', { name: 'Call in progress' });
  await expect(ongoing).toContainText(an.who.name);
  await expect(chi.who.row('Gọi cả nhóm')).toContainText('Call in progress');
  expect(await findings(chi.page)).toEqual([]);
  await ongoing.getByRole('button', { name: 'Join' }).click();
  for (const caller of [an, binh, chi]) {
    for (const other of [an, binh, chi].filter((one) => one !== caller))
      await expect(screenOf(caller).getByRole('group', { name: other.who.name })).toBeVisible();
    await expect(screenOf(caller).getByRole('group', { name: 'You' })).toBeVisible();
  }
  expect(await findings(binh.page)).toEqual([]);
  await binh.page.getByRole('button', { name: 'Speaker view' }).click();
  await expect(screenOf(binh).getByRole('group')).toHaveCount(3);
  const tablet = new Caller(await stage.anotherDevice(binh.who));
  await tablet.who.comesIn();
  await tablet.who.opens('Gọi cả nhóm');
  await tablet.page.getByRole('button', { name: 'Take over' }).click();
  await expect(screenOf(binh).getByText('Goes on at your other device')).toBeVisible();
  await expect(screenOf(tablet).getByRole('group', { name: an.who.name })).toBeVisible();
});

test('who has no network is told so, and can take it back', async ({ stage }) => {
  const [an] = await two(stage);
  await an.who.goesOffline();
  await an.calls('Voice call');
  await expect(screenOf(an).getByRole('alert')).toContainText('You are offline; calls need a connection.');
  await an.hangsUp();
});
