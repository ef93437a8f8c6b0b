/**
 * Where a conversation's log stands, and what follows from it. It begins at the line of new messages, else at the bottom; stays at the
 * bottom while it is there; keeps what is above a composer that grows; asks for older messages near the top (virtua holds the position
 * while they are put in front); tells the state what has been on screen, only while somebody can see it. Nothing moves by itself under a
 * reading eye.
 */
import { tick } from 'svelte';
import type { VirtualizerHandle } from 'virtua/svelte';
import type { TimelineItem, TimelineView } from '$lib/state/views.ts';
import type { MessageId } from '#shared/ids.ts';

/** Closer to the end than this counts as being there. */
const NEAR_PX = 64;
/** Older messages are asked for this far ahead of the top: about two screens. */
const AHEAD_PX = 1500;
/** The scrolling that a person caused follows their finger within this time. */
const INTENT_MS = 600;
/** While a conversation opens, what arrives may still decide where it begins. */
const OPENING_MS = 3000;
const LIT_MS = 1500;
/** A third of a second: as long as a jump takes to come to rest. */
const FOCUS_FRAMES = 20;

export class Scroll {
  handle = $state<VirtualizerHandle>();
  viewport = $state<HTMLElement>();

  #view: TimelineView;
  #atBottom = $state(true);
  #placed = $state(false);
  #lit = $state<MessageId | null>(null);
  #active = $state<string | null>(null);

  #openedAt = performance.now();
  #intentAt = -Infinity;
  #begunAtNew = false;
  #lastOffset = 0;
  /** Of the viewport, when it was last looked at. */
  #height = 0;
  #marked = 0;
  #litTimer: ReturnType<typeof setTimeout> | undefined;
  #loading = false;

  constructor(view: TimelineView) {
    this.#view = view;
  }

  get atBottom(): boolean {
    return this.#atBottom;
  }

  /** False until the first position is found: nothing is shown in the wrong place, not for one frame. */
  get placed(): boolean {
    return this.#placed;
  }

  /** The message that was jumped to, for a moment. */
  get lit(): MessageId | null {
    return this.#lit;
  }

  /** Key of the item that the arrow keys stand on. */
  get active(): string | null {
    return this.#active;
  }
  set active(key: string | null) {
    this.#active = key;
  }

  /** To be called after each change of the items. */
  async changed(items: readonly TimelineItem[]): Promise<void> {
    await tick();
    if (items.length === 0) return;
    const newLine = items.findIndex((item) => item.is === 'new');
    const opening = performance.now() - this.#openedAt < OPENING_MS && this.#intentAt < 0;
    if (newLine < 0 && this.#begunAtNew && opening) {
      // Another device had read it all, as this one just heard.
      this.#begunAtNew = false;
      this.toBottom();
    } else if (newLine >= 0 && !this.#begunAtNew && opening) {
      this.#begunAtNew = true;
      this.#atBottom = false;
      this.handle?.scrollToIndex(newLine, { align: 'start', offset: -24 });
    } else if (this.#atBottom) {
      this.toBottom();
    }
    requestAnimationFrame(() => {
      this.#placed = true;
      this.scrolled();
    });
  }

  toBottom(smooth = false): void {
    this.#atBottom = true;
    this.viewport?.scrollTo({ top: this.viewport.scrollHeight, behavior: smooth ? 'smooth' : 'instant' });
  }

  /** Sizes changed: of messages, of the window, of the composer below. */
  resized(): void {
    if (this.#atBottom) {
      this.toBottom();
      // Once more after virtua has made up for what changed above.
      requestAnimationFrame(() => this.#atBottom && this.toBottom());
    } else this.#holdFoot();
    this.#height = this.viewport?.clientHeight ?? 0;
    this.#seen();
  }

  /** A composer that grows, or a keyboard that comes up, takes room below: what stood above it stays above it, and goes back with it. */
  #holdFoot(): void {
    const element = this.viewport;
    if (!element || !this.#placed || this.#height === 0) return;
    const taken = this.#height - element.clientHeight;
    if (taken === 0) return;
    const from = taken > 0 ? element.scrollTop : Math.max(element.scrollTop, this.#lastOffset);
    // Through virtua: for a moment after it scrolled to an item, it scrolls there again when a size changes.
    this.handle?.scrollTo(from + taken);
  }

  /**
   * The browser takes away what is replaced before it puts in what is new: a log at its end follows the composer that is a line shorter for that moment,
   * and nobody is told of a size that is the old one again. So it is put back where it was.
   */
  beforeTyping(): void {
    const element = this.viewport;
    if (!element) return;
    const { scrollTop, clientHeight } = element;
    requestAnimationFrame(() => {
      if (element.clientHeight === clientHeight && element.scrollTop < scrollTop) this.handle?.scrollTo(scrollTop);
    });
  }

  /** A finger, wheel or key moved it: from now on it stays where the person put it. */
  touched(): void {
    this.#intentAt = performance.now();
  }

  scrolled(): void {
    const element = this.viewport;
    // With more room the browser pulls a log near its end down to it, and may say so before it says that there is more room.
    if (!element || (this.#height !== 0 && element.clientHeight !== this.#height)) return;
    const near = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    const byHand = performance.now() - this.#intentAt < INTENT_MS;
    if (near) this.#atBottom = true;
    else if (byHand && element.scrollTop < this.#lastOffset) this.#atBottom = false;
    this.#lastOffset = element.scrollTop;
    if (this.#placed && element.scrollTop < AHEAD_PX) void this.#older();
    this.#seen();
  }

  /** Brings a message into the middle and lights it up. False when it cannot be had. */
  async jumpTo(id: MessageId): Promise<boolean> {
    if (!(await this.#view.reach(id))) return false;
    await tick();
    const items = this.#view.items;
    const index = items.findIndex((item) => item.is === 'message' && item.message.id === id);
    if (index < 0) return false;
    this.touched();
    this.#atBottom = false;
    this.handle?.scrollToIndex(index, { align: 'center' });
    this.#lit = id;
    clearTimeout(this.#litTimer);
    this.#litTimer = setTimeout(() => (this.#lit = null), LIT_MS);
    void this.focus(items[index]?.key ?? null);
    // A short conversation has nowhere to go: it is at the bottom still.
    requestAnimationFrame(() => this.scrolled());
    return true;
  }

  /** Moves the keyboard's place by so many messages; Infinity is the newest. */
  step(by: number): void {
    const items = this.#view.items;
    const messages = items.flatMap((item, index) => (item.is === 'message' ? [index] : []));
    const here = messages.findIndex((index) => items[index]?.key === this.#active);
    const to = here < 0 ? messages.length - 1 : Math.max(0, Math.min(messages.length - 1, here + by));
    const index = messages[to];
    if (index === undefined) return;
    this.touched();
    this.handle?.scrollToIndex(index, { align: 'nearest' });
    void this.focus(items[index]?.key ?? null);
  }

  /** Puts the focus on an item as soon as it is drawn. What is drawn around it later may move it in the page, and it loses the focus: it gets it again. */
  async focus(key: string | null): Promise<void> {
    this.#active = key;
    let isDone = false;
    for (let frame = 0; frame < FOCUS_FRAMES; frame++) {
      await tick();
      if (key !== this.#active) return;
      const element = this.viewport?.querySelector<HTMLElement>('article[tabindex="0"]');
      const isLost = document.activeElement === null || document.activeElement === document.body;
      if (element && (!isDone || isLost)) {
        element.focus({ preventScroll: true });
        isDone = true;
      }
      await new Promise(requestAnimationFrame);
    }
  }

  /** The network is back, or the top came near: asks for what is before. */
  async #older(): Promise<void> {
    const view = this.#view;
    if (this.#loading || !view.hasOlder || view.loadingOlder || view.olderUnreachable) return;
    this.#loading = true;
    try {
      await view.loadOlder();
    } finally {
      this.#loading = false;
    }
  }

  retryOlder(): void {
    if ((this.viewport?.scrollTop ?? Infinity) < AHEAD_PX) void this.#view.loadOlder();
  }

  #seen(): void {
    const { handle, viewport } = this;
    if (!handle || !viewport || !this.#placed || document.visibilityState !== 'visible') return;
    const items = this.#view.items;
    const foot = viewport.scrollTop + viewport.clientHeight;
    const near = viewport.scrollHeight - foot < NEAR_PX;
    let index = near ? items.length - 1 : handle.findItemIndex(foot);
    // The last one counts once its end is on screen.
    if (!near && handle.getItemOffset(index) + handle.getItemSize(index) > foot + 4) index--;
    for (; index >= 0; index--) {
      const item = items[index];
      if (item?.is !== 'message' || item.message.seq === null) continue;
      if (item.message.seq > this.#marked) {
        this.#marked = item.message.seq;
        this.#view.markRead(item.message.seq);
      }
      return;
    }
  }

  /** Somebody came back to the window: what is on screen is seen now. */
  looked(): void {
    this.#seen();
  }
}

/** Whether the items differ only at the front: then the place is held from the end. The first item is left out, a day's line may stay in front. */
export function changedInFront(before: readonly { key: string }[], after: readonly { key: string }[]): boolean {
  const grew = after.length - before.length;
  if (grew === 0 || before.length === 0 || after.length === 0) return false;
  const [shorter, longer] = grew > 0 ? [before, after] : [after, before];
  const probe = Math.min(2, shorter.length - 1);
  return shorter.at(-1)?.key === longer.at(-1)?.key && shorter[probe]?.key === longer[probe + Math.abs(grew)]?.key;
}
