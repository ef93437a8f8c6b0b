/**
 * What is on screen of a conversation's history: the last page first, older ones as the reader asks for them. Opening costs the same however
 * long the history is. Pages are held while they are shown; beside them, those that only lend a body to a late message or hold an own
 * message that waits.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import { untrack } from 'svelte';
import type * as Y from 'yjs';
import { type ConversationId, type MessageId, timeOfMessageId, type UserId } from '#shared/ids.ts';
import { PAGE_STAMPS, PREVIEW_MAX_CHARS } from '#shared/limits.ts';
import { currentPage, membersOf } from '#shared/model/conversation.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { attachedOf } from '#shared/model/media-types.ts';
import { pageOfSeq } from '#shared/model/page.ts';
import type { LastMessage } from '#shared/protocol/overview.ts';
import type { Held } from '../local/documents.ts';
import { queued } from '../local/queue.ts';
import { ENOUGH_STAMPS } from '../sync/fetch-ahead.ts';
import type { SocketState } from '../sync/socket.ts';
import { Beat } from './beat.svelte.ts';
import type { Device } from './device.svelte.ts';
import type { PagesElsewhere } from './pages-elsewhere.ts';
import { onTheirWay, queuedPage } from './queued-page.ts';
import { Quotes } from './quotes.ts';
import { unreadOf } from './rows.ts';
import { ShownPage } from './shown-page.ts';
import { othersReach } from './ticks.ts';
import { buildTimeline, emptyTimeline, type Timeline } from './timeline-items.ts';
import type { MessageView, QuoteView, TimelineItem, TimelineView } from './views.ts';

const OLDER_AT_MOST_MS = 15_000;
/** Below every number: a message that is for nobody else is sent, and no more. */
const NOBODY = -1;

export interface TimelineParts {
  device: Device;
  id: ConversationId;
  root: Held;
  nameOf(person: UserId): string;
  mayWrite(): boolean;
  mayDeleteAny(): boolean;
}

export class ConversationTimeline implements TimelineView {
  readonly #parts: TimelineParts;
  readonly #device: Device;
  /** Oldest first, without a gap. */
  #shown: ShownPage[] = [];
  readonly #aside = new Map<number, ShownPage>();
  /** Being read from the disk beside the root, until `open` knows what it needs. */
  #ahead: Held[] = [];
  /** Few screens show a reply to what is not on them: loaded for the first one. */
  #elsewhere: PagesElsewhere | null = null;
  readonly #beat = new Beat();
  #loadingOlder = $state(false);
  #olderUnreachable = $state(false);
  #newLine = $state.raw<{ after: number; count: number } | null>(null);
  /** The read mark when the conversation was opened. */
  readonly #readAtOpening: number;
  #before: Timeline = emptyTimeline;
  // As numbers: what else changes in the row does not make the timeline be built again.
  readonly #othersDelivered = $derived.by(() => this.#others()?.delivered ?? NOBODY);
  readonly #othersRead = $derived.by(() => this.#others()?.read ?? NOBODY);
  readonly #timeline = $derived.by(() => (this.#before = this.#build()));
  readonly #unread = $derived(this.#countUnread());
  #closed = false;
  #tending = false;
  readonly #onReplaced = (doc: string) => {
    this.#all.find((page) => page.held.name === doc)?.watch();
    this.#elsewhere?.replaced(doc);
  };
  readonly #onSynced = (doc: string) => this.#synced(doc);
  /** Only a relay that is there again changes the answer: an attempt to reach it does not. */
  readonly #onState = (state: SocketState) => {
    if (state !== 'open') return;
    this.#olderUnreachable = false;
    this.#elsewhere?.quoted.again();
  };
  readonly #onOverview = () => this.#drawNewLine();

  constructor(parts: TimelineParts) {
    this.#parts = parts;
    this.#device = parts.device;
    this.#readAtOpening = untrack(() => this.#device.readSeq(parts.id));
    this.#readAhead();
  }

  get items(): readonly TimelineItem[] {
    return this.#timeline.items;
  }

  get hasOlder(): boolean {
    this.#beat.feel();
    return (this.#shown[0]?.number ?? 0) > this.#firstPage;
  }

  get fromJoining(): boolean {
    this.#beat.feel();
    return this.#hiddenSeq > 0;
  }

  get loadingOlder(): boolean {
    return this.#loadingOlder;
  }

  get olderUnreachable(): boolean {
    return this.#olderUnreachable;
  }

  get lastSeq(): number {
    return this.#timeline.lastSeq;
  }

  get unread(): number {
    return this.#unread;
  }

  /** Shows what the device has. The root is loaded. Resolves when `items` has it. */
  async open(): Promise<void> {
    const { link, documents } = this.#device;
    documents.on('replaced', this.#onReplaced);
    link.on('synced', this.#onSynced);
    link.on('state', this.#onState);
    link.on('overview', this.#onOverview);
    this.#drawNewLine();
    this.#showOnly(this.#newestPage());
    await this.#shown[0]?.held.loaded;
    await this.#showEnough();
    this.#forgetAhead();
    this.#changed();
  }

  close(): void {
    const { link, documents } = this.#device;
    this.#closed = true;
    this.#elsewhere?.stop();
    documents.off('replaced', this.#onReplaced);
    link.off('synced', this.#onSynced);
    link.off('state', this.#onState);
    link.off('overview', this.#onOverview);
    this.#forgetAhead();
    for (const page of this.#all) page.release();
    this.#shown = [];
    this.#aside.clear();
  }

  async loadOlder(): Promise<void> {
    const first = this.#shown[0];
    if (this.#closed || untrack(() => this.#loadingOlder) || first === undefined || first.number <= this.#firstPage)
      return;
    const page = this.#take(first.number - 1);
    await page.held.loaded;
    this.#olderUnreachable = !(await this.#isThere(page));
    // The window may have moved while it loaded.
    const stillFits = !this.#closed && this.#shown[0] === first;
    if (!stillFits || page.stamps === 0) return void (this.#shown.includes(page) || page.release());
    this.#shown = [page, ...this.#shown];
    this.#changed();
  }

  async reach(id: MessageId): Promise<boolean> {
    const has = () => untrack(() => this.#timeline.entries.has(id));
    while (!has()) {
      const before = this.#shown[0]?.number;
      await this.loadOlder();
      if (this.#shown[0]?.number === before) return has();
    }
    return true;
  }

  bringQuoted(id: MessageId): void {
    void this.#lookElsewhere().then((elsewhere) => elsewhere?.quoted.bring(id));
  }

  /** What a reply shows of a message. */
  quote(id: MessageId): QuoteView {
    this.#beat.feel();
    return new Quotes(
      {
        nameOf: this.#parts.nameOf,
        elsewhere: (one) => this.#elsewhere?.quoted.of(one),
        isBeforeJoining: (one) => this.#isBeforeJoining(one),
      },
      [queuedPage(queued(this.#device.kept, this.#parts.id)), ...this.#all.map((page) => page.content)],
    ).of(id);
  }

  markRead(seq: number): void {
    untrack(() => this.#device.markRead(this.#parts.id, seq));
  }

  message(id: MessageId): MessageView | undefined {
    return this.#timeline.entries.get(id)?.view;
  }

  /** The newest own message that may be edited. */
  lastOwn(): MessageView | undefined {
    return [...this.#timeline.entries.values()].findLast(({ view }) => view.canEdit)?.view;
  }

  /** The newest message with a place, were this one not there; as the list shows it. */
  lastBut(id: MessageId): LastMessage | null {
    const entry = [...this.#timeline.entries.values()].findLast(
      ({ view }) => view.seq !== null && !view.deleted && view.id !== id,
    );
    if (entry === undefined) return null;
    const { by, byName, at, seq, text } = entry.view;
    const attachments = entry.message?.attachments;
    const attached = attachedOf(attachments);
    return {
      id: entry.view.id,
      seq: seq ?? 0,
      by,
      byName,
      at,
      text: text.slice(0, PREVIEW_MAX_CHARS),
      attachments: attachments?.length ?? 0,
      ...(attached && { attached }),
    };
  }

  /** The document that holds a message's body; null when it is not here. */
  bodyOf(id: MessageId): Y.Doc | null {
    const number = this.#timeline.entries.get(id)?.page;
    return this.#all.find((page) => page.number === number)?.held.doc ?? null;
  }

  /** The page that takes new messages, held so that what is written into it shows. */
  pageForWriting(): { number: number; doc: Y.Doc } {
    const number = this.#newestPage();
    const here = this.#all.find((page) => page.number === number);
    if (here !== undefined) return { number, doc: here.held.doc };
    const page = this.#take(number);
    this.#aside.set(number, page);
    return { number, doc: page.held.doc };
  }

  /** The root has changed: perhaps there is a page after the last one. */
  rootChanged(): void {
    const last = this.#shown.at(-1);
    if (last === undefined || this.#closed) return;
    const current = currentPage(this.#parts.root.doc);
    // The relay was restored from an older copy, and has fewer pages now.
    const isFewer = current < last.number && membersOf(this.#parts.root.doc).size > 0;
    if (current <= last.number && !isFewer) return;
    if (current === last.number + 1) {
      this.#shown = [...this.#shown, this.#take(current)];
      this.#changed();
    } else {
      // Away for pages: what is shown is no neighbour of the newest.
      this.#showOnly(current);
      void this.#showEnough();
    }
  }

  /**
   * The disk takes a while for each document, and the root would have to come before its page and that before the one in front of it. The row
   * knows better than nothing which they will be: all are read at once.
   */
  #readAhead(): void {
    const { device, id } = this.#parts;
    const row = untrack(() => device.row(id));
    if (row === undefined) return;
    const newest = pageOfSeq(row.lastSeq + 1);
    const isThin = row.lastSeq - newest * PAGE_STAMPS < ENOUGH_STAMPS && newest > 0;
    const hold = (page: number) => device.documents.hold(pageDoc(id, page), { keepWarm: true });
    this.#ahead = (isThin ? [newest, newest - 1] : [newest]).map(hold);
  }

  /** Up to where this person sees nothing, because they joined later. */
  get #hiddenSeq(): number {
    return membersOf(this.#parts.root.doc).get(this.#device.me)?.hiddenSeq ?? 0;
  }

  #isBeforeJoining(id: MessageId): boolean {
    const me = membersOf(this.#parts.root.doc).get(this.#device.me);
    return me?.hiddenSeq !== undefined && timeOfMessageId(id) < me.joinedAt;
  }

  /** The first page that there is for this person. */
  get #firstPage(): number {
    return pageOfSeq(this.#hiddenSeq + 1);
  }

  #forgetAhead(): void {
    for (const held of this.#ahead) held.release();
    this.#ahead = [];
  }

  /** By the root; before the device has it, by the row's last seq, so that the first page of a long history is not fetched for nothing. */
  #newestPage(): number {
    const { device, id, root } = this.#parts;
    const isHere = membersOf(root.doc).size > 0;
    const row = untrack(() => device.row(id));
    return isHere || row === undefined ? currentPage(root.doc) : pageOfSeq(row.lastSeq + 1);
  }

  get #all(): ShownPage[] {
    return [...this.#shown, ...this.#aside.values()];
  }

  #build(): Timeline {
    this.#beat.feel();
    const { mayWrite, mayDeleteAny } = this.#parts;
    const nameOf = remembered(this.#parts.nameOf);
    const waiting = this.#device.table('waiting');
    const inQueue = queued(this.#device.kept, this.#parts.id);
    const last = this.#shown.at(-1)?.number;
    return buildTimeline(
      {
        me: this.#device.me,
        shown: this.#shown.map((page) => page.content),
        // The queue in front: what is in a page too is there.
        aside: [queuedPage(inQueue), ...[...this.#aside.values()].map((page) => page.content)],
        onTheirWay: (id, attachments) => {
          const row = inQueue.find((one) => one.id === id);
          return row === undefined ? attachments : onTheirWay(attachments, row, (one) => this.#device.progress.of(one));
        },
        // What a crash kept from being marked as waiting is on the last page, and waits too.
        isWaiting: (id, page) => waiting.has(id) || page === last,
        nameOf,
        elsewhere: (quoted) => this.#elsewhere?.quoted.of(quoted),
        isBeforeJoining: (quoted) => this.#isBeforeJoining(quoted),
        mayWrite: mayWrite(),
        mayDeleteAny: mayDeleteAny(),
        others: { delivered: this.#othersDelivered, read: this.#othersRead },
        newLine: this.#newLine,
        atStart: (this.#shown[0]?.number ?? Infinity) <= this.#firstPage,
        fromJoining: this.#hiddenSeq > 0,
      },
      this.#before,
    );
  }

  /** Null when it cannot be loaded, because a newer version has taken the place of this one: looked for when it is asked for again. */
  async #lookElsewhere(): Promise<PagesElsewhere | null> {
    const { PagesElsewhere } = await import('./pages-elsewhere.ts').catch(() => ({ PagesElsewhere: null }));
    if (PagesElsewhere === null || this.#closed) return null;
    return (this.#elsewhere ??= new PagesElsewhere(this.#device, this.#parts.id, {
      first: () => {
        const first = this.#shown[0];
        return { page: first?.number ?? 0, at: first?.content.order[0]?.[2] ?? Date.now() };
      },
      changed: () => this.#changed(),
    }));
  }

  #others() {
    const row = this.#device.row(this.#parts.id);
    return row === undefined ? null : othersReach(row, this.#device.me);
  }

  #countUnread(): number {
    const { id } = this.#parts;
    const read = this.#device.readSeq(id);
    const row = this.#device.row(id);
    const first = this.#shown[0]?.content.order[0]?.[0] ?? Infinity;
    if (first > read + 1 && row !== undefined) return unreadOf(row, read);
    let count = 0;
    for (const { view } of this.#timeline.entries.values()) {
      if ((view.seq ?? 0) > read && !view.mine && !view.deleted) count += 1;
    }
    return count;
  }

  #take(number: number): ShownPage {
    const aside = this.#aside.get(number);
    this.#aside.delete(number);
    const held = () => this.#device.documents.hold(pageDoc(this.#parts.id, number), { keepWarm: true });
    if (aside !== undefined) return aside;
    const page = new ShownPage(number, held(), () => this.#changed());
    // There may have been no such page when it was in memory before.
    this.#device.link.reconnect(page.held.name);
    return page;
  }

  #showOnly(number: number): void {
    const before = this.#shown.filter((page) => page.number !== number);
    const same = this.#shown.find((page) => page.number === number);
    this.#shown = [same ?? this.#take(number)];
    for (const page of before) page.release();
    this.#changed();
  }

  /** A last page that has just begun shows too little alone. */
  async #showEnough(): Promise<void> {
    const [only, ...more] = this.#shown;
    if (
      this.#closed ||
      only === undefined ||
      more.length > 0 ||
      only.number <= this.#firstPage ||
      only.stamps >= ENOUGH_STAMPS
    )
      return;
    const page = this.#take(only.number - 1);
    await page.held.loaded;
    if (this.#closed || this.#shown[0] !== only) return void (this.#shown.includes(page) || page.release());
    this.#shown = [page, ...this.#shown];
    this.#changed();
  }

  /** Whether an older page can be shown whole: the device has all of it, or the relay sent it in time. */
  async #isThere(page: ShownPage): Promise<boolean> {
    const { link } = this.#device;
    const hidden = Math.max(0, this.#hiddenSeq - page.number * PAGE_STAMPS);
    if (page.stamps >= PAGE_STAMPS - hidden || link.isSynced(page.held.name)) return true;
    if (!link.isOpen) return false;
    this.#loadingOlder = true;
    try {
      return await link.whenSynced(page.held.name, OLDER_AT_MOST_MS);
    } finally {
      this.#loadingOlder = false;
    }
  }

  #synced(doc: string): void {
    if (doc === this.#shown.at(-1)?.held.name) void this.#showEnough();
  }

  /** Stays until the conversation is left. Drawn late when the relay's word of what is new came after the opening. */
  #drawNewLine(): void {
    untrack(() => {
      const row = this.#device.row(this.#parts.id);
      if (this.#newLine !== null || row === undefined || this.#closed) return;
      const count = unreadOf(row, this.#readAtOpening);
      if (count > 0) this.#newLine = { after: this.#readAtOpening, count };
    });
  }

  #changed(): void {
    if (this.#closed) return;
    this.#beat.beat();
    if (this.#tending) return;
    this.#tending = true;
    // Not within the transaction that changed it.
    queueMicrotask(() => {
      this.#tending = false;
      if (!this.#closed) this.#tendAside();
    });
  }

  /** Holds the pages that lend bodies, or hold what waits, and lets go of those that no longer do. */
  #tendAside(): void {
    const { missing } = untrack(() => this.#timeline);
    const shown = new Set(this.#shown.map((page) => page.number));
    const waiting = [...this.#device.kept.table('waiting').values()].flatMap((one) =>
      one.conversation === this.#parts.id && one.page !== undefined && !shown.has(one.page) ? [one.page] : [],
    );
    const lent = this.#shown.flatMap((page) =>
      page.content.order.flatMap(([, , , elsewhere]) => (elsewhere === undefined ? [] : [elsewhere])),
    );
    const wanted = new Set([...missing, ...lent, ...waiting].filter((number) => !shown.has(number)));
    let news = false;
    for (const number of wanted) {
      if (this.#aside.has(number)) continue;
      this.#aside.set(number, this.#take(number));
      news = true;
    }
    for (const [number, page] of this.#aside) {
      if (wanted.has(number) || number === currentPage(this.#parts.root.doc)) continue;
      this.#aside.delete(number);
      page.release();
      news = true;
    }
    if (news) this.#beat.beat();
  }
}

/** A page has a thousand messages by a few people, and each look at what may change is written down by Svelte. */
function remembered<K, V>(ask: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? ask(key);
    known.set(key, value);
    return value;
  };
}
