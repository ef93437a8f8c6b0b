/**
 * Blobs in a folder: `ab/cd/<sha256>`, so that no folder has more than a few thousand entries below a hundred million blobs. A blob gets its name when it
 * is whole and on the disk, and the name is on the disk before anybody is told.
 */
import { copyFile, link, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSha256, type Sha256 } from '#shared/ids.ts';
import type { BlobStore, Kept } from './store.ts';

/** What is read at once, and so what waits for a slow reader. */
const PIECE_BYTES = 256 * 1024;
/** Copies that are not finished. */
const DRAFTS = 'drafts';
/** Nothing takes so long: a crash has left it. */
const DRAFT_LEFT_MILLIS = 24 * 60 * 60_000;

export function folderStore(folder: string): BlobStore {
  const pathOf = (sha256: Sha256): string => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

  return {
    async keep(sha256, path) {
      const to = pathOf(sha256);
      const shard = dirname(to);
      const made = await mkdir(shard, { recursive: true, mode: 0o700 });
      await named(path, to, join(folder, DRAFTS));
      await sync(shard);
      if (made !== undefined) await syncUp(dirname(shard), dirname(made));
    },

    async *read(sha256, range) {
      const handle = await open(pathOf(sha256), 'r');
      try {
        const piece = new Uint8Array(PIECE_BYTES);
        let at = range?.first ?? 0;
        const end = range === undefined ? Number.POSITIVE_INFINITY : range.last + 1;
        while (at < end) {
          const { bytesRead } = await handle.read(piece, 0, Math.min(PIECE_BYTES, end - at), at);
          if (bytesRead === 0) return;
          at += bytesRead;
          yield piece.subarray(0, bytesRead);
        }
      } finally {
        await handle.close();
      }
    },

    async size(sha256) {
      return (await ifThere(stat(pathOf(sha256))))?.size ?? null;
    },

    async remove(sha256) {
      await rm(pathOf(sha256), { force: true });
    },

    async *list() {
      yield* keptBelow(folder);
    },
  };
}

/** A second name for the same bytes where the file system has such a thing, else a copy. */
async function named(path: string, to: string, drafts: string): Promise<void> {
  try {
    await link(path, to);
  } catch (why) {
    if (isCode(why, 'EEXIST')) return;
    if (!isCode(why, 'EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK')) throw why;
    await copied(path, to, drafts);
  }
}

/** Each under a name of its own: two who bring the same would write over each other, and one name half of the other's. */
async function copied(path: string, to: string, drafts: string): Promise<void> {
  await mkdir(drafts, { recursive: true, mode: 0o700 });
  await removeLeft(drafts);
  const draft = join(drafts, crypto.randomUUID());
  try {
    await copyFile(path, draft);
    await sync(draft);
    await rename(draft, to);
  } catch (why) {
    await rm(draft, { force: true });
    throw why;
  }
}

async function removeLeft(drafts: string): Promise<void> {
  const before = Date.now() - DRAFT_LEFT_MILLIS;
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const found = await ifThere(stat(path));
    if (found !== null && found.mtimeMs < before) await rm(path, { force: true });
  }
}

async function* keptBelow(folder: string): AsyncGenerator<Kept> {
  const entries = await ifThere(opendir(folder));
  if (entries === null) return;
  for await (const entry of entries) {
    const { name } = entry;
    const path = join(folder, name);
    if (entry.isDirectory()) yield* keptBelow(path);
    else if (isSha256(name)) {
      const found = await ifThere(stat(path));
      if (found !== null) yield { sha256: name, size: found.size, at: found.ctimeMs };
    }
  }
}

/** New folders are on the disk when those that hold them are. */
async function syncUp(from: string, to: string): Promise<void> {
  for (let folder = from; folder.length >= to.length; folder = dirname(folder)) await sync(folder);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function ifThere<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((why: unknown) => {
    if (isCode(why, 'ENOENT')) return null;
    throw why;
  });
}

const isCode = (why: unknown, ...codes: string[]): boolean =>
  why instanceof Error && 'code' in why && codes.includes(String(why.code));
