/**
 * Looks for quoted messages on pages that are not on screen. Nothing says on which page a message lies, but its id says when it was written,
 * and a page from when to when it was: a few pages are read, the likeliest first. What was found is remembered, and its page watched: it may be
 * edited or deleted. What this device has is shown at once, and put right when the relay knows better.
 */
import { type MessageId, timeOfMessageId } from '#shared/ids.ts';
import type { PageContent } from './page-content.ts';
import { type Found, foundIn } from './quotes.ts';

/** A page, and whether it is as the relay has it. */
export interface PageCopy {
  content: PageContent;
  isRelays: boolean;
}

export interface QuotedParts {
  /** The first page on screen, and when it began. Those before it are looked at. */
  first(): { page: number; at: number };
  /** When the conversation began. */
  began(): number;
  /** A page as the device has it, else the relay; null when neither gives it. */
  read(page: number): Promise<PageCopy | null>;
  /** A page as the relay has it; null when it cannot be asked. */
  fromRelay(page: number): Promise<PageContent | null>;
  /** The pages of which the device has a copy. */
  kept(): Promise<readonly number[]>;
  /** From now on this page is told to `pageChanged` when it changes, unless too many others were asked for since. */
  watch(page: number): void;
  changed(): void;
}

/** In a history that was written at an even pace the first or the second guess is right; where it is not, halving finds one page in a thousand. */
const GUESSES = 2;
const PAGES_AT_MOST = GUESSES + 10;

/** Pages that were read for one message are still there for the next that is looked for right after it. */
type PagesRead = Map<number, PageCopy | null>;

export class QuotedElsewhere {
  readonly #parts: QuotedParts;
  readonly #found = new Map<MessageId, Found | 'nowhere'>();
  readonly #asked = new Set<MessageId>();
  /** The page on which it was found. */
  readonly #places = new Map<MessageId, number>();
  /** Shown as this device has it, and the page it is on: the relay has not been asked. */
  readonly #unproved = new Map<MessageId, number>();
  readonly #line: MessageId[] = [];
  #isLooking = false;
  #isStopped = false;

  constructor(parts: QuotedParts) {
    this.#parts = parts;
  }

  of(id: MessageId): Found | 'nowhere' | undefined {
    return this.#found.get(id);
  }

  bring(id: MessageId): void {
    if (this.#asked.has(id) || this.#isStopped) return;
    this.#asked.add(id);
    this.#line.push(id);
    if (!this.#isLooking) void this.#look();
  }

  /** The relay can be asked: for what was nowhere, and whether the rest is still so. */
  again(): void {
    const lost = [...this.#found].flatMap(([id, found]) => (found === 'nowhere' ? [id] : []));
    for (const id of lost) {
      this.#found.delete(id);
      this.#asked.delete(id);
    }
    if (lost.length > 0) this.#parts.changed();
    for (const [id, page] of this.#unproved) void this.#putRight(id, page);
  }

  pageChanged(content: PageContent): void {
    for (const [id, page] of this.#places) {
      if (page !== content.page) continue;
      const [before, now] = [this.#found.get(id), foundIn([content], id)];
      if (now !== undefined && !isSame(before, now)) this.#tell(id, now);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** One after the other: many replies on a screen answer the same page. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    const read: PagesRead = new Map();
    for (let id = this.#line.shift(); id !== undefined && !this.#isStopped; id = this.#line.shift()) {
      const place = await new Look(this.#parts, read, id).find();
      this.#tell(id, place?.found ?? 'nowhere');
      if (place === undefined || this.#isStopped) continue;
      this.#places.set(id, place.page);
      this.#parts.watch(place.page);
      if (!place.isRelays) void this.#putRight(id, place.page);
    }
    this.#isLooking = false;
  }

  async #putRight(id: MessageId, page: number): Promise<void> {
    const content = await this.#parts.fromRelay(page);
    if (content === null) return void this.#unproved.set(id, page);
    this.#unproved.delete(id);
    const found = foundIn([content], id);
    if (found) this.#tell(id, found);
  }

  #tell(id: MessageId, found: Found | 'nowhere'): void {
    if (this.#isStopped) return;
    this.#found.set(id, found);
    this.#parts.changed();
  }
}

const isSame = (a: Found | 'nowhere' | undefined, b: Found): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && a.text === b.text);

interface FoundAt {
  found: Found;
  page: number;
  isRelays: boolean;
}

/** One search. */
class Look {
  readonly #parts: QuotedParts;
  readonly #read: PagesRead;
  readonly #id: MessageId;
  #tries = 0;

  constructor(parts: QuotedParts, read: PagesRead, id: MessageId) {
    this.#parts = parts;
    this.#read = read;
    this.#id = id;
  }

  async find(): Promise<FoundAt | undefined> {
    const first = this.#parts.first();
    let [from, fromAt, to, toAt] = [0, this.#parts.began(), first.page - 1, first.at];
    const written = timeOfMessageId(this.#id);
    const at = Number.isNaN(written) ? toAt : written;
    let likely = to;
    while (from <= to && this.#tries < PAGES_AT_MOST) {
      const share = this.#tries < GUESSES ? (at - fromAt) / Math.max(1, toAt - fromAt) : 0.5;
      likely = Math.max(from, Math.min(to, from + Math.floor(share * (to - from + 1))));
      const found = await this.#foundOn(likely);
      if (found !== undefined) return found;
      const stamps = this.#read.get(likely)?.content.order;
      if (!stamps?.length) return await this.#foundOnDevice(likely);
      const [begins, ends] = [stamps[0]?.[2] ?? 0, stamps.at(-1)?.[2] ?? 0];
      if (at < begins) [to, toAt] = [likely - 1, begins];
      else if (at > ends) [from, fromAt] = [likely + 1, ends];
      else break;
    }
    // A clock that is a little off falls beside the page.
    return (await this.#foundOn(likely - 1)) ?? (await this.#foundOn(likely + 1));
  }

  /** Without the relay: the pages that are here, those near the likely one first. */
  async #foundOnDevice(likely: number): Promise<FoundAt | undefined> {
    const near = [...(await this.#parts.kept())].sort((a, b) => Math.abs(a - likely) - Math.abs(b - likely));
    for (const page of near) {
      if (this.#tries >= PAGES_AT_MOST) return undefined;
      const found = await this.#foundOn(page);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** On that page, or on the one that its stamp there names. */
  async #foundOn(page: number): Promise<FoundAt | undefined> {
    const copy = await this.#copyOf(page);
    if (copy === null) return undefined;
    const found = foundIn([copy.content], this.#id);
    if (found !== undefined) return { found, page, isRelays: copy.isRelays };
    const elsewhere = copy.content.order.find(([, id]) => id === this.#id)?.[3];
    const body = elsewhere === undefined ? null : await this.#copyOf(elsewhere);
    const there = body && foundIn([body.content], this.#id);
    return there && elsewhere !== undefined ? { found: there, page: elsewhere, isRelays: body.isRelays } : undefined;
  }

  async #copyOf(page: number): Promise<PageCopy | null> {
    if (page < 0 || page >= this.#parts.first().page) return null;
    const known = this.#read.get(page);
    if (known !== undefined) return known;
    this.#tries += 1;
    const copy = await this.#parts.read(page);
    this.#read.set(page, copy);
    return copy;
  }
}
