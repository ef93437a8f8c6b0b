import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from './migrate.ts';
import { connect, type Sql } from './sql.ts';
import { unsuitable } from './suitable.ts';

/** Databases as people make them, on the real Postgres of this run. */
let admin: Sql;
const made: string[] = [];
const open: Sql[] = [];
beforeAll(() => {
  admin = connect(inject('postgres'), { max: 1 });
});
afterAll(async () => {
  for (const sql of open) await sql.end({ timeout: 1 });
  for (const name of made) await admin`drop database ${admin(name)} with (force)`;
  await admin`drop role if exists guest`;
  await admin.end({ timeout: 1 });
});

async function database(options = '', account: { name: string; password: string } | null = null): Promise<Sql> {
  const name = `suitable_${crypto.randomUUID().replaceAll('-', '')}`;
  await admin.unsafe(`create database ${name} ${options}`);
  made.push(name);
  const url = new URL(inject('postgres'));
  url.pathname = `/${name}`;
  if (account !== null) Object.assign(url, { username: account.name, password: account.password });
  const sql = connect(url.href, { max: 1 });
  open.push(sql);
  return sql;
}

test('a database in another encoding is refused, and stays as it is', async () => {
  const sql = await database(`encoding 'SQL_ASCII' template template0 locale 'C'`);
  await expect(migrate(sql)).rejects.toThrow('has the encoding SQL_ASCII, and wants UTF8: create it with');
  expect(await sql`select tablename from pg_tables where schemaname = 'public'`).toHaveLength(0);
});

test('a database that belongs to somebody else is refused', async () => {
  await admin`create role guest login password 'guest'`;
  const sql = await database('', { name: 'guest', password: 'guest' });
  await expect(migrate(sql)).rejects.toThrow('does not let "guest" make tables: create it with --owner=guest');
});

test('who cannot come in is told why', async () => {
  const sql = await database('', { name: 'guest', password: 'not this one' });
  await expect(migrate(sql)).rejects.toThrow(
    'The database in DATABASE_URL does not answer: password authentication failed for user "guest".',
  );
});

test('an old PostgreSQL is refused', () => {
  const old = { version: 14, encoding: 'UTF8', mayCreate: true, account: 'ting' };
  expect(unsuitable(old)).toBe('is a PostgreSQL 14, and 15 is the oldest that works');
  expect(unsuitable({ ...old, version: 15 })).toBeNull();
});
