/** Calls as people make them, over real sockets and a real Postgres. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newCallId, newConversationId, type CallId, type ConversationId } from '#shared/ids.ts';
import { CALL_MAX_PEOPLE, SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { CALL_TIMES, isInside, peopleInside, placeIn } from '#shared/model/call.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { CallerPage, MEDIA } from './test-caller.ts';

let database: TestDatabase;
let relay: Relay;
/** Where nobody waits long. */
let hurried: Relay;
const SOON = 400;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
  const callTimes = { ringMillis: SOON, awayMillis: SOON, closedMillis: SOON, aloneMillis: SOON };
  hurried = await startRelay(testConfig(database.url, { callTimes }));
});
afterAll(async () => {
  await relay?.stop();
  await hurried?.stop();
  await database?.stop();
});

const signUp = (url: string, ...names: string[]) => Promise.all(names.map((name) => Actor.signUp(url, name)));
async function direct(a: Actor, b: Actor): Promise<ConversationId> {
  const { body } = await a.ask('POST', '/api/conversations', { kind: 'direct', members: [b.id] });
  return body['conversation']?.['id'] as unknown as ConversationId;
}
async function pair(url = relay.url) {
  const [an, binh] = await signUp(url, 'An', 'Bình');
  const conversation = await direct(an!, binh!);
  const [anPage, binhPage] = await Promise.all([CallerPage.open(an!), CallerPage.open(binh!)]);
  return { an: an!, binh: binh!, conversation, anPage, binhPage };
}
async function talking(url = relay.url) {
  const all = await pair(url);
  const call = all.anPage.start(all.conversation);
  await all.binhPage.seesAt(call, all.binh, 'ringing');
  all.binhPage.accept(call);
  await all.anPage.sees(call, ({ answeredAt }) => answeredAt !== null);
  await all.binhPage.peer(call);
  return { ...all, call };
}
async function three(url = relay.url) {
  const [an, binh, chi] = await signUp(url, 'An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!, chi!);
  const pages = await Promise.all([an!, binh!, chi!].map((who) => CallerPage.open(who)));
  return { an: an!, binh: binh!, chi: chi!, group, anPage: pages[0]!, binhPage: pages[1]!, chiPage: pages[2]! };
}

test('[C1] who calls where somebody calls already is in that call', async () => {
  const { an, binh, conversation, anPage, binhPage } = await pair();
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh, 'ringing');
  const own = binhPage.start(conversation);
  const both = await anPage.seesAt(call, binh, 'in');
  expect(peopleInside(both).map(({ id }) => id)).toEqual(expect.arrayContaining([an.id, binh.id]));
  await binhPage.seesAt(call, binh, 'in');
  const heard = binhPage.tab.heard.filter(({ is }) => is === 'call-became' || is === 'call');
  // It knows what became of its call before it hears that it is in.
  const became = heard.findIndex((message) => message.is === 'call-became');
  expect(heard[became]).toEqual({ is: 'call-became', call: own, became: call });
  const isIn = heard.findIndex((one) => one.is === 'call' && placeIn(one.call, binh.id)?.at === 'in');
  expect(became).toBeLessThan(isIn);
});

test('[C1] two who call each other in the same moment are in one call', async () => {
  for (let round = 0; round < 5; round++) {
    const { an, binh, conversation, anPage, binhPage } = await pair();
    const asked = [anPage.start(conversation), binhPage.start(conversation)];
    const [call] = await Promise.race(
      asked.map(async (id) => {
        await anPage.sees(id, (one) => peopleInside(one).length === 2);
        return [id];
      }),
    );
    await binhPage.seesAt(call!, binh, 'in');
    await anPage.seesAt(call!, an, 'in');
    const rows = await database.sql`select id from calls where conversation = ${conversation}`;
    expect(rows.map(({ id }) => id as string)).toEqual([call]);
  }
});

test('[C1] asked twice, because the answer was lost, a call is one and its name at the broker the same', async () => {
  const { conversation, anPage } = await pair();
  const call = anPage.start(conversation);
  const peer = await anPage.peer(call);
  await anPage.drop();
  await anPage.comesBack();
  anPage.start(conversation, { call });
  const again = await anPage.seesAt(call, anPage.who, 'in');
  expect(placeIn(again, anPage.who.id)).toMatchObject({ peer });
});

test('[C2] it rings on all devices of everybody, until one of them answers or declines', async () => {
  const { binh, chi, group, anPage, binhPage, chiPage } = await three();
  const binhElsewhere = await CallerPage.open(await binh.onAnotherDevice());
  const call = anPage.start(group, { video: true });
  for (const page of [binhPage, binhElsewhere]) {
    const rings = await page.seesAt(call, binh, 'ringing');
    expect(rings).toMatchObject({ video: true, kind: 'group', by: anPage.who.id });
  }
  await chiPage.seesAt(call, chi, 'ringing');
  // Who opens a page now hears of it as well.
  const late = await CallerPage.open(await chi.onAnotherDevice());
  await late.seesAt(call, chi, 'ringing');
  binhElsewhere.decline(call);
  await binhPage.seesAt(call, binh, 'declined');
  late.accept(call);
  await chiPage.seesAt(call, chi, 'in');
});

test('[C3] a call ends as it ends, and says so', async () => {
  const plays: [string, (p: Awaited<ReturnType<typeof pair>>, call: CallId) => void][] = [
    ['declined', ({ binhPage }, call) => binhPage.decline(call)],
    ['cancelled', ({ anPage }, call) => anPage.leave(call)],
  ];
  for (const [outcome, play] of plays) {
    const all = await pair();
    const call = all.anPage.start(all.conversation);
    await all.binhPage.seesAt(call, all.binh, 'ringing');
    play(all, call);
    for (const page of [all.anPage, all.binhPage]) expect((await page.seesOver(call)).over).toMatchObject({ outcome });
  }
  const answered = await talking();
  answered.binhPage.leave(answered.call);
  expect((await answered.anPage.seesOver(answered.call)).over).toMatchObject({ outcome: 'answered' });
  const failed = await talking();
  failed.binhPage.leave(failed.call, { failed: true });
  expect((await failed.anPage.seesOver(failed.call)).over).toMatchObject({ outcome: 'failed' });
});

test('[C3] nobody answers in time, and who stays alone in a group goes in time', async () => {
  const unheard = await pair(hurried.url);
  const call = unheard.anPage.start(unheard.conversation);
  expect((await unheard.binhPage.seesOver(call)).over).toMatchObject({ outcome: 'missed' });

  const { group, anPage, binhPage, binh, chi } = await three(hurried.url);
  const second = anPage.start(group);
  binhPage.accept(second);
  // Asked before it rang there: it may have been too early.
  await anPage.sees(second, (one) => placeIn(one, binh.id)?.at !== 'ringing' || one.over !== null);
  if ((await anPage.sees(second, () => true)).over === null) {
    binhPage.leave(second);
    const over = await anPage.seesOver(second);
    expect(over.over).toMatchObject({ outcome: 'answered' });
    expect(placeIn(over, chi.id)?.at).toBe('missed');
  }
});

test('[C3] somebody who is in another call is busy', async () => {
  const { call, binh, binhPage } = await talking();
  const [chi] = await signUp(relay.url, 'Chi');
  const chiPage = await CallerPage.open(chi!);
  const second = chiPage.start(await direct(chi!, binh));
  await binhPage.seesAt(second, binh, 'ringing');
  binhPage.decline(second);
  expect((await chiPage.seesOver(second)).over).toMatchObject({ outcome: 'busy' });
  expect(binhPage.call(call)?.over).toBeNull();
});

test('[C4] who loses the relay is away, and comes back into the same call under the same name', async () => {
  const { call, binh, anPage, binhPage } = await talking();
  const peer = await binhPage.peer(call);
  await binhPage.drop();
  await anPage.seesAt(call, binh, 'away');
  await binhPage.comesBack();
  binhPage.back(call);
  await anPage.seesAt(call, binh, 'in');
  expect(placeIn(await binhPage.seesAt(call, binh, 'in'), binh.id)).toMatchObject({ peer, device: binhPage.device });
});

test('[C4] the old line that ends after the new one is there takes nobody away', async () => {
  const { call, binh, anPage, binhPage } = await talking();
  const before = binhPage.tab;
  await binhPage.comesBack();
  binhPage.back(call);
  binhPage.ask({ ask: 'media', call, device: binhPage.device, media: { ...MEDIA, microphone: false } });
  await anPage.sees(call, (one) => {
    const place = placeIn(one, binh.id);
    return isInside(place) && !place.media.microphone;
  });
  before.cut();
  await before.closed();
  binhPage.ask({ ask: 'media', call, device: binhPage.device, media: MEDIA });
  const after = await anPage.sees(call, (one) => {
    const place = placeIn(one, binh.id);
    return isInside(place) && place.media.microphone;
  });
  expect(placeIn(after, binh.id)?.at).toBe('in');
});

test('[C4] a page that was loaded anew gets a new name, and who stays away too long has left', async () => {
  const { call, binh, anPage, binhPage } = await talking();
  const peer = await binhPage.peer(call);
  await binhPage.drop();
  await binhPage.comesBack();
  binhPage.back(call, { anew: true });
  const again = await anPage.sees(call, (one) => {
    const place = placeIn(one, binh.id);
    return isInside(place) && place.peer !== peer;
  });
  expect(placeIn(again, binh.id)?.at).toBe('in');

  const short = await talking(hurried.url);
  await short.binhPage.drop();
  expect((await short.anPage.seesOver(short.call)).over).toMatchObject({ outcome: 'answered' });
});

test('[C16] a page that the browser closes is told from a line that breaks, and comes back when it was only loaded anew', async () => {
  const { call, binh, anPage, binhPage } = await talking();
  await binhPage.drop();
  expect(placeIn(await anPage.seesAt(call, binh, 'away'), binh.id)).toMatchObject({ closed: false });
  await binhPage.comesBack();
  binhPage.back(call);
  await anPage.seesAt(call, binh, 'in');
  await binhPage.closes();
  expect(placeIn(await anPage.seesAt(call, binh, 'away'), binh.id)).toMatchObject({ closed: true });
  await binhPage.comesBack();
  binhPage.back(call, { anew: true });
  await anPage.seesAt(call, binh, 'in');

  const patient = await startRelay(testConfig(database.url, { callTimes: { ...CALL_TIMES, closedMillis: SOON } }));
  const short = await talking(patient.url);
  await short.binhPage.closes();
  expect((await short.anPage.seesOver(short.call)).over).toMatchObject({ outcome: 'answered' });
  await patient.stop();
});

test('[C6] only members call, see and answer, and nobody alone or in a large group', async () => {
  const { an, conversation, anPage, binhPage, binh } = await pair();
  const [chi, ...many] = await signUp(
    relay.url,
    ...Array.from({ length: SMALL_GROUP_MAX_MEMBERS + 1 }, (_, i) => `Người ${i}`),
  );
  const chiPage = await CallerPage.open(chi!);
  expect(await chiPage.refusal(chiPage.start(conversation))).toBe('not-a-member');
  expect(await chiPage.refusal(chiPage.start(newConversationId()))).toBe('not-a-member');
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh, 'ringing');
  for (const ask of [
    () => chiPage.accept(call),
    () => chiPage.decline(call),
    () => chiPage.leave(call),
    () => chiPage.back(call),
  ]) {
    const before = chiPage.tab.heard.filter(({ is }) => is === 'call-refused').length;
    ask();
    await chiPage.tab.until(() => chiPage.tab.heard.filter(({ is }) => is === 'call-refused').length > before);
    expect(await chiPage.refusal(call)).toBe('not-found');
  }
  expect(chiPage.call(call)).toBeUndefined();
  expect((await CallerPage.open(chi!)).call(call)).toBeUndefined();
  anPage.leave(call);
  await anPage.seesOver(call);

  const alone = await an.group('Một mình');
  expect(await anPage.refusal(anPage.start(alone))).toBe('not-allowed');
  const large = await an.group('Đông', ...many);
  expect(await anPage.refusal(anPage.start(large))).toBe('too-many');
});

test('[C6] at most eight are in a call', async () => {
  const people = await signUp(relay.url, ...Array.from({ length: CALL_MAX_PEOPLE + 1 }, (_, i) => `Người ${i}`));
  const group = await people[0]!.group('Nhóm', ...people.slice(1));
  const pages = await Promise.all(people.map((who) => CallerPage.open(who)));
  const [first, ...others] = pages;
  const call = first!.start(group);
  await Promise.all(others.map((page) => page.seesAt(call, page.who, 'ringing')));
  for (const page of others.slice(0, -1)) {
    page.accept(call);
    await page.peer(call);
  }
  const last = others.at(-1)!;
  last.accept(call);
  expect(await last.refusal(call)).toBe('too-many');
  others[0]!.leave(call);
  await last.seesAt(call, others[0]!.who, 'left');
  last.accept(call);
  await last.peer(call);
});

test('[C6] who is removed is out of the call, who comes in may join, and with the group its call ends', async () => {
  const { an, binh, chi, group, anPage, binhPage, chiPage } = await three();
  const call = anPage.start(group);
  await binhPage.seesAt(call, binh, 'ringing');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  chiPage.accept(call);
  await anPage.seesAt(call, chi, 'in');
  await an.ask('DELETE', `/api/conversations/${group}/members/${binh.id}`);
  const without = await anPage.sees(call, (one) => placeIn(one, binh.id) === null);
  expect(without.over).toBeNull();
  expect(await binhPage.seesOver(call)).toMatchObject({ people: [] });
  const heard = binhPage.tab.heard.length;
  binhPage.accept(call);
  expect(await binhPage.refusal(call)).toBe('not-found');
  expect(binhPage.tab.heard.slice(heard).filter(({ is }) => is === 'call')).toEqual([]);
  await an.ask('PUT', `/api/conversations/${group}/members/${binh.id}`, { role: 'member' });
  await binhPage.seesAt(call, binh, 'missed');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  await an.ask('DELETE', `/api/conversations/${group}`);
  for (const page of [anPage, binhPage, chiPage]) await page.seesOver(call);
});

test('[C7] who takes another call leaves the first, and who takes it on another device leaves it on the first', async () => {
  const { call, an, binh, conversation, anPage, binhPage } = await talking();
  const elsewhere = await CallerPage.open(await binh.onAnotherDevice());
  elsewhere.accept(call);
  expect(await elsewhere.refusal(call)).toBe('conflict');
  const peer = await binhPage.peer(call);
  elsewhere.accept(call, { takeOver: true });
  await elsewhere.sees(call, (one) => {
    const place = placeIn(one, binh.id);
    return isInside(place) && place.device === elsewhere.device && place.peer !== peer;
  });
  binhPage.leave(call);
  expect(await binhPage.refusal(call)).toBe('conflict');

  const [chi] = await signUp(relay.url, 'Chi');
  const chiPage = await CallerPage.open(chi!);
  const second = chiPage.start(await direct(chi!, binh));
  await elsewhere.seesAt(second, binh, 'ringing');
  elsewhere.accept(second);
  await chiPage.seesAt(second, binh, 'in');
  expect((await anPage.seesOver(call)).over).toMatchObject({ outcome: 'answered' });
  // And who calls somebody.
  const third = elsewhere.start(conversation);
  await anPage.seesAt(third, an, 'ringing');
  await chiPage.seesOver(second);
});

test('[C7] who cannot have the other call keeps the first', async () => {
  const { call, binhPage } = await talking();
  const other = await talking();
  binhPage.accept(other.call);
  expect(await binhPage.refusal(other.call)).toBe('not-found');
  binhPage.start(other.conversation);
  await binhPage.tab.until((message) => message.is === 'call-refused' && message.fault === 'not-a-member');
  expect(binhPage.call(call)?.over).toBeNull();
});

test('[C13] names at the broker are told to those who are in, a device to its own person', async () => {
  const { an, binh, chi, group, anPage, binhPage, chiPage } = await three();
  const call = anPage.start(group);
  await chiPage.seesAt(call, chi, 'ringing');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  await chiPage.seesAt(call, binh, 'in');
  const told = chiPage.tab.heard.flatMap((message) => (message.is === 'call' ? [message.call] : []));
  const places = told.flatMap(({ people }) => people.map(({ place }) => place)).filter(isInside);
  expect(places.length).toBeGreaterThan(0);
  for (const place of places) expect(place).toMatchObject({ peer: null, device: null });
  const seen = await binhPage.seesAt(call, binh, 'in');
  expect(placeIn(seen, an.id)).toMatchObject({ peer: await anPage.peer(call), device: null });
});

test('[C11] nobody calls or changes what is on too often', async () => {
  const { conversation, anPage, binhPage, binh } = await pair();
  let refused = '';
  for (let i = 0; i < 20 && refused === ''; i++) {
    const call = anPage.start(conversation);
    await Promise.race([
      binhPage.seesAt(call, binh, 'ringing').then(() => anPage.leave(call)),
      anPage.refusal(call).then((fault) => (refused = fault)),
    ]);
    if (refused === '') await anPage.seesOver(call);
  }
  expect(refused).toBe('too-fast');

  const other = await talking();
  for (let i = 0; i < 200; i++)
    other.anPage.ask({
      ask: 'media',
      call: other.call,
      device: other.anPage.device,
      media: { ...MEDIA, camera: i % 2 === 0 },
    });
  expect(await other.anPage.refusal(other.call)).toBe('too-fast');
  // Hanging up always goes.
  other.anPage.leave(other.call);
  await other.binhPage.seesOver(other.call);
});

test('[C12] what is asked of a call that is over changes nothing, and its id is never used again', async () => {
  const { call, conversation, anPage, binhPage } = await talking();
  anPage.leave(call);
  await binhPage.seesOver(call);
  binhPage.accept(call);
  expect(await binhPage.refusal(call)).toBe('not-found');
  anPage.start(conversation, { call });
  expect(await anPage.refusal(call)).toBe('not-found');
  anPage.accept(newCallId());
  const [row] = await database.sql`select outcome, ended_at from calls where id = ${call}`;
  expect(row).toMatchObject({ outcome: 'answered' });
});

test('the history of calls has those of the conversations one is in, newest first', async () => {
  const { call, an, binh, conversation, anPage, binhPage } = await talking();
  anPage.leave(call);
  await binhPage.seesOver(call);
  const second = binhPage.start(conversation);
  await anPage.seesAt(second, an, 'ringing');
  anPage.decline(second);
  await binhPage.seesOver(second);
  const { body } = await an.ask('GET', '/api/calls');
  expect(body['calls']).toMatchObject([
    { id: second, by: binh.id, outcome: 'declined', answeredAt: null, tookPart: false, video: false },
    { id: call, by: an.id, outcome: 'answered', tookPart: true, conversation },
  ]);
  const startedAt = String((body['calls'] as unknown as { startedAt: number }[])[0]!.startedAt);
  const older = await an.ask('GET', `/api/calls?before=${startedAt}&limit=5`);
  expect((older.body['calls'] as unknown as { id: string }[]).map(({ id }) => id)).toEqual([call]);
  const [chi] = await signUp(relay.url, 'Chi');
  expect((await chi!.ask('GET', '/api/calls')).body['calls']).toEqual([]);
  expect((await fetch(`${relay.url}/api/calls`)).status).toBe(401);
  expect(CALL_TIMES.ringMillis).toBe(40_000);
});
