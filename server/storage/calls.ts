/** The table `calls`: what of a call has to outlive the relay, and the history. */
import type { ConversationKind } from '#shared/access.ts';
import { newMessageId, type CallId, type ConversationId, type MessageId, type UserId } from '#shared/ids.ts';
import type { Call, CallPerson } from '#shared/model/call.ts';
import type { CallOutcome } from '#shared/model/call-trace.ts';
import type { PastCall } from '#shared/protocol/api.ts';
import type { Sql } from './sql.ts';

/** A call and who has been in it so far. */
export interface StoredCall {
  call: Call;
  tookPart: UserId[];
}

interface CallRow {
  id: CallId;
  conversation: ConversationId;
  kind: ConversationKind;
  caller: UserId;
  video: boolean;
  started_at: number;
  answered_at: number | null;
  alone_since: number | null;
  people: CallPerson[];
  took_part: UserId[];
}

/** False when there was a call with this id before, or there is one in the conversation. */
export async function insertCall(sql: Sql, { call, tookPart }: StoredCall): Promise<boolean> {
  const rows = await sql`
    insert into calls (id, conversation, caller, video, started_at, people, took_part)
    values (${call.id}, ${call.conversation}, ${call.by}, ${call.video}, ${call.startedAt},
      ${JSON.stringify(call.people)}::text::jsonb, ${tookPart}::text[])
    on conflict do nothing
    returning id`;
  return rows.length > 0;
}

export async function updateCall(sql: Sql, { call, tookPart }: StoredCall): Promise<void> {
  // Nobody knows it before it is written: nobody can take its place.
  const trace = call.over === null ? null : newMessageId(call.over.at);
  const missed = (call.over === null ? [] : call.people)
    .filter(({ id, place }) => place.at === 'missed' && !tookPart.includes(id))
    .map(({ id }) => id);
  await sql`
    update calls set
      answered_at = ${call.answeredAt}, alone_since = ${call.aloneSince}, ended_at = ${call.over?.at ?? null},
      outcome = ${call.over?.outcome ?? null}, people = ${JSON.stringify(call.people)}::text::jsonb,
      took_part = ${tookPart}::text[], missed = ${missed}::text[], trace = ${trace}
    where id = ${call.id}`;
}

/** Those that ring or go on. */
export async function liveCalls(sql: Sql): Promise<StoredCall[]> {
  const rows = await sql<CallRow[]>`
    select k.id, k.conversation, c.kind, k.caller, k.video, k.started_at, k.answered_at, k.alone_since, k.people, k.took_part
    from calls k join conversations c on c.id = k.conversation
    where k.ended_at is null`;
  return rows.map((row) => ({
    call: {
      id: row.id,
      conversation: row.conversation,
      kind: row.kind,
      by: row.caller,
      video: row.video,
      startedAt: row.started_at,
      answeredAt: row.answered_at,
      aloneSince: row.alone_since,
      people: row.people,
      over: null,
    },
    tookPart: row.took_part,
  }));
}

export interface UntracedCall {
  id: CallId;
  conversation: ConversationId;
  by: UserId;
  video: boolean;
  answeredAt: number | null;
  endedAt: number;
  outcome: CallOutcome;
  missed: UserId[];
  trace: MessageId;
}

/** Those that are over and have left nothing in their conversation yet; with `only`, that one or nothing. */
export async function untracedCalls(sql: Sql, only: CallId | null = null): Promise<UntracedCall[]> {
  return sql<UntracedCall[]>`
    select id, conversation, caller as by, video, answered_at as "answeredAt", ended_at as "endedAt", outcome, missed, trace
    from calls where ended_at is not null and not is_traced and id = coalesce(${only}, id)
    order by ended_at`;
}

export async function setTraced(sql: Sql, id: CallId): Promise<void> {
  await sql`update calls set is_traced = true where id = ${id}`;
}

/** Members other than these who have read all that was written before this message. */
export async function caughtUp(
  sql: Sql,
  conversation: ConversationId,
  seq: number,
  missed: readonly UserId[],
): Promise<UserId[]> {
  const rows = await sql<{ person: UserId }[]>`
    select m.user_id as person from members m
    where m.conversation = ${conversation} and m.left_at is null and m.read_seq < ${seq}
      and not m.user_id = any(${[...missed]}::text[])
      and not exists (
        select 1 from messages x
        where x.conversation = m.conversation and x.seq > m.read_seq and x.seq < ${seq}
          and x.author <> m.user_id and not x.deleted)`;
  return rows.map(({ person }) => person);
}

export interface Callable {
  kind: ConversationKind;
  /** Everybody in it, by name. */
  people: { id: UserId; name: string }[];
}

/** Whom a call there would ring; null when there is no such conversation. */
export async function callable(sql: Sql, conversation: ConversationId): Promise<Callable | null> {
  const rows = await sql<{ kind: ConversationKind; id: UserId; name: string }[]>`
    select c.kind, u.id, u.name
    from members m join conversations c on c.id = m.conversation join users u on u.id = m.user_id
    where m.conversation = ${conversation} and m.left_at is null
    order by m.joined_at, m.user_id`;
  const [first] = rows;
  return first === undefined ? null : { kind: first.kind, people: rows.map(({ id, name }) => ({ id, name })) };
}

/** Calls of this person's conversations, newest first; of those whose history was closed to them, what came after they joined. */
export async function pastCalls(
  sql: Sql,
  person: UserId,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<PastCall[]> {
  return sql<PastCall[]>`
    select k.id, k.conversation, k.caller as by, k.video, k.started_at as "startedAt", k.answered_at as "answeredAt",
      k.ended_at as "endedAt", k.outcome, ${person} = any(k.took_part) as "tookPart"
    from calls k join members m on m.conversation = k.conversation
    where m.user_id = ${person} and m.left_at is null and (m.hidden_seq = 0 or k.started_at >= m.joined_at)
      and k.started_at < ${before ?? Number.MAX_SAFE_INTEGER}
    order by k.started_at desc, k.id desc limit ${limit}`;
}
