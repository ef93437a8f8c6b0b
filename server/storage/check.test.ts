/** What is as it should be is told so; and whatever is damaged on the disk is found. */
import * as Y from 'yjs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#shared/ids.ts';
import { newMessageId } from '#shared/ids.ts';
import { conversationDoc, pageDoc, personalDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf, reactionKey } from '#shared/model/page.ts';
import { startRelay, type Relay } from '../relay.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { checkDocuments } from './check.ts';
import { buildDocument, compactDocument, loadDocuments } from './documents.ts';
import { testDatabase, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
let relay: Relay;
let an: Actor;
let binh: Actor;
let group: ConversationId;
let first: MessageId;
let second: MessageId;
let page: string;
let root: string;

beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});
beforeEach(async () => {
  await database.sql`truncate users, conversations, members, messages, updates, snapshots, document_clients cascade`;
  [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  group = await an.group('Nhóm', binh);
  first = (await an.post(group, 'một')).id as MessageId;
  second = (await binh.post(group, 'hai')).id as MessageId;
  const third = (await an.post(group, 'ba')).id;
  await an.ask('DELETE', `/api/conversations/${group}/messages/${third}`);
  await an.ask('PATCH', `/api/conversations/${group}/messages/${first}`, { text: 'một, sửa' });
  await an.ask('PUT', `/api/conversations/${group}/read`, { seq: 3 });
  [page, root] = [pageDoc(group, 0), conversationDoc(group)];
});

const found = async () =>
  (await checkDocuments(database.sql)).findings.map(({ document, what }) => `${document} ${what}`);

/** Writes into a stored document past the relay, as the owner of this client id (null: the relay; undefined: nobody). */
async function damage(document: string, owner: string | null | undefined, write: (doc: Y.Doc) => void): Promise<void> {
  const stored = (await loadDocuments(database.sql, [document]))[0];
  const doc = buildDocument(stored ?? { updates: [] });
  const before = Y.encodeStateVector(doc);
  doc.transact(() => write(doc));
  await database.sql`insert into updates (document, bytes) values (${document}, ${Y.encodeStateAsUpdate(doc, before)})`;
  if (owner !== undefined)
    await database.sql`insert into document_clients (document, client, person) values (${document}, ${doc.clientID}, ${owner})`;
}

test('[S6] what the relay has written is as it should be, from its log and from its snapshot', async () => {
  expect(await checkDocuments(database.sql)).toEqual({ documents: 3, conversations: 1, messages: 3, findings: [] });
  for (const document of [page, root]) await compactDocument(database.sql, document);
  expect(await found()).toEqual([]);
});

test('[O1] lost, doubled and gapped stamps are found, and messages without one', async () => {
  const loss: [(doc: Y.Doc) => void, string][] = [
    [(doc) => orderOf(doc).delete(1, 1), 'has 2 stamps, and 3 numbers were given'],
    [(doc) => orderOf(doc).insert(3, [[4, first, 1]]), `${first} is stamped twice`],
    [(doc) => orderOf(doc).insert(3, [[2_000, second, 1]]), 'the stamp 2000 is on page 0'],
    [(doc) => messagesOf(doc).set(newMessageId(), messagesOf(doc).get(first)!), 'has no stamp'],
    [(doc) => messagesOf(doc).delete(second), `${second}, number 2, is not on page 0`],
    [(doc) => deletedOf(doc).set(first, { by: an.id, at: 1 }), `${first} on page 0 is there and deleted`],
  ];
  for (const [write, sentence] of loss) {
    const [last] = await database.sql<{ id: number }[]>`select max(id) as id from updates`;
    await damage(page, null, write);
    expect((await found()).join('\n'), sentence).toContain(sentence);
    await database.sql`delete from updates where id > ${last!.id}`;
  }
  expect(await found()).toEqual([]);
});

test('[O1] an index that says something else is found', async () => {
  const { sql } = database;
  const damages: [() => Promise<unknown>, string][] = [
    [() => sql`update messages set value = value || '{"text":"x"}' where id = ${first}`, `${first} says`],
    [() => sql`update messages set author = ${an.id} where id = ${second}`, `${second} is by ${binh.id}`],
    [
      () => sql`update messages set deleted = true, value = null where id = ${second}`,
      `${second} is deleted in the index only`,
    ],
    [() => sql`delete from messages where id = ${second}`, 'number 2 is not in the index'],
    [() => sql`update conversations set last_seq = 7`, 'has 3 stamps, and 7 numbers were given'],
    [() => sql`update members set role = 'owner'`, `the root says of ${binh.id}`],
    [() => sql`update users set name = 'X' where id = ${an.id}`, `the root says of ${an.id}`],
    [() => sql`update conversations set title = 'X'`, 'the root says title "Nhóm", the tables "X"'],
    [() => sql`update conversations set avatar = 'x'`, 'the root says avatar "", the tables "x"'],
    [() => sql`update members set read_seq = 9 where user_id = ${an.id}`, `${an.id} has read 9`],
  ];
  for (const [harm, sentence] of damages) {
    await harm();
    expect((await found()).join('\n')).toContain(sentence);
  }
});

test('[A1] [A5] [A7] what somebody wrote who may not is found, and what nobody wrote', async () => {
  const key = reactionKey({ message: first, user: binh.id, emoji: '👍' });
  const damages: [string, string | null | undefined, (doc: Y.Doc) => void, string][] = [
    [
      page,
      binh.id,
      (doc) => messagesOf(doc).set(first, { by: an.id, at: 1, text: 'một, sửa' }),
      `was written by ${binh.id}`,
    ],
    [page, an.id, (doc) => void doc.getMap('reactions').set(key, 1), `was written by ${an.id}`],
    [page, an.id, (doc) => orderOf(doc).insert(0, [[1, first, 1]]), `order holds what ${an.id} wrote`],
    [root, an.id, (doc) => void doc.getMap('pages').set('current', 0), `was written by ${an.id}`],
    [page, undefined, (doc) => void doc.getMap('votes').set(key, 1), 'belongs to nobody'],
    [page, null, (doc) => void doc.getMap('evil').set('x', 1), 'has a root "evil"'],
    [page, null, (doc) => void doc.getMap('messages').set(first, new Y.Map()), 'is not a plain value'],
    [page, null, (doc) => void doc.getMap('messages').set('x', 1), 'a key or a value that is not allowed'],
    [personalDoc(an.id), binh.id, (doc) => void doc.getMap('read').set(group, 1), `was written by ${binh.id}`],
  ];
  for (const [document, owner, write, sentence] of damages) {
    const [last] = await database.sql<{ id: number }[]>`select max(id) as id from updates`;
    await damage(document, owner, write);
    expect((await found()).join('\n'), sentence).toContain(sentence);
    await database.sql`delete from updates where id > ${last!.id}`;
  }
  expect(await found()).toEqual([]);
});

test('[S6] a log with a hole, bytes that are none and documents of nobody are found', async () => {
  const { sql } = database;
  await sql`insert into updates (document, bytes) values (${page}, ${new Uint8Array([1, 2, 3])})`;
  expect((await found()).join('\n')).toContain('cannot be read');
  await sql`delete from updates where bytes = ${new Uint8Array([1, 2, 3])}`;
  await sql`delete from updates where id = (select min(id) from updates where document = ${page})`;
  expect((await found()).join('\n')).toContain('has changes that build on something that is not there');
  await sql`insert into updates (document, bytes) values ('c:x', ''), (${personalDoc(an.id).replace('u:u', 'u:u0')}, ${Y.encodeStateAsUpdate(new Y.Doc())})`;
  const all = (await found()).join('\n');
  expect(all).toContain('c:x has a name that no document has');
  expect(all).toContain('belongs to nobody here');
});
