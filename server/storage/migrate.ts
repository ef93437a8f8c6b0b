/**
 * Brings a database to the present: every file of migrations/ that it has not seen, in the order of their names, each in a transaction.
 * Several relays may start at once: an advisory lock lets one work and the others find it done. A landed file is never edited.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Sql } from './sql.ts';
import { expectSuitable } from './suitable.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number, the same in every relay. */
const MIGRATION_LOCK = 7_483_647;

/** Every step, in its order. */
export const knownMigrations = (): string[] =>
  readdirSync(FOLDER)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();

/** @param files some of the steps, for the database as it was then. Answers the names of those that were applied now. */
export async function migrate(sql: Sql, files: string[] = knownMigrations()): Promise<string[]> {
  await expectSuitable(sql);
  const connection = await sql.reserve();
  try {
    await connection`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await connection`create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())`;
    const seen = new Set(
      (await connection<{ name: string }[]>`select name from schema_migrations`).map((row) => row.name),
    );
    const fresh = files.filter((name) => !seen.has(name));
    for (const name of fresh) {
      const text = await readFile(new URL(name, FOLDER), 'utf8');
      await connection`begin`;
      try {
        await connection.unsafe(text).simple();
        await connection`insert into schema_migrations (name) values (${name})`;
        await connection`commit`;
      } catch (error) {
        await connection`rollback`;
        throw new Error(`migration ${name} failed`, { cause: error });
      }
    }
    return fresh;
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK})`;
    connection.release();
  }
}
