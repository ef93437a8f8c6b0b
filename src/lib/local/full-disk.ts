/** While the disk is full, what could not be kept is in memory: this tries from time to time, until all of it is on the disk. */
import type { Documents } from './documents.ts';
import type { Kept } from './kept.ts';

const TRY_EVERY_MS = 5_000;

export class FullDisk {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #over: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** `over`: all of it is kept. */
  constructor(parts: { kept: Kept; documents: Documents; over: () => void }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#over = parts.over;
  }

  begin(): void {
    if (!this.#isStopped) this.#timer ??= setTimeout(() => void this.#try(), TRY_EVERY_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    const [rows, documents] = [await this.#kept.saveUnsaved(), await this.#documents.saveUnsaved()];
    this.#timer = undefined;
    if (this.#isStopped) return;
    if (rows && documents) this.#over();
    else this.begin();
  }
}
