/**
 * What is sent with messages, as the screen has it: the device's own copy at once, else the relay's, which is kept for the next time. Each blob is held
 * once however many places show it, and for a moment longer, so that scrolling away and back does not read it again.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: each held blob is reactive by itself */
import type { Sha256 } from '#shared/ids.ts';
import { BlobShelf } from '../local/blobs.ts';
import { blobAddress, type FetchBlob } from '../remote/blobs.ts';
import type { BlobsView, HeldBlob } from './views.ts';

/** A slow line shows one picture after another rather than all of them at the end. */
const AT_ONCE = 4;
const HELD_LONGER_MS = 20_000;
/** As much as months of pictures, and little for a disk. */
const BUDGET_BYTES = 1024 ** 3;
/** Of what is kept so much more may come before it is looked at what has to go. */
const SHRINK_EVERY_BYTES = 16 * 1024 ** 2;

export interface BlobsParts {
  /** Names the databases of this person on this device. */
  scope: string;
  fetch: FetchBlob;
  isOnline(): boolean;
  /** What was chosen here, and is perhaps not on the disk yet, or has no room there. */
  inHand(sha256: Sha256): Blob | undefined;
  /** Bytes; undefined when the person has not chosen. */
  budget(): number | undefined;
  setBudget(bytes: number): void;
}

export class Blobs implements BlobsView {
  readonly shelf: BlobShelf;
  readonly #parts: BlobsParts;
  readonly #held = new Map<Sha256, Shown>();
  /** Those to be fetched; the last asked for is on screen now. */
  readonly #asked: Shown[] = [];
  #underWay = 0;
  #keptBytes = $state(0);
  #sinceShrinking = 0;
  readonly #stop = new AbortController();

  constructor(parts: BlobsParts) {
    this.#parts = parts;
    this.shelf = new BlobShelf(parts.scope);
  }

  hold(sha256: Sha256): HeldBlob {
    const known = this.#held.get(sha256);
    if (known !== undefined) return known.take();
    const shown = new Shown(sha256, () => this.#held.delete(sha256));
    this.#held.set(sha256, shown);
    void this.#show(shown);
    return shown.take();
  }

  address(sha256: Sha256): string {
    return blobAddress(sha256);
  }

  async isHere(sha256: Sha256): Promise<boolean> {
    return this.#parts.inHand(sha256) !== undefined || (await this.shelf.has(sha256));
  }

  async read(sha256: Sha256): Promise<Blob | null> {
    const here = this.#parts.inHand(sha256) ?? (await this.#shelved(sha256));
    if (here !== null) return here;
    const fetched = await this.#parts.fetch(sha256, { received: () => undefined, signal: this.#stop.signal });
    if (fetched.is !== 'here') return null;
    void this.#keep(sha256, fetched.bytes);
    return fetched.bytes;
  }

  /** Fetches it to be kept; false when it can be tried again later. */
  async bring(sha256: Sha256): Promise<boolean> {
    const fetched = await this.#parts.fetch(sha256, { received: () => undefined, signal: this.#stop.signal });
    if (fetched.is === 'here') await this.#keep(sha256, fetched.bytes);
    return fetched.is !== 'away';
  }

  /** Bytes that may still be kept. */
  async room(): Promise<number> {
    await this.count();
    return this.#budget - this.#keptBytes;
  }

  /** The relay is there (again): what could not be had is asked for. */
  online(): void {
    for (const shown of this.#held.values()) if (shown.state === 'away') this.#ask(shown);
  }

  get kept(): { readonly bytes: number; readonly budget: number } {
    return { bytes: this.#keptBytes, budget: this.#budget };
  }

  setBudget(bytes: number): void {
    this.#parts.setBudget(bytes);
    void this.#shrink();
  }

  /** Counts anew: other tabs keep things too. */
  async count(): Promise<void> {
    this.#keptBytes = (await this.shelf.use()).kept;
  }

  /** What was received goes; what is on screen is shown on, from memory. */
  async forget(): Promise<void> {
    await this.shelf.shrink(0);
    await this.count();
  }

  stop(): void {
    this.#stop.abort();
    this.#asked.length = 0;
    for (const shown of this.#held.values()) shown.forget();
    this.#held.clear();
    this.shelf.close();
  }

  get #budget(): number {
    return this.#parts.budget() ?? BUDGET_BYTES;
  }

  #shelved(sha256: Sha256): Promise<Blob | null> {
    return this.shelf.get(sha256).catch(() => null);
  }

  /** At once what is in hand: the disk may be busy with it. */
  async #show(shown: Shown): Promise<void> {
    const inHand = this.#parts.inHand(shown.sha256);
    if (inHand !== undefined) return shown.show(inHand);
    const here = await this.#shelved(shown.sha256);
    if (here === null) this.#ask(shown);
    else shown.show(here);
  }

  #ask(shown: Shown): void {
    if (!this.#parts.isOnline()) return shown.became('away');
    shown.became('coming');
    this.#asked.push(shown);
    void this.#next();
  }

  async #next(): Promise<void> {
    if (this.#underWay >= AT_ONCE) return;
    const shown = this.#asked.pop();
    if (shown === undefined) return;
    // It has left the screen meanwhile.
    if (shown.isForgotten) return this.#next();
    this.#underWay += 1;
    const fetched = await this.#parts.fetch(shown.sha256, {
      received: (bytes) => shown.heard(bytes),
      signal: AbortSignal.any([shown.signal, this.#stop.signal]),
    });
    this.#underWay -= 1;
    if (fetched.is === 'here') {
      shown.show(fetched.bytes);
      void this.#keep(shown.sha256, fetched.bytes);
    } else shown.became(fetched.is);
    await this.#next();
  }

  async #keep(sha256: Sha256, bytes: Blob): Promise<void> {
    try {
      await this.shelf.put(sha256, bytes, 'kept');
    } catch {
      // The disk is full of what may not be thrown away: it is shown from memory, and not kept.
      return;
    }
    this.#keptBytes += bytes.size;
    this.#sinceShrinking += bytes.size;
    if (this.#keptBytes > this.#budget || this.#sinceShrinking > SHRINK_EVERY_BYTES) await this.#shrink();
  }

  async #shrink(): Promise<void> {
    this.#sinceShrinking = 0;
    await this.shelf.shrink(this.#budget);
    await this.count();
  }
}

/** One blob that something on screen shows. */
class Shown implements HeldBlob {
  readonly sha256: Sha256;
  readonly #gone: () => void;
  readonly #stop = new AbortController();
  #url = $state<string | null>(null);
  #state = $state<HeldBlob['state']>('reading');
  #received = $state(0);
  #holders = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sha256: Sha256, gone: () => void) {
    this.sha256 = sha256;
    this.#gone = gone;
  }

  get url(): string | null {
    return this.#url;
  }

  get state(): HeldBlob['state'] {
    return this.#state;
  }

  get received(): number {
    return this.#received;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isForgotten(): boolean {
    return this.#stop.signal.aborted;
  }

  /** For one more place, which releases it by itself. */
  take(): HeldBlob {
    this.#holders += 1;
    clearTimeout(this.#timer);
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) this.release();
      isReleased = true;
    };
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters are this one's, `release` is the holder's
    const shown = this;
    return {
      get url() {
        return shown.url;
      },
      get state() {
        return shown.state;
      },
      get received() {
        return shown.received;
      },
      release,
    };
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#timer = setTimeout(() => this.forget(), HELD_LONGER_MS);
  }

  became(state: HeldBlob['state']): void {
    this.#state = state;
  }

  heard(bytes: number): void {
    this.#received = bytes;
  }

  show(bytes: Blob): void {
    if (this.isForgotten) return;
    this.#url = URL.createObjectURL(bytes);
    this.#state = 'here';
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#gone();
  }
}
