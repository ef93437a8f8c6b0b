/** For tests only: a fresh, migrated database on the real Postgres that test-server.ts started for this run. */
import { inject } from 'vitest';
import { migrate } from './migrate.ts';
import { connect, type Sql } from './sql.ts';

export interface TestDatabase {
  url: string;
  sql: Sql;
  stop(): Promise<void>;
}

/** Start it in `beforeAll`, stop it in `afterAll`. */
export async function testDatabase(): Promise<TestDatabase> {
  const serverUrl = inject('postgres');
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = connect(serverUrl, { max: 1 });
  await admin`create database ${admin(name)}`;
  const url = withDatabase(serverUrl, name);
  const sql = connect(url);
  await migrate(sql);
  return {
    url,
    sql,
    async stop() {
      await sql.end({ timeout: 1 });
      await admin`drop database ${admin(name)} with (force)`;
      await admin.end({ timeout: 1 });
    },
  };
}

/** The same server, another database; an address of a Unix socket keeps its parameters. */
function withDatabase(url: string, name: string): string {
  const [address = '', parameters] = url.split('?');
  const base = address.replace(/^(postgres(?:ql)?:\/\/[^/]*)(?:\/.*)?$/, `$1/${name}`);
  return parameters === undefined ? base : `${base}?${parameters}`;
}
