/** The app without a screen against a real relay: what a person writes, sees, loses a network over, and finds again. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { App } from './app.svelte.ts';
import type { Conversation } from './conversation.svelte.ts';
import { Browser, RelayProcess, until } from './relay-stage.ts';

const relay = new RelayProcess();
const apps: App[] = [];

beforeAll(() => relay.start(), 60_000);
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
});
afterAll(() => relay.stop());

async function tab(browser: Browser): Promise<App> {
  const app = await browser.tab();
  apps.push(app);
  return app;
}

const person = ({ me }: Browser) => ({ id: me.id, name: me.name, avatar: null });

const lines = (conversation: Conversation): string[] =>
  conversation.timeline.items.flatMap((item) =>
    item.is === 'message' ? [`${item.message.text} (${item.message.state ?? 'theirs'})`] : [],
  );

function say(conversation: Conversation, text: string): void {
  conversation.type(text);
  if (conversation.submit() === null) throw new Error(`could not be sent: ${text}`);
}

test('a message goes from one person to another, and back come unread and read', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const anChat = anApp.open(id);
  await until(() => anChat.status === 'ready');
  say(anChat, 'chào Bình');
  expect(lines(anChat)).toEqual(['chào Bình (waiting)']);
  expect(anApp.rows[0]?.last?.text).toBe('chào Bình');
  await until(() => lines(anChat)[0] === 'chào Bình (sent)');
  expect(anApp.connection.waiting).toBe(0);

  await until(() => binhApp.rows[0]?.unread === 1);
  expect(binhApp.rows[0]?.title).toBe('An');
  const binhChat = binhApp.open(id);
  await until(() => lines(binhChat).length === 1);
  expect(binhChat.timeline.items.map((item) => item.is)).toEqual(['start', 'day', 'new', 'message']);
  binhChat.timeline.markRead(binhChat.timeline.lastSeq);
  expect(binhApp.rows[0]?.unread).toBe(0);
  say(binhChat, 'chào An');
  await until(() => lines(anChat).join() === 'chào Bình (read),chào An (theirs)');
}, 20_000);

test('who shares a conversation comes first among the people who are found', async () => {
  const an = await Browser.signUp(relay, 'An Tìm');
  const [far, near] = [await Browser.signUp(relay, 'Quen Ai'), await Browser.signUp(relay, 'Quen Zung')];
  const app = await tab(an);
  const names = async (query: string) => (await app.searchPeople(query)).people.map(({ name }) => name);
  await until(() => app.connection.state === 'online');
  expect(await names('quen')).toEqual([far.me.name, near.me.name]);
  await app.startDirect(person(near));
  await until(() => app.rows.length === 1 && !app.rows[0]!.pending);
  expect(await names('quen')).toEqual([near.me.name, far.me.name]);
  expect((await names(''))[0]).toBe(near.me.name);
}, 20_000);

test('[L1] [L4] a group made and written into without a network survives a restart, and settles in order', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const before = await tab(an);
  await until(() => before.connection.state === 'online');
  an.goOffline();
  const id = before.startGroup('Chuyến đi', [person(binh)]);
  const chat = before.open(id);
  await until(() => chat.status === 'ready');
  for (const text of ['một', 'hai', 'ba']) say(chat, text);
  expect(before.rows[0]).toMatchObject({ title: 'Chuyến đi', pending: true, last: { text: 'ba', state: 'waiting' } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  before.stop();

  const after = await tab(an);
  expect(after.rows[0]).toMatchObject({ title: 'Chuyến đi', pending: true, last: { text: 'ba', state: 'waiting' } });
  const again = after.open(id);
  await until(() => again.status === 'ready');
  expect(lines(again)).toEqual(['một (waiting)', 'hai (waiting)', 'ba (waiting)']);
  again.close();
  // Nobody looks at it when the network is back.
  an.goOnline();
  await until(() => after.connection.waiting === 0, 15_000);
  const binhApp = await tab(binh);
  await until(() => binhApp.rows[0]?.unread === 3);
  const binhChat = binhApp.open(id);
  await until(() => lines(binhChat).length === 3);
  expect(lines(binhChat)).toEqual(['một (theirs)', 'hai (theirs)', 'ba (theirs)']);
}, 60_000);

test('edits, reactions and deletions made without a network arrive, and their documents are marked until then', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready');
  say(chat, 'sai');
  say(chat, 'bỏ');
  await until(() => lines(chat).every((line) => !line.endsWith('(waiting)')) && anApp.unsent === 0);
  an.goOffline();
  await until(() => anApp.connection.state === 'offline');
  const [wrong, gone] = chat.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message.id] : []));
  chat.startEdit(wrong!);
  chat.type('đúng');
  chat.submit();
  chat.react(wrong!, '👍');
  chat.deleteMessage(gone!);
  chat.close();
  await until(() => anApp.unsent === 1);
  an.goOnline();
  await until(() => anApp.unsent === 0, 15_000);
  const binhChat = binhApp.open(id);
  await until(() => binhChat.timeline.items.some((item) => item.is === 'message' && item.message.edited));
  const messages = binhChat.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message] : []));
  expect(messages[0]).toMatchObject({
    text: 'đúng',
    reactions: [{ emoji: '👍', count: 1, names: ['An'], mine: false }],
  });
  expect(messages[1]).toMatchObject({ deleted: true, text: '' });
}, 60_000);

test('a message is kept while the relay is down, and sent when it is back', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const anApp = await tab(an);
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  say(chat, 'trước');
  await until(() => lines(chat)[0] === 'trước (sent)');
  await relay.stop('SIGKILL');
  say(chat, 'trong lúc');
  await until(() => anApp.connection.state === 'offline');
  expect(lines(chat)).toEqual(['trước (sent)', 'trong lúc (waiting)']);
  await relay.start();
  await until(() => lines(chat)[1] === 'trong lúc (sent)', 20_000);
  expect(anApp.connection.state).toBe('online');
}, 60_000);

test('what is fetched ahead opens without a network', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const anApp = await tab(an);
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready');
  say(chat, 'đọc trên tàu');
  await until(() => lines(chat)[0]?.endsWith('(sent)') ?? false);
  const binhApp = await tab(binh);
  await until(() => binhApp.rows.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  binh.goOffline();
  const binhChat = binhApp.open(id);
  await until(() => binhChat.status === 'ready');
  expect(lines(binhChat)).toEqual(['đọc trên tàu (theirs)']);
}, 60_000);

test('a draft is on the other device, and a session ended elsewhere loses nothing', async () => {
  const an = await Browser.signUp(relay, 'An');
  const phone = await an.elsewhere();
  const [desk, pocket] = [await tab(an), await tab(phone)];
  const id = await desk.startNotes();
  const chat = desk.open(id);
  await until(() => chat.status === 'ready');
  chat.type('mua sữa');
  await until(() => pocket.rows[0]?.draft === 'mua sữa', 10_000);
  expect(pocket.rows[0]?.title).toBe(null);

  const sessions = await desk.sessions();
  if (!Array.isArray(sessions)) throw new Error('no sessions');
  const other = sessions.find((session) => !session.current);
  expect(await desk.endSession(other!.id)).toBe(null);
  await until(() => pocket.signedOut);
  expect(pocket.rows[0]?.draft).toBe('mua sữa');
}, 60_000);

test('[L5] signing out forgets everything of this person on this device', async () => {
  const an = await Browser.signUp(relay, 'An');
  const app = await an.tab();
  const chat = app.open(await app.startNotes());
  await until(() => chat.status === 'ready');
  say(chat, 'bí mật');
  await until(() => app.unsent === 0, 10_000);
  chat.close();
  await app.signOut();
  const left = (await indexedDB.databases()).filter(({ name }) => name?.startsWith(`ting-ting:${an.me.id}`));
  expect(left).toEqual([]);
}, 20_000);

test('what another device types into a draft appears here, unless somebody is typing here', async () => {
  const an = await Browser.signUp(relay, 'An');
  const phone = await an.elsewhere();
  const [desk, pocket] = [await tab(an), await tab(phone)];
  const id = await desk.startNotes();
  const [left, right] = [desk.open(id), pocket.open(id)];
  await until(() => left.status === 'ready' && right.status === 'ready');
  left.type('từ bàn');
  await until(() => right.composer.text === 'từ bàn', 10_000);
  right.type('từ bàn, rồi từ túi');
  await until(() => left.composer.text === 'từ bàn, rồi từ túi', 10_000);
  left.submit();
  await until(() => right.composer.text === '', 10_000);
}, 20_000);

test('[R1] [R2] [R5] [R6] a message is sent, then delivered to a device that did not open it, then read; with who, in a group', async () => {
  const [an, binh, chi] = [
    await Browser.signUp(relay, 'An'),
    await Browser.signUp(relay, 'Bình'),
    await Browser.signUp(relay, 'Chi'),
  ];
  const anApp = await tab(an);
  const id = anApp.startGroup('Nhóm', [person(binh), person(chi)]);
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready');
  say(chat, 'mai mấy giờ?');
  const state = () => chat.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message.state] : []))[0];
  const message = () => chat.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message.id] : []))[0]!;
  await until(() => state() === 'sent');
  const binhApp = await tab(binh);
  const chiApp = await tab(chi);
  await until(() => state() === 'delivered');
  const names = (people: readonly { name: string }[] | undefined) => people?.map(({ name }) => name).sort();
  const receipts = () => chat.receipts(message());
  expect(names(receipts()?.delivered)).toEqual(['Bình', 'Chi']);
  expect(anApp.rows[0]?.last?.state).toBe('delivered');

  const binhChat = binhApp.open(id);
  await until(() => binhChat.timeline.lastSeq === 1);
  binhChat.timeline.markRead(1);
  await until(() => names(receipts()?.read)?.join() === 'Bình');
  expect(names(receipts()?.delivered)).toEqual(['Chi']);
  expect(state()).toBe('delivered');

  // Read without a network: told when it is back.
  chi.goOffline();
  const chiChat = chiApp.open(id);
  await until(() => chiChat.timeline.lastSeq === 1);
  chiChat.timeline.markRead(1);
  expect(chiApp.rows[0]?.unread).toBe(0);
  chi.goOnline();
  await until(() => state() === 'read');
  expect(anApp.rows[0]?.last?.state).toBe('read');
  // Without a network the ticks stay, also after a restart.
  an.goOffline();
  anApp.stop();
  const again = await tab(an);
  expect(again.rows[0]?.last?.state).toBe('read');
}, 60_000);

test('[N1] [N5] [N6] who is here and who types is seen, in the list too, until the network goes', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  await until(() => chat.presence?.online === true && binhApp.rows[0]?.online === true);
  chat.type('đang nghĩ…');
  await until(() => binhApp.rows[0]?.typing.join() === 'An');
  chat.type('');
  await until(() => binhApp.rows[0]?.typing.length === 0);
  chat.type('lại nghĩ…');
  await until(() => binhApp.rows[0]?.typing.length === 1);
  chat.submit();
  await until(() => binhApp.rows[0]?.typing.length === 0 && binhApp.rows[0]?.last?.text === 'lại nghĩ…');
  const before = Date.now();
  an.goOffline();
  await until(() => chat.presence?.online === false);
  expect(chat.presence?.lastSeen).toBeGreaterThanOrEqual(before);
  await until(() => binhApp.rows[0]?.online === false);
}, 60_000);
