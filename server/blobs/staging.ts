/** Files on their way in: `DATA_DIR/uploads`. What lies here has not been verified, and is nobody's yet. */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Staged {
  path: string;
  size: number;
  /** Of all of it. */
  sha256: string;
}

/** Whoever brings more than they said. */
export class TooMuch extends Error {
  constructor() {
    super('there is more than was announced');
  }
}

/**
 * Appends what comes to the file behind `offset`, at most up to `size`, and adds it to the hash. What has come is on the disk when it resolves or fails;
 * `written` hears of each piece.
 */
export async function appendTo(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { offset, size, hash, written }: { offset: number; size: number; hash: Hash; written(bytes: number): void },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, offset === 0 ? 'w' : 'r+', 0o600);
  let at = offset;
  try {
    for await (const piece of chunks) {
      if (at + piece.byteLength > size) throw new TooMuch();
      hash.update(piece);
      for (let done = 0; done < piece.byteLength;)
        done += (await handle.write(piece, done, piece.byteLength - done, at + done)).bytesWritten;
      at += piece.byteLength;
      written(piece.byteLength);
    }
  } finally {
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** Of a file, as far as it is there. */
export async function hashOfFile(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  const handle = await open(path, 'r');
  for await (const chunk of handle.createReadStream({ highWaterMark: 256 * 1024 })) hash.update(chunk as Uint8Array);
  return hash;
}

export const discard = (path: string): Promise<void> => rm(path, { force: true });

export const isDiskFull = (why: unknown): boolean =>
  why instanceof Error && 'code' in why && ['ENOSPC', 'EDQUOT'].includes(String(why.code));
