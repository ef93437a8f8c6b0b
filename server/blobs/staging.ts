/** Files on their way in: `DATA_DIR/uploads`. What lies here has not been verified, and is nobody's yet. */
import { createHash, type Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Incoming } from '../exchange.ts';

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
  incoming: Pick<Incoming, 'chunks' | 'whenFlooded'>,
  { offset, size, hash, written }: { offset: number; size: number; hash: Hash; written(bytes: number): void },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, offset === 0 ? 'w' : 'r+', 0o600);
  let at = offset;
  let underWay: { piece: Uint8Array; from: number } | null = null;
  const next = (piece: Uint8Array): number => {
    const from = at;
    if (from + piece.byteLength > size) throw new TooMuch();
    hash.update(piece);
    at += piece.byteLength;
    return from;
  };
  try {
    incoming.whenFlooded((piece) => {
      // What is being written is written once more, to the same place: were the relay killed now, the file must not have a hole in front of this.
      if (underWay !== null) writeAll(handle.fd, underWay.piece, underWay.from);
      underWay = null;
      writeAll(handle.fd, piece, next(piece));
      written(piece.byteLength);
    });
    for await (const piece of incoming.chunks) {
      const from = next(piece);
      underWay = { piece, from };
      for (let done = 0; done < piece.byteLength;)
        done += (await handle.write(piece, done, piece.byteLength - done, from + done)).bytesWritten;
      underWay = null;
      written(piece.byteLength);
    }
  } finally {
    incoming.whenFlooded(null);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function writeAll(file: number, piece: Uint8Array, from: number): void {
  for (let done = 0; done < piece.byteLength;)
    done += writeSync(file, piece, done, piece.byteLength - done, from + done);
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
