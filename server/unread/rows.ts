/**
 * The rows of the list of conversations, counted from the tables: what is stored is the read mark, everything else follows from the
 * messages, so a count can not drift from what is there (rules U1, U2, U4).
 */
import type { Role } from '#shared/access.ts';
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { LastMessage, OverviewRow } from '#shared/protocol/overview.ts';
import type { Sql } from '../storage/sql.ts';

const PREVIEW_CHARS = 160;

/** A row and whose it is. */
export interface PersonalRow {
  person: UserId;
  row: OverviewRow;
}

/** One person's whole list; with `only`, that conversation's row or nothing. Those with the newest message come first. */
export async function rowsOf(sql: Sql, person: UserId, only: ConversationId | null = null): Promise<OverviewRow[]> {
  const found = only === null ? await query(sql, ofPerson(sql, person)) : await rowsFor(sql, only, [person]);
  return found.map(({ row }) => row);
}

/** One conversation, as each of these people sees it; those who are not in it get none. */
export function rowsFor(sql: Sql, conversation: ConversationId, people: readonly UserId[]): Promise<PersonalRow[]> {
  return query(sql, sql`m.conversation = ${conversation} and m.user_id = any(${[...people]})`);
}

const ofPerson = (sql: Sql, person: UserId) => sql`m.user_id = ${person}`;
type Filter = ReturnType<typeof ofPerson>;

interface Found {
  person: UserId;
  id: ConversationId;
  kind: OverviewRow['kind'];
  title: string | null;
  created_at: number;
  last_seq: number;
  read_seq: number;
  unread: number;
  mentions: number;
  last: LastMessage | null;
}

async function query(sql: Sql, filter: Filter): Promise<PersonalRow[]> {
  const found = await sql<Found[]>`
    select m.user_id as person, c.id, c.kind, c.title, c.created_at, c.last_seq, m.read_seq, counted.unread, counted.mentions, newest.last
    from members m
    join conversations c on c.id = m.conversation
    cross join lateral (
      select count(*)::int as unread,
             (count(*) filter (where x.value->'mentions' ?| array[m.user_id, 'all']))::int as mentions
      from messages x
      where x.conversation = c.id and x.seq > m.read_seq and x.author <> m.user_id and not x.deleted
    ) counted
    left join lateral (
      select x.stamped_at, json_build_object(
        'id', x.id, 'seq', x.seq, 'by', x.author, 'at', coalesce((x.value->>'at')::bigint, x.stamped_at),
        'text', left(coalesce(x.value->>'text', ''), ${PREVIEW_CHARS}::int),
        'attachments', coalesce(jsonb_array_length(x.value->'attachments'), 0)) as last
      from messages x
      where x.conversation = c.id and not x.deleted
      order by x.seq desc limit 1
    ) newest on true
    where m.left_at is null and ${filter}
    order by coalesce(newest.stamped_at, c.created_at) desc, c.id`;
  const members = await membersOf(sql, [...new Set(found.map((each) => each.id))]);
  return found.map((each) => ({
    person: each.person,
    row: {
      id: each.id,
      kind: each.kind,
      title: each.title,
      createdAt: each.created_at,
      members: members.get(each.id) ?? [],
      lastSeq: each.last_seq,
      readSeq: each.read_seq,
      unread: each.unread,
      mentions: each.mentions,
      last: each.last,
    },
  }));
}

async function membersOf(
  sql: Sql,
  conversations: ConversationId[],
): Promise<Map<ConversationId, OverviewRow['members']>> {
  const all = new Map<ConversationId, OverviewRow['members']>();
  if (conversations.length === 0) return all;
  const rows = await sql<{ conversation: ConversationId; id: UserId; name: string; role: Role }[]>`
    select m.conversation, m.user_id as id, u.name, m.role
    from members m join users u on u.id = m.user_id
    where m.conversation = any(${conversations}) and m.left_at is null
    order by m.joined_at, m.user_id`;
  for (const { conversation, ...member } of rows) {
    const list = all.get(conversation);
    if (list === undefined) all.set(conversation, [member]);
    else list.push(member);
  }
  return all;
}
