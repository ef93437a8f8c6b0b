/**
 * All tables as files, and back. One file per table, as PostgreSQL's COPY writes it, compressed, and beside them a manifest. It fits every
 * PostgreSQL and every later version of ours: tables are first made as they were then, filled, and then brought to the present.
 *
 * Not pg_dump, because the PostgreSQL that `npm start` brings along has none.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import * as v from 'valibot';
import { knownMigrations, migrate } from './migrate.ts';
import type { Sql, Transaction } from './sql.ts';

const MANIFEST = 'manifest.json';
/** It says itself what it holds, and restoring makes it anew. */
const MIGRATIONS = 'schema_migrations';

const Manifest = v.object({
  format: v.literal(1),
  madeAt: v.string(),
  migrations: v.array(v.string()),
  /** In an order in which each refers only to those before it. */
  tables: v.array(v.object({ name: v.string(), columns: v.array(v.string()) })),
  /** How far each counter is. More than the largest id that is left: compacting removes rows, and their ids must not come again. */
  counters: v.array(v.object({ table: v.string(), column: v.string(), next: v.number() })),
});
type Manifest = v.InferOutput<typeof Manifest>;

/** The database as it is at one moment, while others go on writing. */
export async function dump(sql: Sql, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await sql.begin('isolation level repeatable read read only', async (tx) => {
    const manifest = await describe(tx);
    for (const { name, columns } of manifest.tables) {
      const rows = await tx`copy ${tx(name)} (${tx(columns)}) to stdout`.readable();
      await pipeline(rows, createGzip(), createWriteStream(join(folder, `${name}.gz`), { mode: 0o600 }));
    }
    await writeFile(join(folder, MANIFEST), JSON.stringify(manifest, null, 2), { mode: 0o600 });
  });
}

/** Into a database that nobody uses yet. Nothing is changed when it fails. Errors are sentences for whoever restores. */
export async function load(sql: Sql, folder: string): Promise<void> {
  const manifest = await readManifest(folder);
  const unknown = manifest.migrations.find((name) => !knownMigrations().includes(name));
  if (unknown !== undefined) throw new Error('The backup was made by a newer version: update first.');
  await migrate(sql, manifest.migrations);
  await expectEmpty(sql, manifest);
  await sql.begin(async (tx) => {
    for (const { name, columns } of manifest.tables) {
      const rows = await tx`copy ${tx(name)} (${tx(columns)}) from stdin`.writable();
      await pipeline(createReadStream(join(folder, `${name}.gz`)), createGunzip(), rows);
    }
    for (const { table, column, next } of manifest.counters)
      await tx`select setval(pg_get_serial_sequence(${table}, ${column}), ${next}, false)`;
  });
  await migrate(sql);
}

async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => '{}');
  const read = v.safeParse(Manifest, JSON.parse(text));
  if (!read.success) throw new Error('This is not a backup of Ting Ting.');
  return read.output;
}

/** What is there already would be mixed with what comes, or be in its way. */
async function expectEmpty(sql: Sql, { tables, migrations }: Manifest): Promise<void> {
  const seen = await sql<{ name: string }[]>`select name from ${sql(MIGRATIONS)}`;
  const isNewer = seen.some(({ name }) => !migrations.includes(name));
  for (const { name } of tables) {
    const [row] = await sql`select from ${sql(name)} limit 1`;
    if (row !== undefined) throw new Error('The database is in use: restore into an empty one.');
  }
  if (isNewer)
    throw new Error('The database is newer than the backup: restore before the relay is started for the first time.');
}

async function describe(tx: Transaction): Promise<Manifest> {
  const migrations = await tx<{ name: string }[]>`select name from ${tx(MIGRATIONS)} order by name`;
  const tables = await tx<{ name: string; columns: string[]; needs: string[] }[]>`
    select c.relname as name,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      (select coalesce(array_agg(k.confrelid::regclass::text), '{}') from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as needs
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname <> ${MIGRATIONS}
    order by c.relname`;
  const owned = await tx<{ table: string; column: string; sequence: string }[]>`
    select table_name as "table", column_name as "column",
      pg_get_serial_sequence(quote_ident(table_name), column_name) as sequence
    from information_schema.columns where table_schema = current_schema() and is_identity = 'YES'`;
  const counters: Manifest['counters'] = [];
  for (const { table, column, sequence } of owned) {
    const [row] = await tx<{ next: number }[]>`
      select last_value + case when is_called then 1 else 0 end as next from ${tx(sequence)}`;
    counters.push({ table, column, next: row?.next ?? 1 });
  }
  return {
    format: 1,
    madeAt: new Date().toISOString(),
    migrations: migrations.map(({ name }) => name),
    tables: inOrder(tables).map(({ name, columns }) => ({ name, columns })),
    counters,
  };
}

/** Each after those that it needs. */
function inOrder<T extends { name: string; needs: string[] }>(tables: T[]): T[] {
  const ordered: T[] = [];
  while (ordered.length < tables.length) {
    const has = (name: string) => ordered.some((one) => one.name === name);
    const next = tables.find(({ name, needs }) => !has(name) && needs.every(has));
    if (next === undefined) throw new Error('The tables refer to each other in a circle.');
    ordered.push(next);
  }
  return ordered;
}
