/**
 * Many people who know each other, with histories behind them, written straight into the tables: what bench:people and bench:soak load the relay with.
 */
import * as Y from 'yjs';
import type { CrowdPlan } from './load/crowd.ts';
import type { Chat } from './load/device.ts';
import { Author } from './load/messages.ts';
import type { Talk } from './load/plans.ts';
import { seedOf } from './load/seeded.ts';
import type { Server } from './servers.ts';
import { settle, World } from './world.ts';

/** Each person's conversations: with ten others, and ten groups. */
const PAIRS_EACH = 10;
const GROUPS_EACH = 10;
const GROUP_SIZE = 25;
/** So many messages lie on the current page of a group when it begins, unless said otherwise; one page is full before it. */
const RECENT = [50];
const PAGE = 1_000;
const SECOND = 1_000;
const DAY = 86_400_000;

export type Village = Pick<CrowdPlan, 'chats' | 'people'>;

export async function prepareVillage(server: Server, count: number, seed: number, recent = RECENT): Promise<Village> {
  const world = new World(seedOf(seed, 'people'));
  const people = world.people(count);
  const talks: Talk[] = [];
  const places: number[][] = people.map(() => []);
  const add = (members: number[]): void => {
    for (const member of members) places[member]?.push(talks.length);
    talks.push(world.talk(members.flatMap((member) => people[member] ?? [])));
  };
  for (let i = 0; i < count; i++) for (let step = 1; step <= PAIRS_EACH / 2; step++) add([i, (i + step) % count]);
  // Groups of neighbours, each time of others: with a stride that differs from round to round.
  for (let round = 0; round < GROUPS_EACH; round++) {
    const stride = 1 + round * 7;
    const order = Array.from({ length: stride }, (_, lane) =>
      Array.from({ length: Math.ceil((count - lane) / stride) }, (_, i) => lane + i * stride),
    ).flat();
    for (let from = 0; from < count; from += GROUP_SIZE) add(order.slice(from, from + GROUP_SIZE));
  }
  await settle(server, talks);
  const chats = await histories(server, talks, seed, recent);
  return { chats, people: people.map((person, i) => ({ person, chats: places[i] ?? [] })) };
}

/**
 * Every group has a full page and a current one, as snapshots. Those that are equally far have the same messages, by somebody who has left: a history of
 * its own for each would take longer than everything else, and the relay reads each of them anew all the same.
 */
async function histories(server: Server, talks: Talk[], seed: number, recent: readonly number[]): Promise<Chat[]> {
  const { sql } = server;
  if (sql === null) throw new Error('there is no database');
  const writer = new World(seedOf(seed, 'writer')).people(1)[0];
  if (writer === undefined) throw new Error('nobody there to write');
  const groups = talks.filter((talk) => talk.people.length > 2).map((talk) => talk.place.conversation);
  const full = page(writer.id, 0, PAGE, seed);
  await keep(sql, groups, 0, full, writer.id);
  const chats = new Map<string, Chat>();
  for (const [nth, count] of recent.entries()) {
    const some = groups.filter((_, i) => i % recent.length === nth);
    const current = page(writer.id, PAGE, count, seed);
    await keep(sql, some, 1, current, writer.id);
    await sql`insert into messages (conversation, seq, id, page, author, stamped_at, value)
      select c.id, m.seq, m.id, 1, ${writer.id}, ${Date.now()}::bigint, m.value::jsonb
      from unnest(${some}::text[]) as c (id),
        unnest(${current.messages.map((_, i) => PAGE + i + 1)}::bigint[], ${current.messages.map((m) => m.id)}::text[], ${current.messages.map((m) => m.json)}::text[]) as m (seq, id, value)`;
    const lastSeq = PAGE + count;
    await sql`update conversations set last_seq = ${lastSeq} where id = any(${some})`;
    await sql`update members set read_seq = ${lastSeq}, delivered_seq = ${lastSeq} where conversation = any(${some})`;
    for (const id of some) chats.set(id, { id, page: 1, lastSeq, anchor: current.messages[0]?.id ?? '' });
  }
  await sql`analyze`;
  return talks.map(({ place: { conversation: id } }) => chats.get(id) ?? { id, page: 0, lastSeq: 0, anchor: '' });
}

async function keep(
  sql: NonNullable<Server['sql']>,
  groups: readonly string[],
  number: number,
  { bytes, client }: Pick<ReturnType<typeof page>, 'bytes' | 'client'>,
  writer: string,
): Promise<void> {
  await sql`insert into snapshots (document, bytes, through)
    select 'c:' || id || ${`:${number}`}, ${bytes}, 0 from unnest(${groups}::text[]) as t (id)`;
  await sql`insert into document_clients (document, client, person)
    select 'c:' || id || ${`:${number}`}, ${client}, ${writer} from unnest(${groups}::text[]) as t (id)`;
}

function page(by: string, from: number, count: number, seed: number) {
  const doc = new Y.Doc();
  const author = new Author(by, seedOf(seed, 'page', from));
  Y.applyUpdate(doc, author.writeMany(from, count, 60, Date.now() - DAY + from * SECOND));
  const client = [...doc.store.clients.keys()][0] ?? 0;
  const messages = [...doc.getMap<{ by: string; at: number }>('messages')].map(([id, value]) => ({
    id,
    json: JSON.stringify(value),
  }));
  return { bytes: Buffer.from(Y.encodeStateAsUpdate(doc)), client, messages };
}
