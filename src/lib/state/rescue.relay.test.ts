/** Refused writes, damaged copies, and a relay that was put back: the app without a screen against a real relay. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newMessageId } from '#shared/ids.ts';
import { MESSAGE_MAX_CHARS } from '#shared/limits.ts';
import { messagesOf } from '#shared/model/page.ts';
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

const texts = (conversation: Conversation): string[] =>
  conversation.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message.text] : []));
const seqs = (conversation: Conversation): (number | null)[] =>
  conversation.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message.seq] : []));

function say(conversation: Conversation, text: string): void {
  conversation.type(text);
  if (conversation.submit() === null) throw new Error(`could not be sent: ${text}`);
}

/** A group of two, open on both sides. */
async function group() {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = anApp.startGroup('Nhóm', [person(binh)]);
  await until(() => binhApp.rows.length === 1);
  const [anChat, binhChat] = [anApp.open(id), binhApp.open(id)];
  await until(() => binhChat.status === 'ready' && binhChat.members.length === 2 && !anChat.pending);
  say(anChat, 'xin chào');
  await until(() => texts(binhChat).length === 1);
  return { an, binh, anApp, binhApp, anChat, binhChat, id };
}

test('[L6] demoted while offline: what was written arrives, the new name is told as not taken', async () => {
  const { binh, anApp, binhApp, anChat, binhChat } = await group();
  anChat.changeRole(binh.me.id, 'admin');
  await until(() => binhChat.may('rename'));
  binh.goOffline();
  binhChat.rename('Tên của Bình');
  say(binhChat, 'đã đổi tên nhóm');
  anChat.changeRole(binh.me.id, 'member');
  await until(() => anApp.connection.waiting === 0);
  binh.goOnline();
  await until(() => texts(anChat).includes('đã đổi tên nhóm') && binhApp.notices.length === 1);
  expect(binhApp.notices).toMatchObject([
    { is: 'not-taken', what: 'title', code: 'not-allowed', text: 'Tên của Bình' },
  ]);
  await until(() => binhChat.title === 'Nhóm' && binhApp.rows[0]?.title === 'Nhóm');
  expect(anChat.title).toBe('Nhóm');
  await until(() => binhApp.connection.waiting === 0);
  say(binhChat, 'vẫn viết được');
  await until(() => texts(anChat).includes('vẫn viết được'));
}, 60_000);

test('[L6] a text above the limit is given back, and what was written before and behind it arrives', async () => {
  const { binh, binhApp, anChat, binhChat } = await group();
  binh.goOffline();
  say(binhChat, 'trước');
  // As a version of the app does that still allows it.
  const long = `${'dài'.padEnd(MESSAGE_MAX_CHARS)} quá`;
  const message = { by: binh.me.id, at: Date.now(), text: long };
  messagesOf(binhChat.timeline.pageForWriting().doc).set(newMessageId(), message);
  say(binhChat, 'sau');
  binh.goOnline();
  await until(() => texts(anChat).includes('sau') && binhApp.connection.waiting === 0);
  await until(() => texts(binhChat).length === 3);
  expect(texts(anChat)).toEqual(['xin chào', 'trước', 'sau']);
  expect(texts(binhChat)).toEqual(['xin chào', 'trước', 'sau']);
  expect(seqs(binhChat)).toEqual([1, 2, 3]);
  const [notice] = binhApp.notices;
  expect(notice?.is === 'rescued' && notice.texts.length === 1 && notice.texts[0] === long).toBe(true);
}, 60_000);

test('[L8] a relay restored from an older backup gets back what its people wrote since, each message once', async () => {
  const { an, binh, anApp, binhApp, anChat, binhChat, id } = await group();
  const backup = relay.backup();
  say(anChat, 'An, sau bản sao');
  await until(() => texts(binhChat).length === 2);
  say(binhChat, 'Bình, sau bản sao');
  const hello = anChat.timeline.items.find((item) => item.is === 'message');
  if (hello?.is === 'message') binhChat.react(hello.message.id, '❤️');
  await until(() => texts(anChat).length === 3 && anApp.connection.waiting === 0 && binhApp.connection.waiting === 0);
  let onRelay = 0;
  // One device comes back with its conversation closed.
  binhChat.close();
  await relay.stop();
  await relay.startFrom(backup);
  for (const browser of [an, binh]) browser.goOffline();
  for (const browser of [an, binh]) browser.goOnline();
  // The devices show three messages all along; what counts is that the relay has them again.
  for (const end = Date.now() + 40_000; onRelay < 3 && Date.now() < end;) {
    const asked = await an.ask('history', { params: { id } });
    if (asked.ok) onRelay = asked.answer.messages.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => texts(anChat).length === 3 && anChat.timeline.lastSeq === 3, 40_000);
  const again = binhApp.open(id);
  await until(() => texts(again).length === 3 && again.timeline.lastSeq === 3, 40_000);
  expect(texts(again)).toEqual(texts(anChat));
  expect(seqs(anChat)).toEqual([1, 2, 3]);
  expect(seqs(again)).toEqual([1, 2, 3]);
  expect([...texts(anChat)].sort()).toEqual(['An, sau bản sao', 'Bình, sau bản sao', 'xin chào']);
  await until(() => anApp.connection.waiting === 0 && binhApp.connection.waiting === 0);
  expect([...anApp.notices, ...binhApp.notices]).toEqual([]);
  const reactions = () => again.timeline.items.flatMap((item) => (item.is === 'message' ? item.message.reactions : []));
  await until(() => reactions().length === 1);
  say(again, 'tiếp');
  await until(() => texts(anChat).at(-1) === 'tiếp' && anChat.timeline.lastSeq === 4);
}, 120_000);
