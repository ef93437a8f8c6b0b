/**
 * The relay's own copy of a document, got beside the one that is open here: nothing flows into it but what the relay says and what is written into it
 * on purpose. Another channel of the same socket, and no other tab.
 */
import * as Y from 'yjs';
import { DocumentSync } from './provider.ts';

/** How it went: as wanted, not in time, or the word of the relay's refusal. */
export type Answer = { is: 'yes' } | { is: 'unreachable' } | { is: 'refused'; fault: string };

const AT_MOST_MS = 20_000;

export class Aside {
  readonly doc = new Y.Doc();
  readonly #sync: DocumentSync;
  readonly #stopped: () => void;
  #refusal: Answer | null = null;
  #hear: ((answer: Answer) => void) | null = null;

  constructor(parts: { name: string; WebSocket: typeof WebSocket; stopped: () => void }) {
    this.#stopped = parts.stopped;
    this.#sync = new DocumentSync({ ...parts, doc: this.doc, scope: 'aside', alone: true });
    this.#sync.on('refused', (_code, fault) => {
      this.#refusal = { is: 'refused', fault };
      this.#hear?.(this.#refusal);
    });
  }

  /** Whether the relay's copy is in `doc`. */
  async arrived(): Promise<Answer> {
    return this.#sync.isSynced ? { is: 'yes' } : await this.#answer('synced');
  }

  /** Whether the relay has taken all that was written into `doc`. */
  async taken(): Promise<Answer> {
    const answer = this.#answer('settled');
    this.#sync.prove();
    return await answer;
  }

  /** The document stays, with whoever wants it. */
  stop(): void {
    this.#hear?.({ is: 'unreachable' });
    this.#sync.stop();
    this.#stopped();
  }

  #answer(event: 'synced' | 'settled'): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#refusal !== null) return resolve(this.#refusal);
      const yes = () => done({ is: 'yes' });
      const timer = setTimeout(() => done({ is: 'unreachable' }), AT_MOST_MS);
      const done = (answer: Answer) => {
        clearTimeout(timer);
        this.#hear = null;
        this.#sync.off(event, yes);
        resolve(answer);
      };
      this.#hear = done;
      this.#sync.on(event, yes);
    });
  }
}
