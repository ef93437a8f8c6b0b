/**
 * Memory for what uploads bring, lent out and given back: as much as there is for all of them together, so that many and fast ones cannot take more. Left
 * to be collected, gigabytes of uploads are gigabytes of memory for a while, also where they come in small pieces.
 */

class Pool {
  readonly #bytes: number;
  readonly #maxCount: number;
  readonly #free: ArrayBufferLike[] = [];
  readonly #lent = new Set<ArrayBufferLike>();

  constructor(bytes: number, maxCount: number) {
    this.#bytes = bytes;
    this.#maxCount = maxCount;
  }

  /** Null when it does not fit, or everything is lent out. */
  copied(bytes: ArrayBuffer): Uint8Array | null {
    if (bytes.byteLength > this.#bytes || this.#lent.size === this.#maxCount) return null;
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#bytes);
    this.#lent.add(buffer);
    const piece = new Uint8Array(buffer, 0, bytes.byteLength);
    piece.set(new Uint8Array(bytes));
    return piece;
  }

  takeBack(buffer: ArrayBufferLike): void {
    if (this.#lent.delete(buffer)) this.#free.push(buffer);
  }
}

/** 16 MB as uWebSockets.js reads at most at once, and 4 MB as it does mostly. */
const pools = [new Pool(64 * 1024, 64), new Pool(512 * 1024, 32)];

/** Null when everything is lent out. */
export function copied(bytes: ArrayBuffer): Uint8Array | null {
  for (const pool of pools) {
    const piece = pool.copied(bytes);
    if (piece !== null) return piece;
  }
  return null;
}

export function giveBack({ buffer }: Uint8Array): void {
  for (const pool of pools) pool.takeBack(buffer);
}
