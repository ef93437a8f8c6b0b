/** The relay's sockets from outside, as a stock client and the app's own use them. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { type ConversationId, newConversationId, newMessageId } from '#shared/ids.ts';
import { membersOf, metaOf, pagesOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc, personalDoc } from '#shared/model/doc-names.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { readOf } from '#shared/model/personal.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { startRelay, type Relay } from './relay.ts';
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

/** The stock client, untouched but for the cookie that a browser would send by itself. */
function openDoc(actor: Actor, name: string): { doc: Y.Doc; provider: WebsocketProvider } {
  const Polyfill = class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { headers: { cookie: actor.cookie } });
    }
  };
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(`${actor.url.replace('http', 'ws')}/sync`, name, doc, {
    WebSocketPolyfill: Polyfill as never,
    disableBc: true,
  });
  providers.push(provider);
  return { doc, provider };
}

const synced = (provider: WebsocketProvider) => new Promise<void>((resolve) => provider.once('sync', () => resolve()));

async function eventually(what: () => boolean): Promise<void> {
  for (const until = Date.now() + 30_000; !what();) {
    if (Date.now() > until) throw new Error(`did not become true: ${String(what)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('the answer to an upgrade comes in one packet', async () => {
  const [an] = await people('An');
  for (let time = 0; time < 10; time++) {
    const line = connect(relay.port, '127.0.0.1');
    line.write(
      `GET /sync HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: ${an!.cookie}\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const first = await new Promise<Buffer>((resolve) => line.once('data', resolve));
    expect(first.toString('latin1')).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    line.destroy();
  }
});

test('[A15] an upgrade is refused without a session, from another origin, without membership, for a name that is none', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm');
  const visitor = new Actor(relay.url, 'nobody');
  expect(await fateOf(visitor.socket('/sync', { cookie: '' }))).toEqual({ refused: 401 });
  expect(
    await fateOf(
      visitor.socket(`/sync/${conversationDoc(group)}`, { cookie: 'session=forged0forged0forged0forged0forged0forge' }),
    ),
  ).toEqual({ refused: 401 });
  expect(await fateOf(an!.socket('/sync', { origin: 'http://evil.example' }))).toEqual({ refused: 403 });
  expect(await fateOf(binh!.socket(`/sync/${conversationDoc(group)}`))).toEqual({ refused: 403 });
  expect(await fateOf(binh!.socket(`/sync/${pageDoc(group, 0)}`))).toEqual({ refused: 403 });
  expect(await fateOf(binh!.socket(`/sync/${personalDoc(an!.id)}`))).toEqual({ refused: 403 });
  expect(await fateOf(binh!.socket(`/sync/${conversationDoc(newConversationId())}`))).toEqual({ refused: 403 });
  for (const name of ['', 'x', 'c:', `c:${group}:-1`, `c:${group}:0:0`, '%', '%E0%A4%A', '..%2Fapi%2Fme', 'a/b']) {
    expect(await fateOf(an!.socket(`/sync/${name}`)), name).toEqual({ refused: 404 });
  }
});

test('[S10] two stock clients share a page, and see the relay’s stamps', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const [a, b] = [openDoc(an!, pageDoc(group, 0)), openDoc(binh!, pageDoc(group, 0))];
  await Promise.all([synced(a.provider), synced(b.provider)]);
  const first = newMessageId();
  messagesOf(a.doc).set(first, { by: an!.id, at: Date.now(), text: 'chào Bình' });
  await eventually(() => orderOf(b.doc).length === 1 && orderOf(a.doc).length === 1);
  const second = newMessageId();
  messagesOf(b.doc).set(second, { by: binh!.id, at: Date.now(), text: 'chào An' });
  await eventually(() => orderOf(a.doc).length === 2 && orderOf(b.doc).length === 2);
  expect(
    orderOf(a.doc)
      .toArray()
      .map(([seq, id]) => [seq, id]),
  ).toEqual([
    [1, first],
    [2, second],
  ]);
  expect(messagesOf(a.doc).toJSON()).toEqual(messagesOf(b.doc).toJSON());
  expect(await an!.row(group)).toMatchObject({ lastSeq: 2, unread: 1, last: { text: 'chào An' } });
});

test('[S10] a stock client, the app’s socket and the API write into one conversation', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const stock = openDoc(an!, pageDoc(group, 0));
  await synced(stock.provider);
  const tab = await binh!.tab();
  tab.tell({ is: 'open', channel: 1, doc: pageDoc(group, 0) });
  await tab.until((message) => message.is === 'opened' && message.channel === 1);

  await binh!.post(group, 'qua API');
  const draft = new Y.Doc();
  messagesOf(draft).set(newMessageId(), { by: binh!.id, at: Date.now(), text: 'qua kênh' });
  tab.send(1, encodeFrame({ is: 'update', update: Y.encodeStateAsUpdate(draft) }));
  await eventually(() => orderOf(stock.doc).length === 2);
  const texts = [...messagesOf(stock.doc).values()].map(({ text }) => text).sort();
  expect(texts).toEqual(['qua API', 'qua kênh']);
  tab.leave();
});

test('[S10] the root document mirrors what the tables say', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const { doc, provider } = openDoc(binh!, conversationDoc(group));
  await synced(provider);
  expect(metaOf(doc).toJSON()).toMatchObject({ kind: 'group', title: 'Nhóm', createdBy: an!.id });
  expect(pagesOf(doc).get('current')).toBe(0);
  expect(membersOf(doc).get(an!.id)).toMatchObject({ role: 'owner', name: 'An' });
  await an!.ask('PATCH', '/api/me', { name: 'An Nhiên' });
  await eventually(() => membersOf(doc).get(an!.id)?.name === 'An Nhiên');
  await an!.ask('PATCH', `/api/conversations/${group}`, { title: 'Tên khác' });
  await eventually(() => metaOf(doc).get('title') === 'Tên khác');
  await an!.ask('PUT', `/api/conversations/${group}/members/${binh!.id}`, { role: 'admin' });
  await eventually(() => membersOf(doc).get(binh!.id)?.role === 'admin');
  // An administrator changes the title in the document, and the table follows.
  metaOf(doc).set('title', 'Của Bình');
  await eventually(() => metaOf(doc).get('title') === 'Của Bình');
  await expect.poll(async () => (await an!.row(group)).title).toBe('Của Bình');
});

test('[U3] a read mark that a device sets in its own document counts', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  await an!.post(group, 'một');
  await an!.post(group, 'hai');
  const tab = await binh!.tab();
  const { doc, provider } = openDoc(binh!, personalDoc(binh!.id));
  await synced(provider);
  readOf(doc).set(group, 1);
  await tab.until(() => tab.row(group)?.unread === 1);
  await binh!.ask('PUT', `/api/conversations/${group}/read`, { seq: 2 });
  await eventually(() => readOf(doc).get(group) === 2);
  tab.leave();
});

test('[S12] who is removed loses the channel at once, and is not taken seriously afterwards', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const tab = await binh!.tab();
  tab.tell({ is: 'open', channel: 1, doc: pageDoc(group, 0) });
  await tab.until((message) => message.is === 'opened');
  const single = binh!.socket(`/sync/${pageDoc(group, 0)}`);
  await new Promise((resolve) => single.once('open', resolve));
  const fate = fateOf(single);

  await an!.ask('DELETE', `/api/conversations/${group}/members/${binh!.id}`);
  await tab.until((message) => message.is === 'closed' && message.channel === 1 && message.code === 4403);
  await tab.until((message) => message.is === 'gone' && message.conversation === group);
  expect(await fate).toEqual({ closed: 4403 });

  const draft = new Y.Doc();
  messagesOf(draft).set(newMessageId(), { by: binh!.id, at: Date.now(), text: 'vẫn đây' });
  tab.send(1, encodeFrame({ is: 'update', update: Y.encodeStateAsUpdate(draft) }));
  tab.tell({ is: 'open', channel: 2, doc: pageDoc(group, 0) });
  await tab.until((message) => message.is === 'closed' && message.channel === 2);
  expect((await binh!.ask('POST', `/api/conversations/${group}/messages`, { text: 'vẫn đây' })).status).toBe(403);
  expect(await messageCount(group)).toBe(0);
  tab.leave();
});

test('[S12] an ended session’s sockets close: signed out, ended from elsewhere, password changed', async () => {
  const [an] = await people('An');
  for (const end of [
    (device: Actor) => device.ask('POST', '/api/auth/logout'),
    async (device: Actor) => {
      const { body } = await device.ask('GET', '/api/auth/sessions');
      const current = (body['sessions'] as unknown as { id: string; current: boolean }[]).find(
        (session) => session.current,
      );
      return an!.ask('DELETE', `/api/auth/sessions/${current!.id}`);
    },
    () => an!.ask('POST', '/api/auth/password', { current: an!.password, next: an!.password }),
  ]) {
    const device = await an!.onAnotherDevice();
    const tab = await device.tab();
    const stock = device.socket(`/sync/${personalDoc(an!.id)}`);
    await new Promise((resolve) => stock.once('open', resolve));
    const fate = fateOf(stock);
    await end(device);
    expect(await tab.closed()).toBe(4401);
    expect(await fate).toEqual({ closed: 4401 });
    expect(await fateOf(device.socket('/sync'))).toEqual({ refused: 401 });
  }
  const stays = await an!.tab();
  expect(stays.closedWith).toBeNull();
  stays.leave();
});

test('a relay that stops tells its sockets to come back', async () => {
  const second = await startRelay(testConfig(database.url));
  const an = await Actor.signUp(second.url, 'An');
  const tab = await an.tab();
  await second.stop();
  expect(await tab.closed()).toBe(4503);
});

async function messageCount(conversation: ConversationId): Promise<number> {
  const [row] = await database.sql<
    { count: number }[]
  >`select count(*)::int as count from messages where conversation = ${conversation}`;
  return row?.count ?? -1;
}
