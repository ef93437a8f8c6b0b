/**
 * The rows of the list of conversations, counted from the tables: what is stored are the marks, everything else follows from the messages, so
 * a count can not drift from what is there (rules U1, U2, U4). The members of a row are read apart: most changes of a row are not about them.
 */
import type { Role } from '#shared/access.ts';
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import { attachedOf } from '#shared/model/media-types.ts';
import type { CallTrace } from '#shared/model/call-trace.ts';
import type { Attachment } from '#shared/model/message.ts';
import { PREVIEW_MAX_CHARS, SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import type { LastMessage, OverviewMember, OverviewRow, RowChange } from '#shared/protocol/overview.ts';
import { leastReached } from '../storage/members.ts';
import type { Sql } from '../storage/sql.ts';
import { othersThan } from './others.ts';

/** A row and whose it is. */
export interface PersonalRow<Row extends RowChange = OverviewRow> {
  person: UserId;
  row: Row;
}

/** Somebody's row in their list. */
export interface Place {
  conversation: ConversationId;
  person: UserId;
}

/** `all` for a program that asks about one list; `few` for those who are all told (R4). */
type Members = 'all' | 'few';

/** One person's whole list; with `only`, that conversation's row or nothing. Those with the newest message come first. */
export async function rowsOf(
  sql: Sql,
  person: UserId,
  { only }: { only?: ConversationId } = {},
): Promise<OverviewRow[]> {
  const found = await query(
    sql,
    only === undefined ? ofPeople(sql, [person]) : ofPlaces(sql, [{ conversation: only, person }]),
  );
  return (await withMembers(sql, found, 'all')).map(({ row }) => row);
}

/** The whole lists of many, in their order. */
export async function listsOf(sql: Sql, people: readonly UserId[]): Promise<OverviewRow[][]> {
  const rows = await withMembers(sql, await query(sql, ofPeople(sql, people)), 'few');
  const lists = Map.groupBy(rows, ({ person }) => person);
  return people.map((person) => (lists.get(person) ?? []).map(({ row }) => row));
}

/** Conversations, each as this person sees it; those who are not in it get none. */
export async function rowsFor(sql: Sql, places: readonly Place[]): Promise<PersonalRow[]> {
  return withMembers(sql, await query(sql, ofPlaces(sql, places)), 'few');
}

/** The same without their members. */
export async function changesFor(sql: Sql, places: readonly Place[]): Promise<PersonalRow<RowChange>[]> {
  return query(sql, ofPlaces(sql, places));
}

const ofPeople = (sql: Sql, people: readonly UserId[]) => sql`m.user_id = any(${[...people]})`;
const ofPlaces = (sql: Sql, places: readonly Place[]) =>
  sql`(m.conversation, m.user_id) in (
    select * from unnest(${places.map((place) => place.conversation)}::text[], ${places.map((place) => place.person)}::text[]))`;
type Filter = ReturnType<typeof ofPeople>;

interface Found {
  person: UserId;
  id: ConversationId;
  kind: OverviewRow['kind'];
  title: string | null;
  avatar: Sha256 | null;
  created_at: number;
  last_seq: number;
  read_seq: number;
  unread: number;
  mentions: number;
  last: (Omit<LastMessage, 'attachments' | 'call'> & { attachments: Attachment[]; call: CallTrace | null }) | null;
}

function lastOf({ attachments, call, ...last }: NonNullable<Found['last']>): LastMessage {
  const attached = attachedOf(attachments);
  return { ...last, attachments: attachments.length, ...(attached && { attached }), ...(call && { call }) };
}

async function query(sql: Sql, filter: Filter): Promise<PersonalRow<RowChange>[]> {
  const found = await sql<Found[]>`
    select m.user_id as person, c.id, c.kind, c.title, c.avatar, c.created_at, c.last_seq, m.read_seq, counted.unread, counted.mentions, newest.last
    from members m
    join conversations c on c.id = m.conversation
    cross join lateral (
      select count(*)::int as unread,
             (count(*) filter (where x.value->'mentions' ?| array[m.user_id, 'all']))::int as mentions
      from messages x
      where x.conversation = c.id and x.seq > m.read_seq and x.author <> m.user_id and not x.deleted
        -- What is left of a call is news to those who missed it (C9).
        and not (x.value ? 'call' and exists (
          select 1 from calls k where k.id = x.value->'call'->>'id' and not m.user_id = any(k.missed)))
    ) counted
    left join lateral (
      select x.stamped_at, json_build_object(
        'id', x.id, 'seq', x.seq, 'by', x.author, 'byName', coalesce(u.name, ''),
        'at', coalesce((x.value->>'at')::bigint, x.stamped_at),
        'text', left(coalesce(x.value->>'text', ''), ${PREVIEW_MAX_CHARS}::int),
        'attachments', coalesce(x.value->'attachments', '[]'), 'call', x.value->'call') as last
      from messages x left join users u on u.id = x.author
      where x.conversation = c.id and x.seq > m.hidden_seq and not x.deleted
      order by x.seq desc limit 1
    ) newest on true
    where m.left_at is null and ${filter}
    order by coalesce(newest.stamped_at, c.created_at) desc, c.id`;
  return found.map((each) => ({
    person: each.person,
    row: {
      id: each.id,
      kind: each.kind,
      title: each.title,
      avatar: each.avatar,
      createdAt: each.created_at,
      lastSeq: each.last_seq,
      readSeq: each.read_seq,
      unread: each.unread,
      mentions: each.mentions,
      last: each.last === null ? null : lastOf(each.last),
    },
  }));
}

interface FoundMember {
  conversation: ConversationId;
  id: UserId;
  name: string;
  role: Role;
  avatar: Sha256 | null;
  delivered: number;
  read: number;
}

async function withMembers(sql: Sql, rows: PersonalRow<RowChange>[], which: Members): Promise<PersonalRow[]> {
  const conversations = [...new Set(rows.map(({ row }) => row.id))];
  const counts = await countMembers(sql, conversations);
  const isLarge = (id: ConversationId): boolean => which === 'few' && (counts.get(id) ?? 0) > SMALL_GROUP_MAX_MEMBERS;
  const large = conversations.filter(isLarge);
  const people = [...new Set(rows.filter(({ row }) => isLarge(row.id)).map(({ person }) => person))];
  const small = conversations.filter((id) => !isLarge(id));
  const [all, named, least] = await Promise.all([
    readMembers(sql, sql`m.conversation = any(${small})`, small.length),
    readMembers(sql, sql`m.conversation = any(${large}) and m.user_id = any(${people})`, large.length),
    large.length === 0 ? new Map<ConversationId, never[]>() : leastReached(sql, large),
  ]);
  return rows.map(({ person, row }) => {
    const memberCount = counts.get(row.id) ?? 0;
    if (!isLarge(row.id)) return { person, row: { ...row, members: all.get(row.id) ?? [], memberCount } };
    const members = (named.get(row.id) ?? []).filter((member) => member.id === person);
    return { person, row: { ...row, members, memberCount, others: othersThan(person, least.get(row.id) ?? []) } };
  });
}

async function countMembers(sql: Sql, conversations: ConversationId[]): Promise<Map<ConversationId, number>> {
  if (conversations.length === 0) return new Map();
  const rows = await sql<{ conversation: ConversationId; count: number }[]>`
    select conversation, count(*)::int as count from members
    where conversation = any(${conversations}) and left_at is null
    group by conversation`;
  return new Map(rows.map(({ conversation, count }) => [conversation, count]));
}

async function readMembers(
  sql: Sql,
  filter: Filter,
  conversations: number,
): Promise<Map<ConversationId, OverviewMember[]>> {
  const all = new Map<ConversationId, OverviewMember[]>();
  if (conversations === 0) return all;
  const rows = await sql<FoundMember[]>`
    select m.conversation, m.user_id as id, u.name, u.avatar, m.role, m.delivered_seq as delivered, m.read_seq as read
    from members m join users u on u.id = m.user_id
    where ${filter} and m.left_at is null
    order by m.joined_at, m.user_id`;
  for (const { conversation, delivered, read, ...who } of rows) {
    const member = { ...who, reach: { delivered, read } };
    const list = all.get(conversation);
    if (list === undefined) all.set(conversation, [member]);
    else list.push(member);
  }
  return all;
}
