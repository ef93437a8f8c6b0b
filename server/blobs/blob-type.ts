/**
 * What a blob is, by its bytes and nothing else (rule B6), and whether a browser may show it. What is not on the list is downloaded: SVG and HTML can
 * carry scripts, PDF too, and what nobody knows may be anything.
 */
import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';

/** Formats say what they are at their beginning. */
const HEAD_BYTES = 64 * 1024;
export const UNKNOWN_TYPE = 'application/octet-stream';

const SHOWN = new Set([
  'image/png',
  'image/apng',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/heic',
  'image/bmp',
  'audio/mpeg',
  'audio/mp4',
  'audio/x-m4a',
  'audio/aac',
  'audio/ogg',
  'audio/opus',
  'audio/webm',
  'audio/wav',
  'audio/flac',
  'audio/x-flac',
  'video/mp4',
  'video/x-m4v',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'video/matroska',
]);

/** Pictures, sound and films. */
export const isShown = (type: string): boolean => SHOWN.has(type);

export async function typeOfFile(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    return await typeOf(head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** @param head the first bytes */
export async function typeOf(head: Uint8Array): Promise<string> {
  // What is odd enough to make the reader of formats fail is nothing that anybody should be shown.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  return found?.mime.split(';')[0]?.trim() ?? UNKNOWN_TYPE;
}
