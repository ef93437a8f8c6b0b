/**
 * A request's body as it comes: what the sender is faster than its taker waits in their machine and not in our memory. uWebSockets.js reads up to 512 KB
 * at once, and nothing more is asked for until that has been taken.
 *
 * It cuts off whoever sends less than 160 KB within ten seconds. A telephone in a lift is no reason: as long as something comes, it is let go on.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { CutOff, type Incoming } from '../exchange.ts';

/** Nothing at all for so long ends it. */
const SILENCE_MILLIS = 60_000;
/** uWebSockets.js counts to ten seconds, by a clock of four; this begins the count anew. */
const LOOK_MILLIS = 4_000;

/** As much as uWebSockets.js reads at once. */
const PIECE_BYTES = 512 * 1024;
const FREE_MAX_COUNT = 64;
/** Pieces that were taken, to be used again: left to be collected, gigabytes of uploads are hundreds of megabytes of memory. */
const free: Uint8Array[] = [];

function copied(chunk: ArrayBuffer): Uint8Array {
  if (chunk.byteLength > PIECE_BYTES) return new Uint8Array(chunk.slice(0));
  const piece = (free.pop() ?? new Uint8Array(PIECE_BYTES)).subarray(0, chunk.byteLength);
  piece.set(new Uint8Array(chunk));
  return piece;
}

function giveBack({ buffer }: Uint8Array): void {
  if (buffer.byteLength === PIECE_BYTES && free.length < FREE_MAX_COUNT) free.push(new Uint8Array(buffer));
}

export class IncomingBody implements Incoming {
  readonly length: number | null;
  readonly #raw: HttpResponse;
  #waiting: Uint8Array[] = [];
  #received = 0;
  #heardAt = performance.now();
  #state: 'coming' | 'whole' | 'cut' = 'coming';
  #isPaused = false;
  /** Nobody takes it any more. */
  #isDiscarded = false;
  #wake: (() => void) | null = null;
  readonly #looking: NodeJS.Timeout;

  /** `onAborted` is the door's; it says so by `cut`. */
  constructor(raw: HttpResponse, declared: string) {
    this.#raw = raw;
    this.length = /^\d{1,15}$/.test(declared) ? Number(declared) : null;
    // uWebSockets.js never says that an empty body has ended when the head came in pieces.
    if (this.length === 0) this.#state = 'whole';
    raw.onData((chunk, isLast) => this.#take(chunk, isLast));
    this.#looking = setInterval(() => this.#look(), LOOK_MILLIS);
    this.#looking.unref();
    if (this.length === 0) clearInterval(this.#looking);
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
    if (this.#state === 'coming') this.#state = 'cut';
    this.#end();
  }

  /** Whatever still comes is let go; resolves when it has all come, or the sender has gone. */
  async discard(): Promise<void> {
    this.#isDiscarded = true;
    this.#waiting = [];
    this.#resume();
    while (this.#state === 'coming') await this.#change();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) {
        yield chunk;
        giveBack(chunk);
      } else if (this.#state === 'cut') throw new CutOff();
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
    // The bytes are uWebSockets.js's own, and are taken away when this returns.
    if (!this.#isDiscarded && chunk.byteLength > 0) this.#waiting.push(copied(chunk));
    if (isLast) {
      // What had been read already still came; the connection's next request has to come too.
      this.#resume();
      this.#state = 'whole';
      this.#end();
      return;
    }
    if (this.#waiting.length > 0 && !this.#isPaused) {
      this.#isPaused = true;
      this.#raw.pause();
    }
    this.#wake?.();
  }

  #resume(): void {
    if (!this.#isPaused || this.#state !== 'coming') return;
    this.#isPaused = false;
    this.#heardAt = performance.now();
    this.#raw.resume();
  }

  #look(): void {
    if (this.#state !== 'coming' || this.#isPaused) return;
    if (performance.now() - this.#heardAt > SILENCE_MILLIS) this.#raw.close();
    else this.#raw.resume();
  }

  #end(): void {
    clearInterval(this.#looking);
    this.#wake?.();
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
