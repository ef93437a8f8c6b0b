/**
 * Which blobs of fetched pages are brought to the device before anybody looks at them, so that offline has them: pictures, stills of films, voice notes
 * and small files, the newest first, while there is room in the budget, and none over a connection whose owner saves data.
 */
import type * as Y from 'yjs';
import type { Sha256 } from '#shared/ids.ts';
import { kindOf } from '#shared/model/media-types.ts';
import type { Attachment } from '#shared/model/message.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';

/** What is larger comes when somebody asks for it. */
const MOST_BYTES = { image: 8 * 1024 ** 2, voice: 8 * 1024 ** 2, audio: 8 * 1024 ** 2, file: 2 * 1024 ** 2, video: 0 };
/** A still is made by the sender's app, of a size that it does not tell. */
const STILL_BYTES = 300 * 1024;

export interface BlobsAheadParts {
  isHere(sha256: Sha256): Promise<boolean>;
  /** Whether it came; false when it can be tried again later. One that is gone for good counts as come. */
  bring(sha256: Sha256): Promise<boolean>;
  /** How many bytes may still be kept. */
  room(): Promise<number>;
}

/** Answers false when the relay went away in the middle. `pages`: the newest first; `since`: what has a smaller seq was looked at before. */
export async function bringBlobs(parts: BlobsAheadParts, pages: readonly Y.Doc[], since: number): Promise<boolean> {
  const wanted = pages.flatMap((page) => wantedOf(page, since));
  if (wanted.length === 0 || savesData()) return true;
  let room = await parts.room();
  for (const { sha256, size } of wanted) {
    if (size > room) return true;
    if (await parts.isHere(sha256)) continue;
    if (!(await parts.bring(sha256))) return false;
    room -= size;
  }
  return true;
}

function wantedOf(page: Y.Doc, since: number): { sha256: Sha256; size: number }[] {
  const messages = messagesOf(page);
  return orderOf(page)
    .toArray()
    .filter(([seq]) => seq > since)
    .reverse()
    .flatMap(([, id]) => messages.get(id)?.attachments ?? [])
    .flatMap(blobsOf);
}

function blobsOf(attachment: Attachment): { sha256: Sha256; size: number }[] {
  const { sha256, size, poster } = attachment;
  if (poster !== undefined) return [{ sha256: poster, size: STILL_BYTES }];
  return size <= MOST_BYTES[kindOf(attachment)] ? [{ sha256, size }] : [];
}

function savesData(): boolean {
  const connection = (globalThis.navigator as { connection?: { saveData?: boolean } } | undefined)?.connection;
  return connection?.saveData === true;
}
