/**
 * Where the bytes of blobs lie, each under the SHA-256 of its bytes (rules B1, B2): a folder or S3. What is kept never changes. Everything here may fail
 * with `NotReady`, when the store is elsewhere and does not answer for the moment.
 */
import type { Sha256 } from '#shared/ids.ts';

/** From the first byte to the last, both included. */
export interface ByteRange {
  first: number;
  last: number;
}

export interface Kept {
  sha256: Sha256;
  size: number;
  /** When it was kept, by the store's clock. */
  at: number;
}

export interface BlobStore {
  /** Keeps a file whose bytes have been verified; it may be kept already. All of it or nothing is there afterwards. The file stays where it is. */
  keep(sha256: Sha256, path: string, size: number): Promise<void>;
  /** The bytes as they are read, never all of them at once; a piece is good until the next is asked for. Fails, before the first of them, when there is no such blob. */
  read(sha256: Sha256, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Null when it is not there. */
  size(sha256: Sha256): Promise<number | null>;
  /** Nothing happens when it is not there. */
  remove(sha256: Sha256): Promise<void>;
  list(): AsyncIterable<Kept>;
}
