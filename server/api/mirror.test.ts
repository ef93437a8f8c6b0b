/** Tables and documents end up saying the same, whatever came between the commit of the one and that of the other. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConversationId } from '#shared/ids.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import { membersOf, metaOf } from '#shared/model/conversation.ts';
import { startRelay, type Relay } from '../relay.ts';
import { checkDocuments } from '../storage/check.ts';
import { insertConversation } from '../storage/conversations.ts';
import { buildDocument, loadDocuments } from '../storage/documents.ts';
import { addMember, markLeft } from '../storage/members.ts';
import { allDue, dueMark, markDue, mirrored } from '../storage/mirrors-due.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { updateProfile } from '../storage/users.ts';
import { Device, startRelay as startLivingRoom, until } from '../sync/test-stage.ts';
import { Actor, testConfig } from '../test-actor.ts';

let database: TestDatabase;
let relay: Relay;
let an: Actor;
let binh: Actor;
let group: ConversationId;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  relay = await startRelay(testConfig(database.url));
  [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  group = await an.group('Nhóm', binh);
});
afterEach(() => relay.stop());

const isDone = () => expect.poll(() => allDue(database.sql)).toEqual([]);
async function restart(): Promise<void> {
  await relay.stop();
  relay = await startRelay(testConfig(database.url));
  await isDone();
}
async function root(id = group) {
  const name = conversationDoc(id);
  return buildDocument((await loadDocuments(database.sql, [name]))[0] ?? { updates: [] });
}
const isWell = async () => expect((await checkDocuments(database.sql)).findings).toEqual([]);

test('[S15] nothing is due after what went well', async () => {
  await an.ask('PATCH', '/api/me', { name: 'An Nhiên' });
  await an.ask('PATCH', `/api/conversations/${group}`, { title: 'Tên khác', topic: 'về' });
  await an.ask('PUT', `/api/conversations/${group}/members/${binh.id}`, { role: 'admin' });
  await isDone();
  expect(await an.row(group)).toMatchObject({ title: 'Tên khác' });
  await isWell();
});

test('[S15] members and names that a crash kept out of the document get there when the relay is back', async () => {
  await relay.stop();
  const chi = await database.sql.begin(async (tx) => {
    const id = an.id.replace('u', 'uchi') as typeof an.id;
    await tx`insert into users (id, email, name, name_folded, password_hash, created_at) values (${id}, ${id}, 'Chi', 'chi', '', 0)`;
    await addMember(tx, group, id, 'member', 5);
    await markLeft(tx, group, binh.id, 7);
    await markDue(tx, group);
    return id;
  });
  await updateProfile(database.sql, an.id, 'An Nhiên', null);
  expect((await checkDocuments(database.sql)).findings, 'what is due is no damage').toEqual([]);
  await restart();
  expect(membersOf(await root()).toJSON()).toMatchObject({
    [chi]: { name: 'Chi', joinedAt: 5 },
    [binh.id]: { leftAt: 7 },
    [an.id]: { name: 'An Nhiên' },
  });
  await isWell();
});

test('[S15] a conversation that a crash left without its document gets one', async () => {
  await relay.stop();
  const id = group.replace('c', 'cnew') as ConversationId;
  const members = [{ user: an.id, role: 'owner' as const }];
  await insertConversation(database.sql, { id, kind: 'group', title: 'Mới', createdBy: an.id, createdAt: 3, members });
  await restart();
  expect(metaOf(await root(id)).toJSON()).toEqual({ kind: 'group', title: 'Mới', createdBy: an.id, createdAt: 3 });
  await isWell();
});

test('[S15] [A11] a title that a crash kept out of the table gets there', async () => {
  await relay.stop();
  // A living room without the rest of a relay: it tells nobody of the title.
  const room = startLivingRoom(database.sql);
  const device = new Device(an.id);
  device.connect(room);
  const name = conversationDoc(group);
  metaOf(device.doc(name)).set('title', 'Từ tài liệu\0');
  await until('it is open', () => device.isOpen(name));
  await device.settle(name);
  await room.stop();
  await restart();
  const [row] = await database.sql<{ title: string }[]>`select title from conversations where id = ${group}`;
  expect(row?.title).toBe('Từ tài liệu');
  await isWell();
});

test('what is changed while it is being mirrored stays due', async () => {
  await relay.stop();
  await database.sql.begin((tx) => markDue(tx, group));
  const mark = await dueMark(database.sql, group);
  await database.sql.begin((tx) => markDue(tx, group));
  await mirrored(database.sql, group, mark ?? 0);
  expect(await allDue(database.sql)).toEqual([group]);
});
