/**
 * For tests only: a real Postgres and a fresh, migrated database. Vitest runs each test file in a process of its own, so there is one Postgres
 * a file at most, in a temporary folder; TEST_DATABASE_URL names one that runs already (a superuser's address), and saves the second it takes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../log.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { migrate } from './migrate.ts';
import { connect, type Sql } from './sql.ts';

export interface TestDatabase {
  url: string;
  sql: Sql;
  stop(): Promise<void>;
}

/** Start it in `beforeAll`, stop it in `afterAll`. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await startServer();
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = connect(server.url, { max: 1 });
  await admin`create database ${admin(name)}`;
  const url = withDatabase(server.url, name);
  const sql = connect(url);
  await migrate(sql);
  return {
    url,
    sql,
    async stop() {
      await sql.end({ timeout: 1 });
      await admin`drop database ${admin(name)} with (force)`;
      await admin.end({ timeout: 1 });
      await server.stop();
    },
  };
}

const log = createLog({ level: 'warn' });

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const running = process.env['TEST_DATABASE_URL'];
  if (running !== undefined) return { url: running, stop: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), 'ting-ting-test-'));
  const server = await startEmbeddedPostgres({ dataDir: folder, log: (line) => log.debug(line) });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same server, another database; an address of a Unix socket keeps its parameters. */
function withDatabase(url: string, name: string): string {
  const [address = '', parameters] = url.split('?');
  const base = address.replace(/^(postgres(?:ql)?:\/\/[^/]*)(?:\/.*)?$/, `$1/${name}`);
  return parameters === undefined ? base : `${base}?${parameters}`;
}
