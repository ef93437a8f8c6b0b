/**
 * A refused change must not poison an honest device: Yjs numbers a client's changes without gaps, so one refusal would block everything that this
 * device writes into that document afterwards. The same goes for a copy that the disk has damaged, and for one that knows more than a relay which was
 * restored from an older backup (docs/decisions/0011). The road out is one, in replacing.ts: another copy in the place of the one that is here. It is
 * gone once a year, so it is loaded when it is.
 */
import { parseDocName } from '#shared/model/doc-names.ts';
import { isIncomplete } from '../local/disk-copy.ts';
import { oneTabAfterTheOther } from '../local/one-tab.ts';
import { copyOf } from './copies.ts';
import type { Replacing, ReplacingParts } from './replacing.ts';
import { settleWaiting } from './waiting-here.ts';

interface RescueParts extends ReplacingParts {
  scope: string;
}

export class Rescue {
  readonly #parts: RescueParts;
  #replacing: Replacing | undefined;
  readonly #running = new Set<string>();
  /** The relay could not be reached meanwhile: to be tried again when it is back, with why. */
  readonly #postponed = new Map<string, string>();

  constructor(parts: RescueParts) {
    this.#parts = parts;
  }

  start(): void {
    const { documents, link, kept } = this.#parts;
    // The end of a copy may be missing without a trace; what waits is kept apart from it, and is shown again also without a network.
    documents.on('loaded', ({ name, doc }) => {
      const page = parseDocName(name);
      if (page?.kind === 'page') settleWaiting(kept, page, doc);
    });
    link.on('synced', (name) => {
      const open = documents.get(name);
      // Nobody has what it waits for, or the disk would be as damaged at the next start.
      if (open !== undefined && (open.isDamaged || isIncomplete(open.doc))) void this.rescue(name, 'damaged');
    });
    link.on('state', (state) => {
      if (state !== 'open') return;
      for (const [name, why] of [...this.#postponed]) void this.rescue(name, why);
    });
    kept.on('change', (table) => table === 'kv' && this.#followOtherTabs());
  }

  /** `why`: the relay's fault, or what is wrong with the copy here. */
  async rescue(doc: string, why: string): Promise<void> {
    const name = parseDocName(doc);
    if (name === null || this.#running.has(doc)) return;
    this.#running.add(doc);
    this.#postponed.delete(doc);
    const held = this.#parts.documents.hold(doc);
    try {
      await held.loaded;
      await oneTabAfterTheOther(`${this.#parts.scope}:rescue:${doc}`, async () => {
        const done = await (await this.#road())?.rescue(held, name, why);
        if (!done) this.#postponed.set(doc, why);
      });
    } finally {
      this.#running.delete(doc);
      held.release();
    }
  }

  /** Not to be had when it was not loaded before a newer version took the place of this one: as without a network, until the next try. */
  async #road(): Promise<Replacing | undefined> {
    try {
      const { Replacing } = await import('./replacing.ts');
      return (this.#replacing ??= new Replacing(this.#parts));
    } catch {
      return undefined;
    }
  }

  #followOtherTabs(): void {
    const { documents, kept } = this.#parts;
    for (const open of documents.open) {
      if (this.#running.has(open.name) || copyOf(kept, open.name) === open.copy) continue;
      void this.#follow(open.name);
    }
  }

  async #follow(doc: string): Promise<void> {
    const name = parseDocName(doc);
    if (name === null) return;
    this.#running.add(doc);
    try {
      await (await this.#road())?.follow(doc, name);
    } finally {
      this.#running.delete(doc);
    }
  }
}
