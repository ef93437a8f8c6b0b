/** Members who go, roles and sessions that end, over the relay's real sockets while much is under way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as Y from 'yjs';
import { type ConversationId, newConversationId, newMessageId } from '#shared/ids.ts';
import { metaOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { messagesOf } from '#shared/model/page.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { startRelay, type Relay } from './relay.ts';
import { checkDocuments } from './storage/check.ts';
import { testDatabase, type TestDatabase } from './storage/test-database.ts';
import { awarenessUpdate } from './sync/test-stage.ts';
import { Actor, fateOf, type Tab, testConfig } from './test-actor.ts';

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

const people = (...names: string[]) => Promise.all(names.map((name) => Actor.signUp(relay.url, name)));

/** An open channel, and a document that is written into beside it. */
async function channel(tab: Tab, number: number, name: string): Promise<Y.Doc> {
  tab.tell({ is: 'open', channel: number, doc: name });
  await tab.until((message) => message.is === 'opened' && message.channel === number);
  const doc = new Y.Doc();
  doc.on('update', (update) => tab.send(number, encodeFrame({ is: 'update', update })));
  return doc;
}

const say = (doc: Y.Doc, by: Actor, text: string): void =>
  void messagesOf(doc).set(newMessageId(), { by: by.id, at: Date.now(), text });

const remove = (by: Actor, conversation: ConversationId, whom: Actor) =>
  by.ask('DELETE', `/api/conversations/${conversation}/members/${whom.id}`);
const put = (by: Actor, conversation: ConversationId, whom: Actor, role: string) =>
  by.ask('PUT', `/api/conversations/${conversation}/members/${whom.id}`, { role });

async function countBy(person: Actor, conversation: ConversationId): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from messages where conversation = ${conversation} and author = ${person.id}`;
  return row?.count ?? -1;
}

test('[M1] when a removal is answered, what was sent before is on disk or never will be', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const tab = await binh!.tab();
  const page = await channel(tab, 1, pageDoc(group, 0));
  await an!.post(group, 'đầu tiên');
  let going = true;
  const writing = (async () => {
    for (let n = 0; going; n++) {
      say(page, binh!, `qua kênh ${n}`);
      if (n % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const posting = Array.from({ length: 30 }, (_, n) =>
    binh!.ask('POST', `/api/conversations/${group}/messages`, { text: `qua API ${n}` }),
  );
  await Promise.race(posting);
  expect((await remove(an!, group, binh!)).status).toBe(204);
  const then = await countBy(binh!, group);
  await tab.until((message) => message.is === 'closed' && message.channel === 1);
  for (let n = 0; n < 50; n++) say(page, binh!, `sau đó ${n}`);
  const answers = await Promise.all(posting);
  going = false;
  await writing;
  // Behind everything that was still on its way.
  expect((await binh!.ask('GET', '/api/conversations')).status).toBe(200);
  await an!.post(group, 'cuối cùng');
  expect(await countBy(binh!, group)).toBe(then);
  for (const { status, body } of answers)
    if (status !== 201) expect({ status, code: body['code'] }).toEqual({ status: 403, code: 'not-a-member' });
  tab.leave();
});

test('[M1] when the end of a session is answered, nothing that its sockets still send is taken', async () => {
  const [an] = await people('An');
  const group = await an!.group('Nhóm');
  const phone = await an!.onAnotherDevice('phone');
  for (const end of [
    () => phone.ask('POST', '/api/auth/logout'),
    () => an!.ask('POST', '/api/auth/password', { current: an!.password, next: an!.password }),
  ]) {
    const device = await an!.onAnotherDevice();
    phone.cookie = device.cookie;
    const tab = await phone.tab();
    const page = await channel(tab, 1, pageDoc(group, 0));
    for (let n = 0; n < 200; n++) say(page, an!, `trước ${n}`);
    expect((await end()).status).toBe(204);
    const then = await countBy(an!, group);
    for (let n = 0; n < 50; n++) say(page, an!, `sau ${n}`);
    expect(await tab.closed()).toBe(4401);
    const { seq } = await an!.post(group, 'một chỗ khác');
    expect(seq).toBe(then + 1);
  }
});

test('[M2] who was removed hears nothing more: no update, row, mark, typing or presence', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Nhóm', binh!, chi!);
  const [anTab, binhTab, chiTab] = [await an!.tab(), await binh!.tab(), await chi!.tab()];
  const root = await channel(anTab, 1, conversationDoc(group));
  await channel(binhTab, 1, conversationDoc(group));
  await channel(binhTab, 2, pageDoc(group, 0));
  let clock = 0;
  const type = (typing: boolean): void =>
    anTab.send(
      1,
      encodeFrame({
        is: 'awareness',
        update: awarenessUpdate([{ client: root.clientID, clock: ++clock, state: { user: { id: an!.id }, typing } }]),
      }),
    );
  const isOf = (message: RelayControl): boolean => 'conversation' in message && message.conversation === group;
  type(true);
  await binhTab.until((message) => message.is === 'typing');
  const { seq } = await an!.post(group, 'trước');
  anTab.tell({ is: 'delivered', marks: [{ conversation: group, seq }] });
  type(true);
  await remove(an!, group, binh!);
  await binhTab.until((message) => message.is === 'gone');
  await binhTab.until((message) => message.is === 'presence' && message.whole && message.people.length === 0);
  const from = binhTab.heard.length;
  const frames = binhTab.frames.length;

  const next = await an!.post(group, 'sau');
  type(true);
  await chi!.ask('PUT', `/api/conversations/${group}/read`, { seq: next.seq });
  await chiTab.until(
    (message) =>
      message.is === 'marks' && message.marks.some((mark) => mark.user === chi!.id && mark.read === next.seq),
  );
  await chiTab.until((message) => message.is === 'typing');
  await an!.ask('PATCH', `/api/conversations/${group}`, { title: 'Tên mới' });
  await expect.poll(() => chiTab.row(group)?.title).toBe('Tên mới');
  anTab.leave();
  await chiTab.until(
    (message) => message.is === 'presence' && message.people.some(({ id, online }) => id === an!.id && !online),
  );

  const heard = binhTab.heard.slice(from).filter((message) => message.is !== 'pulse');
  expect(heard.filter(isOf)).toEqual([]);
  expect(heard.flatMap((message) => (message.is === 'rows' ? message.rows : []))).toEqual([]);
  expect(heard.flatMap((message) => (message.is === 'presence' ? message.people : []))).toEqual([]);
  expect(binhTab.frames).toHaveLength(frames);
  for (const tab of [binhTab, chiTab]) tab.leave();
});

test('[M3] an administrator who no longer is one keeps the channels, and renames no more', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  await put(an!, group, binh!, 'admin');
  const tab = await binh!.tab();
  const root = await channel(tab, 1, conversationDoc(group));
  const page = await channel(tab, 2, pageDoc(group, 0));
  metaOf(root).set('title', 'của quản trị viên');
  await expect.poll(() => an!.row(group).then((row) => row.title)).toBe('của quản trị viên');
  const { id } = await an!.post(group, 'của An');

  expect((await put(an!, group, binh!, 'member')).status).toBe(200);
  say(page, binh!, 'vẫn ở đây');
  await expect.poll(() => countBy(binh!, group)).toBe(1);
  expect(tab.heard.filter((message) => message.is === 'closed')).toEqual([]);

  metaOf(root).set('title', 'hết quyền');
  await tab.until((message) => message.is === 'closed' && message.channel === 1);
  expect(tab.heard.find((message) => message.is === 'closed')).toMatchObject({ code: 4403, fault: 'not-allowed' });
  expect(await binh!.ask('PATCH', `/api/conversations/${group}`, { title: 'hết quyền' })).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
  expect((await binh!.ask('DELETE', `/api/conversations/${group}/messages/${id}`)).status).toBe(403);
  expect((await put(binh!, group, an!, 'member')).status).toBe(403);
  say(page, binh!, 'kênh kia còn mở');
  await expect.poll(() => countBy(binh!, group)).toBe(2);
  expect((await an!.row(group)).title).toBe('của quản trị viên');
  tab.leave();
});

test('[M4] [M5] who has left sees nothing of it, cannot go twice, and sees all of it when added again', async () => {
  const [an, binh] = await people('An', 'Bình');
  for (const go of ['removed', 'left'] as const) {
    const group = await an!.group('Nhóm', binh!);
    await an!.post(group, `chuyện cũ ${go}`);
    expect((await remove(go === 'left' ? binh! : an!, group, binh!)).status).toBe(204);
    await an!.post(group, `chuyện mới ${go}`);

    const path = `/api/conversations/${group}`;
    expect((await binh!.ask('GET', path)).body['code']).toBe('not-a-member');
    expect((await binh!.ask('GET', `${path}/messages`)).body['code']).toBe('not-a-member');
    expect((await binh!.ask('GET', '/api/search?q=chuyen')).body).toEqual({ messages: [] });
    expect((await binh!.ask('GET', '/api/conversations')).body).toEqual({ conversations: [] });
    const tab = await binh!.tab();
    expect(tab.row(group)).toBeUndefined();
    for (const [number, name] of [conversationDoc(group), pageDoc(group, 0)].entries()) {
      tab.tell({ is: 'open', channel: number + 1, doc: name });
      await tab.until((message) => message.is === 'closed' && message.channel === number + 1 && message.code === 4403);
    }
    expect(tab.frames).toEqual([]);

    expect(await remove(an!, group, binh!)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await remove(binh!, group, binh!)).toMatchObject({ status: 403, body: { code: 'not-a-member' } });

    expect((await put(an!, group, binh!, 'member')).status).toBe(200);
    await expect.poll(() => tab.row(group)?.id).toBe(group);
    const { body } = await binh!.ask('GET', `${path}/messages`);
    const texts = (body['messages'] as unknown as { text: string }[]).map(({ text }) => text);
    expect(texts).toEqual([`chuyện mới ${go}`, `chuyện cũ ${go}`]);
    const page = await channel(tab, 9, pageDoc(group, 0));
    say(page, binh!, 'lại đây');
    await expect.poll(() => countBy(binh!, group)).toBe(1);
    tab.leave();
    await remove(an!, group, binh!);
  }
});

test('[M6] only the owner deletes a group, and nobody a direct conversation', async () => {
  const [an, binh, chi, dung] = await people('An', 'Bình', 'Chi', 'Dũng');
  const group = await an!.group('Nhóm', binh!, chi!);
  await put(an!, group, binh!, 'admin');
  const path = `/api/conversations/${group}`;
  for (const who of [binh!, chi!])
    expect(await who.ask('DELETE', path)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect(await dung!.ask('DELETE', path)).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
  const direct = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const pair = `/api/conversations/${String(direct.body['conversation']!['id'])}`;
  expect(await an!.ask('DELETE', pair)).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect((await an!.ask('GET', pair)).status).toBe(200);
  await put(an!, group, binh!, 'owner');
  const answers = await Promise.all([an!.ask('DELETE', path), binh!.ask('DELETE', path), binh!.ask('DELETE', path)]);
  expect(answers[0]!.body['code']).toMatch(/not-a-member|not-allowed/);
  expect(
    answers
      .slice(1)
      .map(({ status }) => status)
      .sort(),
  ).toEqual([204, 403]);
});

test('[M6] a group that is deleted while everybody writes is gone everywhere, and comes back nowhere', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const id = newConversationId();
  const asked = { id, kind: 'group', title: 'Nhóm', members: [binh!.id, chi!.id] };
  expect((await an!.ask('POST', '/api/conversations', asked)).status).toBe(201);
  const elsewhere = await an!.group('Nhóm khác', binh!);
  const tabs = await Promise.all([an!, binh!, chi!].map((who) => who.tab()));
  const pages = await Promise.all(tabs.map((tab) => channel(tab, 1, pageDoc(id, 0))));
  await Promise.all(tabs.map((tab) => channel(tab, 2, conversationDoc(id))));
  const other = await channel(tabs[1]!, 3, pageDoc(elsewhere, 0));
  const single = chi!.socket(`/sync/${pageDoc(id, 0)}`);
  await new Promise((resolve) => single.once('open', resolve));
  const fate = fateOf(single);

  let going = true;
  const writing = (async () => {
    for (let n = 0; going; n++) {
      for (const [at, page] of pages.entries()) say(page, [an!, binh!, chi!][at]!, `tin ${n}`);
      say(other, binh!, `chỗ khác ${n}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const posting = Array.from({ length: 20 }, (_, n) =>
    binh!.ask('POST', `/api/conversations/${id}/messages`, { text: `qua API ${n}` }),
  );
  await Promise.race(posting);
  const renaming = an!.ask('PATCH', `/api/conversations/${id}`, { title: 'đang đổi' });
  expect((await an!.ask('DELETE', `/api/conversations/${id}`)).status).toBe(204);
  const left = async () => {
    const [row] = await database.sql<{ count: number }[]>`
      select (select count(*) from conversations where id = ${id})::int
        + (select count(*) from members where conversation = ${id})::int
        + (select count(*) from messages where conversation = ${id})::int
        + (select count(*) from mirrors_due where conversation = ${id})::int
        + (select count(*) from updates where document like ${`c:${id}%`})::int
        + (select count(*) from snapshots where document like ${`c:${id}%`})::int
        + (select count(*) from document_clients where document like ${`c:${id}%`})::int as count`;
    return row?.count;
  };
  expect(await left()).toBe(0);
  for (const tab of tabs) {
    await tab.until((message) => message.is === 'gone' && message.conversation === id && message.deleted === true);
    for (const number of [1, 2])
      await tab.until((message) => message.is === 'closed' && message.channel === number && message.code === 4410);
    expect(tab.row(id)).toBeUndefined();
  }
  expect(await fate).toEqual({ closed: 4410 });
  const answers = await Promise.all([...posting, renaming]);
  for (const { status, body } of answers)
    if (status >= 300) expect({ status, code: body['code'] }).toEqual({ status: 403, code: 'not-a-member' });
  going = false;
  await writing;
  // The conversation beside it, whose messages shared commits with it, has lost nothing.
  expect(tabs[1]!.heard.filter((message) => message.is === 'closed' && message.channel === 3)).toEqual([]);
  const sent = messagesOf(other).size;
  await expect.poll(() => countBy(binh!, elsewhere)).toBe(sent);

  for (const who of [an!, binh!]) {
    expect((await who.ask('GET', `/api/conversations/${id}`)).status).toBe(403);
    expect((await who.ask('POST', `/api/conversations/${id}/messages`, { text: 'còn ai không' })).status).toBe(403);
    expect((await who.ask('GET', '/api/search?q=tin')).body).toEqual({ messages: [] });
  }
  expect(await an!.ask('POST', '/api/conversations', asked)).toMatchObject({
    status: 410,
    body: { code: 'conversation-deleted' },
  });
  const late = await chi!.tab();
  late.tell({ is: 'open', channel: 1, doc: pageDoc(id, 0) });
  await late.until((message) => message.is === 'closed' && message.channel === 1 && message.code === 4410);
  expect(await left()).toBe(0);
  expect((await checkDocuments(database.sql)).findings).toEqual([]);
  for (const tab of [...tabs, late]) tab.leave();
});

test('[M6] a group that cannot be deleted now goes on as before', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const tab = await binh!.tab();
  const page = await channel(tab, 1, pageDoc(group, 0));
  say(page, binh!, 'một');
  await expect.poll(() => countBy(binh!, group)).toBe(1);
  // As when the database refuses.
  await database.sql`insert into deleted_conversations (id, deleted_at) values (${group}, 0)`;
  expect((await an!.ask('DELETE', `/api/conversations/${group}`)).status).toBe(500);
  await database.sql`delete from deleted_conversations where id = ${group}`;
  await tab.until((message) => message.is === 'closed' && message.channel === 1 && message.fault === 'not-ready');
  const again = await channel(tab, 2, pageDoc(group, 0));
  Y.applyUpdate(again, Y.encodeStateAsUpdate(page));
  say(again, binh!, 'hai');
  await expect.poll(() => countBy(binh!, group)).toBe(2);
  tab.leave();
});
