/**
 * Fetches conversations before they are opened, so that offline has them: newest first, a few at a time, the root and the recent pages of
 * each whose last seq is beyond what was fetched. Runs in one tab, only while the relay is there, and lets the open conversation go first.
 */
import type { ConversationId } from '#shared/ids.ts';
import { currentPage } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { orderOf } from '#shared/model/page.ts';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { inOneTab } from '../local/one-tab.ts';
import type { RelayLink } from './relay-link.ts';
import { inTurns } from './turns.ts';

const AT_ONCE = 3;
const SYNC_AT_MOST_MS = 20_000;
/** A current page with fewer stamps than this shows too little alone: the one before comes along. */
export const ENOUGH_STAMPS = 200;
/** Rows that change together are fetched together, and a busy group is not opened for each of its messages. */
const GATHER_MS = 1_500;

export class FetchAhead {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #link: RelayLink;
  readonly #scope: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #stopped = false;
  #onChange = (table: string) => table === 'overview' && this.#soon();

  constructor(parts: { kept: Kept; documents: Documents; link: RelayLink; scope: string }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#link = parts.link;
    this.#scope = parts.scope;
  }

  start(): void {
    this.#kept.on('change', this.#onChange);
    this.#link.on('state', (state) => state === 'open' && this.#soon());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#kept.off('change', this.#onChange);
  }

  async run(): Promise<void> {
    if (this.#running || this.#stopped || !this.#link.isOpen) return;
    this.#running = true;
    try {
      await inOneTab(`${this.#scope}:fetch-ahead`, () => inTurns(this.behind(), AT_ONCE, (id) => this.#fetch(id)));
    } finally {
      this.#running = false;
    }
  }

  /** Conversations with something that was not fetched, the newest first. */
  behind(): ConversationId[] {
    const fetched = this.#kept.table('fetched');
    return [...this.#kept.table('overview').values()]
      .filter((row) => row.lastSeq > (fetched.get(row.id) ?? -1))
      .sort((a, b) => (b.last?.at ?? b.createdAt) - (a.last?.at ?? a.createdAt))
      .map((row) => row.id);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.run().then(() => {
        // Rows that came while it ran.
        if (!this.#stopped && this.#link.isOpen && this.#missed()) this.#soon();
      });
    }, GATHER_MS);
  }

  /** Whether something new is behind that the last run did not try: what it tried and could not get waits for the next change. */
  #missed(): boolean {
    return this.behind().some((id) => this.#tried.get(id) !== this.#kept.table('overview').get(id)?.lastSeq);
  }
  readonly #tried = new Map<ConversationId, number>();

  async #fetch(id: ConversationId): Promise<void> {
    const upTo = this.#kept.table('overview').get(id)?.lastSeq;
    if (upTo === undefined || this.#stopped || !this.#link.isOpen) return;
    this.#tried.set(id, upTo);
    const held: Held[] = [];
    const bring = async (name: string): Promise<Held | null> => {
      const one = this.#documents.hold(name);
      held.push(one);
      await one.loaded;
      return (await this.#link.whenSynced(name, SYNC_AT_MOST_MS)) ? one : null;
    };
    try {
      const root = await bring(conversationDoc(id));
      if (root === null) return;
      const current = currentPage(root.doc);
      const page = await bring(pageDoc(id, current));
      if (page === null) return;
      const alone = current === 0 || orderOf(page.doc).length >= ENOUGH_STAMPS;
      if (!alone && (await bring(pageDoc(id, current - 1))) === null) return;
      this.#kept.put('fetched', id, upTo);
    } finally {
      for (const one of held) one.release();
    }
  }
}
