/**
 * A PostgreSQL of one's own, for `npm start` without DATABASE_URL: made on the first start in `<dataDir>/postgres`, listening on this
 * machine only, behind a generated password.
 *
 * What it promises: whatever ended the last run (Ctrl-C, SIGKILL, a power cut), the next start finds the same data. A postmaster that
 * outlived its relay is stopped first; one that a relay still uses is left alone, and the second relay is told. A half-made first start is
 * begun again. A server that ends by itself (a full disk, the kernel short of memory) is started again, at the same address.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { reason } from '../log.ts';
import { ownDataFolder } from './data-owner.ts';
import { findPostgres, type PostgresPrograms } from './postgres-binaries.ts';
import { pidFileOf, portOfRunning, stopLeftover } from './postmaster.ts';

/** After a crash PostgreSQL repeats its log before it is ready; with a full log of 1 GB that takes a while. */
const READY_TIMEOUT_MILLIS = 120_000;
/** A fast shutdown writes what is in memory to disk. */
const STOP_TIMEOUT_MILLIS = 60_000;
const LOG_MAX_BYTES = 8 * 1024 * 1024;
/** After the server has ended by itself: the first pause, which doubles, and the longest. A disk stays full for longer than a second. */
const AGAIN_AFTER_MILLIS = 250;
const AGAIN_AFTER_AT_MOST_MILLIS = 10_000;
const USER = 'ting';
/** A relay has a dozen, and whoever looks or makes a backup beside it a few. */
const MAX_CONNECTIONS = 40;

/** fsync and synchronous_commit are on because the relay tells people "sent" after a commit. The rest: a small machine, short queries. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_compression: 'on',
  max_wal_size: '512MB',
  max_worker_processes: 4,
  max_parallel_workers_per_gather: 0,
  jit: 'off',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

type Settings = Readonly<Record<string, string | number>>;

export interface EmbeddedPostgres {
  /** `postgres://…`, for postgres.js and for pg_dump alike. */
  url: string;
  /** Ends every connection, writes what is in memory to disk, and waits until PostgreSQL has ended. */
  stop(): Promise<void>;
}

/** `maxConnections`: more where many relays share it, as in tests. Throws an Error whose message is a sentence for whoever started the relay. */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  log: (line: string) => void;
  maxConnections?: number;
}): Promise<EmbeddedPostgres> {
  const { log, maxConnections = MAX_CONNECTIONS } = options;
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = realpathSync(options.dataDir);
  const release = ownDataFolder(dataDir);
  try {
    const programs = await findPostgres(dataDir, log);
    await stopLeftover(programs.data, log);
    const password = keptPassword(dataDir);
    if (!existsSync(programs.data)) await create(programs, password, log);
    const settings = { ...SETTINGS, max_connections: maxConnections };
    const running = await keepRunning(programs, settings, join(dataDir, 'postgres.log'), log);
    return {
      url: addressOf(password, running.port),
      stop: async () => {
        await running.stop();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The database of a data folder, for whoever only wants to look: the one that its relay runs, or else started for as long as one looks. */
export async function reachEmbeddedPostgres(options: {
  dataDir: string;
  log: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const { data } = await findPostgres(resolve(options.dataDir), options.log);
  if (!existsSync(data)) throw new Error(`There is no database in ${options.dataDir}.`);
  const port = portOfRunning(data);
  if (port === undefined) return startEmbeddedPostgres(options);
  return { url: addressOf(keptPassword(options.dataDir), port), stop: () => Promise.resolve() };
}

const addressOf = (password: string, port: number) => `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;

/** Runs the server until it is told to stop: one that ends by itself is started again, on the same port, as often as it takes. */
async function keepRunning(
  programs: PostgresPrograms,
  settings: Settings,
  logFile: string,
  log: (line: string) => void,
): Promise<{ port: number; stop(): Promise<void> }> {
  const stopping = new AbortController();
  const first = await start(programs, settings, logFile, stopping.signal);
  const { port } = first;
  let { postmaster } = first;
  let again = Promise.resolve();
  const watch = (): void => {
    postmaster.once('exit', (code, signal) => {
      if (stopping.signal.aborted) return;
      log(`PostgreSQL ended by itself (${signal ?? `code ${code}`}); see ${logFile}.`);
      again = startAgain();
    });
  };
  const startAgain = async (): Promise<void> => {
    for (let pause = AGAIN_AFTER_MILLIS; ; pause *= 2) {
      await wait(Math.min(pause, AGAIN_AFTER_AT_MOST_MILLIS), undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        await stopLeftover(programs.data, log);
        ({ postmaster } = await start(programs, settings, logFile, stopping.signal, port));
        watch();
        return log('PostgreSQL runs again.');
      } catch (error) {
        if (!stopping.signal.aborted) log(reason(error));
      }
    }
  };
  watch();
  return {
    port,
    stop: async () => {
      stopping.abort();
      await again;
      await end(postmaster);
    },
  };
}

/** Made once and kept beside the data, readable by its owner only. */
function keptPassword(dataDir: string): string {
  const file = join(dataDir, 'postgres.password');
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomBytes(24).toString('base64url'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8');
}

/** Made beside its place and then renamed, so that a first start that was cut off leaves nothing half made in it. */
async function create(programs: PostgresPrograms, password: string, log: (line: string) => void): Promise<void> {
  log('Making a new database.');
  const unfinished = `${programs.data}.new`;
  const secret = `${programs.data}.secret`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(secret, password, { mode: 0o600 });
  programs.give(unfinished);
  programs.give(secret);
  const initdb = programs.run(
    'initdb',
    [
      ...['-D', unfinished, '-U', USER, `--pwfile=${secret}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--no-instructions'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: dirname(unfinished) },
  );
  const said: string[] = [];
  initdb.stdout?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  initdb.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const [code] = (await once(initdb, 'close')) as [number | null];
  rmSync(secret);
  if (code !== 0) throw new Error(`PostgreSQL could not make its data folder: ${lastLines(said.join(''))}`);
  renameSync(unfinished, programs.data);
}

async function start(
  programs: PostgresPrograms,
  settings: Settings,
  logFile: string,
  stopping: AbortSignal,
  wantedPort?: number,
): Promise<{ postmaster: ChildProcess; port: number }> {
  const deadline = Date.now() + READY_TIMEOUT_MILLIS;
  for (;;) {
    const port = wantedPort ?? (await freePort());
    const from = logSize(logFile) > LOG_MAX_BYTES ? 0 : logSize(logFile);
    const output = openSync(logFile, from === 0 ? 'w' : 'a', 0o600);
    const flags = Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    // A session of its own: Ctrl-C goes to the relay, which stops the database last.
    const postmaster = programs.run('postgres', ['-D', programs.data, ...flags], {
      stdio: ['ignore', output, output],
      cwd: dirname(programs.data),
      detached: true,
    });
    closeSync(output);
    if (await becomesReady(postmaster, programs.data, deadline, stopping)) return { postmaster, port };
    const said = readFileSync(logFile).subarray(from).toString();
    // Somebody else took the port meanwhile, or the last server's children are still on their way out.
    const isPassing = /could not bind|pre-existing shared memory block/.test(said) && !stopping.aborted;
    if (!isPassing || Date.now() > deadline) throw new Error(`PostgreSQL did not start: ${lastLines(said)}`);
    await wait(200);
  }
}

/** The postmaster writes its state into the eighth line of postmaster.pid; pg_ctl looks at the same place. */
async function becomesReady(
  postmaster: ChildProcess,
  data: string,
  deadline: number,
  stopping: AbortSignal,
): Promise<boolean> {
  let failed = false;
  postmaster.once('error', () => (failed = true));
  while (!failed && postmaster.exitCode === null && postmaster.signalCode === null) {
    const lines = pidFileOf(data);
    if (lines[0] === String(postmaster.pid) && lines[7]?.trim() === 'ready') return true;
    if (Date.now() > deadline || stopping.aborted) await end(postmaster);
    await wait(10);
  }
  return false;
}

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its emergency exit, after which the next start repeats the log. Neither loses a commit. */
async function end(postmaster: ChildProcess): Promise<void> {
  if (postmaster.exitCode !== null || postmaster.signalCode !== null) return;
  const ended = once(postmaster, 'exit');
  postmaster.kill('SIGINT');
  const patience = setTimeout(() => postmaster.kill('SIGQUIT'), STOP_TIMEOUT_MILLIS);
  await ended;
  clearTimeout(patience);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('This machine gives out no ports on 127.0.0.1.');
  return address.port;
}

const logSize = (file: string) => (existsSync(file) ? statSync(file).size : 0);

const lastLines = (text: string) => text.trim().split('\n').slice(-3).join(' ') || 'it said nothing.';
