/** A relay that is stopped and started in the middle of calls. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConversationId } from '#shared/ids.ts';
import { CALL_TIMES, isInside, placeIn } from '#shared/model/call.ts';
import type { RelayConfig } from '../config.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { CallerPage, Signals } from './test-caller.ts';

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => (database = await testDatabase()));
beforeEach(async () => {
  await relay?.stop();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

interface Restart extends Partial<RelayConfig> {
  meanwhile?: () => Promise<unknown>;
}

/** These find it where it is then. */
async function restart(people: Actor[], { meanwhile, ...more }: Restart = {}) {
  await relay.stop();
  await meanwhile?.();
  relay = await startRelay(testConfig(database.url, more));
  for (const who of people) Object.assign(who, { url: relay.url });
}

async function ringing() {
  const [an, binh] = await Promise.all(['An', 'Bình'].map((name) => Actor.signUp(relay.url, name)));
  const { body } = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const conversation = body['conversation']?.['id'] as unknown as ConversationId;
  const [anPage, binhPage] = await Promise.all([CallerPage.open(an!), CallerPage.open(binh!)]);
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh!, 'ringing');
  return { an: an!, binh: binh!, call, conversation, anPage, binhPage };
}

test('[C5] it goes on ringing after a restart, and can be answered', async () => {
  const { an, binh, call, anPage, binhPage } = await ringing();
  await restart([an, binh]);
  await binhPage.comesBack();
  expect(placeIn(await binhPage.seesAt(call, binh, 'ringing'), an.id)?.at).toBe('away');
  await anPage.comesBack();
  anPage.back(call);
  await binhPage.seesAt(call, an, 'in');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
});

test('[C5] who talked goes on talking: the same places, the same names at the broker, the same time of the answer', async () => {
  const { binh, an, call, anPage, binhPage } = await ringing();
  binhPage.accept(call);
  const before = await anPage.seesAt(call, binh, 'in');
  const [anSignals, binhSignals] = await Promise.all([anPage.signals(call), binhPage.signals(call)]);
  await restart([an, binh]);
  await Promise.all([anPage.comesBack(), binhPage.comesBack(), anSignals.closed(), binhSignals.closed()]);
  expect(placeIn(await anPage.seesAt(call, binh, 'away'), an.id)?.at).toBe('away');
  anPage.back(call);
  binhPage.back(call);
  const after = await anPage.sees(call, (one) => [an, binh].every((who) => placeIn(one, who.id)?.at === 'in'));
  expect(after.answeredAt).toBe(before.answeredAt);
  const peerOf = (call: typeof before, who: Actor) => {
    const place = placeIn(call, who.id);
    return isInside(place) ? place.peer : null;
  };
  for (const who of [an, binh]) expect(peerOf(after, who)).toBe(peerOf(before, who));
  // As PeerJS reconnects: the same name, the same token.
  const [anAgain, binhAgain] = [new Signals(an, anSignals.peer), new Signals(binh, binhSignals.peer)];
  await Promise.all([anAgain.until(({ type }) => type === 'OPEN'), binhAgain.until(({ type }) => type === 'OPEN')]);
  anAgain.say({ type: 'OFFER', dst: binhAgain.peer, payload: 'again' });
  await binhAgain.until(({ payload }) => payload === 'again');
});

test('[C5] who does not come back after a restart has left, and their time runs from the restart on', async () => {
  const { an, binh, call, anPage, binhPage } = await ringing();
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  const restartedAt = Date.now();
  await restart([an, binh], { callTimes: { ...CALL_TIMES, awayMillis: 2_000 } });
  await anPage.comesBack();
  anPage.back(call);
  const over = await anPage.seesOver(call);
  expect(over.over).toMatchObject({ outcome: 'answered' });
  expect(over.over?.at).toBeGreaterThanOrEqual(restartedAt + 2_000);
});

test('[C5] what ended while the relay was away has ended: it was not answered in time, or its people have left', async () => {
  const unanswered = await ringing();
  await restart([unanswered.an, unanswered.binh], { callTimes: { ...CALL_TIMES, ringMillis: 1 } });
  await expect
    .poll(async () => (await database.sql`select outcome from calls where id = ${unanswered.call}`)[0]?.['outcome'])
    .toBe('missed');
  const removed = await ringing();
  await restart([removed.an, removed.binh], {
    meanwhile: () => database.sql`update members set left_at = 1 where user_id = ${removed.binh.id}`,
  });
  await expect
    .poll(async () => (await database.sql`select outcome from calls where id = ${removed.call}`)[0]?.['outcome'])
    .not.toBeNull();
});
