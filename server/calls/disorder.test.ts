/** People who press everything, on bad networks: whatever comes of it, some things hold. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallId, ConversationId, UserId } from '#shared/ids.ts';
import type { CallPerson } from '#shared/model/call.ts';
import { startRelay, type Relay } from '../relay.ts';
import { checkDocuments } from '../storage/check.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { chosenSeed, seeded } from '../test-random.ts';
import { CallerPage } from './test-caller.ts';

const callTimes = { ringMillis: 600, awayMillis: 300, closedMillis: 100, aloneMillis: 300 };
const ACTIONS = 250;

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url, { callTimes }));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

/** Where everybody is in the calls that go on, at one moment. */
async function inside(): Promise<UserId[]> {
  const rows = await database.sql<{ people: CallPerson[] }[]>`select people from calls where ended_at is null`;
  return rows.flatMap(({ people }) =>
    people.filter(({ place }) => place.at === 'in' || place.at === 'away').map(({ id }) => id),
  );
}

test('[C12] whatever is pressed in whatever order: nobody is in two calls, all end by themselves, and each leaves one trace', async () => {
  const seed = chosenSeed();
  const random = seeded(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const people = await Promise.all(['An', 'Bình', 'Chi', 'Dũng'].map((name) => Actor.signUp(relay.url, name)));
  const [an, binh, chi, dung] = people as [Actor, Actor, Actor, Actor];
  const conversations: ConversationId[] = [
    await an.group('Cả bốn', binh, chi, dung),
    await binh.group('Ba', chi, dung),
    await chi.group('Hai', an),
  ];
  const pages = await Promise.all([...people, an, binh].map((who) => CallerPage.open(who)));
  const known: CallId[] = [];
  for (let i = 0; i < ACTIONS; i++) {
    const page = any(pages);
    const call = any(known.length === 0 ? [page.start(conversations[0]!)] : known.slice(-4));
    const actions: (() => unknown)[] = [
      () => known.push(page.start(any(conversations))),
      () => page.accept(call, { takeOver: random() < 0.5 }),
      () => page.accept(call),
      () => page.decline(call),
      () => page.leave(call, { failed: random() < 0.2 }),
      () => page.back(call, { anew: random() < 0.5 }),
      () => page.drop().then(() => page.comesBack()),
      () => new Promise((resolve) => setTimeout(resolve, random() * 120)),
    ];
    await any(actions)();
    const now = await inside();
    expect(new Set(now).size, `seed ${seed}, action ${i}: ${now.join(' ')}`).toBe(now.length);
  }
  for (const page of pages) await page.drop();
  const left = async () => {
    const [row] = await database.sql<{ left: number }[]>`select count(*)::int as left from calls where not is_traced`;
    return row?.left;
  };
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
  const [counts] = await database.sql<{ calls: number; traces: number }[]>`
    select (select count(*)::int from calls) as calls,
      (select count(distinct value->'call'->>'id')::int from messages where value ? 'call') as traces,
      (select count(*)::int from messages) as messages`;
  expect(counts?.calls).toBeGreaterThan(0);
  expect(counts).toMatchObject({ traces: counts?.calls, messages: counts?.calls });
  expect((await checkDocuments(database.sql)).findings).toEqual([]);
  // Nothing is left of them in memory: everybody who comes now hears of none.
  for (const who of people)
    expect((await CallerPage.open(who)).tab.heard.find(({ is }) => is === 'calls')).toEqual({ is: 'calls', calls: [] });
});
