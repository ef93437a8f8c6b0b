/** Calls, between real browsers with make-believe devices: what one sends is measured at the other. */
import { Caller, CALLER_BROWSER } from './fixtures/caller.ts';
import { expect, test, type Stage } from './fixtures/stage.ts';

test.use(CALLER_BROWSER);
test.describe.configure({ timeout: 150_000 });

async function comes(stage: Stage, ...names: string[]): Promise<Caller[]> {
  const callers: Caller[] = [];
  for (const name of names) callers.push(new Caller(await stage.actor(name)));
  return callers;
}

/** Two who have a conversation of their own, both looking at it. */
async function two(stage: Stage): Promise<[an: Caller, binh: Caller]> {
  const [an, binh] = (await comes(stage, 'An', 'Bình')) as [Caller, Caller];
  const answer = await an.who.context.request.post(`${stage.relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.who.id] },
  });
  expect(answer.ok()).toBe(true);
  await Promise.all([an.who.comesIn(), binh.who.comesIn()]);
  await Promise.all([an.who.opens(binh.who.name), binh.who.opens(an.who.name)]);
  return [an, binh];
}

test('two see and hear each other, and the conversation remembers it', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Video call');
  await binh.accepts();
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  await an.hangsUp();
  await binh.isInNoCall();
  await expect(an.who.log.getByRole('article').filter({ hasText: /Video call/ })).toHaveCount(1);
  await expect(binh.who.log.getByRole('article').filter({ hasText: /Video call/ })).toHaveCount(1);
});

test('a voice call becomes one with pictures, and a muted microphone is silent', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Voice call');
  await binh.accepts();
  await Promise.all([an.hears(), binh.hears()]);
  await an.button('Mute').click();
  await binh.hears(0);
  await an.button('Mute').click();
  await binh.hears();
  await an.sees(0);
  await binh.button('Camera').click();
  await an.sees();
  await binh.button('Camera').click();
  await an.sees(0);
});

test('what is declined is over for both', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Voice call');
  await binh.declines();
  await an.isInNoCall();
  await expect(an.who.log.getByRole('article').filter({ hasText: /[Dd]eclined/ })).toHaveCount(1);
});

test('[C1] two who call each other in the same moment are in one call', async ({ stage }) => {
  const [an, binh] = await two(stage);
  // Pressed, whether or not the other's ring was quicker than the hand and lies over the button.
  await Promise.all([an, binh].map((one) => one.button('Voice call').dispatchEvent('click')));
  await Promise.all([an.hears(), binh.hears()]);
  await expect(an.ring).toHaveCount(0);
  await expect(binh.ring).toHaveCount(0);
  await binh.hangsUp();
  await an.isInNoCall();
});

test('[C2] all devices ring, and are silent once one has answered', async ({ stage }) => {
  const [an, binh] = await two(stage);
  const phone = new Caller(await stage.anotherDevice(binh.who, { viewport: { width: 390, height: 844 } }));
  await phone.who.comesIn();
  await an.calls('Voice call');
  await expect(binh.ring).toBeVisible();
  await phone.accepts();
  await expect(binh.ring).toHaveCount(0);
  await Promise.all([an.hears(), phone.hears()]);
  await phone.hangsUp();
  await an.isInNoCall();
});

test('[C2] somebody who was away when it began to ring hears it when they are back', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await binh.who.goesOffline();
  await an.calls('Voice call');
  await binh.who.comesBack();
  await binh.accepts();
  await Promise.all([an.hears(), binh.hears()]);
});

test('[C4] [C16] a page that is loaded anew comes back into its call, and one that is closed has left it', async ({
  stage,
}) => {
  const [an, binh] = await two(stage);
  await an.calls('Video call');
  await binh.accepts();
  await Promise.all([an.sees(), binh.sees()]);
  await an.who.reloads();
  await expect(an.button('Hang up')).toBeVisible();
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  await an.page.close();
  await binh.isInNoCall();
});

test('[C5] [C15] a call goes on while the relay is away, and is the same call when it is back', async ({
  ownStage,
}) => {
  const [an, binh] = await two(ownStage);
  await an.calls('Video call');
  await binh.accepts();
  await Promise.all([an.sees(), binh.sees()]);
  await ownStage.relay.kill();
  await Promise.all([an.who.isOffline(), binh.who.isOffline()]);
  await Promise.all([an.sees(), binh.sees(), an.hears(), binh.hears()]);
  await ownStage.relay.start();
  await Promise.all([an.who.isOnline(), binh.who.isOnline()]);
  // What is pressed now goes through the relay again.
  await an.button('Camera').click();
  await binh.sees(0);
  await Promise.all([an.hears(), binh.hears()]);
  await an.hangsUp();
  await binh.isInNoCall();
});

test('one shares the screen', async ({ stage }) => {
  const [an, binh] = await two(stage);
  await an.calls('Voice call');
  await binh.accepts();
  await binh.sees(0);
  await an.button('Share screen').click();
  await binh.sees();
  await an.button('Share screen').click();
  await binh.sees(0);
});

test('three in a group: one joins late, and one leaves', async ({ stage }) => {
  const [an, binh, chi] = (await comes(stage, 'An', 'Bình', 'Chi')) as [Caller, Caller, Caller];
  const title = 'Cả nhà gọi nhau';
  await stage.group(title, an.who, [binh.who, chi.who]);
  await Promise.all([an, binh, chi].map(({ who }) => who.comesIn()));
  await Promise.all([an, binh, chi].map(({ who }) => who.opens(title)));
  await an.calls('Video call');
  await binh.accepts();
  await Promise.all([an.sees(), binh.sees()]);
  await chi.declines();
  await chi.page.getByRole('button', { name: 'Join' }).click();
  await Promise.all([an.sees(2), binh.sees(2), chi.hears(2)]);
  await an.hangsUp();
  await Promise.all([binh.sees(1), chi.sees(1), binh.hears(1), chi.hears(1)]);
  await chi.hangsUp();
  await binh.hangsUp();
});

test('[C7] a second call rings in the first, and who takes it leaves that', async ({ stage }) => {
  const [an, binh] = await two(stage);
  const [chi] = (await comes(stage, 'Chi')) as [Caller];
  await chi.who.context.request.post(`${stage.relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.who.id] },
  });
  await chi.who.comesIn();
  await chi.who.opens(binh.who.name);
  await an.calls('Voice call');
  await binh.accepts();
  await Promise.all([an.hears(), binh.hears()]);
  await chi.calls('Voice call');
  await binh.declines();
  await chi.isInNoCall();
  await expect(chi.who.log.getByRole('article').filter({ hasText: /[Bb]usy/ })).toHaveCount(1);
  await an.hears();
  await chi.calls('Voice call');
  await binh.accepts();
  await an.isInNoCall();
  await Promise.all([chi.hears(), binh.hears()]);
});
