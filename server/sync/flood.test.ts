/** People who send too much: they are hung up on, everybody else goes on. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FAULTS } from '#shared/faults.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { orderOf } from '#shared/model/page.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Device, fakeSocket, makeConversation, makePerson, startRelay, until, type Relay } from './test-stage.ts';

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

async function pair() {
  const [an, binh] = [new Device(await makePerson(db.sql)), new Device(await makePerson(db.sql))];
  const conversation = await makeConversation(db.sql, [
    { person: an.person, role: 'owner' },
    { person: binh.person, role: 'member' },
  ]);
  return { an, binh, conversation, name: { kind: 'page', conversation, page: 0 } as const };
}

test('[S13] a flood of frames ends the socket, and nothing that was written is lost', async () => {
  const { an, binh, conversation, name } = await pair();
  const socket = fakeSocket();
  const flood = relay.connections.open(socket, { person: an.person, session: 's' }, { is: 'document', name });
  const frame = encodeFrame({ is: 'query-awareness' });
  await until('it is open', () => socket.sent.length > 0);
  for (let i = 0; i < 20_000 && socket.closedWith === null; i++) flood.receive(frame);
  expect(socket.closedWith).toBe(FAULTS['too-fast'].close);
  expect(relay.heard.refused).toContain('too-fast');

  binh.connect(relay);
  binh.post(conversation, 'không sao');
  await until('somebody else is served', () => orderOf(binh.page(conversation)).length === 1);

  an.connect(relay);
  const page = an.page(conversation);
  an.post(conversation, 'vẫn còn đây');
  await until('what was written arrives', () => {
    if (!an.online) an.connect(relay);
    return orderOf(page).length === 2;
  });
});

test('[S13] a flood of bytes in a few frames ends the socket too', async () => {
  const { an, name } = await pair();
  const socket = fakeSocket();
  const flood = relay.connections.open(socket, { person: an.person, session: 's' }, { is: 'document', name });
  const large = new Uint8Array(3 * 1024 * 1024).fill(255);
  let frames = 0;
  for (; frames < 1_000 && socket.closedWith === null; frames++) flood.receive(large);
  expect(socket.closedWith).not.toBeNull();
  expect(frames).toBeLessThan(100);
});

test('[S13] nobody holds more sockets than anybody has devices', async () => {
  const { an, binh, conversation } = await pair();
  const open = (person: Device, socket = fakeSocket()) => {
    relay.connections.open(socket, { person: person.person, session: 's' }, { is: 'mux' });
    return socket;
  };
  const sockets = Array.from({ length: 500 }, () => open(an));
  expect(open(an).closedWith).toBe(FAULTS['too-many'].close);
  expect(sockets.every((socket) => socket.closedWith === null)).toBe(true);
  expect(open(binh).closedWith).toBeNull();
  expect(pageDoc(conversation, 0)).toContain(conversation);
});

test('[S18] what comes faster than the disk takes it waits outside, and arrives', async () => {
  const { an, conversation } = await pair();
  an.connect(relay);
  const page = an.page(conversation);
  an.post(conversation, 'đầu tiên');
  await until('it goes through', () => orderOf(page).length === 1);
  const disk = await db.sql.reserve();
  await disk`begin`;
  await disk`lock table updates in share mode`;
  // Four megabytes are on their way to the disk, a thousand frames wait for them: with the rest the device is sent away.
  let posted = 1;
  for (; posted < 2_000 && relay.heard.refused.length === 0; posted++) an.post(conversation, 'x'.repeat(15_000));
  expect(relay.heard.refused).toEqual(['too-fast']);
  expect(posted).toBeGreaterThan((4 * 1024 * 1024) / 15_000);
  expect(posted).toBeLessThan((4 * 1024 * 1024) / 15_000 + 1_010);
  await disk`commit`;
  disk.release();
  // Fifteen megabytes once more, and judged one by one: that takes a while on a busy machine.
  let kept = 0;
  for (const end = Date.now() + 60_000; kept < posted && Date.now() < end;) {
    if (!an.online) an.connect(relay);
    await new Promise((resolve) => setTimeout(resolve, 50));
    [{ kept }] = await db.sql<[{ kept: number }]>`
      select count(distinct id)::int as kept from messages where conversation = ${conversation} and not deleted`;
  }
  expect(kept).toBe(posted);
  expect(orderOf(page).length).toBe(Math.min(posted, PAGE_STAMPS));
});
