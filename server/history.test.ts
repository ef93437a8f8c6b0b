/** Groups whose history is closed to who joins later, over the relay's real sockets and the stock client. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { type ConversationId, type MessageId, newMessageId } from '#shared/ids.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { membersOf, metaOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { startRelay, type Relay } from './relay.ts';
import { checkDocuments } from './storage/check.ts';
import { testDatabase, type TestDatabase } from './storage/test-database.ts';
import { Actor, fateOf, testConfig } from './test-actor.ts';

let database: TestDatabase;
let relay: Relay;
const providers: WebsocketProvider[] = [];
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  for (const provider of providers) provider.destroy();
  await relay?.stop();
  await database?.stop();
});

const people = (...names: string[]) => Promise.all(names.map((name) => Actor.signUp(relay.url, name)));

interface Copy {
  doc: Y.Doc;
  provider: WebsocketProvider;
  /** All bytes that came in. */
  heard: Buffer[];
  closed: number[];
}

/** The stock client, untouched but for the cookie and an ear. */
async function open(actor: Actor, name: string, doc = new Y.Doc()): Promise<Copy> {
  const heard: Buffer[] = [];
  const closed: number[] = [];
  const Polyfill = class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { headers: { cookie: actor.cookie } });
      this.on('message', (bytes: Buffer) => heard.push(Buffer.from(bytes)));
      this.on('close', (code) => closed.push(code));
    }
  };
  const provider = new WebsocketProvider(`${actor.url.replace('http', 'ws')}/sync`, name, doc, {
    WebSocketPolyfill: Polyfill as never,
    disableBc: true,
  });
  providers.push(provider);
  await new Promise<void>((resolve) => provider.once('sync', () => resolve()));
  return { doc, provider, heard, closed };
}

const close = (by: Actor, group: ConversationId, history = 'joined') =>
  by.ask('PATCH', `/api/conversations/${group}`, { history });
const add = (by: Actor, group: ConversationId, whom: Actor) =>
  by.ask('PUT', `/api/conversations/${group}/members/${whom.id}`, { role: 'member' });
const textsOf = (doc: Y.Doc): string[] => [...messagesOf(doc).values()].map(({ text }) => text).sort();
const seqsOf = (doc: Y.Doc): number[] =>
  orderOf(doc)
    .toArray()
    .map(([seq]) => seq);
const has = (heard: readonly Buffer[], word: string): boolean => Buffer.concat(heard).includes(word);

test('[M7] administrators say what who is added sees, and the setting is read in the root', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!);
  const root = await open(binh!, conversationDoc(group));
  expect(metaOf(root.doc).has('history')).toBe(false);
  expect((await close(binh!, group)).body['code']).toBe('not-allowed');
  expect((await close(an!, group, 'some')).body['code']).toBe('invalid-input');
  expect((await close(an!, group)).status).toBe(200);
  await expect.poll(() => metaOf(root.doc).get('history')).toBe('joined');
  await an!.post(group, 'trước');
  await add(an!, group, chi!);
  await expect.poll(() => membersOf(root.doc).get(chi!.id)).toMatchObject({ role: 'member', hiddenSeq: 1 });
  expect(membersOf(root.doc).get(binh!.id)).not.toHaveProperty('hiddenSeq');
  // It says what who is added from now on sees, and changes nothing for those who are there.
  await close(an!, group, 'all');
  await expect.poll(() => metaOf(root.doc).get('history')).toBe('all');
  const { body } = await chi!.ask('GET', `/api/conversations/${group}/messages`);
  expect(body).toEqual({ messages: [], before: null });
  const direct = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  expect((await close(an!, direct.body['conversation']!['id'] as unknown as ConversationId)).status).toBe(403);
});

test('[M7] [M8] who joins sees what is written from then on, whatever the others do with the rest', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!);
  const path = `/api/conversations/${group}`;
  const name = pageDoc(group, 0);
  const old: MessageId[] = [];
  for (let n = 0; n < 5; n++) old.push((await an!.post(group, `bí mật ${n}`)).id as MessageId);
  await close(an!, group);
  const full = await open(binh!, name);
  await add(an!, group, chi!);
  await an!.post(group, 'công khai một', { replyTo: old[0] });

  const mine = await open(chi!, name);
  expect(textsOf(mine.doc)).toEqual(['công khai một']);
  expect(seqsOf(mine.doc)).toEqual([6]);
  // Live, and about what is hidden: an edit, a deletion, a reaction.
  await an!.ask('PATCH', `${path}/messages/${old[1]!}`, { text: 'bí mật đã sửa' });
  await an!.ask('DELETE', `${path}/messages/${old[2]!}`);
  reactionsOf(full.doc).set(reactionKey({ message: old[3]!, user: binh!.id, emoji: '🤫' }), 1);
  await binh!.post(group, 'công khai hai');
  reactionsOf(full.doc).set(
    reactionKey({ message: [...messagesOf(mine.doc).keys()][0] as MessageId, user: binh!.id, emoji: '👍' }),
    1,
  );
  await expect.poll(() => textsOf(mine.doc)).toEqual(['công khai hai', 'công khai một']);
  await expect.poll(() => reactionsOf(mine.doc).size).toBe(1);
  expect(deletedOf(mine.doc).size).toBe(0);

  // Writes, and goes and comes back: what the device believes deleted stays as it is.
  messagesOf(mine.doc).set(newMessageId(), { by: chi!.id, at: Date.now(), text: 'của Chi' });
  await expect.poll(() => textsOf(full.doc)).toContain('của Chi');
  mine.provider.destroy();
  await an!.post(group, 'lúc Chi đi vắng');
  messagesOf(mine.doc).set(newMessageId(), { by: chi!.id, at: Date.now(), text: 'Chi viết lúc mất mạng' });
  const again = await open(chi!, name, mine.doc);
  await expect.poll(() => textsOf(full.doc)).toContain('Chi viết lúc mất mạng');
  await expect.poll(() => seqsOf(again.doc)).toEqual([6, 7, 8, 9, 10]);
  expect(seqsOf(full.doc)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(textsOf(full.doc)).toContain('bí mật đã sửa');
  expect(reactionsOf(full.doc).size).toBe(2);
  for (const copy of [mine, again]) {
    for (const word of ['bí mật', '🤫', ...old.slice(1)]) expect(has(copy.heard, word), word).toBe(false);
    expect(copy.closed.filter((code) => code >= 4400)).toEqual([]);
  }

  // The same by HTTP.
  const { body } = await chi!.ask('GET', `${path}/messages?limit=3`);
  expect((body['messages'] as unknown as { seq: number }[]).map(({ seq }) => seq)).toEqual([10, 9, 8]);
  const rest = await chi!.ask('GET', `${path}/messages?limit=3&before=8`);
  expect(rest.body).toMatchObject({ before: null, messages: [{ seq: 7 }, { seq: 6 }] });
  expect((await chi!.ask('GET', `/api/search?q=${encodeURIComponent('bí mật')}`)).body).toEqual({ messages: [] });
  expect((await binh!.ask('GET', '/api/search?q=bi%20mat')).body['messages']).toHaveLength(4);
  expect((await chi!.ask('PATCH', `${path}/messages/${old[0]!}`, { text: 'x' })).body['code']).toBe('not-found');
  expect((await chi!.row(group)).unread).toBe(3);
  expect((await checkDocuments(database.sql)).findings).toEqual([]);
});

test('[M7] the list of who has just joined says nothing of before', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm');
  await an!.post(group, 'bí mật', { mentions: 'all' });
  await close(an!, group);
  await add(an!, group, binh!);
  expect(await binh!.row(group)).toMatchObject({ last: null, unread: 0, mentions: 0, lastSeq: 1 });
  const tab = await binh!.tab();
  expect(tab.row(group)).toMatchObject({ last: null, unread: 0 });
  await an!.post(group, 'công khai');
  await expect.poll(() => tab.row(group)?.last?.text).toBe('công khai');
  tab.leave();
});

test('[M7] pages from before the joining are refused, unless they hold what was written late', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!);
  const late = await open(binh!, pageDoc(group, 0));
  late.provider.disconnect();
  const writer = await open(an!, pageDoc(group, 0));
  writer.doc.transact(() => {
    for (let n = 0; n < PAGE_STAMPS + 10; n++)
      messagesOf(writer.doc).set(newMessageId(), { by: an!.id, at: n + 1, text: `bí mật ${n}` });
  });
  await expect.poll(() => an!.row(group).then((row) => row.lastSeq)).toBe(PAGE_STAMPS + 10);
  await close(an!, group);
  await add(an!, group, chi!);
  expect(await fateOf(chi!.socket(`/sync/${pageDoc(group, 0)}`))).toEqual({ closed: 4403 });
  const current = await open(chi!, pageDoc(group, 1));
  expect(seqsOf(current.doc)).toEqual([]);

  messagesOf(late.doc).set(newMessageId(), { by: binh!.id, at: Date.now(), text: 'viết lúc mất mạng' });
  late.provider.connect();
  await expect.poll(() => orderOf(current.doc).toArray().at(-1)?.[3]).toBe(0);
  const lending = await open(chi!, pageDoc(group, 0));
  expect(textsOf(lending.doc)).toEqual(['viết lúc mất mạng']);
  expect(seqsOf(lending.doc)).toEqual([]);
  for (const copy of [current, lending]) expect(has(copy.heard, 'bí mật')).toBe(false);
});

test('[M7] who leaves and is added again sees from the new joining on; with an open history, everything', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const name = pageDoc(group, 0);
  await an!.post(group, 'một');
  await binh!.post(group, 'hai, của Bình');
  const remove = () => an!.ask('DELETE', `/api/conversations/${group}/members/${binh!.id}`);
  await remove();
  await an!.post(group, 'ba');
  await close(an!, group);
  await add(an!, group, binh!);
  await an!.post(group, 'bốn');
  const closed = await open(binh!, name);
  expect(textsOf(closed.doc)).toEqual(['bốn']);
  closed.provider.destroy();

  await remove();
  await close(an!, group, 'all');
  await add(an!, group, binh!);
  const fresh = await open(binh!, name);
  expect(textsOf(fresh.doc)).toEqual(['ba', 'bốn', 'hai, của Bình', 'một']);
  // A copy from when it was hidden, which believes even its person's own message deleted, is refused: the app takes the relay's then.
  const outdated = binh!.socket(`/sync/${name}`);
  const fate = fateOf(outdated);
  await new Promise((resolve) => outdated.once('open', resolve));

  outdated.send(encodeFrame({ is: 'step2', update: Y.encodeStateAsUpdate(closed.doc) }));
  expect(await fate).toEqual({ closed: 4403 });
  expect(textsOf(fresh.doc)).toContain('hai, của Bình');
  const { body } = await an!.ask('GET', `/api/conversations/${group}/messages`);
  expect((body['messages'] as unknown as { deleted?: boolean }[]).filter((each) => each.deleted)).toEqual([]);
});
