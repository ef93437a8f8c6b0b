/**
 * A tab that ends without a word, at a random moment after Enter: the message is there when it is opened again, and arrives once.
 * `KILLED_TABS` says how often (`npm run test:killed-tabs`: 200 times), `KILLED_TABS_SEED` plays one again.
 */
import { expect, test } from './fixtures/stage.ts';
import { seeded } from '../server/test-random.ts';

const ROUNDS = Number(process.env.KILLED_TABS ?? 12);
const SEED = Number(process.env.KILLED_TABS_SEED ?? Date.now() % 1_000_000);
/** Most moments are within the write to the disk. */
const moments = (random: () => number): number => Math.floor(random() ** 3 * 80);

test('[L1] what was sent before a tab was killed is not lost', async ({ stage }) => {
  test.setTimeout(60_000 + ROUNDS * 15_000);
  const random = seeded(SEED);
  const an = await stage.actor('An');
  const id = await stage.group('Kẻo mất', an, []);
  await an.comesIn();
  await an.opens('Kẻo mất');
  for (let round = 1; round <= ROUNDS; round++) {
    await test.step(`seed ${String(SEED)}, round ${String(round)}`, async () => {
      // With and without a network.
      await an.context.setOffline(random() < 0.5);
      const killer = await an.context.newCDPSession(an.page);
      await an.composer.fill(`Lượt ${String(round)}.`);
      await an.page.keyboard.press('Enter');
      const moment = moments(random);
      if (moment > 0) await new Promise((resolve) => setTimeout(resolve, moment));
      const gone = an.page.waitForEvent('crash');
      void killer.send('Page.crash').catch(() => undefined);
      await gone;
      await an.page.close();
      await an.context.setOffline(false);
      an.page = await an.context.newPage();
      await an.page.goto(`${an.url}/c/${id}`);
      await expect(an.message(`Lượt ${String(round)}.`), `killed ${String(moment)} ms after Enter`).toHaveCount(1);
    });
  }
  await expect(an.log.getByText('Waiting', { exact: true })).toHaveCount(0);
  const answer = await an.context.request.get(`${an.url}/api/conversations/${id}/messages?limit=200`);
  const { messages } = (await answer.json()) as { messages: { text: string }[] };
  // Each once. In which order those of tabs that were killed one right after the other get through is not what this play is about.
  const numbers = messages.map(({ text }) => Number(/\d+/.exec(text)?.[0]));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: ROUNDS }, (_, at) => at + 1));
});
