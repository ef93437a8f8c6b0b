/** Pages of a conversation that are not on screen, for what is quoted from them: each is read and let go of, but for a few that are watched. */
import { untrack } from 'svelte';
import type { ConversationId } from '#shared/ids.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { conversationDoc, pageDoc, parseDocName } from '#shared/model/doc-names.ts';
import { orderOf } from '#shared/model/page.ts';
import type { Device } from './device.svelte.ts';
import { type PageContent, readPage } from './page-content.ts';
import { type PageCopy, QuotedElsewhere, type QuotedParts } from './quoted-elsewhere.ts';
import { ShownPage } from './shown-page.ts';

const SYNC_AT_MOST_MS = 15_000;
const WATCHED_MAX_COUNT = 3;

export class PagesElsewhere {
  readonly #device: Device;
  readonly #id: ConversationId;
  readonly quoted: QuotedElsewhere;
  /** The last asked for is the last. */
  #watched: ShownPage[] = [];

  constructor(device: Device, id: ConversationId, screen: Pick<QuotedParts, 'first' | 'changed'>) {
    this.#device = device;
    this.#id = id;
    this.quoted = new QuotedElsewhere({
      ...screen,
      began: () => untrack(() => device.row(id)?.createdAt ?? 0),
      read: (page) => this.#read(page),
      fromRelay: (page) => this.#fromRelay(page),
      kept: () => this.#kept(),
      watch: (page) => this.#watch(page),
    });
  }

  #watch(number: number): void {
    const here = this.#watched.find((page) => page.number === number);
    const held = () => this.#device.documents.hold(pageDoc(this.#id, number));
    const page: ShownPage = here ?? new ShownPage(number, held(), () => this.#tell(number));
    this.#watched = [...this.#watched.filter((each) => each !== page), page];
    while (this.#watched.length > WATCHED_MAX_COUNT) this.#watched.shift()?.release();
  }

  replaced(doc: string): void {
    this.#watched.find((page) => page.held.name === doc)?.watch();
  }

  stop(): void {
    this.quoted.stop();
    for (const page of this.#watched) page.release();
    this.#watched = [];
  }

  /** Not within the transaction that changed it. */
  #tell(number: number): void {
    queueMicrotask(() => {
      const page = this.#watched.find((each) => each.number === number);
      if (page !== undefined) this.quoted.pageChanged(page.content);
    });
  }

  /** As the device has it; what the device does not have whole, as the relay has it. Null when there is nothing. */
  async #read(page: number): Promise<PageCopy | null> {
    const { documents, link } = this.#device;
    const name = pageDoc(this.#id, page);
    // To open what is not here would make an empty copy.
    if (!link.isOpen && documents.get(name) === undefined && (await this.#names())?.has(name) === false) return null;
    const held = documents.hold(name);
    try {
      await held.loaded;
      const isWhole = orderOf(held.doc).length >= PAGE_STAMPS;
      const isRelays =
        link.isSynced(name) || (!isWhole && link.isOpen && (await link.whenSynced(name, SYNC_AT_MOST_MS)));
      const content = readPage(page, held.doc);
      return content.order.length === 0 ? null : { content, isRelays };
    } finally {
      held.release();
    }
  }

  async #fromRelay(page: number): Promise<PageContent | null> {
    const { documents, link } = this.#device;
    if (!link.isOpen) return null;
    const held = documents.hold(pageDoc(this.#id, page));
    try {
      return (await link.whenSynced(held.name, SYNC_AT_MOST_MS)) ? readPage(page, held.doc) : null;
    } finally {
      held.release();
    }
  }

  async #kept(): Promise<readonly number[]> {
    return [...((await this.#names()) ?? [])].flatMap((name) => {
      const doc = parseDocName(name);
      return doc?.kind === 'page' ? [doc.page] : [];
    });
  }

  #names(): Promise<Set<string> | null> {
    return this.#device.documents.keptBelow(conversationDoc(this.#id));
  }
}
