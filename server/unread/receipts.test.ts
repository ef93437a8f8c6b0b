import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type ConversationId, newConversationId, newUserId, type UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { personalDoc } from '#shared/model/doc-names.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { startRelay, type Relay } from '../relay.ts';
import type { Marks } from '../storage/members.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, type Tab, testConfig } from '../test-actor.ts';
import { othersThan } from './others.ts';
import { Receipts } from './receipts.ts';

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterEach(() => vi.useRealTimers());
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

async function setup() {
  const [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
  return { an: an!, binh: binh!, chi: chi!, group: await an!.group('Nhóm', binh!, chi!) };
}
const delivered = (tab: Tab, conversation: ConversationId, seq: number) =>
  tab.tell({ is: 'delivered', marks: [{ conversation, seq }] });
const reachOf = (tab: Tab, conversation: ConversationId, who: Actor) =>
  tab.row(conversation)?.members.find((member) => member.id === who.id)?.reach;
const read = (who: Actor, group: ConversationId, seq: number) =>
  who.ask('PUT', `/api/conversations/${group}/read`, { seq });

test('[R1] [R3] what a device has is told to the members, and never moves back or beyond the end', async () => {
  const { an, binh, group } = await setup();
  for (const text of ['một', 'hai', 'ba']) await an.post(group, text);
  const [tab, device] = [await an.tab(), await binh.tab()];
  expect(reachOf(tab, group, binh)).toEqual({ delivered: 0, read: 0 });
  delivered(device, group, 2);
  await tab.until(() => reachOf(tab, group, binh)?.delivered === 2);
  delivered(device, group, 1);
  delivered(device, group, 1_000);
  await tab.until(() => reachOf(tab, group, binh)?.delivered === 3);
  expect(tab.heard.filter(({ is }) => is === 'marks')).toHaveLength(2);
  await an.post(group, 'bốn');
  const later = await an.tab();
  expect(reachOf(later, group, binh)).toEqual({ delivered: 3, read: 0 });
  expect((await an.row(group)).members.find(({ id }) => id === binh.id)?.reach).toEqual({ delivered: 3, read: 0 });
  for (const each of [tab, device, later]) each.leave();
});

test('[R9] [U3] [M2] a read mark that is told counts on every device, and leaves nothing in a document', async () => {
  const { an, binh, group } = await setup();
  const stranger = await Actor.signUp(relay.url, 'Lạ');
  for (const text of ['một', 'hai', 'ba']) await an.post(group, text);
  const [tab, phone, laptop, outside] = await Promise.all([an.tab(), binh.tab(), binh.tab(), stranger.tab()]);
  const bytes = async (): Promise<number> => {
    const [found] = await database.sql<{ bytes: number }[]>`
      select coalesce(sum(length(bytes)), 0)::int as bytes from (
        select document, bytes from snapshots union all select document, bytes from updates
      ) as stored where document = ${personalDoc(binh.id)}`;
    return found!.bytes;
  };
  const before = await bytes();
  const tell = (who: Tab, seq: number) => who.tell({ is: 'read', marks: [{ conversation: group, seq }] });
  tell(outside, 3);
  for (let seq = 1; seq <= 2; seq++) {
    tell(phone, seq);
    await laptop.until(() => laptop.row(group)?.readSeq === seq && laptop.row(group)?.unread === 3 - seq);
  }
  await tab.until(() => reachOf(tab, group, binh)?.read === 2);
  tell(laptop, 1);
  tell(laptop, 1_000);
  await phone.until(() => phone.row(group)?.readSeq === 3);
  expect((await an.row(group)).members).toHaveLength(3);
  expect(await bytes()).toBe(before);
  for (const each of [tab, phone, laptop, outside]) each.leave();
});

test('[R2] [R3] what is read is delivered, and told', async () => {
  const { an, binh, group } = await setup();
  await an.post(group, 'một');
  const tab = await an.tab();
  await read(binh, group, 1);
  await tab.until(() => reachOf(tab, group, binh)?.read === 1);
  expect(reachOf(tab, group, binh)).toEqual({ delivered: 1, read: 1 });
  tab.leave();
});

test('[R3] who is not in the conversation is neither believed nor told', async () => {
  const { an, binh, chi, group } = await setup();
  const stranger = await Actor.signUp(relay.url, 'Dũng');
  await an.post(group, 'một');
  await an.ask('DELETE', `/api/conversations/${group}/members/${chi.id}`);
  const tabs = await Promise.all([an, binh, chi, stranger].map((actor) => actor.tab()));
  const [mine, device, removed, foreign] = tabs as [Tab, Tab, Tab, Tab];
  delivered(removed, group, 1);
  delivered(foreign, group, 1);
  delivered(foreign, newConversationId(), 1);
  delivered(device, group, 1);
  await mine.until(() => reachOf(mine, group, binh)?.delivered === 1);
  expect(
    mine
      .row(group)
      ?.members.map(({ id }) => id)
      .sort(),
  ).toEqual([an.id, binh.id].sort());
  for (const tab of [removed, foreign]) expect(tab.heard.some(({ is }) => is === 'marks')).toBe(false);
  const rows = await database.sql`select 1 from members where user_id = ${chi.id} and delivered_seq > 0`;
  expect(rows).toHaveLength(0);
  tabs.forEach((tab) => tab.leave());
});

test('[R3] somebody who comes back starts with everything before as delivered', async () => {
  const { an, chi, group } = await setup();
  await an.ask('DELETE', `/api/conversations/${group}/members/${chi.id}`);
  for (const text of ['một', 'hai']) await an.post(group, text);
  const tab = await an.tab();
  await an.ask('PUT', `/api/conversations/${group}/members/${chi.id}`, { role: 'member' });
  await tab.until(() => reachOf(tab, group, chi) !== undefined);
  expect(reachOf(tab, group, chi)).toEqual({ delivered: 2, read: 2 });
  tab.leave();
});

test('[R4] a large group names nobody, and says how far everybody else is', async () => {
  const { an, binh, group } = await setup();
  await addStrangers(group, SMALL_GROUP_MAX_MEMBERS);
  await an.post(group, 'chào cả làng');
  const [tab, device] = [await an.tab(), await binh.tab()];
  expect(tab.row(group)).toMatchObject({
    members: [{ id: an.id, role: 'owner' }],
    memberCount: SMALL_GROUP_MAX_MEMBERS + 3,
    others: { delivered: 0, read: 0 },
    last: { byName: 'An' },
  });
  // Everybody but Bình; then Bình.
  await database.sql`update members set delivered_seq = 1, read_seq = 1 where conversation = ${group} and user_id <> ${binh.id}`;
  delivered(device, group, 1);
  await tab.until(() => tab.row(group)?.others?.delivered === 1);
  expect(tab.row(group)?.others).toEqual({ delivered: 1, read: 0 });
  await device.until(() => device.row(group)?.others?.read === 1);
  expect(tab.heard.every((message) => message.is !== 'marks' || message.marks.length === 0)).toBe(true);
  // A program that asks about it is told all.
  expect((await an.row(group)).members).toHaveLength(SMALL_GROUP_MAX_MEMBERS + 3);
  tab.leave();
  device.leave();
});

async function addStrangers(group: ConversationId, count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => newUserId());
  await database.sql`
    insert into users (id, email, name, name_folded, password_hash, created_at)
    select id, id || '@example.org', 'Ai đó', 'ai do', '', 0 from unnest(${ids}::text[]) as n (id)`;
  await database.sql`
    insert into members (conversation, user_id, role, joined_at)
    select ${group}, id, 'member', 0 from unnest(${ids}::text[]) as n (id)`;
}

test('[R4] everybody else is everybody but oneself', () => {
  const [an, binh, chi] = [newUserId(), newUserId(), newUserId()];
  const marks = [
    { person: an, delivered: 5, read: 1 },
    { person: binh, delivered: 3, read: 2 },
    { person: chi, delivered: 4, read: 4 },
  ];
  expect(othersThan(an, marks)).toEqual({ delivered: 3, read: 2 });
  expect(othersThan(binh, marks)).toEqual({ delivered: 4, read: 1 });
  expect(othersThan(an, marks.slice(0, 1))).toEqual({ delivered: 0, read: 0 });
});

/** The receipts alone, with a table of their own and a clock that is advanced. */
function alone() {
  vi.useFakeTimers();
  const [an, binh] = [newUserId(), newUserId()];
  const home = newConversationId();
  const writes: Marks[][] = [];
  const told: { people: readonly UserId[]; message: RelayControl }[] = [];
  const failures: unknown[] = [];
  const database = { works: true, knowsMembers: true };
  const receipts = new Receipts({
    async advance(marks) {
      if (!database.works) throw new Error('no database');
      writes.push([...marks]);
      return marks.map((mark) => ({ ...mark, readMoved: mark.read > 0 }));
    },
    async members(conversations) {
      if (!database.knowsMembers) throw new Error('no database');
      return new Map(conversations.map((id) => [id, [an, binh]]));
    },
    least: async () => new Map(),
    listening: (person) => person === an,
    tell: (people, message) => told.push({ people, message }),
    read: () => undefined,
    failed: (why) => failures.push(why),
  });
  return { an, binh, home, receipts, writes, told, failures, database };
}

test('[R7] the marks of a moment are one statement, the furthest of each', async () => {
  const { an, binh, home, receipts, writes, told } = alone();
  const other = newConversationId();
  for (let seq = 1; seq <= 50; seq++) receipts.moved(binh, home, { delivered: seq });
  receipts.moved(binh, home, { read: 7 });
  receipts.moved(an, other, { delivered: 3 });
  await vi.advanceTimersByTimeAsync(200);
  expect(writes).toEqual([
    [
      { person: binh, conversation: home, delivered: 50, read: 7 },
      { person: an, conversation: other, delivered: 3, read: 0 },
    ],
  ]);
  expect(told).toHaveLength(2);
  expect(told.every(({ people }) => people.length === 1 && people[0] === an)).toBe(true);
  await receipts.stop();
});

test('[R7] marks that the database did not take are written when it does, with what came meanwhile', async () => {
  const { binh, home, receipts, writes, failures, database } = alone();
  database.works = false;
  receipts.moved(binh, home, { delivered: 5 });
  await vi.advanceTimersByTimeAsync(200);
  expect(failures).toHaveLength(1);
  receipts.moved(binh, home, { delivered: 4, read: 2 });
  database.works = true;
  await vi.advanceTimersByTimeAsync(2_500);
  expect(writes).toEqual([[{ person: binh, conversation: home, delivered: 5, read: 2 }]]);
  await receipts.stop();
});

test('[R3] [R7] marks that were written when it could not be read whom to tell are told later, with what came meanwhile', async () => {
  const { an, binh, home, receipts, writes, told, database } = alone();
  database.knowsMembers = false;
  receipts.moved(binh, home, { delivered: 5 });
  await vi.advanceTimersByTimeAsync(200);
  receipts.moved(an, home, { delivered: 6 });
  await vi.advanceTimersByTimeAsync(500);
  expect(writes).toHaveLength(1);
  expect(told).toEqual([]);
  database.knowsMembers = true;
  await vi.advanceTimersByTimeAsync(2_500);
  expect(told.map(({ message }) => message)).toEqual([
    {
      is: 'marks',
      conversation: home,
      marks: [
        { user: binh, delivered: 5, read: 0 },
        { user: an, delivered: 6, read: 0 },
      ],
    },
  ]);
  await receipts.stop();
});

test('[R7] what one person can make wait is bounded, and what waits is written at the end', async () => {
  const { binh, receipts, writes } = alone();
  for (let i = 0; i < 1_500; i++) receipts.moved(binh, newConversationId(), { delivered: 1 });
  await receipts.stop();
  expect(writes[0]).toHaveLength(1_000);
});
