/** Sending attachments without a screen, against a real relay: without a network, over a reload, through a relay that stops, and when it says no. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BlobShelf } from '../local/blobs.ts';
import type { App } from './app.svelte.ts';
import type { Conversation } from './conversation.svelte.ts';
import { Browser, fileOf, RelayProcess, until } from './relay-stage.ts';
import type { MessageView } from './views.ts';

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

const messages = (chat: Conversation): MessageView[] =>
  chat.timeline.items.flatMap((item) => (item.is === 'message' ? [item.message] : []));

/** `text [name, name] state`, one a message. */
const lines = (chat: Conversation): string[] =>
  messages(chat).map(({ text, attachments, state }) => {
    const names = attachments.map(({ name }) => name).join(', ');
    return `${text}${names === '' ? '' : ` [${names}]`} ${state ?? 'theirs'}`.trim();
  });

const sending = (chat: Conversation) =>
  messages(chat).flatMap(({ attachments }) => attachments.flatMap((one) => one.sending ?? []));

function say(chat: Conversation, text: string): void {
  chat.type(text);
  if (chat.submit() === null) throw new Error(`could not be sent: ${text}`);
}

async function attach(chat: Conversation, ...files: File[]): Promise<void> {
  const before = chat.tray.length;
  chat.attach(files);
  await until(() => chat.tray.length === before + files.length && chat.tray.every(({ state }) => state === 'ready'));
}

/** Two people who share a conversation that the relay knows. */
async function pair(at = relay) {
  const [an, binh] = [await Browser.signUp(at, 'An'), await Browser.signUp(at, 'Bình')];
  const app = await tab(an);
  const id = await app.startDirect(person(binh));
  const chat = app.open(id);
  await until(() => chat.status === 'ready' && !chat.pending);
  return { an, binh, app, id, chat };
}

const noise = (bytes: number, seed = 1): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(bytes);
  for (let at = 0, x = seed; at < bytes; at += 1) made[at] = x = (x * 1_103_515_245 + 12_345) & 0xff;
  return made;
};

test('[B10] what is attached without a network is whole after a reload, and arrives once, in the order written', async () => {
  const { an, binh, app, id, chat } = await pair();
  say(chat, 'trước');
  await until(() => lines(chat)[0] === 'trước sent');
  an.goOffline();
  await until(() => app.connection.state === 'offline');
  await attach(chat, fileOf('một', 'một.txt'), fileOf('hai', 'hai.txt'));
  say(chat, 'hai tệp');
  say(chat, 'chữ sau tệp');
  await attach(chat, fileOf('ba', 'ba.txt'));
  expect(chat.submit()).not.toBeNull();
  expect(chat.tray).toEqual([]);
  const waits = ['trước sent', 'hai tệp [một.txt, hai.txt] waiting', 'chữ sau tệp waiting', ' [ba.txt] waiting'];
  expect(lines(chat)).toEqual(waits.map((line) => line.trim()));
  expect(sending(chat)).toEqual([{ is: 'waiting' }, { is: 'waiting' }, { is: 'waiting' }]);
  expect(app.rows[0]?.last).toMatchObject({ text: '', attachments: 1, state: 'waiting' });
  expect(app.unsent).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 200));
  app.stop();

  const again = await tab(an);
  const reopened = again.open(id);
  await until(() => reopened.status === 'ready');
  expect(lines(reopened)).toEqual(waits.map((line) => line.trim()));
  reopened.close();
  an.goOnline();
  await until(() => again.connection.waiting === 0);
  const binhChat = (await tab(binh)).open(id);
  await until(() => messages(binhChat).length === 4);
  expect(lines(binhChat)).toEqual([
    'trước theirs',
    'hai tệp [một.txt, hai.txt] theirs',
    'chữ sau tệp theirs',
    '[ba.txt] theirs',
  ]);
  const [first] = messages(binhChat)[1]!.attachments;
  expect(new TextDecoder().decode((await binh.blob(first!.sha256))!)).toBe('một');
  expect(an.sent.filter((line) => line.startsWith('PUT'))).toHaveLength(3);
}, 60_000);

test('[B10] a message that is sent before its attachment is ready is shown at once, and goes when it is', async () => {
  const { binh, id, chat } = await pair();
  const slow = fileOf('chậm mà chắc', 'chậm.txt');
  let goOn: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const read = slow.arrayBuffer.bind(slow);
  slow.arrayBuffer = async () => {
    await gate;
    return await read();
  };
  chat.attach([slow]);
  await until(() => chat.tray.length === 1);
  expect(chat.tray[0]).toMatchObject({ name: 'chậm.txt', state: 'preparing' });
  say(chat, 'đang gửi');
  say(chat, 'và chữ sau');
  expect(lines(chat)).toEqual(['đang gửi [chậm.txt] waiting', 'và chữ sau waiting']);
  goOn();
  await until(() => lines(chat).every((line) => line.endsWith('sent')));
  expect(lines(chat)).toEqual(['đang gửi [chậm.txt] sent', 'và chữ sau sent']);
  const binhChat = (await tab(binh)).open(id);
  await until(() => messages(binhChat).length === 2);
  expect(lines(binhChat)[0]).toBe('đang gửi [chậm.txt] theirs');
}, 60_000);

test('[B10] what is large goes on after the relay was stopped in the middle of it, and text behind it does not wait', async () => {
  const { an, binh, id, chat } = await pair();
  const bytes = noise(12 * 1024 ** 2);
  an.pieceTakesMs = 5;
  await attach(chat, fileOf(bytes, 'phim.bin'));
  say(chat, 'phim');
  say(chat, 'chữ đi trước');
  await until(() => lines(chat).includes('chữ đi trước sent'));
  await until(() => sending(chat).some((one) => one.is === 'uploading' && one.sent > 2 * 1024 ** 2));
  await relay.stop('SIGKILL');
  await until(() => sending(chat)[0]?.is === 'waiting');
  an.pieceTakesMs = 0;
  await relay.start();
  await until(() => messages(chat).every(({ state }) => state === 'sent'), 40_000);
  const binhChat = (await tab(binh)).open(id);
  await until(() => messages(binhChat).length === 2);
  const film = messages(binhChat).find(({ text }) => text === 'phim')!.attachments[0]!;
  expect(await binh.blob(film.sha256)).toEqual(bytes);
  // It was asked how far it had come, and not begun anew.
  expect(an.sent.filter((line) => line === 'POST /api/uploads')).toHaveLength(1);
  expect(an.sent.some((line) => line.startsWith('HEAD'))).toBe(true);
}, 120_000);

test('[B10] into a conversation that waits to be created goes nothing before it exists', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const app = await tab(an);
  await until(() => app.connection.state === 'online');
  an.goOffline();
  const id = app.startGroup('Đi chơi', [person(binh)]);
  const chat = app.open(id);
  await until(() => chat.status === 'ready');
  await attach(chat, fileOf('lịch', 'lịch.txt'));
  say(chat, 'xem lịch');
  expect(app.rows[0]).toMatchObject({ pending: true, last: { text: 'xem lịch', attachments: 1, state: 'waiting' } });
  an.goOnline();
  await until(() => lines(chat)[0] === 'xem lịch [lịch.txt] sent');
  await until(() => app.unsent === 0);
}, 60_000);

test('what was chosen is there after a reload, and what is taken back comes back to the composer', async () => {
  const { an, app, id, chat } = await pair();
  an.goOffline();
  await until(() => app.connection.state === 'offline');
  await attach(chat, fileOf('a', 'a.txt'), fileOf('b', 'b.txt'));
  chat.detach(chat.tray[0]!.key);
  chat.type('chưa gửi');
  await new Promise((resolve) => setTimeout(resolve, 200));
  chat.close();
  app.stop();

  const again = await tab(an);
  const reopened = again.open(id);
  await until(() => reopened.status === 'ready' && reopened.tray.length === 1);
  expect(reopened.tray[0]).toMatchObject({ name: 'b.txt', state: 'ready', size: 1 });
  expect(reopened.composer.text).toBe('chưa gửi');
  const sent = reopened.submit()!;
  expect(lines(reopened)).toEqual(['chưa gửi [b.txt] waiting']);
  reopened.type('viết tiếp');
  reopened.startEdit(sent);
  reopened.type('đã sửa');
  expect(reopened.submit()).toBe(sent);
  expect(lines(reopened)).toEqual(['đã sửa [b.txt] waiting']);
  expect(messages(reopened)[0]!.edited).toBe(false);
  reopened.cancelSending(sent);
  await until(() => lines(reopened).length === 0);
  expect(reopened.composer.text).toBe('đã sửa\nviết tiếp');
  expect(reopened.tray).toHaveLength(1);
  expect(again.unsent).toBe(0);
  an.goOnline();
  reopened.submit();
  await until(() => lines(reopened)[0] === 'đã sửa\nviết tiếp [b.txt] sent');
}, 60_000);

test('[B14] what the relay does not take stays with its message, holds up nothing else, and can be tried again or taken back', async () => {
  const strict = new RelayProcess({ PERSON_MAX_MB: '1' });
  await strict.start();
  try {
    const { an, binh, app, chat } = await pair(strict);
    const group = app.startGroup('Nhóm', [person(binh)]);
    const inGroup = app.open(group);
    await until(() => inGroup.status === 'ready' && !inGroup.pending);
    an.goOffline();
    await until(() => app.connection.state === 'offline');
    await attach(inGroup, fileOf(noise(700_000), 'vừa.bin'));
    say(inGroup, 'còn chỗ');
    await attach(inGroup, fileOf(noise(800_000, 2), 'quá.bin'));
    say(inGroup, 'hết chỗ');
    await attach(inGroup, fileOf(noise(900_000, 3), 'thôi.bin'));
    say(inGroup, 'cũng hết chỗ');
    await attach(chat, fileOf('riêng', 'riêng.txt'));
    say(chat, 'riêng');
    an.goOnline();
    await until(() => lines(chat)[0] === 'riêng [riêng.txt] sent');
    await until(() => lines(inGroup)[0] === 'còn chỗ [vừa.bin] sent');
    // Its stamp, and that its document has settled, are told one after the other.
    await until(() => app.unsent === 2);
    const refused = { is: 'failed', code: 'share-used-up' };
    expect(sending(inGroup)).toEqual([refused, refused]);
    say(inGroup, 'chữ sau đi ngay');
    await until(() => lines(inGroup).includes('chữ sau đi ngay sent'));

    const [again, back] = ['hết chỗ', 'cũng hết chỗ'].map(
      (word) => messages(inGroup).find(({ text }) => text === word)!.id,
    );
    inGroup.deleteMessage(back!);
    await until(() => inGroup.tray.length === 1);
    expect(inGroup.composer.text).toBe('cũng hết chỗ');
    await strict.stop();
    strict.settings = {};
    await strict.start();
    inGroup.retrySending(again!);
    await until(() => lines(inGroup).includes('hết chỗ [quá.bin] sent'));
    await until(() => app.unsent === 0);
    for (const open of apps.splice(0)) open.stop();
  } finally {
    await strict.stop();
  }
}, 120_000);

test('a voice note goes with how long and how loud it is', async () => {
  const { binh, id, chat } = await pair();
  const bytes = fileOf(noise(5_000), '', 'audio/webm;codecs=opus');
  const sent = chat.sendVoice({ bytes, seconds: 2.5, waveform: [0, 0.5, 1] });
  expect(sent).not.toBeNull();
  await until(() => messages(chat)[0]?.state === 'sent');
  const binhChat = (await tab(binh)).open(id);
  await until(() => messages(binhChat).length === 1);
  const [voice] = messages(binhChat)[0]!.attachments;
  expect(voice).toMatchObject({ kind: 'voice', type: 'audio/webm', seconds: 2.5, size: 5_000 });
  expect(voice!.name).toMatch(/^voice-\d{4}-\d\d-\d\d-\d{4}\.webm$/);
  expect(voice!.waveform.map((bar) => Math.round(bar * 10) / 10)).toEqual([0, 0.5, 1]);
  expect(await binh.blob(voice!.sha256)).toHaveLength(5_000);
}, 60_000);

test('[B17] what is empty or too large is said at once, and nothing of it goes', async () => {
  const { chat } = await pair();
  const large = fileOf('x', 'lớn.bin');
  Object.defineProperty(large, 'size', { value: 3 * 1024 ** 3 });
  chat.attach([fileOf('', 'rỗng.txt'), large, fileOf('vừa', 'vừa.txt')]);
  await until(() => chat.tray.length === 3 && chat.tray[2]?.state === 'ready');
  expect(chat.tray.map(({ state }) => state)).toEqual(['empty', 'too-large', 'ready']);
  chat.submit();
  await until(() => lines(chat)[0] === '[vừa.txt] sent');
  expect(chat.tray.map(({ name }) => name)).toEqual(['rỗng.txt', 'lớn.bin']);
}, 60_000);

test('[B17] more than a message takes is said, and what there is goes', async () => {
  const { chat } = await pair();
  chat.attach(Array.from({ length: 23 }, (_, at) => fileOf(`tệp ${String(at)}`, `${String(at)}.txt`)));
  await until(() => chat.tray.length === 20 && chat.tray.every(({ state }) => state === 'ready'));
  expect(chat.leftOut).toBe(3);
  chat.submit();
  expect(chat.leftOut).toBe(0);
  await until(() => messages(chat)[0]?.state === 'sent');
  expect(messages(chat)[0]?.attachments).toHaveLength(20);
}, 60_000);

/** Says that it is so large, and has no pixels at all. */
const pngOf = (side: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(64);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  for (const at of [16, 20]) new DataView(bytes.buffer).setUint32(at, side);
  return bytes;
};

test('[B17] a picture of too many pixels is not decoded, and can go as a file', async () => {
  const { chat } = await pair();
  chat.attach([fileOf(pngOf(30_000), 'bom.png', 'image/png'), fileOf('vừa', 'vừa.txt')]);
  await until(() => chat.tray[0]?.state === 'huge' && chat.tray[1]?.state === 'ready');
  chat.setOriginal(chat.tray[0]!.key, true);
  await until(() => chat.tray[0]?.state === 'ready');
  chat.submit();
  await until(() => lines(chat)[0] === '[bom.png, vừa.txt] sent');
  expect(messages(chat)[0]?.attachments[0]).toMatchObject({ kind: 'file', type: 'application/octet-stream', size: 64 });
}, 60_000);

test('[B14] [B17] a picture that turns out not to open after it was sent says so, and goes as a file', async () => {
  const { binh, id, chat } = await pair();
  const broken = fileOf('đây không phải ảnh', 'hỏng.jpg', 'image/jpeg');
  const read = gated(broken);
  chat.attach([broken]);
  await until(() => chat.tray.length === 1);
  say(chat, 'xem này');
  read();
  await until(() => sending(chat)[0]?.is === 'failed');
  expect(sending(chat)).toEqual([{ is: 'failed', code: 'unreadable' }]);
  chat.retrySending(messages(chat)[0]!.id, true);
  await until(() => lines(chat)[0] === 'xem này [hỏng.jpg] sent');
  const binhChat = (await tab(binh)).open(id);
  await until(() => messages(binhChat).length === 1);
  expect(messages(binhChat)[0]?.attachments[0]).toMatchObject({ kind: 'file', type: 'application/octet-stream' });
}, 60_000);

test('[B10] what is large is kept while it is being made ready: a reload goes on with it', async () => {
  const { an, app, id, chat } = await pair();
  const bytes = noise(65 * 1024 ** 2);
  const large = fileOf(bytes, 'lớn.bin');
  const read = gated(large);
  chat.attach([large]);
  await until(() => chat.tray.length === 1);
  say(chat, 'tệp lớn');
  const kept = async (): Promise<number> => {
    const name = (await indexedDB.databases()).map((one) => one.name ?? '').find((one) => isShelf(one, an));
    if (name === undefined) return 0;
    return (await new BlobShelf(name.replace(/:blobs$/, '')).use()).own;
  };
  await expect.poll(kept, { timeout: 30_000 }).toBe(bytes.length);
  app.stop();
  read();

  const reopened = (await tab(an)).open(id);
  await until(() => lines(reopened)[0] === 'tệp lớn [lớn.bin] sent');
  expect(messages(reopened)[0]?.attachments[0]).toMatchObject({ size: bytes.length });
}, 120_000);

/** What is read of it comes only when the answer is called. */
function gated(file: File): () => void {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const slice = file.slice.bind(file);
  file.slice = (...range) => {
    const part = slice(...range);
    const read = part.arrayBuffer.bind(part);
    part.arrayBuffer = async () => {
      await gate;
      return await read();
    };
    return part;
  };
  return open;
}

const isShelf = (name: string, { device }: Browser): boolean => name.includes(device) && name.endsWith(':blobs');

test('[B23] another tab shows how far an upload is, and takes it back', async () => {
  const { an, app, id, chat } = await pair();
  const other = await tab(an);
  const there = other.open(id);
  await until(() => there.status === 'ready' && other.connection.state === 'online');
  an.pieceTakesMs = 20;
  await attach(chat, fileOf(noise(12 * 1024 ** 2), 'phim.bin'));
  say(chat, 'phim');
  const underWay = (at: Conversation) => sending(at).some((one) => one.is === 'uploading' && one.sent > 1024 ** 2);
  await until(() => underWay(chat) && underWay(there));
  const film = messages(there)[0]!.attachments[0]!.sha256;
  there.cancelSending(messages(there)[0]!.id);
  await until(() => lines(chat).length === 0 && there.tray.length === 1);
  expect(app.unsent).toBe(0);
  expect(there.composer.text).toBe('phim');
  there.detach(there.tray[0]!.key);
  await until(() => chat.tray.length === 0);
  // It has stopped: with a line that is quick again it would be there in no time.
  an.pieceTakesMs = 0;
  say(chat, 'chữ sau');
  await until(() => lines(chat).join() === 'chữ sau sent');
  expect(await an.blob(film)).toBeNull();
}, 60_000);

test('[B24] what was to go into a group that one is no longer in is given back, and leaves the device when it is let go of', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const [anApp, app] = [await tab(an), await tab(binh)];
  const id = anApp.startGroup('Nhóm cũ', [person(binh)]);
  const [owner, chat] = [anApp.open(id), app.open(id)];
  await until(() => chat.status === 'ready' && app.rows.length === 1);
  await until(() => owner.members.some(({ id, canRemove }) => id === binh.me.id && canRemove));
  binh.goOffline();
  await until(() => app.connection.state === 'offline');
  await attach(chat, fileOf('đã gửi', 'gửi.txt'));
  say(chat, 'kèm lời');
  await attach(chat, fileOf('mới chọn', 'chọn.txt'));
  owner.removeMember(binh.me.id);
  await until(() => owner.members.length === 1);
  binh.goOnline();
  await until(() => app.notices.length === 1);
  const [notice] = app.notices;
  expect(notice).toMatchObject({ is: 'rescued', conversation: id, texts: ['kèm lời'] });
  const files = notice?.is === 'rescued' ? (notice.files ?? []) : [];
  expect(files.map(({ name }) => name)).toEqual(['gửi.txt', 'chọn.txt']);
  const blobs = await app.blobs();
  const read = (at: number) => blobs.read(files[at]!.sha256).then((bytes) => bytes?.text());
  expect([await read(0), await read(1)]).toEqual(['đã gửi', 'mới chọn']);
  expect(app.unsent).toBe(0);

  app.dismiss(notice!.key);
  const shelf = new BlobShelf(binh.world.scope!);
  await expect.poll(() => shelf.own()).toEqual([]);
  expect(await shelf.get(files[0]!.sha256)).toBeNull();
  shelf.close();
}, 60_000);
