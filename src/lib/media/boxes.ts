/** The boxes that films in MP4 and QuickTime are made of: a length, four letters, and what is inside. */

export interface Box {
  type: string;
  at: number;
  /** Where its content begins. */
  from: number;
  end: number;
}

export const HEADER_BYTES = 16;

/** Null where no box can be, or it would reach beyond `end`. */
export function boxIn(bytes: Uint8Array<ArrayBuffer>, at: number, end: number): Box | null {
  const view = new DataView(bytes.buffer);
  if (at + 8 > Math.min(end, bytes.length)) return null;
  const short = view.getUint32(at);
  const isLong = short === 1;
  if (isLong && at + HEADER_BYTES > bytes.length) return null;
  const size = isLong ? Number(view.getBigUint64(at + 8)) : short === 0 ? end - at : short;
  const from = at + (isLong ? HEADER_BYTES : 8);
  return at + size < from || at + size > end ? null : { type: text(bytes, at + 4), at, from, end: at + size };
}

/** One after another, until there is none. */
export function* boxesIn(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): Generator<Box> {
  for (let at = from; at < end;) {
    const box = boxIn(bytes, at, end);
    if (box === null) return;
    yield box;
    at = box.end;
  }
}

/** The first at the end of this way. */
export function boxAt(bytes: Uint8Array<ArrayBuffer>, { from, end }: Box, ...way: string[]): Box | null {
  const [first, ...rest] = way;
  for (const box of boxesIn(bytes, from, end))
    if (box.type === first) return rest.length === 0 ? box : boxAt(bytes, box, ...rest);
  return null;
}

export const text = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
