/** Long histories, pages that fill up, two tabs, refused writes: the app without a screen against a real relay. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newMessageId } from '#shared/ids.ts';
import { MESSAGE_MAX_CHARS } from '#shared/limits.ts';
import { messagesOf, pageOfSeq } from '#shared/model/page.ts';
import type { App } from './app.svelte.ts';
import type { Conversation } from './conversation.svelte.ts';
import type { MessageView, QuoteView } from './views.ts';
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
const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

const messageWith = (conversation: Conversation, text: string): MessageView => {
  for (const item of conversation.timeline.items)
    if (item.is === 'message' && item.message.text === text) return item.message;
  throw new Error(`not on screen: ${text}`);
};
/** What the last message quotes, as somebody who looks at it sees it. */
const quoted = (conversation: Conversation): QuoteView | null => {
  const last = conversation.timeline.items.at(-1);
  const quote = last?.is === 'message' ? last.message.replyTo : null;
  if (quote?.is === 'looked-for') conversation.timeline.bringQuoted(quote.id);
  return quote;
};

function say(conversation: Conversation, text: string): void {
  conversation.type(text);
  if (conversation.submit() === null) throw new Error(`could not be sent: ${text}`);
}

/** Many messages, as if typed, in a few transactions. */
async function fill(conversation: Conversation, browser: Browser, count: number): Promise<void> {
  const last = conversation.timeline.lastSeq + count;
  for (let done = 0; done < count; done += 500) {
    // A page that the relay has opened is heard of a moment after the last stamp before it; what is written until then is late.
    const page = pageOfSeq(last - count + done + 1);
    await until(() => conversation.timeline.pageForWriting().number === page);
    const { doc } = conversation.timeline.pageForWriting();
    doc.transact(() => {
      for (let one = done; one < Math.min(count, done + 500); one += 1) {
        const at = Date.now() + one;
        messagesOf(doc).set(newMessageId(at), { by: browser.me.id, at, text: `số ${String(one + 1)}` });
      }
    });
    const now = Math.min(last, last - count + done + 500);
    await until(() => conversation.timeline.lastSeq === now, 15_000);
  }
}

test('[O4] [O6] a long history opens with its newest page, and older pages come in front', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  await fill(chat, an, 2_100);

  // By an older row, an older page would be the first to be shown.
  await until(() => binhApp.rows[0]?.unread === 2_100);
  const binhChat = binhApp.open(id);
  // A current page with 100 stamps brings the one before.
  await until(() => texts(binhChat).length === 1_100);
  expect(binhChat.timeline.items.some((item) => item.is === 'start')).toBe(false);
  expect(binhChat.timeline.hasOlder).toBe(true);
  await binhChat.timeline.loadOlder();
  expect(seqs(binhChat)).toEqual(upTo(1, 2_100));
  expect(binhChat.timeline.hasOlder).toBe(false);
  expect(binhChat.timeline.items[0]?.is).toBe('start');

  binhChat.close();
  binh.goOffline();
  const offline = binhApp.open(id);
  await until(() => offline.status === 'ready');
  expect(texts(offline).length).toBe(1_100);
  const first = chat.timeline.items.find((item) => item.is === 'message');
  expect(await offline.timeline.reach(first?.is === 'message' ? first.message.id : newMessageId())).toBe(true);

  // A new device without the older pages, and without a network, says so.
  const tablet = await binh.elsewhere();
  const tabletApp = await tab(tablet);
  await until(() => tabletApp.rows.length === 1);
  const tabletChat = tabletApp.open(id);
  await until(() => texts(tabletChat).length === 1_100);
  tablet.goOffline();
  await tabletChat.timeline.loadOlder();
  expect(tabletChat.timeline.olderUnreachable).toBe(true);
  expect(tabletChat.timeline.hasOlder).toBe(true);
}, 60_000);

test('a reply shows what it quotes from a page that is not on screen, and a jump loads that page', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  await fill(chat, an, 2_100);
  const asked = messageWith(chat, 'số 700');
  chat.startReply(asked.id);
  say(chat, 'nhớ câu này không');

  // Bình's device has the two newest pages, and asks the relay for the first.
  await until(() => binhApp.rows[0]?.last?.text === 'nhớ câu này không');
  const binhChat = binhApp.open(id);
  await until(() => texts(binhChat).length === 1_101);
  await until(() => quoted(binhChat)?.is === 'here');
  expect(quoted(binhChat)).toEqual({ id: asked.id, is: 'here', byName: 'An', text: 'số 700' });
  expect(texts(binhChat)).not.toContain('số 700');
  binhChat.startReply(messageWith(binhChat, 'nhớ câu này không').id);
  expect(binhChat.composer.mode).toMatchObject({ to: { is: 'here', byName: 'An', text: 'nhớ câu này không' } });
  binhChat.cancelMode();
  binhChat.close();

  // From now on it is on the device.
  binh.goOffline();
  const offline = binhApp.open(id);
  await until(() => offline.status === 'ready' && quoted(offline)?.is === 'here');
  expect(texts(offline)).not.toContain('số 700');
  expect(await offline.timeline.reach(asked.id)).toBe(true);
  expect(messageWith(offline, 'số 700').seq).toBe(700);
  offline.close();

  // What was said then is deleted meanwhile: the device shows what it has until the relay says so.
  chat.deleteMessage(asked.id);
  await until(() => anApp.connection.waiting === 0 && quoted(chat)?.is === 'deleted');
  const again = binhApp.open(id);
  await until(() => again.status === 'ready' && quoted(again)?.is === 'here');
  again.close();
  binh.goOnline();
  const online = binhApp.open(id);
  await until(() => online.status === 'ready' && quoted(online)?.is === 'deleted');

  // A new device without a network says that it does not have it, and looks again when it can.
  const tablet = await binh.elsewhere();
  const tabletApp = await tab(tablet);
  await until(() => tabletApp.rows.length === 1);
  const tabletChat = tabletApp.open(id);
  await until(() => texts(tabletChat).at(-1) === 'nhớ câu này không');
  tablet.goOffline();
  await until(() => tabletApp.connection.state === 'offline' && quoted(tabletChat)?.is === 'not-here');
  tablet.goOnline();
  await until(() => quoted(tabletChat)?.is === 'deleted');
}, 90_000);

test('[O5] a message written into a page that filled up meanwhile arrives at the end, for everyone', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = await anApp.startDirect(person(binh));
  const chat = anApp.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  say(chat, 'đầu');
  const binhChat = binhApp.open(id);
  await until(() => texts(binhChat).length === 1);
  binh.goOffline();
  say(binhChat, 'viết trên núi');
  binhChat.close();
  await fill(chat, an, 1_300);
  binh.goOnline();
  await until(() => texts(chat).at(-1) === 'viết trên núi', 15_000);
  await until(() => binhApp.connection.waiting === 0, 15_000);
  const again = binhApp.open(id);
  await until(() => texts(again).at(-1) === 'viết trên núi');
  expect(seqs(again).at(-1)).toBe(1_302);
  expect(texts(again).filter((text) => text === 'viết trên núi')).toHaveLength(1);
}, 60_000);

test('two tabs of one person agree without a network', async () => {
  const an = await Browser.signUp(relay, 'An');
  const [left, right] = [await tab(an), await tab(an)];
  await until(() => left.connection.state === 'online' && right.connection.state === 'online');
  an.goOffline();
  const id = await left.startNotes();
  await until(() => right.rows.length === 1);
  const [leftChat, rightChat] = [left.open(id), right.open(id)];
  await until(() => leftChat.status === 'ready' && rightChat.status === 'ready');
  say(leftChat, 'ở bên trái');
  await until(() => texts(rightChat)[0] === 'ở bên trái');
  // Told when it is on the disk.
  await until(() => right.rows[0]?.last?.text === 'ở bên trái' && right.rows[0].last.state === 'waiting');
  say(rightChat, 'ở bên phải');
  await until(() => texts(leftChat).length === 2);
  an.goOnline();
  await until(() => left.connection.waiting === 0 && right.connection.waiting === 0, 15_000);
  expect(seqs(leftChat)).toEqual([1, 2]);
  expect(seqs(rightChat)).toEqual([1, 2]);
}, 60_000);

test('[A14] a refused change does not poison the device: what was written beside it is sent', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = anApp.startGroup('Nhóm', [person(binh)]);
  await until(() => binhApp.rows.length === 1);
  const [anChat, binhChat] = [anApp.open(id), binhApp.open(id)];
  await until(() => binhChat.status === 'ready' && binhChat.members.length === 2 && !anChat.pending);
  say(anChat, 'xin chào');
  await until(() => texts(binhChat).length === 1);
  binh.goOffline();
  say(binhChat, 'lời thật');
  const page = binhChat.timeline.pageForWriting();
  // A client with a mistake in it: another person's name under a message.
  messagesOf(page.doc).set(newMessageId(), { by: an.me.id, at: Date.now(), text: 'giả mạo' });
  binh.goOnline();
  await until(() => texts(anChat).includes('lời thật'), 15_000);
  expect(texts(anChat)).toEqual(['xin chào', 'lời thật']);
  await until(() => binhApp.connection.waiting === 0 && texts(binhChat).length === 2, 15_000);
  expect(texts(binhChat)).toEqual(['xin chào', 'lời thật']);
  // Nothing of Bình's was lost.
  expect(binhApp.notices).toEqual([]);
  say(binhChat, 'vẫn viết được');
  await until(() => texts(anChat).includes('vẫn viết được'));
}, 40_000);

test('[L3] a refused request is told, and the requests behind it go on', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const anApp = await tab(an);
  const binhApp = await tab(binh);
  const id = anApp.startGroup('Nhóm', [person(binh)]);
  await until(() => binhApp.rows.length === 1);
  const chat = binhApp.open(id);
  await until(() => chat.status === 'ready' && chat.members.length === 2);
  chat.removeMember(an.me.id);
  const other = await binhApp.startNotes();
  await until(() => binhApp.notices.length === 1 && binhApp.connection.waiting === 0);
  expect(binhApp.notices[0]).toMatchObject({ is: 'refused', what: 'remove-member', code: 'not-allowed' });
  expect(chat.members).toHaveLength(2);
  await until(() => binhApp.rows.some((row) => row.id === other && !row.pending));
  binhApp.dismiss(binhApp.notices[0]!.key);
  expect(binhApp.notices).toEqual([]);
}, 60_000);

test('a removed member loses the conversation at once, and a rename shows before the relay has heard of it', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const id = anApp.startGroup('Nhóm', [person(binh)]);
  const [anChat, binhChat] = [anApp.open(id), binhApp.open(id)];
  await until(() => binhApp.rows.length === 1 && binhChat.status === 'ready');
  an.goOffline();
  anChat.rename('Tên mới');
  expect(anApp.rows[0]?.title).toBe('Tên mới');
  an.goOnline();
  await until(() => binhApp.rows[0]?.title === 'Tên mới' && binhChat.title === 'Tên mới');
  await until(() => anChat.members.some((member) => member.id === binh.me.id && member.canRemove));
  anChat.removeMember(binh.me.id);
  await until(() => binhApp.rows.length === 0 && binhChat.status === 'left');
  expect(binhChat.may('write')).toBe(false);
}, 60_000);

test('[S17] what was written in weeks without a network gets through, whatever its size', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, binhApp] = [await tab(an), await tab(binh)];
  const chat = anApp.open(await anApp.startDirect(person(binh)));
  await until(() => chat.status === 'ready' && !chat.pending);
  await until(() => binhApp.rows.length === 1);
  an.goOffline();
  const { doc } = chat.timeline.pageForWriting();
  // Three times what the relay takes in one frame.
  const text = 'ă'.repeat(MESSAGE_MAX_CHARS - 100);
  doc.transact(() => {
    for (let i = 0; i < 800; i += 1) {
      const at = Date.now() + i;
      messagesOf(doc).set(newMessageId(at), { by: an.me.id, at, text: text + String(i) });
    }
  });
  expect(chat.timeline.lastSeq).toBe(0);
  an.goOnline();
  await until(() => chat.timeline.lastSeq === 800, 60_000);
  const binhChat = binhApp.open(binhApp.rows[0]!.id);
  await until(() => texts(binhChat).length === 800, 60_000);
  expect(texts(binhChat)).toEqual(texts(chat));
}, 120_000);
