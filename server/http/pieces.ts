/**
 * Memory for what uploads bring, lent out and given back: as much as there is for all of them together, so that many and fast ones cannot take more. Left
 * to be collected, gigabytes of uploads are gigabytes of memory for a while.
 */

/** As much as uWebSockets.js reads at once. */
const PIECE_BYTES = 512 * 1024;
/** 16 MB. */
const PIECES_MAX_COUNT = 32;
/** Up to here it is not worth a whole piece. */
const SMALL_BYTES = 64 * 1024;

const free: ArrayBufferLike[] = [];
const lent = new Set<ArrayBufferLike>();

/** Null when everything is lent out. */
export function copied(bytes: ArrayBuffer): Uint8Array | null {
  if (bytes.byteLength <= SMALL_BYTES) return new Uint8Array(bytes.slice(0));
  if (bytes.byteLength > PIECE_BYTES || lent.size === PIECES_MAX_COUNT) return null;
  const buffer = free.pop() ?? new ArrayBuffer(PIECE_BYTES);
  lent.add(buffer);
  const piece = new Uint8Array(buffer, 0, bytes.byteLength);
  piece.set(new Uint8Array(bytes));
  return piece;
}

export function giveBack({ buffer }: Uint8Array): void {
  if (lent.delete(buffer)) free.push(buffer);
}
