/** Which voice notes were heard to their end on this device: what follows one that ends is the next that was not. */
import type { Sha256 } from '#shared/ids.ts';
import type { Kept } from './kept.ts';

const KEY = 'heard';
/** Months of them; the oldest are forgotten, and at worst are played once more. */
const AT_MOST = 1000;

export class Heard {
  readonly #kept: Kept;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  has(sha256: Sha256): boolean {
    return this.#all.includes(sha256);
  }

  add(sha256: Sha256): void {
    if (!this.has(sha256)) this.#kept.put('kv', KEY, [...this.#all, sha256].slice(-AT_MOST));
  }

  get #all(): readonly Sha256[] {
    return (this.#kept.table('kv').get(KEY) as readonly Sha256[] | undefined) ?? [];
  }
}
