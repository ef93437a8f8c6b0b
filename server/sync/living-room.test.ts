import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { pageDoc } from '#shared/model/doc-names.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Device, makeConversation, makePerson, startRelay, until, type Relay } from './test-stage.ts';
import { messagesOf } from '#shared/model/page.ts';

let db: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.stop());
beforeEach(() => {
  relay = startRelay(db.sql);
});
afterEach(() => relay.stop());

async function setup() {
  const [an, binh] = [await makePerson(db.sql), await makePerson(db.sql)];
  const conversation = await makeConversation(db.sql, [
    { person: an, role: 'owner' },
    { person: binh, role: 'member' },
  ]);
  const devices = { an: new Device(an), binh: new Device(binh) };
  return { ...devices, conversation, page: pageDoc(conversation, 0) };
}

test('[O1] [S4] a message gets the next seq, and its sender sees the stamp', async () => {
  const { an, binh, conversation } = await setup();
  an.connect(relay);
  binh.connect(relay);
  an.page(conversation);
  binh.page(conversation);
  const first = an.post(conversation, 'chào Bình');
  await until('the stamp', () => an.stamps(conversation).length === 1);
  const second = binh.post(conversation, 'chào An');
  await until('both stamps', () => an.stamps(conversation).length === 2 && binh.stamps(conversation).length === 2);
  expect(an.stamps(conversation).map(([seq, id]) => [seq, id])).toEqual([
    [1, first],
    [2, second],
  ]);
  expect(messagesOf(binh.page(conversation)).get(first)?.text).toBe('chào Bình');
  const rows =
    await db.sql`select seq, id, page, author, value, deleted from messages where conversation = ${conversation} order by seq`;
  expect(rows.map((row) => [row['seq'], row['id'], row['author']])).toEqual([
    [1, first, an.person],
    [2, second, binh.person],
  ]);
  expect(relay.heard.posted.flatMap((event) => event.messages.map((m) => m.id))).toEqual([first, second]);
});
