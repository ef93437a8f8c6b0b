/**
 * Tells the others that this person types, by the awareness of the conversation's channel: from the first change until they pause, send, clear the
 * text or leave. Said again every few seconds, so that what was lost on the way, or was never taken back, is soon right.
 */
const IDLE_AFTER_MS = 4_000;
const SAY_AGAIN_MS = 3_000;

export class Typist {
  readonly #show: (typing: boolean) => void;
  #saidAt: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(show: (typing: boolean) => void) {
    this.#show = show;
  }

  /** The text has changed. */
  typed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.rest(), IDLE_AFTER_MS);
    const now = Date.now();
    if (this.#saidAt !== null && now - this.#saidAt < SAY_AGAIN_MS) return;
    this.#saidAt = now;
    this.#show(true);
  }

  rest(): void {
    clearTimeout(this.#timer);
    if (this.#saidAt === null) return;
    this.#saidAt = null;
    this.#show(false);
  }
}
