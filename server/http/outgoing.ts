/**
 * An answer's body as it is read: the next piece is read when the one before has left for the network, so that a slow reader costs two pieces and not a
 * file. uWebSockets.js hangs up on who takes nothing for ten seconds; here it is a minute, for telephones.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { Outgoing } from '../exchange.ts';

const STALLED_MILLIS = 60_000;
/** uWebSockets.js counts to ten seconds, by a clock of four; this begins the count anew. */
const LOOK_MILLIS = 4_000;

/** What the door knows of a response. */
interface Line {
  readonly raw: HttpResponse;
  gone: boolean;
  /** Called when the reader has gone. */
  left: (() => void) | null;
}

/** `head` writes status and headers. Resolves when it is over, one way or another; fails when what was to be read could not be. */
export async function pour(line: Line, body: Outgoing, head: () => void): Promise<void> {
  const { raw } = line;
  let network: Network | null = null;
  try {
    for await (const chunk of body.open()) {
      if (line.gone) return;
      if (chunk.byteLength === 0) continue;
      const isFirst = network === null;
      network ??= new Network(line, body.length);
      await network.take(chunk, isFirst ? head : null);
      if (line.gone) return;
    }
    throw new Error('the body is shorter than was said');
  } catch (why) {
    if (line.gone) return;
    // Too late for another answer: the reader has been told of bytes that will not come.
    if (network !== null) raw.close();
    throw why;
  } finally {
    network?.end();
  }
}

/** One piece at a time. */
class Network {
  readonly #line: Line;
  readonly #total: number;
  #waiting: { chunk: Uint8Array; from: number; left: () => void } | null = null;
  #movedAt = 0;
  readonly #looking: NodeJS.Timeout;

  constructor(line: Line, total: number) {
    this.#line = line;
    this.#total = total;
    line.left = () => this.end();
    // Once: another one that is registered while this one is being called would be forgotten.
    line.raw.onWritable((offset) => this.#retry(offset));
    this.#looking = setInterval(() => this.#look(), LOOK_MILLIS);
    this.#looking.unref();
  }

  /** Resolves when the network has taken the piece, or the reader has gone. */
  take(chunk: Uint8Array, head: (() => void) | null): Promise<void> {
    const { raw } = this.#line;
    const from = head === null ? raw.getWriteOffset() : 0;
    let isTaken = false;
    raw.cork(() => {
      head?.();
      isTaken = this.#try(chunk);
    });
    if (isTaken) return Promise.resolve();
    this.#movedAt = performance.now();
    return new Promise((left) => {
      this.#waiting = { chunk, from, left };
    });
  }

  end(): void {
    clearInterval(this.#looking);
    this.#line.left = null;
    this.#left();
  }

  #try(chunk: Uint8Array): boolean {
    const [isTaken, isDone] = this.#line.raw.tryEnd(chunk, this.#total);
    if (isDone) {
      this.#line.gone = true;
      clearInterval(this.#looking);
    }
    return isTaken || isDone;
  }

  #retry(offset: number): boolean {
    if (this.#waiting === null || this.#line.gone) return true;
    this.#movedAt = performance.now();
    const isTaken = this.#try(this.#waiting.chunk.subarray(offset - this.#waiting.from));
    if (isTaken) this.#left();
    return isTaken;
  }

  #left(): void {
    const left = this.#waiting?.left;
    this.#waiting = null;
    left?.();
  }

  #look(): void {
    const { gone, raw } = this.#line;
    if (gone || this.#waiting === null) return;
    if (performance.now() - this.#movedAt > STALLED_MILLIS) {
      raw.close();
      return;
    }
    raw.resume();
    // It has forgotten by that to say when there is room again; it will when it has been tried in vain.
    const { chunk, from } = this.#waiting;
    const before = raw.getWriteOffset();
    let isTaken = false;
    raw.cork(() => (isTaken = this.#try(chunk.subarray(before - from))));
    if (isTaken) this.#left();
    else if (raw.getWriteOffset() > before) this.#movedAt = performance.now();
  }
}
