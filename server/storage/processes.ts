/**
 * Knowing a process again. A process id alone proves nothing: after a crash or a reboot it may belong to somebody else. So an id is
 * kept together with the moment its process started, and that pair is never given twice.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** `id:start` of a process that runs, nothing for one that does not. */
export function identify(pid: number): string | undefined {
  const start = process.platform === 'linux' ? startOnLinux(pid) : ps(pid, 'lstart');
  return start === undefined ? undefined : `${pid}:${start}`;
}

/** Is this a PostgreSQL server that works in the given folder? (PostgreSQL makes its data folder its working folder.) */
export function isPostgresIn(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') {
    const command = ps(pid, 'command') ?? '';
    return /postgres/.test(command) && command.includes(folder);
  }
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''));
    return program === 'postgres' && readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false; // gone, or somebody else's
  }
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since the boot. The name before it may hold spaces and brackets. A zombie has ended. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return `${boot}-${fields[19]}`;
  } catch {
    return undefined;
  }
}

function ps(pid: number, field: 'lstart' | 'command'): string | undefined {
  try {
    const answer = execFileSync('ps', ['-ww', '-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
    return answer === '' ? undefined : answer.replaceAll(/\s+/g, ' ');
  } catch {
    return undefined; // ps answers with a failure when there is no such process
  }
}
