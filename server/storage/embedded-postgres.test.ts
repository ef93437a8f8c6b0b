import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reachEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { identify, isPostgresIn } from './processes.ts';
import { connect } from './sql.ts';

let dataDir: string;
let said: string[];
const log = (line: string) => void said.push(line);

beforeEach(() => {
  said = [];
  dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'ting-postgres-')));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** A relay of its own process, which can be killed. Resolves once its database is ready. */
async function relay(path = process.env.PATH): Promise<{ process: ChildProcess; url: string }> {
  const play = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./embedded-postgres.ts', import.meta.url).href)};
    const { url } = await startEmbeddedPostgres({ dataDir: process.argv[1], log() {} });
    console.log(url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', play, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  const [url] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, url: url.toString().trim() };
}

async function write(url: string, word: string) {
  const sql = connect(url, { max: 1 });
  await sql`create table if not exists words (word text)`;
  await sql`insert into words values (${word})`;
  await sql.end();
}

async function words(url: string) {
  const sql = connect(url, { max: 1 });
  const rows = await sql<{ word: string }[]>`select word from words order by word`;
  await sql.end();
  return rows.map((row) => row.word);
}

const postmasterPid = () => {
  const file = join(dataDir, 'postgres/postmaster.pid');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0;
};

async function kill(child: ChildProcess) {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('what was written is there after the next start', async () => {
  const first = await startEmbeddedPostgres({ dataDir, log });
  await write(first.url, 'chào');
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDir, log });
  expect(await words(second.url)).toEqual(['chào']);
  await second.stop();
  expect(said).toEqual(['Making a new database.']);
});

test('a killed relay loses nothing, and its database ends by itself or is stopped by the next start', async () => {
  const killed = await relay();
  await write(killed.url, 'committed');
  await kill(killed.process);
  const next = await startEmbeddedPostgres({ dataDir, log });
  expect(await words(next.url)).toEqual(['committed']);
  await next.stop();
});

test('a database that outlived its relay is stopped, and what it had committed stays', async () => {
  // Without setpriv the kernel does not tell the database that its relay has died.
  const programs = join(dataDir, 'programs');
  mkdirSync(programs);
  symlinkSync('/usr/bin/unshare', join(programs, 'unshare'));
  symlinkSync('/bin/true', join(programs, 'true'));
  const killed = await relay(programs);
  await write(killed.url, 'committed');
  const pid = postmasterPid();
  await kill(killed.process);
  await write(killed.url, 'still running');
  expect(isPostgresIn(pid, join(dataDir, 'postgres'))).toBe(true);

  const next = await startEmbeddedPostgres({ dataDir, log });
  expect(said).toEqual(['Stopping the database of an earlier run.']);
  expect(identify(pid)).toBeUndefined();
  expect(await words(next.url)).toEqual(['committed', 'still running']);
  await next.stop();
});

test('a killed database repeats its log on the next start', async () => {
  const first = await startEmbeddedPostgres({ dataDir, log });
  await write(first.url, 'committed');
  process.kill(postmasterPid(), 'SIGKILL');
  await first.stop();
  const next = await startEmbeddedPostgres({ dataDir, log });
  expect(await words(next.url)).toEqual(['committed']);
  await next.stop();
});

test('a second relay on the same folder is refused, and the first goes on', async () => {
  const first = await startEmbeddedPostgres({ dataDir, log });
  await expect(startEmbeddedPostgres({ dataDir, log })).rejects.toThrow('give this one another DATA_DIR');
  await write(first.url, 'still here');
  expect(await words(first.url)).toEqual(['still here']);
  await first.stop();
});

test('a process that got the id of the old database is left alone', async () => {
  const first = await startEmbeddedPostgres({ dataDir, log });
  await write(first.url, 'committed');
  const file = join(dataDir, 'postgres/postmaster.pid');
  const leftBehind = readFileSync(file, 'utf8').split('\n');
  await first.stop();
  const stranger = spawn('sleep', ['60']);
  writeFileSync(file, [stranger.pid, ...leftBehind.slice(1)].join('\n'));

  const next = await startEmbeddedPostgres({ dataDir, log });
  expect(await words(next.url)).toEqual(['committed']);
  expect(stranger.exitCode).toBeNull();
  stranger.kill();
  await next.stop();
});

test('a database that was killed together with its relay, and that nobody has buried, is not in the way', async () => {
  const first = await startEmbeddedPostgres({ dataDir, log });
  await write(first.url, 'committed');
  const file = join(dataDir, 'postgres/postmaster.pid');
  const leftBehind = readFileSync(file, 'utf8').split('\n');
  await first.stop();
  // `sleep` does not ask after the child it got from the shell, which stays as a zombie.
  const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [zombie] = (await once(parent.stdout, 'data')) as [Buffer];
  while (identify(Number(zombie)) !== undefined) await pause(5);
  writeFileSync(file, [zombie.toString().trim(), ...leftBehind.slice(1)].join('\n'));

  const next = await startEmbeddedPostgres({ dataDir, log });
  expect(await words(next.url)).toEqual(['committed']);
  parent.kill();
  await next.stop();
});

test('a first start that was cut off is begun again', async () => {
  mkdirSync(join(dataDir, 'postgres.new'));
  writeFileSync(join(dataDir, 'postgres.new/PG_VERSION'), '18');
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  await write(postgres.url, 'hello');
  await postgres.stop();
});

test('a database that ends by itself is started again, at the same address; a stop meanwhile ends it for good', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  await write(postgres.url, 'committed');
  const sql = connect(postgres.url, { max: 1 });
  const died = postmasterPid();
  process.kill(died, 'SIGKILL');
  while (postmasterPid() === died || !(await sql`select 1`.catch(() => false))) await pause(50);
  await sql.end();
  expect(await words(postgres.url)).toEqual(['committed']);
  while (!said.includes('PostgreSQL runs again.')) await pause(10);
  const second = postmasterPid();
  process.kill(second, 'SIGKILL');
  while (identify(second) !== undefined) await pause(10);
  await postgres.stop();
  expect(identify(postmasterPid())).toBeUndefined();
});

test('whoever wants to look reaches the database that is there, running or not, and makes none', async () => {
  await expect(reachEmbeddedPostgres({ dataDir, log })).rejects.toThrow('no database');
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  await write(postgres.url, 'chào');
  const beside = await reachEmbeddedPostgres({ dataDir, log });
  expect(beside.url).toBe(postgres.url);
  await beside.stop();
  expect(await words(postgres.url)).toEqual(['chào']);
  await postgres.stop();
  const alone = await reachEmbeddedPostgres({ dataDir, log });
  expect(await words(alone.url)).toEqual(['chào']);
  await alone.stop();
});
