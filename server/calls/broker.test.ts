/** The call broker as PeerJS's clients use it, and as others try to: over the relay's own port. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPeerId, type ConversationId } from '#shared/ids.ts';
import { FAULTS } from '#shared/faults.ts';
import { SIGNAL_MAX_BYTES } from '#shared/limits.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { CallerPage, Signals } from './test-caller.ts';

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

async function inOneCall() {
  const [an, binh] = await Promise.all(['An', 'Bình'].map((name) => Actor.signUp(relay.url, name)));
  const { body } = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const conversation = body['conversation']?.['id'] as unknown as ConversationId;
  const [anPage, binhPage] = await Promise.all([CallerPage.open(an!), CallerPage.open(binh!)]);
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh!, 'ringing');
  binhPage.accept(call);
  return { an: an!, binh: binh!, call, conversation, anPage, binhPage };
}

/** Two who are in a call, with their sockets to the broker. */
async function talking() {
  const all = await inOneCall();
  const [anSignals, binhSignals] = await Promise.all([all.anPage.signals(all.call), all.binhPage.signals(all.call)]);
  return { ...all, anSignals, binhSignals };
}

test('[C8] signals pass between those who are in the call, with the names that the relay gave them', async () => {
  const { anSignals, binhSignals } = await talking();
  const payload = { sdp: 'v=0 Xin chào', type: 'offer', connectionId: 'mc_1' };
  anSignals.say({ type: 'OFFER', dst: binhSignals.peer, payload });
  expect(await binhSignals.until(({ type }) => type === 'OFFER')).toMatchObject({ src: anSignals.peer, payload });
  // Who they say they are is of no consequence.
  binhSignals.say({ type: 'ANSWER', src: newPeerId(), dst: anSignals.peer, payload: { n: 1 } });
  expect(await anSignals.until(({ type }) => type === 'ANSWER')).toMatchObject({ src: binhSignals.peer });
  anSignals.say({ type: 'HEARTBEAT' });
  await anSignals.settled();
});

test('[C8] what is said to somebody who is not there yet waits for them a moment', async () => {
  const { call, anPage, binhPage } = await inOneCall();
  const anSignals = await anPage.signals(call);
  anSignals.say({ type: 'OFFER', dst: await binhPage.peer(call), payload: { n: 1 } });
  await anSignals.settled();
  const binhSignals = await binhPage.signals(call);
  await binhSignals.until(({ type }) => type === 'OFFER');
});

test('[C8] a name that was found out is of use to nobody', async () => {
  const { an, binh, call, anPage, binhPage, anSignals, binhSignals } = await talking();
  const [chi] = await Promise.all([Actor.signUp(relay.url, 'Chi')]);
  const refused = (who: Actor, peer: string, token?: string, headers?: Record<string, string>) =>
    new Signals(who, peer, token, headers).closed();
  expect(await refused(chi, anSignals.peer)).toBe(404);
  // The other one in the call knows it, too.
  expect(await refused(binh, anSignals.peer)).toBe(404);
  expect(await refused(an, newPeerId())).toBe(404);
  expect(await refused(an, 'constructor')).toBe(404);
  expect(await refused(an, anSignals.peer, 'another')).toBe(409);
  expect(await refused(an, anSignals.peer, '')).toBe(400);
  expect(await refused(an, anSignals.peer, 'token', { origin: 'https://elsewhere.example' })).toBe(403);
  const nobody = new Actor(relay.url, 'Nobody');
  expect(await refused(nobody, anSignals.peer)).toBe(401);
  // It goes on being theirs.
  await anSignals.settled();

  // Loaded anew: under another name, and the first is good no more.
  anPage.back(call, { anew: true });
  expect(await anSignals.closed()).toBe(FAULTS['not-found'].close);
  expect(await refused(an, anSignals.peer)).toBe(404);
  const renamed = await anPage.signals(call, 'token-2');
  expect(renamed.peer).not.toBe(anSignals.peer);
  // And after the call, none.
  binhPage.leave(call);
  await anPage.seesOver(call);
  expect(await renamed.closed()).toBe(FAULTS['not-found'].close);
  expect(await binhSignals.closed()).toBe(FAULTS['not-found'].close);
  expect(await refused(an, renamed.peer)).toBe(404);
});

test('[C8] two calls at once do not hear each other', async () => {
  const [one, other] = await Promise.all([talking(), talking()]);
  for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE'])
    one.anSignals.say({ type, dst: other.anSignals.peer, payload: 'stray' });
  // Behind those.
  await one.anSignals.settled();
  await other.anSignals.settled();
  other.binhSignals.say({ type: 'OFFER', dst: other.anSignals.peer, payload: 'ours' });
  await other.anSignals.until(({ payload }) => payload === 'ours');
  expect(other.anSignals.heard.filter(({ payload }) => payload === 'stray')).toEqual([]);
});

test('[C8] who is in no call, or only rung for, has no name there', async () => {
  const { conversation, anPage, binhPage, binh, call } = await talking();
  anPage.leave(call);
  await binhPage.seesOver(call);
  const again = anPage.start(conversation);
  const rings = await binhPage.seesAt(again, binh, 'ringing');
  expect(JSON.stringify(rings)).not.toMatch(/"peer":"p/);
  const peer = await anPage.peer(again);
  expect(await new Signals(binh, peer).closed()).toBe(404);
});

test('[C8] a session that ends takes its line to the broker along', async () => {
  const { binh, anSignals, binhSignals } = await talking();
  await binh.ask('POST', '/api/auth/logout');
  expect(await binhSignals.closed()).toBe(FAULTS['signed-out'].close);
  await anSignals.settled();
});

test('[C8] who comes back before it was noticed that they were gone can go on at once', async () => {
  const { binh, binhSignals, anSignals } = await talking();
  const again = new Signals(binh, binhSignals.peer);
  await again.until(({ type }) => type === 'OPEN');
  await binhSignals.closed();
  anSignals.say({ type: 'CANDIDATE', dst: again.peer, payload: 'after' });
  await again.until(({ payload }) => payload === 'after');
});

test('[C11] malformed and oversized signals end the line of whoever sends them, and no other', async () => {
  const other = await talking();
  const bad: [string | Uint8Array, number][] = [
    ['', 4400],
    ['{', 4400],
    ['null', 4400],
    ['[]', 4400],
    ['"OFFER"', 4400],
    [JSON.stringify({ type: 'OPEN' }), 4400],
    [JSON.stringify({ type: 'OFFER' }), 4400],
    [JSON.stringify({ type: 'LEAVE' }), 4400],
    [JSON.stringify({ type: 'OFFER', dst: { toString: 'x' } }), 4400],
    [JSON.stringify({ type: 'ID-TAKEN', dst: other.anSignals.peer }), 4400],
    [new Uint8Array([123, 125]), 4400],
    [JSON.stringify({ type: 'OFFER', dst: newPeerId(), payload: 'x'.repeat(SIGNAL_MAX_BYTES) }), 4413],
    ['x'.repeat(3 * SIGNAL_MAX_BYTES), 1006],
  ];
  const { anPage, binhSignals, call } = await talking();
  for (const [data, code] of bad) {
    const signals = await anPage.signals(call);
    signals.sayRaw(data);
    expect(await signals.closed(), String(data).slice(0, 60)).toBe(code);
  }
  await binhSignals.settled();
  const payload = 'y'.repeat(SIGNAL_MAX_BYTES - 200);
  other.anSignals.say({ type: 'OFFER', dst: other.binhSignals.peer, payload });
  expect((await other.binhSignals.until(({ type }) => type === 'OFFER')).payload).toBe(payload);
});

test('[C11] a flood of signals ends the line of whoever sends it, and no other', async () => {
  const [one, other] = await Promise.all([talking(), talking()]);
  for (let i = 0; i < 3_000; i++) one.anSignals.say({ type: 'CANDIDATE', dst: one.binhSignals.peer, payload: i });
  expect(await one.anSignals.closed()).toBe(FAULTS['too-fast'].close);
  expect(one.binhSignals.heard.length).toBeLessThan(1_500);
  await one.binhSignals.settled();
  await other.anSignals.settled();
  const metrics = await (await fetch(`${relay.url}/metrics`)).text();
  expect(metrics).toMatch(/tingting_signals_refused_total\{fault="too-fast"\} [1-9]/);
});

test("PeerJS's other addresses are not there", async () => {
  for (const path of ['/calls/peerjs', '/calls/peerjs/id', '/calls/peerjs/peers'])
    expect((await fetch(relay.url + path)).status).toBe(404);
});
