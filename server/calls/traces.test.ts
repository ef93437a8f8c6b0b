/** What calls leave in their conversations, and that nobody else writes such a thing. */
import * as Y from 'yjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newCallId, newMessageId, type CallId, type ConversationId, type MessageId } from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import type { Message } from '#shared/model/message.ts';
import { messagesOf } from '#shared/model/page.ts';
import type { HistoryMessage } from '#shared/protocol/api.ts';
import { decodeFrame, encodeFrame } from '#shared/protocol/frames.ts';
import { startRelay, type Relay } from '../relay.ts';
import { checkDocuments } from '../storage/check.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { RelayProcess } from '../trials/relay-process.ts';
import { CallerPage } from './test-caller.ts';

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

async function pair(url = relay.url) {
  const [an, binh] = await Promise.all(['An', 'Bình'].map((name) => Actor.signUp(url, name)));
  const { body } = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const conversation = body['conversation']?.['id'] as unknown as ConversationId;
  const [anPage, binhPage] = await Promise.all([CallerPage.open(an!), CallerPage.open(binh!)]);
  return { an: an!, binh: binh!, conversation, anPage, binhPage };
}

async function history(who: Actor, conversation: ConversationId): Promise<HistoryMessage[]> {
  const { body } = await who.ask('GET', `/api/conversations/${conversation}/messages`);
  return body['messages'] as unknown as HistoryMessage[];
}

/** The relay has done all that follows from the call's end. */
async function traced(call: CallId): Promise<void> {
  await expect
    .poll(async () => (await database.sql`select is_traced from calls where id = ${call}`)[0]?.['is_traced'], {
      timeout: 20_000,
    })
    .toBe(true);
}

test('[C9] a call that was missed is a message of the caller, unread for whom it rang', async () => {
  const { an, binh, conversation, anPage, binhPage } = await pair();
  const call = anPage.start(conversation, { video: true });
  await binhPage.seesAt(call, binh, 'ringing');
  anPage.leave(call);
  await binhPage.seesOver(call);
  await traced(call);
  const [message, ...rest] = await history(binh, conversation);
  expect(rest).toEqual([]);
  const trace = { id: call, video: true, outcome: 'cancelled', seconds: 0 };
  expect(message).toMatchObject({ by: an.id, text: '', call: trace, seq: 1 });
  expect(await binh.row(conversation)).toMatchObject({ unread: 1, last: { call: trace, text: '', by: an.id } });
  expect(await an.row(conversation)).toMatchObject({ unread: 0, readSeq: 1 });
  // The list hears of it as of any message.
  await binhPage.tab.until(() => binhPage.tab.row(conversation)?.last?.call?.id === call);
  // Whose last message is no call has none there.
  await an.post(conversation, 'Sao không nghe máy?');
  expect((await binh.row(conversation)).last).not.toHaveProperty('call');
});

test('[C9] a call that one was in, or declined, is news to neither', async () => {
  const { an, binh, conversation, anPage, binhPage } = await pair();
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh, 'ringing');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  anPage.leave(call);
  await binhPage.seesOver(call);
  await traced(call);
  for (const who of [an, binh]) expect(await who.row(conversation)).toMatchObject({ unread: 0, readSeq: 1 });
  const declined = binhPage.start(conversation);
  await anPage.seesAt(declined, an, 'ringing');
  anPage.decline(declined);
  await binhPage.seesOver(declined);
  await traced(declined);
  for (const who of [an, binh]) expect(await who.row(conversation)).toMatchObject({ unread: 0, readSeq: 2 });
  expect((await history(an, conversation)).map((message) => message.call?.outcome)).toEqual(['declined', 'answered']);
});

test('[C9] older news stays news, and what one was in does not add to it', async () => {
  const { an, binh, conversation, anPage, binhPage } = await pair();
  await an.post(conversation, 'một');
  await an.post(conversation, 'hai');
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh, 'ringing');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  binhPage.leave(call);
  await anPage.seesOver(call);
  await traced(call);
  expect(await binh.row(conversation)).toMatchObject({ unread: 2, readSeq: 0, lastSeq: 3 });
  await an.post(conversation, 'ba');
  expect(await binh.row(conversation)).toMatchObject({ unread: 3, lastSeq: 4 });
});

test('[C9] in a group it is news to those who did not come', async () => {
  const { an, binh, anPage, binhPage } = await pair();
  const chi = await Actor.signUp(relay.url, 'Chi');
  const group = await an.group('Nhóm', binh, chi);
  const call = anPage.start(group);
  await binhPage.seesAt(call, binh, 'ringing');
  binhPage.accept(call);
  await anPage.seesAt(call, binh, 'in');
  // Whoever called has left the group when it is over: it is still theirs.
  const [row] = await database.sql`select took_part from calls where id = ${call}`;
  expect(row?.['took_part']).toEqual([an.id, binh.id]);
  await an.ask('PUT', `/api/conversations/${group}/members/${binh.id}`, { role: 'owner' });
  await an.ask('DELETE', `/api/conversations/${group}/members/${an.id}`);
  await anPage.seesOver(call);
  binhPage.leave(call);
  await binhPage.seesOver(call);
  await traced(call);
  expect(await binh.row(group)).toMatchObject({ unread: 0 });
  expect(await chi.row(group)).toMatchObject({ unread: 1, last: { by: an.id, call: { outcome: 'answered' } } });
});

test('[C9] it is written once, whatever the relay died in the middle of', async () => {
  const process = new RelayProcess({ databaseUrl: database.url });
  try {
    expect(await process.start()).toBe(true);
    const { an, binh, conversation, anPage, binhPage } = await pair(process.url);
    const call = anPage.start(conversation);
    await binhPage.seesAt(call, binh, 'ringing');
    // The call can end, its message cannot be written.
    const release = Promise.withResolvers<undefined>();
    const locked = Promise.withResolvers<undefined>();
    const holding = database.sql.begin(async (tx) => {
      await tx`lock table messages in exclusive mode`;
      locked.resolve(undefined);
      await release.promise;
    });
    await locked.promise;
    anPage.leave(call);
    await binhPage.seesOver(call);
    await process.kill();
    release.resolve(undefined);
    await holding;
    expect(await process.start()).toBe(true);
    await traced(call);
    expect((await history(an, conversation)).map((message) => message.call?.id)).toEqual([call]);
    // As if it had died after the message, and before it had noted that.
    await process.stop();
    await database.sql`update calls set is_traced = false where id = ${call}`;
    expect(await process.start()).toBe(true);
    await traced(call);
    expect((await history(an, conversation)).map((message) => message.call?.id)).toEqual([call]);
  } finally {
    await process.remove();
  }
});

test('[C9] nobody writes such a message, or writes one anew; deleting it is like any', async () => {
  const { an, binh, conversation, anPage, binhPage } = await pair();
  const call = anPage.start(conversation);
  await binhPage.seesAt(call, binh, 'ringing');
  anPage.leave(call);
  await binhPage.seesOver(call);
  await traced(call);
  const [trace] = await history(an, conversation);
  const path = `/api/conversations/${conversation}/messages`;
  const forged = { id: newCallId(), video: false, outcome: 'missed', seconds: 0 };
  // The API does not know the field: with a text it is a text, without one it is nothing.
  expect((await an.ask('POST', path, { text: '', call: forged })).status).toBe(400);
  await an.post(conversation, 'chữ', { call: forged });
  expect((await history(an, conversation))[0]).not.toHaveProperty('call');
  expect((await an.ask('PATCH', `${path}/${trace?.id}`, { text: 'tôi không gọi' })).status).toBe(403);

  const write = (id: MessageId, value: Partial<Message>) =>
    overYjs(an, conversation, (doc) => messagesOf(doc).set(id, { by: an.id, at: Date.now(), text: '', ...value }));
  expect(await write(newMessageId(), { call: forged as Message['call'] })).toBe(4403);
  expect(await write(newMessageId(), { text: 'chữ', call: forged as Message['call'] })).toBe(4403);
  expect(await write(trace!.id, { text: 'tôi không gọi' })).toBe(4403);
  expect(await write(trace!.id, { call: { ...trace!.call!, seconds: 3_600 } })).toBe(4403);
  expect((await history(an, conversation)).find(({ id }) => id === trace?.id)).toEqual(trace);

  expect((await binh.ask('DELETE', `${path}/${trace?.id}`)).status).toBe(403);
  expect((await an.ask('DELETE', `${path}/${trace?.id}`)).status).toBe(204);
  expect(await binh.row(conversation)).toMatchObject({ unread: 1, last: { text: 'chữ' } });
});

test('[C9] what the tables and the documents say of calls agrees', async () => {
  const found = async () => (await checkDocuments(database.sql)).findings.map(({ what }) => what);
  expect(await found()).toEqual([]);
  const [call] = await database.sql`
    select k.id, k.trace from calls k join messages x on x.id = k.trace and not x.deleted where k.is_traced limit 1`;
  const damages = [
    [`update calls set video = not video where id = '${call?.['id']}'`, `${call?.['trace']} says otherwise`],
    [`update calls set trace = 'm' where id = '${call?.['id']}'`, `the call ${call?.['id']} has left nothing`],
    [`delete from calls where id = '${call?.['id']}'`, `${call?.['trace']} is left of a call that knows nothing of it`],
  ];
  for (const [damage = '', sentence = ''] of damages) {
    await database.sql.unsafe(damage);
    expect((await found()).join('\n')).toContain(sentence);
  }
});

/** As a stock Yjs client that has the page: makes a change, and answers how its socket was closed. */
function overYjs(who: Actor, conversation: ConversationId, change: (doc: Y.Doc) => void): Promise<number> {
  const doc = new Y.Doc();
  const socket = who.socket(`/sync/${encodeURIComponent(pageDoc(conversation, 0))}`);
  return new Promise((resolve) => {
    socket.on('open', () => socket.send(encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(doc) })));
    socket.on('message', (bytes: Buffer) => {
      const frame = decodeFrame(new Uint8Array(bytes));
      if (!frame.ok || frame.value.is !== 'step2') return;
      Y.applyUpdate(doc, frame.value.update);
      const before = Y.encodeStateVector(doc);
      doc.transact(() => change(doc));
      socket.send(encodeFrame({ is: 'update', update: Y.encodeStateAsUpdate(doc, before) }));
    });
    socket.on('close', (code) => resolve(code));
    socket.on('error', () => undefined);
  });
}
