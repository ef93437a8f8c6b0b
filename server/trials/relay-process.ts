/**
 * The relay as people run it: server/main.ts as a process of its own, with its own Postgres unless it is given another one. It can be killed, alone,
 * with its database, or only the database under it, and started again at the same address.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reachEmbeddedPostgres } from '../storage/embedded-postgres.ts';
import { isPostgresIn } from '../storage/processes.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Enough of what it logged to see why it ended. */
const KEPT_LINES = 200;

export type Killing = 'relay' | 'everything' | 'database';

export interface RelayProcessOptions {
  /** Use this Postgres instead of one of its own. */
  databaseUrl?: string;
  /** Made in the temporary folder, and removed with the relay, unless given. */
  dataDir?: string;
  /** Beside what it always has. */
  environment?: Readonly<Record<string, string>>;
  /** The command that starts it, with what is started behind it: one that gives it a disk of its own, for example. */
  within?: readonly [string, ...string[]];
}

export class RelayProcess {
  readonly url: string;
  readonly dataDir: string;
  /** What it logged, of this life and earlier ones. */
  readonly log: string[] = [];
  readonly #isOurFolder: boolean;
  readonly #databaseUrl: string | undefined;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #command: readonly [string, ...string[]];
  readonly #port: number;
  #child: ChildProcess | null = null;
  /** Commits that did not go through. */
  failedCommits = 0;
  /** Ends that nobody wanted. */
  readonly crashes: string[] = [];
  #wanted = false;

  constructor({ databaseUrl, dataDir, environment = {}, within }: RelayProcessOptions = {}) {
    this.#environment = environment;
    this.#command = within === undefined ? [process.execPath] : [...within, process.execPath];
    this.#databaseUrl = databaseUrl;
    this.#isOurFolder = dataDir === undefined;
    this.dataDir = realpathSync(dataDir ?? mkdtempSync(join(tmpdir(), 'ting-trial-')));
    // Below the ports that a system gives to callers: a caller that keeps trying such a port while nobody listens can end up talking to itself.
    this.#port = 18_000 + Math.floor(Math.random() * 10_000);
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when it is ready; false when it was killed before. */
  start(): Promise<boolean> {
    this.#wanted = false;
    const [execPath, ...execArgv] = this.#command;
    const child = fork(MAIN, {
      execPath,
      execArgv,
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: String(this.#port),
        DATA_DIR: this.dataDir,
        LOG_LEVEL: 'info',
        ...(this.#databaseUrl === undefined ? {} : { DATABASE_URL: this.#databaseUrl }),
        ...this.#environment,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      const lines = chunk.toString().trimEnd().split('\n');
      this.failedCommits += lines.filter((line) => line.includes('"what":"commit failed"')).length;
      this.log.push(...lines);
      this.log.splice(0, this.log.length - KEPT_LINES);
    });
    return new Promise((resolve) => {
      child.once('message', () => resolve(true));
      child.once('exit', (code, signal) => {
        if (!this.#wanted) this.crashes.push(`the relay ended by itself (${signal ?? code})`);
        resolve(false);
      });
    });
  }

  /** At once and without a word, as `kill -9`. Resolves when it is gone. */
  async kill(what: Killing = 'relay'): Promise<void> {
    // All at the same moment: what is told apart by a few microseconds is the order.
    const database = what === 'relay' ? [] : this.#databaseProcesses();
    if (what !== 'database') {
      this.#wanted = true;
      this.#child?.kill('SIGKILL');
    }
    for (const pid of database) killed(pid);
    if (what !== 'database') await this.#gone();
  }

  async stop(): Promise<void> {
    this.#wanted = true;
    this.#child?.kill('SIGTERM');
    await this.#gone();
  }

  /** For good, with its data. */
  async remove(): Promise<void> {
    await this.stop();
    if (this.#isOurFolder) rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** The address of the database that it uses; it has to run. */
  async database(): Promise<string> {
    return this.#databaseUrl ?? (await reachEmbeddedPostgres({ dataDir: this.dataDir, log: () => undefined })).url;
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  #gone(): Promise<unknown> {
    const child = this.#child;
    if (child === null || !this.isRunning) return Promise.resolve();
    return new Promise((resolve) => child.once('exit', resolve));
  }

  /** The postmaster and all of its children. Each is a group of its own, so there is no group to kill. Linux only. */
  #databaseProcesses(): number[] {
    const folder = join(this.dataDir, 'postgres');
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && isPostgresIn(pid, folder));
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself in the meantime.
  }
}
