/** How far uploads of this tab are. Told a few times a second: the line is quicker than anybody looks. */
/* eslint-disable svelte/prefer-svelte-reactivity -- a plain map on purpose: a Beat says when it changed */
import type { Sha256 } from '#shared/ids.ts';
import { Beat } from './beat.svelte.ts';

const TOLD_EVERY_MS = 200;

export class Progress {
  readonly #sent = new Map<Sha256, number>();
  readonly #beat = new Beat();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Bytes; null: it is not under way. */
  set(sha256: Sha256, sent: number | null): void {
    if (sent === null) this.#sent.delete(sha256);
    else this.#sent.set(sha256, sent);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#beat.beat();
    }, TOLD_EVERY_MS);
  }

  of(sha256: Sha256): number | undefined {
    this.#beat.feel();
    return this.#sent.get(sha256);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
