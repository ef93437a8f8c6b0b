/**
 * What an earlier run may have left in the data folder: a server that still runs, or only its postmaster.pid.
 *
 * PostgreSQL itself deals with a pid file whose process is gone. It refuses to start when some other process has got that id since, or when
 * the dead one has not been buried yet; then the id in the file is replaced by one that no process has, and the rest stays, because PostgreSQL also reads there which shared memory
 * the old server's children may still hold.
 */
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { identify, isPostgresIn } from './processes.ts';

const FAST_SHUTDOWN_MILLIS = 30_000;
const EMERGENCY_EXIT_MILLIS = 10_000;
/** Above the largest id that any system gives out (2^22 on Linux). */
const NOBODYS_PID = 2 ** 30;
const PID_FILE = 'postmaster.pid';

/** @param data the server's data folder, without symbolic links in its path */
export async function stopLeftover(data: string, log: (line: string) => void): Promise<void> {
  const file = join(data, PID_FILE);
  const [first, ...rest] = pidFileOf(data);
  const pid = Number(first);
  if (!Number.isInteger(pid) || pid <= 1) return;
  const identity = identify(pid);
  if (identity !== undefined && isPostgresIn(pid, data)) {
    log('Stopping the database of an earlier run.');
    const isGone =
      (await stops(pid, identity, 'SIGINT', FAST_SHUTDOWN_MILLIS)) ||
      (await stops(pid, identity, 'SIGQUIT', EMERGENCY_EXIT_MILLIS));
    if (!isGone)
      throw new Error(
        `The database of an earlier run (process ${pid}) does not stop: stop it by hand and start again.`,
      );
  }
  if (existsSync(file) && isTaken(pid)) writeFileSync(file, [NOBODYS_PID, ...rest].join('\n'));
}

/**
 * By another process, or by one that has ended and that nobody has buried: its parent was killed with it, and whoever has the id 1 in a container
 * may never look. PostgreSQL does not tell a dead one from a living one.
 */
function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Where the server of this folder listens; nothing when none runs. The port is the fourth line of postmaster.pid. */
export function portOfRunning(data: string): number | undefined {
  const lines = pidFileOf(data);
  const pid = Number(lines[0]);
  const isReady = lines[7]?.trim() === 'ready' && pid > 1 && isPostgresIn(pid, realpathSync(data));
  return isReady ? Number(lines[3]) : undefined;
}

/** Its lines; none when there is no such file. A server that is ending takes it away at any moment, so it is not looked for first. */
export function pidFileOf(data: string): string[] {
  try {
    return readFileSync(join(data, PID_FILE), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function stops(pid: number, identity: string, signal: NodeJS.Signals, millis: number): Promise<boolean> {
  const deadline = Date.now() + millis;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    throw error;
  }
  while (Date.now() < deadline) {
    if (identify(pid) !== identity) return true;
    await wait(20);
  }
  return false;
}
