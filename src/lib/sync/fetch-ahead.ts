/**
 * Fetches conversations before they are opened, so that offline has them: newest first, a few at a time, the root and the recent pages of
 * each whose last seq is beyond what was fetched, back to where this person has it on some device. Runs in one tab, only while the relay is there,
 * and lets the open conversation go first.
 */
import type * as Y from 'yjs';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { currentPage, membersOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf, pageOfSeq } from '#shared/model/page.ts';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { inOneTab } from '../local/one-tab.ts';
import type { RelayLink } from './relay-link.ts';
import { inTurns } from './turns.ts';

const AT_ONCE = 3;
const SYNC_AT_MOST_MS = 20_000;
/** A current page with fewer stamps than this shows too little alone: the one before comes along. */
export const ENOUGH_STAMPS = 200;
/** So many of the newest pages are brought after a long absence; what is older comes when somebody scrolls there. */
const CATCH_UP_PAGES = 2;
/** Rows that change together are fetched together, and a busy group is not opened for each of its messages. */
const GATHER_MS = 1_500;

type Brought = (pages: readonly Y.Doc[], since: number) => Promise<boolean>;

export class FetchAhead {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #link: RelayLink;
  readonly #scope: string;
  readonly #me: UserId;
  readonly #brought: Brought;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #stopped = false;
  #onChange = (table: string) => table === 'overview' && this.#soon();

  /** `brought`: pages are here, the newest first, with stamps beyond `since`; answers whether what they name could be brought too. */
  constructor(parts: {
    kept: Kept;
    documents: Documents;
    link: RelayLink;
    scope: string;
    me: UserId;
    brought: Brought;
  }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#link = parts.link;
    this.#scope = parts.scope;
    this.#me = parts.me;
    this.#brought = parts.brought;
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
      const newest = await bring(pageDoc(id, current));
      if (newest === null) return;
      const isThin = orderOf(newest.doc).length < ENOUGH_STAMPS;
      const wanted = Math.min(pageOfSeq(this.#deliveredSeq(id) + 1), isThin ? current - 1 : current);
      // What was written before this person joined may be hidden from them.
      const hiddenSeq = membersOf(root.doc).get(this.#me)?.hiddenSeq ?? 0;
      const first = Math.max(pageOfSeq(hiddenSeq + 1), wanted, current - CATCH_UP_PAGES + 1);
      const pages = [newest.doc];
      const bodies = lateBodies(newest);
      for (let page = current - 1; page >= first; page -= 1) {
        const one = await bring(pageDoc(id, page));
        if (one === null) return;
        pages.push(one.doc);
        lateBodies(one).forEach((body) => bodies.add(body));
      }
      for (const page of bodies) if (page < first && (await bring(pageDoc(id, page))) === null) return;
      // What lies further back than a device keeps is not waited for.
      const skipped = first * PAGE_STAMPS;
      if (skipped > (this.#kept.table('held').get(id) ?? 0)) this.#kept.put('held', id, skipped);
      if (!(await this.#brought(pages, this.#kept.table('fetched').get(id) ?? 0))) return;
      this.#kept.put('fetched', id, upTo);
    } finally {
      for (const one of held) one.release();
    }
  }

  /** Up to where some device of this person has it. */
  #deliveredSeq(id: ConversationId): number {
    const row = this.#kept.table('overview').get(id);
    const known = row?.members.find((member) => member.id === this.#me)?.reach?.delivered ?? 0;
    return Math.max(known, row?.readSeq ?? 0);
  }
}

/** The pages that hold the bodies of messages that were stamped on this one and are not in it. */
const lateBodies = ({ doc }: Held): Set<number> =>
  new Set(
    orderOf(doc)
      .toArray()
      .flatMap(([, id, , body]) =>
        body === undefined || messagesOf(doc).has(id) || deletedOf(doc).has(id) ? [] : [body],
      ),
  );
