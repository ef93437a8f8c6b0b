import * as Y from 'yjs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newMessageId, type ConversationId, type UserId } from '#shared/ids.ts';
import { createLog } from '../log.ts';
import { buildDocument, compactDocument, loadDocuments } from './documents.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { historyPage, messageOwners, numberings } from './messages.ts';
import { migrate } from './migrate.ts';
import { testDatabase, type TestDatabase } from './test-database.ts';

let db: TestDatabase;
let conversation: ConversationId;
let an: UserId;
const log = createLog({ level: 'silent' });

beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  an = `u${crypto.randomUUID().replaceAll('-', '')}` as UserId;
  conversation = `c${crypto.randomUUID().replaceAll('-', '')}` as ConversationId;
  await db.sql`insert into users (id, email, name, name_folded, password_hash, created_at) values (${an}, ${an}, 'An', 'an', '', 0)`;
  await db.sql`insert into conversations (id, kind, created_by, created_at) values (${conversation}, 'group', ${an}, 0)`;
});

const entry = (lane: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  lane,
  updates: [],
  clients: [],
  numbered: null,
  messages: [],
  changes: [],
  ...more,
});

const newMessage = (seq: number, text = 'xin chào') => {
  const id = newMessageId();
  return { conversation, seq, id, page: 0, author: an, stampedAt: 1_700_000_000_000, value: { by: an, at: 1, text } };
};

test('[S18] what is small does not wait behind what is large, and a lane keeps its order', async () => {
  const journal = new Journal(db.sql, log);
  const done: string[] = [];
  const append = (lane: string, name: string, bytes: number): Promise<void> =>
    journal
      .append(entry(lane, { updates: [{ document: lane, bytes: new Uint8Array(bytes).fill(7) }] }))
      .then(() => void done.push(name));
  const all = [];
  for (let i = 0; i < 40; i++) all.push(append('u:large', `large ${i}`, 100 * 1024));
  all.push(append('u:small', 'small', 100));
  await Promise.all(all);
  expect(done.indexOf('small')).toBeLessThan(20);
  expect(done.filter((name) => name !== 'small')).toEqual(Array.from({ length: 40 }, (_, i) => `large ${i}`));
  const stored = (await loadDocuments(db.sql, ['u:large']))[0];
  expect(stored?.logLength).toBe(40);
  await journal.stop();
});

test('[O1] text, stamp and number are one commit; entries that come together share it', async () => {
  const journal = new Journal(db.sql, log);
  const [first, second] = [newMessage(1), newMessage(2)];
  await Promise.all([
    journal.append(
      entry(conversation, {
        updates: [{ document: `c:${conversation}:0`, bytes: new Uint8Array([1, 2, 255, 0]) }],
        clients: [
          { document: `c:${conversation}:0`, client: 4_294_967_295, person: an },
          { document: `c:${conversation}:0`, client: 7, person: null },
        ],
        numbered: { conversation, from: 0, to: 1 },
        messages: [first],
      }),
    ),
    journal.append(entry(conversation, { numbered: { conversation, from: 1, to: 2 }, messages: [second] })),
    journal.append(entry('u:somebody', { updates: [{ document: 'u:somebody', bytes: new Uint8Array([9]) }] })),
  ]);
  expect(await commitOf(first.seq)).toEqual(await commitOfUpdate(`c:${conversation}:0`));
  // The first goes at once; what came meanwhile goes together.
  expect(await commitOf(second.seq)).toEqual(await commitOfUpdate('u:somebody'));
  const stored = (await loadDocuments(db.sql, [`c:${conversation}:0`]))[0];
  expect(stored?.updates.map((bytes) => [...bytes])).toEqual([[1, 2, 255, 0]]);
  expect(stored?.logLength).toBe(1);
  expect([...(stored?.clients ?? [])].sort()).toEqual([
    [4_294_967_295, an],
    [7, null],
  ]);
  expect((await numberings(db.sql, [conversation]))[0]).toEqual({
    lastSeq: 2,
    lastId: first.id > second.id ? first.id : second.id,
  });
  expect(await historyPage(db.sql, conversation, { limit: 10 })).toMatchObject([
    { seq: 2, id: second.id, author: an, stampedAt: 1_700_000_000_000, value: second.value, deleted: false },
    { seq: 1, id: first.id },
  ]);
  expect(await historyPage(db.sql, conversation, { before: 2, limit: 1 })).toMatchObject([{ seq: 1 }]);
  await journal.stop();
});

/** Which commit a row is of. */
const commitOf = (seq: number) =>
  db.sql`select xmin::text from messages where conversation = ${conversation} and seq = ${seq}`.then(
    ([row]) => row!['xmin'] as string,
  );
const commitOfUpdate = (document: string) =>
  db.sql`select xmin::text from updates where document = ${document}`.then(([row]) => row!['xmin'] as string);

test('[O1] a number that somebody else has given meanwhile fails the whole commit', async () => {
  const journal = new Journal(db.sql, log);
  await db.sql`update conversations set last_seq = 5 where id = ${conversation}`;
  const document = `c:${conversation}:0`;
  await expect(
    journal.append(
      entry(conversation, {
        updates: [{ document, bytes: new Uint8Array([1]) }],
        numbered: { conversation, from: 0, to: 1 },
        messages: [newMessage(1)],
      }),
    ),
  ).rejects.toThrow('numbered');
  expect((await loadDocuments(db.sql, [document]))[0]?.updates).toEqual([]);
  expect(await historyPage(db.sql, conversation, { limit: 10 })).toEqual([]);
  await journal.stop();
});

test('[S5] what waits behind a lost entry of its lane is lost with it, other lanes go on, and the watcher hears first', async () => {
  const journal = new Journal(db.sql, log);
  const heard: string[] = [];
  journal.watch((lanes) => heard.push(`lost ${[...lanes].length}`));
  const note = (name: string, promise: Promise<void>) =>
    promise.then(
      () => heard.push(`${name} ok`),
      () => heard.push(`${name} failed`),
    );
  await db.sql`update conversations set last_seq = 3 where id = ${conversation}`;
  const blocker = await db.sql.reserve();
  await blocker`begin`;
  await blocker`update conversations set last_seq = 9 where id = ${conversation}`;
  const first = note('first', journal.append(entry(conversation, { numbered: { conversation, from: 3, to: 4 } })));
  await new Promise((resolve) => setTimeout(resolve, 40));
  // The first is in its transaction now, and these wait behind it.
  const behind = note(
    'behind',
    journal.append(entry(conversation, { updates: [{ document: 'x', bytes: new Uint8Array([1]) }] })),
  );
  const other = note(
    'other',
    journal.append(entry('u:other', { updates: [{ document: 'u:other', bytes: new Uint8Array([1]) }] })),
  );
  await blocker`commit`;
  blocker.release();
  await Promise.all([first, behind, other]);
  expect(heard).toEqual(['lost 1', 'first failed', 'behind failed', 'other ok']);
  expect((await loadDocuments(db.sql, ['x']))[0]?.updates).toEqual([]);
  await journal.stop();
});

test('[A3] edits and deletions reach the index; the last of a commit counts, and a deletion stays', async () => {
  const journal = new Journal(db.sql, log);
  const [first, second] = [newMessage(1), newMessage(2)];
  const edited = (text: string) => ({ by: an, at: 1, text, editedAt: 2 });
  await Promise.all([
    journal.append(entry(conversation, { numbered: { conversation, from: 0, to: 2 }, messages: [first, second] })),
    journal.append(entry(conversation, { changes: [{ conversation, id: first.id, page: 0, value: edited('một') }] })),
    journal.append(entry(conversation, { changes: [{ conversation, id: first.id, page: 0, value: edited('hai') }] })),
    journal.append(entry(conversation, { changes: [{ conversation, id: second.id, page: 0, value: null }] })),
  ]);
  await journal.append(
    entry(conversation, { changes: [{ conversation, id: second.id, page: 0, value: edited('muộn') }] }),
  );
  // A copy of the body on another page is not the message.
  await journal.append(
    entry(conversation, { changes: [{ conversation, id: first.id, page: 3, value: edited('nơi khác') }] }),
  );
  expect(await historyPage(db.sql, conversation, { limit: 10 })).toMatchObject([
    { id: second.id, value: null, deleted: true, author: an },
    { id: first.id, value: { text: 'hai', editedAt: 2 }, deleted: false },
  ]);
  expect((await messageOwners(db.sql, conversation, [second.id, newMessageId()])).get(second.id)).toEqual({
    seq: 2,
    author: an,
    page: 0,
    deleted: true,
    isTrace: false,
  });
  await journal.stop();
});

test('[S3] stopping writes what waits, and takes no more', async () => {
  const journal = new Journal(db.sql, log);
  const waiting = journal.append(entry('u:stop', { updates: [{ document: 'u:stop', bytes: new Uint8Array([1]) }] }));
  await journal.stop();
  await waiting;
  expect((await loadDocuments(db.sql, ['u:stop']))[0]?.updates).toHaveLength(1);
  await expect(journal.append(entry('u:stop'))).rejects.toThrow();
});

test('[S7] compaction keeps the document, empties its log, and leaves alone what comes meanwhile', async () => {
  const journal = new Journal(db.sql, log);
  const document = `u:${an}`;
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < 40; i++) doc.getMap('drafts').set(`k${i % 7}`, { text: `${i}` });
  await journal.append(entry(document, { updates: updates.map((bytes) => ({ document, bytes })) }));
  updates.length = 0;
  for (let i = 0; i < 10; i++) doc.getMap('drafts').set(`l${i}`, i);
  await Promise.all([
    compactDocument(db.sql, document),
    compactDocument(db.sql, document),
    ...updates.map((bytes) => journal.append(entry(document, { updates: [{ document, bytes }] }))),
  ]);
  const read = async () => {
    const stored = (await loadDocuments(db.sql, [document]))[0];
    return {
      content: buildDocument(stored ?? { updates: [] })
        .getMap('drafts')
        .toJSON(),
      logLength: stored?.logLength,
    };
  };
  expect((await read()).content).toEqual(doc.getMap('drafts').toJSON());
  await compactDocument(db.sql, document);
  await compactDocument(db.sql, document);
  expect(await read()).toEqual({ content: doc.getMap('drafts').toJSON(), logLength: 0 });
  await journal.stop();
});

test('[S6] migrating again finds nothing to do, also when several relays start at once', async () => {
  expect(await Promise.all([migrate(db.sql), migrate(db.sql), migrate(db.sql)])).toEqual([[], [], []]);
});
