/** `npm run backup` and `npm run restore`, as whoever runs a relay uses them: as programs, beside a relay that people write to. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CallerPage } from './calls/test-caller.ts';
import { startRelay, type Relay } from './relay.ts';
import { dump, load } from './storage/dump.ts';
import { migrate } from './storage/migrate.ts';
import type { Sql } from './storage/sql.ts';
import { testDatabase, type TestDatabase } from './storage/test-database.ts';
import { Actor, testConfig } from './test-actor.ts';

let folder: string;
let old: TestDatabase;
let fresh: TestDatabase;
let relays: Relay[] = [];
beforeAll(async () => {
  [old, fresh] = await Promise.all([testDatabase(), testDatabase()]);
});
afterAll(() => Promise.all([old?.stop(), fresh?.stop()]));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ting-backup-'));
});
afterEach(async () => {
  for (const relay of relays) await relay.stop();
  relays = [];
  // Much quicker than two databases for each test.
  for (const { sql } of [old, fresh]) {
    await empty(sql);
    await migrate(sql);
  }
  rmSync(folder, { recursive: true });
});

const empty = (sql: Sql) => sql`drop schema public cascade`.then(() => sql`create schema public`);

async function relayOn({ url }: TestDatabase): Promise<Relay> {
  const relay = await startRelay(testConfig(url));
  relays.push(relay);
  return relay;
}

const program = new URL('./backup.ts', import.meta.url).pathname;
function run(command: 'backup' | 'restore', file: string, { url }: TestDatabase, dataDir: string) {
  const env = { PATH: process.env.PATH, DATABASE_URL: url, DATA_DIR: join(folder, dataDir) };
  const { status, stderr } = spawnSync(process.execPath, [program, command, join(folder, file)], {
    env,
    encoding: 'utf8',
  });
  return { status, said: stderr.trim() };
}

test('[C5] the calls come along, also one that goes on', async () => {
  const before = await relayOn(old);
  const [an, binh] = [await Actor.signUp(before.url, 'An'), await Actor.signUp(before.url, 'Bình')];
  const group = await an.group('Gia đình', binh);
  const [anPage, binhPage] = [await CallerPage.open(an), await CallerPage.open(binh)];
  const first = anPage.start(group);
  await binhPage.seesAt(first, binh, 'ringing');
  binhPage.decline(first);
  await anPage.seesOver(first);
  const second = binhPage.start(group);
  await anPage.seesAt(second, an, 'ringing');
  expect(run('backup', 'b.tar', old, 'data')).toMatchObject({ status: 0 });
  await empty(fresh.sql);
  expect(run('restore', 'b.tar', fresh, 'data2')).toMatchObject({ status: 0 });
  const after = await relayOn(fresh);
  Object.assign(an, { url: after.url });
  const { body } = await an.ask('GET', '/api/calls');
  expect(body['calls']).toMatchObject([
    { id: second, outcome: null },
    { id: first, outcome: 'declined' },
  ]);
  await (await CallerPage.open(an)).seesAt(second, an, 'ringing');
});

test('what a backup took beside a running relay is, restored elsewhere, the same relay', async () => {
  const before = await relayOn(old);
  const [an, binh] = [await Actor.signUp(before.url, 'An'), await Actor.signUp(before.url, 'Bình')];
  const group = await an.group('Gia đình', binh);
  await an.post(group, 'một dòng\nhai dòng\t\\ "ngoặc" \u{1f600}', { mentions: [binh.id] });
  const unwanted = await an.post(group, 'không gửi nữa');
  await an.ask('DELETE', `/api/conversations/${group}/messages/${unwanted.id}`);
  const row = await binh.row(group);
  mkdirSync(join(folder, 'old/blobs'), { recursive: true });
  writeFileSync(join(folder, 'old/blobs/ảnh.jpg'), 'bytes');
  mkdirSync(join(folder, 'old/uploads'));
  writeFileSync(join(folder, 'old/uploads/half.part'), 'on its way in');
  writeFileSync(join(folder, 'old/postgres.password'), 'of the database that is left behind');

  expect(run('backup', 'all.tar', old, 'old')).toMatchObject({ status: 0 });
  expect(statSync(join(folder, 'all.tar')).mode & 0o077).toBe(0);
  await an.post(group, 'sau khi sao lưu');
  expect(run('restore', 'all.tar', fresh, 'fresh')).toEqual({ status: 0, said: 'Everything is back.' });

  expect(readFileSync(join(folder, 'fresh/blobs/ảnh.jpg'), 'utf8')).toBe('bytes');
  expect(() => statSync(join(folder, 'fresh/postgres.password'))).toThrow('ENOENT');
  expect(() => statSync(join(folder, 'fresh/uploads'))).toThrow('ENOENT');
  const after = await relayOn(fresh);
  const binhThere = Object.assign(new Actor(after.url, binh.name), { cookie: binh.cookie, id: binh.id });
  expect(await binhThere.row(group)).toEqual(row);
  const anThere = Object.assign(new Actor(after.url, an.name), { email: an.email });
  const phone = await anThere.onAnotherDevice();
  expect(await phone.post(group, 'tiếp tục')).toMatchObject({ seq: 3 });
});

test('a counter goes on where it was, though compacting has removed the rows that it counted', async () => {
  const add = ({ sql }: TestDatabase) => sql<{ id: number }[]>`
    insert into updates (document, bytes) values ('c:x', 'x') returning id`;
  await add(old);
  const [last] = await add(old);
  await old.sql`delete from updates`;
  await dump(old.sql, folder);
  await load(fresh.sql, folder);
  expect(await add(fresh)).toEqual([{ id: (last?.id ?? 0) + 1 }]);
});

test('a backup of an earlier version is brought to the present', async () => {
  for (const { sql } of [old, fresh]) await empty(sql);
  await migrate(old.sql, ['0001-start.sql', '0002-ids-in-byte-order.sql']);
  await old.sql`insert into users (id, email, name, name_folded, password_hash, created_at)
    values ('u1', 'an@example.org', 'An', 'an', '', 1)`;
  await dump(old.sql, folder);
  await load(fresh.sql, folder);
  expect(await fresh.sql`select name from users`).toEqual([{ name: 'An' }]);
  expect(await migrate(fresh.sql)).toEqual([]);
});

test('a database that is in use, a later version’s backup and other files are refused, and nothing changes', async () => {
  const relay = await relayOn(old);
  await Actor.signUp(relay.url, 'An');
  expect(run('backup', 'all.tar', old, 'old').status).toBe(0);
  const inUse = { status: 1, said: 'The database is in use: restore into an empty one.' };
  expect(run('restore', 'all.tar', old, 'old')).toEqual(inUse);
  expect(await old.sql`select name from users`).toHaveLength(1);

  writeFileSync(join(folder, 'other.tar'), 'not a tar file');
  expect(run('restore', 'other.tar', fresh, 'fresh')).toMatchObject({ status: 1 });

  await dump(old.sql, join(folder, 'tables'));
  const manifest = join(folder, 'tables/manifest.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, text.replace('0001-start.sql', '9999-future.sql'));
  await expect(load(fresh.sql, join(folder, 'tables'))).rejects.toThrow('was made by a newer version');
  await expect(load(fresh.sql, folder)).rejects.toThrow('This is not a backup of Ting Ting.');

  // Cut off in the middle: what had come in before goes out again.
  writeFileSync(manifest, text);
  writeFileSync(join(folder, 'tables/sessions.gz'), readFileSync(join(folder, 'tables/sessions.gz')).subarray(0, 30));
  await expect(load(fresh.sql, join(folder, 'tables'))).rejects.toThrow();
  expect(await fresh.sql`select name from users`).toHaveLength(0);
});

test('a backup that fails leaves the one before it as it was', async () => {
  writeFileSync(join(folder, 'all.tar'), 'the one before');
  const { status, said } = run('backup', 'all.tar', { ...old, url: 'postgres://nobody@127.0.0.1:1/none' }, 'old');
  expect({ status, said }).toEqual({ status: 1, said: 'connect ECONNREFUSED 127.0.0.1:1' });
  expect(readFileSync(join(folder, 'all.tar'), 'utf8')).toBe('the one before');
});
