/**
 * A request's body as it comes: what the sender is faster than its taker waits in their machine and not in our memory. That is, as far as uWebSockets.js
 * lets us: it reads on for as long as it finds half a megabyte at once, also when it has been told to pause, so that whoever sends from this machine would
 * bring all of a film in one go, even before it is known whether they may. What is more than a megabyte of one sender, or more than all have together
 * (pieces.ts), is a flood, and waits on the disk (spill.ts).
 *
 * It cuts off whoever sends less than 160 KB within its time, and counts also while we do not listen, or write to the disk what has come. A telephone in a
 * lift is no reason, and neither is a slow disk: as long as something comes, or it is our turn, the count is begun anew.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { CutOff, type Incoming } from '../exchange.ts';
import { copied, giveBack } from './pieces.ts';
import { Spill } from './spill.ts';

/** Nothing at all for so long ends it. */
const SILENCE_MILLIS = 60_000;
/** uWebSockets.js counts by a clock of four seconds, and to no less than two of them; this begins the count anew. */
const LOOK_MILLIS = 4_000;
/** Of one sender. */
const WAITING_MAX_BYTES = 1024 ** 2;

export class IncomingBody implements Incoming {
  readonly length: number | null;
  readonly #raw: HttpResponse;
  readonly #silenceMillis: number;
  readonly #folder: string;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #received = 0;
  #heardAt = performance.now();
  #state: 'coming' | 'whole' | 'cut' = 'coming';
  #isPaused = false;
  /** Nobody takes it any more. */
  #isDiscarded = false;
  #spill: Spill | null = null;
  /** Why a flood could not be kept. */
  #failure: { why: unknown } | null = null;
  #wake: (() => void) | null = null;
  readonly #looking: NodeJS.Timeout;

  /** `onAborted` is the door's; it says so by `cut`. Floods wait in `folder`. */
  constructor(raw: HttpResponse, declared: string, folder: string, silenceMillis = SILENCE_MILLIS) {
    this.#raw = raw;
    this.#folder = folder;
    this.#silenceMillis = silenceMillis;
    this.length = /^\d{1,15}$/.test(declared) ? Number(declared) : null;
    // uWebSockets.js never says that an empty body has ended when the head came in pieces.
    if (this.length === 0) this.#state = 'whole';
    raw.onData((chunk, isLast) => this.#take(chunk, isLast));
    this.#looking = setInterval(() => this.#look(), Math.min(LOOK_MILLIS, silenceMillis));
    this.#looking.unref();
  }

  /** How much of what was announced has not come yet; what was not announced may be without end. */
  get outstanding(): number {
    if (this.#state === 'whole') return 0;
    return this.length === null ? Number.POSITIVE_INFINITY : this.length - this.#received;
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#chunks();
  }

  /** The sender has gone, or is being sent away: the response is not touched any more. */
  cut(): void {
    clearInterval(this.#looking);
    if (this.#state === 'coming') this.#state = 'cut';
    this.#wake?.();
  }

  /** Its answer is being written: from here on it is uWebSockets.js's. */
  answered(): void {
    clearInterval(this.#looking);
    this.#empty();
  }

  /** Whatever still comes is let go; resolves when it has all come, or the sender has gone. */
  async discard(): Promise<void> {
    this.#isDiscarded = true;
    this.#empty();
    this.#resume();
    while (this.#state === 'coming') await this.#change();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.why;
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        this.#waitingBytes -= chunk.byteLength;
        try {
          yield chunk;
        } finally {
          giveBack(chunk);
        }
      } else if (this.#spill?.isEmpty === false) yield await this.#spill.next();
      else if (this.#state === 'cut') throw new CutOff();
      else if (this.#state === 'whole') return;
      else {
        this.#resume();
        await this.#change();
      }
    }
  }

  #take(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#state !== 'coming') return;
    this.#received += chunk.byteLength;
    this.#heardAt = performance.now();
    if (!this.#isDiscarded && chunk.byteLength > 0) this.#hold(chunk);
    if (isLast) {
      // What had been read already still came; the connection's next request has to come too.
      this.#resume();
      this.#state = 'whole';
    } else if (this.#isPaused || this.#waiting.length > 0 || this.#spill?.isEmpty === false) {
      // Again also when it is paused: what came in spite of it has begun the count.
      this.#isPaused = true;
      this.#raw.pause();
    }
    this.#wake?.();
  }

  /** The bytes are uWebSockets.js's own, and are taken away when its call returns. */
  #hold(bytes: ArrayBuffer): void {
    // Behind what is on the disk already, however little it is.
    const isFlood = this.#spill?.isEmpty === false || this.#waitingBytes + bytes.byteLength > WAITING_MAX_BYTES;
    const piece = isFlood ? null : copied(bytes);
    if (piece === null) return this.#keep(bytes);
    this.#waiting.push(piece);
    this.#waitingBytes += bytes.byteLength;
  }

  #keep(bytes: ArrayBuffer): void {
    try {
      this.#spill ??= new Spill(this.#folder);
      this.#spill.add(new Uint8Array(bytes));
    } catch (why) {
      this.#failure = { why };
      this.#isDiscarded = true;
      this.#empty();
    }
  }

  #empty(): void {
    for (const piece of this.#waiting) giveBack(piece);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#spill?.close();
    this.#spill = null;
  }

  #resume(): void {
    if (!this.#isPaused || this.#state !== 'coming') return;
    this.#isPaused = false;
    this.#heardAt = performance.now();
    this.#raw.resume();
  }

  #look(): void {
    // It has come, and is being kept: this may take minutes.
    if (this.#state === 'whole') this.#raw.resume();
    if (this.#state !== 'coming') return;
    if (this.#isPaused) this.#raw.pause();
    else if (performance.now() - this.#heardAt > this.#silenceMillis) this.#raw.close();
    else this.#raw.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }
}
