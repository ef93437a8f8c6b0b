/** Which copy of a document this device has: another word whenever a tab has put another in its place. */
import type { Kept } from '../local/kept.ts';

const COPY = 'copy:';

export function copyOf(kept: Kept, doc: string): string {
  const copy = kept.table('kv').get(COPY + doc);
  return typeof copy === 'string' ? copy : '';
}

export function nameCopy(kept: Kept, doc: string, copy: string): void {
  kept.put('kv', COPY + doc, copy);
}
