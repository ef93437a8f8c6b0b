import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConversationId } from '#shared/ids.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, fateOf, testConfig } from '../test-actor.ts';
import { chosenSeed, seeded } from '../test-random.ts';

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

async function setup() {
  const [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
  return { an: an!, binh: binh!, chi: chi!, group: await an!.group('Nhóm', binh!, chi!) };
}
const read = (who: Actor, group: ConversationId, seq: number) =>
  who.ask('PUT', `/api/conversations/${group}/read`, { seq });

test('[U1] unread is what others wrote above the read mark and did not delete', async () => {
  const { an, binh, group } = await setup();
  await an.post(group, 'một');
  const second = await an.post(group, 'hai');
  await binh.post(group, 'ba');
  await an.post(group, 'bốn');
  expect(await binh.row(group)).toMatchObject({ lastSeq: 4, readSeq: 0, unread: 3 });
  expect(await an.row(group)).toMatchObject({ unread: 1 });
  await an.ask('DELETE', `/api/conversations/${group}/messages/${second.id}`);
  expect(await binh.row(group)).toMatchObject({ lastSeq: 4, unread: 2 });
  expect((await read(binh, group, 3)).status).toBe(204);
  expect(await binh.row(group)).toMatchObject({ readSeq: 3, unread: 1 });
});

test('[U2] mentions follow what a message says now', async () => {
  const { an, binh, chi, group } = await setup();
  const path = `/api/conversations/${group}/messages`;
  const named = await an.post(group, '@Bình', { mentions: [binh.id] });
  await an.post(group, '@all', { mentions: 'all' });
  await an.post(group, 'không ai');
  // A member may not call everybody: it is written, and mentions nobody.
  await chi.post(group, '@all', { mentions: 'all' });
  expect(await binh.row(group)).toMatchObject({ unread: 4, mentions: 2 });
  expect(await chi.row(group)).toMatchObject({ unread: 3, mentions: 1 });
  await an.ask('PATCH', `${path}/${named.id}`, { text: '@Chi', mentions: [chi.id] });
  expect(await binh.row(group)).toMatchObject({ unread: 4, mentions: 1 });
  expect(await chi.row(group)).toMatchObject({ mentions: 2 });
});

test('[U3] posting moves no read mark, and no mark moves back or beyond the end', async () => {
  const { an, binh, group } = await setup();
  for (const text of ['một', 'hai', 'ba']) await an.post(group, text);
  await binh.post(group, 'bốn');
  expect(await binh.row(group)).toMatchObject({ readSeq: 0, unread: 3 });
  await read(binh, group, 3);
  await read(binh, group, 1);
  expect(await binh.row(group)).toMatchObject({ readSeq: 3, unread: 0 });
  await read(binh, group, 1_000);
  expect(await binh.row(group)).toMatchObject({ readSeq: 4 });
  await an.post(group, 'năm');
  expect(await binh.row(group)).toMatchObject({ readSeq: 4, unread: 1 });
});

test('[U4] the list holds the conversations one is in, the newest first, each with its last message that is there', async () => {
  const { an, binh, chi, group } = await setup();
  const other = await an.group('Khác', binh);
  await an.post(group, 'x'.repeat(500));
  const last = await an.post(other, 'đã xoá');
  await an.ask('DELETE', `/api/conversations/${other}/messages/${last.id}`);
  const list = async (who: Actor) => {
    const { body } = await who.ask('GET', '/api/conversations');
    return body['conversations'] as unknown as { id: string; last: { text: string } | null }[];
  };
  expect((await list(binh)).map(({ id }) => id).sort()).toEqual([group, other].sort());
  expect((await list(chi)).map(({ id }) => id)).toEqual([group]);
  const rows = new Map((await list(binh)).map((row) => [row.id, row]));
  expect(rows.get(other)?.last).toBeNull();
  expect(rows.get(group)?.last?.text).toBe('x'.repeat(160));
  await binh.ask('DELETE', `/api/conversations/${other}/members/${binh.id}`);
  expect((await list(binh)).map(({ id }) => id)).toEqual([group]);
});

test('[U5] somebody who joins later starts with the past as read', async () => {
  const { an, group } = await setup();
  await an.post(group, 'trước');
  const dung = await Actor.signUp(relay.url, 'Dũng');
  await an.ask('PUT', `/api/conversations/${group}/members/${dung.id}`, { role: 'member' });
  expect(await dung.row(group)).toMatchObject({ lastSeq: 1, readSeq: 1, unread: 0 });
  await an.post(group, 'sau');
  expect(await dung.row(group)).toMatchObject({ unread: 1 });
});

test('[U4] a tab is told its whole list, and then every row that changes', async () => {
  const { an, binh, group } = await setup();
  const tab = await binh.tab();
  // Who is here may be told before, when somebody has just come in.
  expect(tab.heard.find(({ is }) => is !== 'presence')).toMatchObject({ is: 'overview' });
  expect(tab.row(group)).toMatchObject({ unread: 0 });

  const posted = await an.post(group, 'chào');
  await tab.until(() => tab.row(group)?.unread === 1);
  expect(tab.row(group)?.last).toMatchObject({ id: posted.id, text: 'chào', by: an.id });

  const phone = await (await binh.onAnotherDevice()).tab();
  await read(binh, group, 1);
  await tab.until(() => tab.row(group)?.unread === 0);
  await phone.until(() => phone.row(group)?.unread === 0);

  await an.ask('PATCH', `/api/conversations/${group}`, { title: 'Tên mới' });
  await tab.until(() => tab.row(group)?.title === 'Tên mới');
  await an.ask('PATCH', '/api/me', { name: 'An Nhiên' });
  await tab.until(() => tab.row(group)?.members.some((member) => member.name === 'An Nhiên') ?? false);
  const fresh = await an.group('Mới', binh);
  await tab.until(() => tab.row(fresh) !== undefined);
  await an.ask('DELETE', `/api/conversations/${group}/members/${binh.id}`);
  await tab.until((message) => message.is === 'gone' && message.conversation === group);
  tab.leave();
  phone.leave();
});

test('[U4] a tab whose list cannot be read is told to come back, instead of going on with an old one', async () => {
  const { binh } = await setup();
  await database.sql`alter table messages rename to messages_away`;
  const socket = binh.socket('/sync');
  const fate = await fateOf(socket);
  await database.sql`alter table messages_away rename to messages`;
  expect(fate).toEqual({ closed: 4503 });
  const tab = await binh.tab();
  expect(tab.heard.find(({ is }) => is !== 'presence')).toMatchObject({ is: 'overview', rows: [{ title: 'Nhóm' }] });
  tab.leave();
});

test('[U1] [U2] [U3] whatever happens in whatever order, the counts are those of a recount', async () => {
  const seed = chosenSeed();
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const { an, binh, chi, group } = await setup();
  const people = [an, binh, chi];
  const model = {
    messages: [] as { id: string; seq: number; by: Actor; mentions: Actor[]; deleted: boolean }[],
    marks: new Map(people.map((person) => [person, 0])),
  };
  const path = `/api/conversations/${group}/messages`;
  for (let step = 0; step < 60; step++) {
    const who = pick(people);
    const dice = random();
    const own = model.messages.filter((message) => message.by === who && !message.deleted);
    const mentions = people.filter(() => random() < 0.3);
    if (dice < 0.5 || own.length === 0) {
      const posted = await who.post(group, `bước ${step}`, { mentions: mentions.map(({ id }) => id) });
      model.messages.push({ ...posted, by: who, mentions, deleted: false });
    } else if (dice < 0.65) {
      const message = pick(own);
      await who.ask('PATCH', `${path}/${message.id}`, { text: `sửa ${step}`, mentions: mentions.map(({ id }) => id) });
      message.mentions = mentions;
    } else if (dice < 0.75) {
      const message = pick(own);
      await who.ask('DELETE', `${path}/${message.id}`);
      message.deleted = true;
    } else {
      const seq = Math.floor(random() * (model.messages.length + 3));
      await read(who, group, seq);
      model.marks.set(who, Math.max(model.marks.get(who)!, Math.min(seq, model.messages.length)));
    }
    const seen = pick(people);
    const unread = model.messages.filter(
      ({ seq, by, deleted }) => seq > model.marks.get(seen)! && by !== seen && !deleted,
    );
    expect(await seen.row(group), `seed ${seed}, step ${step}`).toMatchObject({
      lastSeq: model.messages.length,
      readSeq: model.marks.get(seen),
      unread: unread.length,
      mentions: unread.filter((message) => message.mentions.includes(seen)).length,
      last: model.messages.some((message) => !message.deleted)
        ? { id: model.messages.filter((message) => !message.deleted).at(-1)!.id }
        : null,
    });
  }
});
