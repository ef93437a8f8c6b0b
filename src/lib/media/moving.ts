/**
 * Pictures that move would stand still if they were drawn anew. They go as they are, but for what is hidden in them: comments, and what cameras and
 * editors write (EXIF, XMP), is left out of the file.
 */

/** The file without what is hidden in it; null when it does not move, or is not built as it should be. */
export function movingPicture(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] | null {
  if (text(bytes, 0, 4) === 'GIF8') return gifParts(bytes);
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP') return webpParts(bytes);
  return null;
}

const GIF = { extension: 0x21, image: 0x2c, end: 0x3b, comment: 0xfe, application: 0xff } as const;
/** How often it is repeated; other applications' extensions are about something else. */
const REPEATS = new Set(['NETSCAPE2.0', 'ANIMEXTS1.0']);

function gifParts(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] | null {
  const colours = (packed: number): number => ((packed & 0x80) === 0 ? 0 : 3 * 2 ** ((packed & 7) + 1));
  let at = 13 + colours(bytes[10] ?? 0);
  const parts = [copy(bytes, 0, at)];
  let images = 0;
  while (at < bytes.length) {
    const kind = bytes[at];
    const begin = at;
    if (kind === GIF.end) return images > 1 ? [...parts, copy(bytes, at, at + 1)] : null;
    if (kind === GIF.image) {
      images += 1;
      at = afterBlocks(bytes, at + 11 + colours(bytes[at + 9] ?? 0));
      parts.push(copy(bytes, begin, at));
    } else if (kind === GIF.extension) {
      const label = bytes[at + 1];
      at = afterBlocks(bytes, at + 2);
      const isHidden = label === GIF.comment || (label === GIF.application && !REPEATS.has(text(bytes, begin + 3, 11)));
      if (!isHidden) parts.push(copy(bytes, begin, at));
    } else return null;
  }
  return null;
}

/** Behind blocks that begin with their lengths, up to the empty one. */
function afterBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let length = bytes[at]; length !== undefined && length > 0; length = bytes[at]) at += length + 1;
  return at + 1;
}

const WEBP = { animated: 0x02, xmp: 0x04, exif: 0x08 } as const;
const HIDDEN = new Set(['EXIF', 'XMP ']);

function webpParts(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] | null {
  if (text(bytes, 12, 4) !== 'VP8X' || ((bytes[20] ?? 0) & WEBP.animated) === 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [copy(bytes, 0, 12)];
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    if (!HIDDEN.has(text(bytes, at, 4))) parts.push(copy(bytes, at, end));
    at = end;
  }
  const [head, extended] = parts;
  if (head === undefined || extended === undefined) return null;
  extended[8] = (extended[8] ?? 0) & ~(WEBP.exif | WEBP.xmp);
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  new DataView(head.buffer).setUint32(4, size - 8, true);
  return parts;
}

const copy = (bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(bytes.subarray(from, to));

const text = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));
