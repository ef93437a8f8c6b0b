/** Saves an attachment under its name: the device's copy, else the relay's, which the browser then fetches by itself. */
import type { AttachmentView, BlobsView } from '$lib/state/views.ts';

/** A browser has begun to read what it saves by then. */
const READ_BY_MS = 60_000;

export async function saveAttachment(
  { sha256, name }: Pick<AttachmentView, 'sha256' | 'name'>,
  blobs: BlobsView,
): Promise<void> {
  const bytes = (await blobs.isHere(sha256)) ? await blobs.read(sha256) : null;
  const link = document.createElement('a');
  link.download = name;
  link.href = bytes === null ? blobs.address(sha256) : URL.createObjectURL(bytes);
  link.click();
  if (bytes !== null) setTimeout(() => URL.revokeObjectURL(link.href), READ_BY_MS);
}
