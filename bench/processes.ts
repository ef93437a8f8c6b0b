/** CPU time and memory of a process and its descendants, read from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc/<pid>/stat; 100 on every Linux this runs on (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;

interface Stat {
  parent: number;
  cpuMicros: number;
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { parent: Number(fields[1]), cpuMicros: (ticks / TICKS_PER_SECOND) * 1e6 };
  } catch {
    return null; // it ended between the listing and the reading
  }
}

/** CPU microseconds used so far by the process itself and by all of its living descendants. */
export function cpuMicros(root: number): { own: number; descendants: number } {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  let descendants = 0;
  for (const [pid, stat] of stats) {
    if (pid !== root && descendsFrom(pid, root, stats)) descendants += stat.cpuMicros;
  }
  return { own: stats.get(root)?.cpuMicros ?? 0, descendants };
}

function descendsFrom(pid: number, root: number, stats: Map<number, Stat>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}
