/** The table `members`: who is in which conversation, as what, and up to where they have read. It decides; the documents mirror it. */
import type { ConversationKind, Role } from '#shared/access.ts';
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import type { Sql, Transaction } from './sql.ts';

export interface Membership {
  role: Role;
  kind: ConversationKind;
  /** Messages up to this seq are hidden from them: they were added later, to a group whose history was closed then. */
  hiddenSeq: number;
}

export interface MemberRow {
  user_id: UserId;
  role: Role;
  name: string;
  avatar: Sha256 | null;
  joined_at: number;
  left_at: number | null;
  hidden_seq: number;
}

/** Somebody and a conversation. */
export interface MemberPlace {
  person: UserId;
  conversation: ConversationId;
}

/** Null for somebody who is not, or no longer, in it; and for a conversation that does not exist. */
export async function membershipOf(sql: Sql, person: UserId, conversation: ConversationId): Promise<Membership | null> {
  const [membership] = await membershipsOf(sql, [{ person, conversation }]);
  if (membership === undefined) throw new Error('the database did not answer');
  return membership;
}

/** The same of many, in their order. */
export async function membershipsOf(sql: Sql, places: readonly MemberPlace[]): Promise<(Membership | null)[]> {
  const rows = await sql<(Membership | { role: null })[]>`
    select m.role, c.kind, m.hidden_seq as "hiddenSeq"
    from unnest(${places.map((p) => p.person)}::text[], ${places.map((p) => p.conversation)}::text[])
      with ordinality as asked (person, conversation, n)
    left join members m on m.conversation = asked.conversation and m.user_id = asked.person and m.left_at is null
    left join conversations c on c.id = m.conversation
    order by asked.n`;
  return rows.map((row) => (row.role === null ? null : row));
}

/** All who ever were in it, with when they left. */
export function everybodyIn(sql: Sql, conversation: ConversationId): Promise<MemberRow[]> {
  return sql<MemberRow[]>`
    select m.user_id, m.role, u.name, u.avatar, m.joined_at, m.left_at, m.hidden_seq
    from members m join users u on u.id = m.user_id
    where m.conversation = ${conversation}
    order by m.joined_at, m.user_id`;
}

/** Those in it now, held until the transaction ends, so that two changes of roles come one after the other. */
export async function lockMembers(sql: Transaction, conversation: ConversationId): Promise<Map<UserId, Role>> {
  const rows = await sql<{ user_id: UserId; role: Role }[]>`
    select user_id, role from members where conversation = ${conversation} and left_at is null order by user_id for update`;
  return new Map(rows.map((row) => [row.user_id, row.role]));
}

export async function conversationsOf(sql: Sql, person: UserId): Promise<ConversationId[]> {
  const rows = await sql<{ conversation: ConversationId }[]>`
    select conversation from members where user_id = ${person} and left_at is null`;
  return rows.map((row) => row.conversation);
}

/**
 * Somebody who joins, or comes back, starts with everything before as read: it is history to them, not news. In a group whose history is closed it is
 * hidden from them, and for somebody who comes back what they saw before they left is as well.
 */
export async function addMember(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  role: Role,
  now: number,
): Promise<void> {
  await sql`
    insert into members
      (conversation, user_id, role, joined_at, joined_seq, read_seq, delivered_seq, hidden_seq)
    select id, ${person}, ${role}, ${now}, last_seq, last_seq, last_seq, case history when 'joined' then last_seq else 0 end
    from conversations where id = ${conversation}
    on conflict (conversation, user_id) do update set
      role = excluded.role, joined_at = excluded.joined_at, joined_seq = excluded.joined_seq, left_at = null,
      read_seq = greatest(members.read_seq, excluded.read_seq),
      delivered_seq = greatest(members.delivered_seq, excluded.delivered_seq),
      hidden_seq = excluded.hidden_seq`;
}

export async function setRole(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  role: Role,
): Promise<void> {
  await sql`update members set role = ${role} where conversation = ${conversation} and user_id = ${person}`;
}

export async function markLeft(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  now: number,
): Promise<void> {
  await sql`
    update members set left_at = ${now}
    where conversation = ${conversation} and user_id = ${person} and left_at is null`;
}

/** Up to where somebody has read, and up to where a device of theirs has it. */
export interface MemberMarks {
  person: UserId;
  delivered: number;
  read: number;
}

export interface Marks extends MemberMarks {
  conversation: ConversationId;
}

export interface MarksMoved extends Marks {
  /** Not only the delivered mark. */
  readMoved: boolean;
}

/**
 * Moves marks on, in one statement however many there are, and answers those that moved, as they are now. A mark never moves back (U3, R1), and
 * never beyond the last message; what is read is delivered (R2). The rows are held in the order in which `lockMembers` holds them, so that the
 * two wait for each other instead of deadlocking.
 */
export async function advanceMarks(sql: Sql, marks: readonly Marks[]): Promise<MarksMoved[]> {
  return sql<MarksMoved[]>`
    with wanted as (
      select m.conversation, m.user_id, m.read_seq < least(n.read, c.last_seq) as read_moved,
             least(greatest(n.delivered, n.read), c.last_seq) as delivered, least(n.read, c.last_seq) as read
      from unnest(
        ${marks.map((mark) => mark.conversation)}::text[], ${marks.map((mark) => mark.person)}::text[],
        ${marks.map((mark) => mark.delivered)}::bigint[], ${marks.map((mark) => mark.read)}::bigint[]
      ) as n (conversation, person, delivered, read)
      join conversations c on c.id = n.conversation
      join members m on m.conversation = n.conversation and m.user_id = n.person
      where m.left_at is null
        and (m.read_seq < least(n.read, c.last_seq) or m.delivered_seq < least(greatest(n.delivered, n.read), c.last_seq))
      order by m.conversation, m.user_id
      for update of m
    )
    update members m set
      delivered_seq = greatest(m.delivered_seq, w.delivered), read_seq = greatest(m.read_seq, w.read)
    from wanted w
    where m.conversation = w.conversation and m.user_id = w.user_id
    returning m.conversation, m.user_id as person, m.delivered_seq as delivered, m.read_seq as read, w.read_moved as "readMoved"`;
}

/** Of each conversation, the two who are the furthest behind with each of the marks (R4): for everybody, one of them is somebody else. */
export async function leastReached(
  sql: Sql,
  conversations: readonly ConversationId[],
): Promise<Map<ConversationId, Marks[]>> {
  const rows = await sql<Marks[]>`
    select conversation, user_id as person, delivered_seq as delivered, read_seq as read
    from (
      select *, row_number() over (partition by conversation order by delivered_seq) as by_delivered,
             row_number() over (partition by conversation order by read_seq) as by_read
      from members where conversation = any(${[...conversations]}) and left_at is null
    ) ranked
    where by_delivered <= 2 or by_read <= 2`;
  return Map.groupBy(rows, ({ conversation }) => conversation);
}

export async function memberIdsOf(
  sql: Sql,
  conversations: readonly ConversationId[],
): Promise<Map<ConversationId, UserId[]>> {
  const rows = await sql<{ conversation: ConversationId; person: UserId }[]>`
    select conversation, user_id as person from members
    where conversation = any(${[...conversations]}) and left_at is null`;
  const all = new Map<ConversationId, UserId[]>(conversations.map((id) => [id, []]));
  for (const { conversation, person } of rows) all.get(conversation)?.push(person);
  return all;
}

/**
 * Who shares a conversation of at most `most` people with whom (N2). It works in both directions, and its cost is that of the small conversations
 * of those who are asked about, however many people there are here and however large their other groups.
 */
export async function sharersOf(
  sql: Sql,
  people: readonly UserId[],
  most: number,
): Promise<{ person: UserId; sharer: UserId }[]> {
  return sql<{ person: UserId; sharer: UserId }[]>`
    select distinct mine.user_id as person, theirs.user_id as sharer
    from members mine
    join members theirs on theirs.conversation = mine.conversation and theirs.left_at is null and theirs.user_id <> mine.user_id
    where mine.user_id = any(${[...people]}) and mine.left_at is null and ${isSmall(sql, most)}`;
}

/** Of each of these, the people they share a conversation of at most `most` with, and when each was last seen. */
export async function seenBy(
  sql: Sql,
  people: readonly UserId[],
  most: number,
): Promise<{ id: UserId; lastSeen: number | null }[][]> {
  const rows = await sql<{ person: UserId; id: UserId; lastSeen: number | null }[]>`
    select seen.person, u.id, u.last_seen_at as "lastSeen"
    from (
      select distinct mine.user_id as person, theirs.user_id as sharer
      from members mine
      join members theirs on theirs.conversation = mine.conversation and theirs.left_at is null and theirs.user_id <> mine.user_id
      where mine.user_id = any(${[...people]}) and mine.left_at is null and ${isSmall(sql, most)}
    ) seen
    join users u on u.id = seen.sharer`;
  const seen = Map.groupBy(rows, ({ person }) => person);
  return people.map((person) => (seen.get(person) ?? []).map(({ id, lastSeen }) => ({ id, lastSeen })));
}

/** Counts no further than it has to: a group of thousands costs as much as one that is just too large. */
const isSmall = (sql: Sql, most: number) => sql`
  (select count(*) from (
    select 1 from members x where x.conversation = mine.conversation and x.left_at is null limit ${most + 1}
  ) few) <= ${most}`;
