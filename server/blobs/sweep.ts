/**
 * Takes away what nobody names any more (rule B9): first that somebody brought it, then that it is there, then its bytes. An upload of the same bytes holds
 * the same lock, and looks behind it whether they are still there. What a crash left in the store without a row goes the same way.
 */
import type { Sha256 } from '#shared/ids.ts';
import { deleteUnbrought, isKnown, lockBlob, sweepGrants, unbroughtBlobs } from '../storage/blobs.ts';
import type { Sql } from '../storage/sql.ts';
import type { BlobStore } from './store.ts';

/** Between an upload and the message that names it may lie a night without a network. */
export const GRACE_MILLIS = 24 * 60 * 60_000;
const AT_ONCE = 1_000;

export interface Swept {
  blobs: number;
  /** Bytes in the store that no row knew of. */
  strays: number;
}

export async function sweep({ sql, store, now }: { sql: Sql; store: BlobStore; now(): number }): Promise<Swept> {
  const before = now() - GRACE_MILLIS;
  while ((await sweepGrants(sql, before, AT_ONCE)) === AT_ONCE);
  const swept: Swept = { blobs: 0, strays: 0 };
  for (;;) {
    const found = await unbroughtBlobs(sql, AT_ONCE);
    let removed = 0;
    for (const sha256 of found) if (await removeUnbrought(sql, store, sha256)) removed++;
    swept.blobs += removed;
    if (found.length < AT_ONCE || removed === 0) break;
  }
  for await (const { sha256, at } of store.list())
    if (at < before && (await removeStray(sql, store, sha256))) swept.strays++;
  return swept;
}

function removeUnbrought(sql: Sql, store: BlobStore, sha256: Sha256): Promise<boolean> {
  return sql.begin(async (tx) => {
    await lockBlob(tx, sha256);
    if (!(await deleteUnbrought(tx, sha256))) return false;
    await store.remove(sha256);
    return true;
  });
}

async function removeStray(sql: Sql, store: BlobStore, sha256: Sha256): Promise<boolean> {
  // Without the lock first: nearly all of them are known.
  if (await isKnown(sql, sha256)) return false;
  return sql.begin(async (tx) => {
    await lockBlob(tx, sha256);
    if (await isKnown(tx, sha256)) return false;
    await store.remove(sha256);
    return true;
  });
}
