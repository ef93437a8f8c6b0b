/** Voice notes: recorded with the browser's make-believe microphone, which beeps, sent, and heard at the other end. */
import type { Locator } from '@playwright/test';
import type { Actor } from './fixtures/actor.ts';
import { findings } from './fixtures/axe.ts';
import { BROWSER_ARGS, installedBrowser } from './fixtures/browser.ts';
import { expect, test } from './fixtures/stage.ts';

const executablePath = installedBrowser();
test.use({
  launchOptions: {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...BROWSER_ARGS, '--use-fake-device-for-media-stream', '--autoplay-policy=user-gesture-required'],
  },
});

const letsListen = (who: Actor) => who.context.grantPermissions(['microphone'], { origin: who.url });
const microphone = (who: Actor) => who.page.getByRole('button', { name: 'Record a voice message' });
const recorder = (who: Actor) => who.page.getByRole('group', { name: 'Recording' });
const notes = (who: Actor) => who.log.getByRole('slider', { name: 'Position in the voice message' });
const position = (note: Locator) => note.getAttribute('aria-valuenow').then(Number);

/** Fills with the positions that it takes from now on. */
const moves = (note: Locator) =>
  note.evaluateHandle((slider) => {
    const seen: (string | null)[] = [];
    const look = () => seen.push(slider.getAttribute('aria-valuenow'));
    new MutationObserver(look).observe(slider, { attributeFilter: ['aria-valuenow'] });
    return seen;
  });

async function together(stage: { actor(name: string): Promise<Actor>; group: unknown }, title: string) {
  const { group } = stage as unknown as { group(title: string, owner: Actor, others: Actor[]): Promise<string> };
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await group.call(stage, title, an, [binh]);
  await letsListen(an);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await Promise.all([an.opens(title), binh.opens(title)]);
  return { an, binh };
}

async function records(who: Actor, until: string): Promise<void> {
  await microphone(who).click();
  await expect(recorder(who).getByRole('timer')).toHaveText(until);
  await recorder(who).getByRole('button', { name: 'Send' }).click();
  await expect(recorder(who)).toHaveCount(0);
}

test('[B25] a voice note is recorded, sent and heard at the other end', async ({ stage }) => {
  const { an, binh } = await together(stage, 'Giọng nói');
  await records(an, '0:02');
  await expect(notes(binh)).toHaveCount(1);
  const note = notes(binh);
  await expect(note).toHaveAttribute('aria-valuemax', /^[2-9]$/);
  // What was recorded is drawn: the beeps are loud.
  const tall = await note.locator('path').first().getAttribute('d');
  expect(tall).toContain('98.0');
  await binh.log.getByRole('button', { name: 'Play' }).click();
  await expect(binh.log.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect.poll(() => position(note)).toBeGreaterThan(0);
  // To its end, and back to where it begins.
  await expect(binh.log.getByRole('button', { name: 'Play' })).toBeVisible();
  await expect.poll(() => position(note)).toBe(0);

  // One that comes after it is played with it; what was heard is not, also after the app was started anew.
  await records(an, '0:01');
  await records(an, '0:01');
  await expect(notes(binh)).toHaveCount(3);
  const isHeard = await moves(notes(binh).nth(2));
  await binh.log.getByRole('button', { name: 'Play' }).nth(1).click();
  await expect.poll(() => isHeard.jsonValue()).not.toEqual([]);
  await expect(binh.log.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  await binh.reloads();
  await expect(notes(binh)).toHaveCount(3);
  const [second, third] = [await moves(notes(binh).nth(1)), await moves(notes(binh).nth(2))];
  await binh.log.getByRole('button', { name: 'Play' }).nth(1).click();
  await expect.poll(() => second.jsonValue()).not.toEqual([]);
  await expect(binh.log.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  expect(await third.jsonValue()).toEqual([]);
});

test('one moves within a voice note with the keyboard, and changes how fast it is', async ({ stage }) => {
  const { an } = await together(stage, 'Đi tới đi lui');
  await records(an, '0:02');
  await expect(an.log.getByText(/^(Sent|Delivered|Read)$/)).toHaveCount(1);
  const note = notes(an);
  await note.press('End');
  await expect.poll(() => position(note)).toBeGreaterThan(1);
  await note.press('ArrowLeft');
  await expect.poll(() => position(note)).toBe(0);
  await an.log.getByRole('button', { name: 'Play' }).click();
  await an.log.getByRole('button', { name: 'Pause' }).click();
  await an.log.getByRole('button', { name: 'Speed 1×' }).click();
  await expect(an.log.getByRole('button', { name: 'Speed 1.5×' })).toBeVisible();
  await note.press('Home');
  await expect.poll(() => position(note)).toBe(0);
});

test('it plays on in another conversation, with a bar to pause and end it', async ({ stage }) => {
  const { an } = await together(stage, 'Nghe tiếp');
  await stage.group('Chỗ khác', an, []);
  await records(an, '0:05');
  await an.log.getByRole('button', { name: 'Play' }).click();
  await expect(an.page.getByRole('region', { name: 'Now playing' })).toHaveCount(0);
  await an.opens('Chỗ khác');
  const bar = an.page.getByRole('region', { name: 'Now playing' });
  await bar.getByRole('button', { name: 'Pause' }).click();
  await expect(bar.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  // On a phone settings are a screen of their own; it goes on there.
  await an.page.setViewportSize({ width: 390, height: 844 });
  await an.page.getByRole('link', { name: 'Back' }).click();
  await an.page.getByRole('link', { name: 'Settings' }).click();
  await expect(an.page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await bar.getByRole('button', { name: 'Play', exact: true }).click();
  await expect(bar.getByRole('button', { name: 'Pause' })).toBeInViewport();
  await bar.getByRole('button', { name: 'Stop playing' }).click();
  await expect(bar).toHaveCount(0);
});

/** In the page, quicker than any hand: presses Send as soon as it can be pressed. */
function sendAtOnce(): void {
  new MutationObserver((_, watching) => {
    const send = document.querySelector<HTMLButtonElement>('[aria-label=Recording] button[aria-label=Send]');
    if (send?.disabled !== false) return;
    watching.disconnect();
    send.click();
  }).observe(document.body, { childList: true, subtree: true, attributes: true });
}

test('what was cancelled is not sent, nor what is too short', async ({ stage }) => {
  const { an } = await together(stage, 'Thôi');
  await microphone(an).click();
  await expect(recorder(an).getByRole('timer')).toHaveText('0:01');
  expect(await findings(an.page)).toEqual([]);
  await an.page.keyboard.press('Escape');
  await expect(recorder(an)).toHaveCount(0);
  // Escape has ended the recording, not the visit.
  await expect(an.composer).toBeFocused();
  await an.page.evaluate(sendAtOnce);
  await microphone(an).click();
  await expect(recorder(an).getByRole('alert')).toContainText('Too short');
  // It closes by itself.
  await expect(recorder(an)).toHaveCount(0);
  await expect(notes(an)).toHaveCount(0);
});

test('whoever leaves while recording is asked first', async ({ stage }) => {
  const { an } = await together(stage, 'Khoan đã');
  await stage.group('Chỗ khác', an, []);
  await microphone(an).click();
  await expect(recorder(an).getByRole('timer')).toHaveText('0:01');
  await an.row('Chỗ khác').click();
  const dialog = an.page.getByRole('dialog', { name: 'You are still recording' });
  await dialog.getByRole('button', { name: 'Go on recording' }).click();
  await expect(recorder(an).getByRole('timer')).toBeVisible();
  await an.row('Chỗ khác').click();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await expect(an.page.getByRole('heading', { name: 'Chỗ khác' })).toBeVisible();
  await an.row('Khoan đã').click();
  await expect(notes(an)).toHaveCount(1);
});

test('without the microphone one is told why, and what to do', async ({ stage }) => {
  const an = await stage.actor('An');
  await stage.group('Không mic', an, []);
  await an.comesIn();
  await an.opens('Không mic');
  await microphone(an).click();
  await expect(recorder(an).getByRole('alert')).toContainText('The microphone is blocked for this site');
  await letsListen(an);
  await recorder(an).getByRole('button', { name: 'Try again' }).click();
  await expect(recorder(an).getByRole('timer')).toBeVisible();
  await recorder(an).getByRole('button', { name: 'Cancel' }).click();
  await expect(microphone(an)).toBeVisible();
});

test('held by a finger it is sent when that lets go, and thrown away when it slides to the left', async ({ stage }) => {
  const an = await stage.actor('An', { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  await stage.group('Ngón tay', an, []);
  await letsListen(an);
  await an.comesIn();
  await an.opens('Ngón tay');
  const finger = await an.context.newCDPSession(an.page);
  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', dx = 0, dy = 0) =>
    finger.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: type === 'touchEnd' ? [] : [{ x: box.x + 20 + dx, y: box.y + 20 + dy }],
    });
  const box = (await microphone(an).boundingBox())!;

  await touch('touchStart');
  await expect(recorder(an).getByRole('timer')).toHaveText('0:01');
  await touch('touchMove', -60);
  await touch('touchMove', -140);
  await expect(recorder(an)).toHaveCount(0);
  await touch('touchEnd');

  await touch('touchStart');
  await expect(recorder(an).getByRole('timer')).toHaveText('0:01');
  await touch('touchMove', 0, -100);
  await expect(recorder(an).getByRole('button', { name: 'Send' })).toBeVisible();
  await touch('touchEnd');
  await recorder(an).getByRole('button', { name: 'Cancel' }).click();
  await expect(notes(an)).toHaveCount(0);

  await touch('touchStart');
  await expect(recorder(an).getByRole('timer')).toHaveText('0:02');
  await touch('touchEnd');
  await expect(recorder(an)).toHaveCount(0);
  await expect(notes(an)).toHaveCount(1);
});
