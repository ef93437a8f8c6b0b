/** CPU time and memory of processes and their descendants, read from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc/<pid>/stat; 100 on every Linux this runs on (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;

interface Process {
  /** Of its living threads, to the nanosecond where the kernel keeps it. */
  micros: number;
  /** Of descendants that have ended and were waited for. */
  endedMicros: number;
}

const ticksToMicros = (ticks: number): number => (ticks / TICKS_PER_SECOND) * 1e6;

function processOf(pid: number): Process | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may hold spaces.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [own, ended] = [(fields[11] ?? 0) + (fields[12] ?? 0), (fields[13] ?? 0) + (fields[14] ?? 0)];
    return {
      micros: Math.max(threadMicros(pid), ticksToMicros(own)),
      endedMicros: ticksToMicros(ended),
    };
  } catch {
    return null; // it ended between the listing and the reading
  }
}

/** Ticks of 10 ms are coarse for a run of a few thousand messages; the scheduler's own count is exact. */
function threadMicros(pid: number): number {
  let nanos = 0;
  try {
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return 0; // a kernel without it, or a thread that ended meanwhile: ticks will do
  }
  return nanos / 1000;
}

/** CPU microseconds used so far by a process and all of its descendants. */
export function cpuMicros(root: number): number {
  let sum = 0;
  for (const pid of descendants(root)) {
    const found = processOf(pid);
    if (found !== null) sum += found.micros + found.endedMicros;
  }
  return sum;
}

/** The process and all that descend from it. */
function descendants(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  return [...parents.keys()].filter((pid) => descendsFrom(pid, root, parents));
}

function parentOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // it ended between the listing and the reading
  }
}

function descendsFrom(pid: number, root: number, parents: Map<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
    if (at === root) return true;
  }
  return false;
}

/** Memory of a process and its descendants; what they share (Postgres's buffers) is counted once. */
export const residentBytes = (root: number): number => descendants(root).reduce((sum, pid) => sum + shareOf(pid), 0);

function shareOf(pid: number): number {
  try {
    const line = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it ended meanwhile
  }
}
