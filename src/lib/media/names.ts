/** The name of a blob: the SHA-256 of its bytes. The only importer of `@noble/hashes`. */
import { sha256 } from '@noble/hashes/sha2.js';
import * as v from 'valibot';
import { Sha256 } from '#shared/ids.ts';

/** Read and hashed at once: a film does not fit into memory. */
const PIECE_BYTES = 4 * 1024 ** 2;
/** The browser's own hash is several times faster, but wants all of it in memory, and is not there without TLS. */
const AT_ONCE_MAX_BYTES = 64 * 1024 ** 2;

export async function nameOf(blob: Blob): Promise<Sha256> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (subtle !== undefined && blob.size <= AT_ONCE_MAX_BYTES)
    return named(new Uint8Array(await subtle.digest('SHA-256', await blob.arrayBuffer())));
  return await nameInPieces(blob);
}

export async function nameInPieces(blob: Blob): Promise<Sha256> {
  const hash = sha256.create();
  for (let at = 0; at < blob.size; at += PIECE_BYTES)
    hash.update(new Uint8Array(await blob.slice(at, at + PIECE_BYTES).arrayBuffer()));
  return named(hash.digest());
}

const named = (bytes: Uint8Array): Sha256 =>
  v.parse(Sha256, Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
