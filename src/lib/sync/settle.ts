/**
 * Brings home what was written on this device: documents marked dirty and messages that wait for their stamp are opened and synced whenever
 * the relay is back, also when nobody looks at their conversation, until the relay has confirmed all of it.
 */
import type { ConversationId } from '#shared/ids.ts';
import { currentPage } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc, parseDocName } from '#shared/model/doc-names.ts';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { inOneTab } from '../local/one-tab.ts';
import type { RelayLink } from './relay-link.ts';
import { inTurns } from './turns.ts';
import { settleWaiting } from './waiting-here.ts';

const AT_ONCE = 3;
const SYNC_AT_MOST_MS = 20_000;
const STAMP_AT_MOST_MS = 10_000;
const LOOK_AGAIN_MS = 30_000;

export class Settling {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #link: RelayLink;
  readonly #scope: string;
  readonly #maySync: (doc: string) => boolean;
  #timer: ReturnType<typeof setInterval> | undefined;
  #running = false;
  /** Asked to run while it was running. */
  #onceMore = false;

  constructor(parts: {
    kept: Kept;
    documents: Documents;
    link: RelayLink;
    scope: string;
    maySync: (doc: string) => boolean;
  }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#link = parts.link;
    this.#scope = parts.scope;
    this.#maySync = parts.maySync;
  }

  start(): void {
    this.#link.on('state', (state) => state === 'open' && void this.run());
    this.#timer = setInterval(() => void this.run(), LOOK_AGAIN_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Resolves when everything has settled, or cannot now. */
  async run(): Promise<void> {
    if (this.#running) this.#onceMore = true;
    if (this.#running || !this.#link.isOpen || this.#places().size === 0) return;
    this.#running = true;
    try {
      await inOneTab(`${this.#scope}:settling`, async () => {
        await inTurns([...this.#places()], AT_ONCE, ([, docs]) => this.#settle(docs));
      });
    } finally {
      this.#running = false;
    }
    if (this.#onceMore) {
      this.#onceMore = false;
      await this.run();
    }
  }

  /** Conversation (or the personal document's name) → its documents with something to bring home. */
  #places(): Map<string, Set<string>> {
    const places = new Map<string, Set<string>>();
    const add = (doc: string) => {
      const name = parseDocName(doc);
      if (name === null || !this.#maySync(doc)) return;
      const place = name.kind === 'personal' ? doc : name.conversation;
      places.set(place, (places.get(place) ?? new Set()).add(doc));
    };
    for (const { doc } of this.#kept.table('dirty').values()) add(doc);
    for (const { conversation, page } of this.#kept.table('waiting').values())
      if (page !== undefined) add(pageDoc(conversation, page));
    return places;
  }

  async #settle(docs: ReadonlySet<string>): Promise<void> {
    const held = [...docs].map((doc) => this.#documents.hold(doc));
    try {
      await Promise.all(held.map((one) => this.#bringHome(one)));
      const [name] = [...docs].map(parseDocName);
      if (name && name.kind !== 'personal') await this.#awaitStamps(name.conversation);
    } finally {
      for (const one of held) one.release();
    }
  }

  async #bringHome(held: Held): Promise<void> {
    await held.loaded;
    const page = parseDocName(held.name);
    if (page?.kind === 'page') settleWaiting(this.#kept, page, held.doc);
    if (!(await this.#link.whenSynced(held.name, SYNC_AT_MOST_MS))) return;
    const settled = this.#link.whenSettled(held.name, SYNC_AT_MOST_MS);
    this.#link.prove(held.name);
    await settled;
  }

  /** Stamps of messages whose page has filled up meanwhile are on the pages after it. */
  async #awaitStamps(conversation: ConversationId): Promise<void> {
    const pages = this.#waitingPages(conversation);
    if (pages.length === 0) return;
    const root = this.#documents.hold(conversationDoc(conversation));
    const held: Held[] = [];
    try {
      await root.loaded;
      if (!(await this.#link.whenSynced(root.name, SYNC_AT_MOST_MS))) return;
      for (let page = Math.min(...pages); page <= currentPage(root.doc); page += 1) {
        held.push(this.#documents.hold(pageDoc(conversation, page)));
      }
      await Promise.all(held.map((one) => this.#link.whenSynced(one.name, SYNC_AT_MOST_MS)));
      const until = Date.now() + STAMP_AT_MOST_MS;
      while (this.#waitingPages(conversation).length > 0 && Date.now() < until && this.#link.isOpen) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    } finally {
      for (const one of [root, ...held]) one.release();
    }
  }

  #waitingPages(conversation: ConversationId): number[] {
    const waiting = [...this.#kept.table('waiting').values()];
    const pages = waiting.flatMap((one) => (one.conversation === conversation ? (one.page ?? []) : []));
    return [...new Set(pages)];
  }
}
