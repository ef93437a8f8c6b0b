/** A CPU profile as a list: where the time itself went, not what was called from there. */
import type { Profile } from './servers.ts';

export function topOf(profile: Profile, count: number): string {
  const names = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) {
    const place =
      callFrame.url === '' ? '' : ` ${callFrame.url.split('/').slice(-3).join('/')}:${callFrame.lineNumber + 1}`;
    names.set(id, `${callFrame.functionName || '(anonymous)'}${place}`);
  }
  const micros = new Map<string, number>();
  let busy = 0;
  for (const [i, sample] of profile.samples.entries()) {
    const name = names.get(sample) ?? '?';
    const spent = profile.timeDeltas[i] ?? 0;
    if (name.startsWith('(idle)')) continue;
    busy += spent;
    micros.set(name, (micros.get(name) ?? 0) + spent);
  }
  const rows = [...micros].sort((a, b) => b[1] - a[1]).slice(0, count);
  return rows.map(([name, spent]) => `${((100 * spent) / busy).toFixed(1).padStart(5)}%  ${name}`).join('\n') + '\n';
}
