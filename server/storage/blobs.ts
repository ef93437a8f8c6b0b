/**
 * The tables `blobs` and `blob_grants`: what blobs there are, and who brought them to where. Which messages name one is asked of the messages
 * themselves (rules B3, B4, B9).
 */
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import type { Sql, Transaction } from './sql.ts';

export interface BlobRow {
  size: number;
  /** What the bytes say it is. */
  type: string;
}

/** A conversation, or the person themself for a picture of theirs. */
export type Scope = ConversationId | UserId;

export interface Grant {
  sha256: Sha256;
  scope: Scope;
  person: UserId;
}

/** Until the transaction ends, nobody else brings or sweeps this blob. */
export async function lockBlob(tx: Transaction, sha256: Sha256): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`blob ${sha256}`}, 0))`;
}

export async function insertBlob(tx: Transaction, sha256: Sha256, { size, type }: BlobRow, now: number): Promise<void> {
  await tx`
    insert into blobs (sha256, size, type, created_at) values (${sha256}, ${size}, ${type}, ${now})
    on conflict (sha256) do nothing`;
}

/** False when there is no such blob. One that stands already begins its time of grace anew. */
export async function grantBlob(
  sql: Sql | Transaction,
  { sha256, scope, person }: Grant,
  now: number,
): Promise<boolean> {
  const rows = await sql`
    insert into blob_grants (sha256, scope, person, at)
    select sha256, ${scope}, ${person}, ${now}::bigint from blobs where sha256 = ${sha256}
    on conflict (sha256, scope, person) do update set at = excluded.at
    returning sha256`;
  return rows.length > 0;
}

/** What it is, when this person may read it; null when not, whether it is there or not. */
export async function readableBlob(sql: Sql, sha256: Sha256, person: UserId): Promise<BlobRow | null> {
  const [row] = await sql<BlobRow[]>`
    select b.size, b.type from blobs b
    where b.sha256 = ${sha256} and (
      exists (
        select 1 from blob_grants g
        where g.sha256 = b.sha256 and g.person = ${person} and (g.scope = ${person} or ${isMember(sql, person)}))
      or exists (
        select 1 from blob_grants g
        join members m on m.conversation = g.scope and m.user_id = ${person} and m.left_at is null
        join messages x on x.conversation = g.scope and x.seq > m.hidden_seq and not x.deleted and ${names(sql, sha256)}
        where g.sha256 = b.sha256)
      or exists (
        select 1 from blob_grants g join users u on u.id = g.scope and u.id = g.person
        where g.sha256 = b.sha256 and u.avatar = b.sha256)
      or exists (
        select 1 from blob_grants g join conversations c on c.id = g.scope
        where g.sha256 = b.sha256 and c.avatar = b.sha256 and ${isMember(sql, person)}))`;
  return row ?? null;
}

/** Those of these that somebody has brought to this conversation. */
export async function broughtTo(sql: Sql, scope: Scope, sha256s: readonly Sha256[]): Promise<Set<Sha256>> {
  const rows = await sql<{ sha256: Sha256 }[]>`
    select distinct sha256 from blob_grants where scope = ${scope} and sha256 = any(${[...sha256s]})`;
  return new Set(rows.map((row) => row.sha256));
}

/** Whether this very person has brought it there. */
export async function hasBrought(sql: Sql, { sha256, scope, person }: Grant): Promise<boolean> {
  const rows = await sql`
    select 1 from blob_grants where sha256 = ${sha256} and scope = ${scope} and person = ${person}`;
  return rows.length > 0;
}

/** Bytes of all that this person keeps here, each blob once; without one of them when it is named. */
export async function keptBytes(sql: Sql, person: UserId, without: Sha256 | '' = ''): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(size), 0)::bigint as bytes from blobs
    where sha256 <> ${without} and sha256 in (select sha256 from blob_grants where person = ${person})`;
  return row?.bytes ?? 0;
}

/** Takes back what nobody names any more and was brought before `before`, at most `most`; answers how many. */
export async function sweepGrants(sql: Sql, before: number, most: number): Promise<number> {
  const rows = await sql`
    delete from blob_grants g using (
      select g.sha256, g.scope, g.person from blob_grants g
      where g.at < ${before}
        and not exists (select 1 from users u where u.id = g.scope and u.avatar = g.sha256)
        and not exists (select 1 from conversations c where c.id = g.scope and c.avatar = g.sha256)
        and not exists (
          select 1 from messages x
          where x.conversation = g.scope and not x.deleted and x.value ? 'attachments'
            and blobs_named(x.value) @> jsonb_build_array(g.sha256))
      limit ${most}
    ) old
    where g.sha256 = old.sha256 and g.scope = old.scope and g.person = old.person and g.at < ${before}
    returning g.sha256`;
  return rows.length;
}

/** Blobs that nobody has brought anywhere, as far as is known without a lock. */
export async function unbroughtBlobs(sql: Sql, most: number): Promise<Sha256[]> {
  const rows = await sql<{ sha256: Sha256 }[]>`
    select sha256 from blobs b where not exists (select 1 from blob_grants g where g.sha256 = b.sha256) limit ${most}`;
  return rows.map((row) => row.sha256);
}

/** Behind the lock. False when somebody has brought it meanwhile. */
export async function deleteUnbrought(tx: Transaction, sha256: Sha256): Promise<boolean> {
  const rows = await tx`
    delete from blobs b where sha256 = ${sha256} and not exists (select 1 from blob_grants g where g.sha256 = b.sha256)
    returning sha256`;
  return rows.length > 0;
}

export async function isKnown(tx: Sql | Transaction, sha256: Sha256): Promise<boolean> {
  const rows = await tx`select 1 from blobs where sha256 = ${sha256}`;
  return rows.length > 0;
}

const isMember = (sql: Sql, person: UserId) => sql`
  exists (select 1 from members m where m.conversation = g.scope and m.user_id = ${person} and m.left_at is null)`;

/** Written as the index is, or it would not be used. */
const names = (sql: Sql, sha256: Sha256) => sql`
  x.value ? 'attachments' and blobs_named(x.value) @> jsonb_build_array(${sha256}::text)`;
