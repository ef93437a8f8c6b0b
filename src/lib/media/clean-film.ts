/**
 * Films as telephones make them (MP4, QuickTime) say where and with what they were taken, in boxes of their own. These boxes are made empty where they
 * stand: nothing moves, so that what points into the film still points right, and nothing is encoded anew. What is not built so is left as it is.
 */

/** What tells of the film, and is not the film: `©xyz` (the place) is in `udta`, Apple's keys in `meta`, XMP in `uuid`. */
const TELLING: ReadonlySet<string> = new Set(['udta', 'meta', 'uuid']);
const INSIDE: ReadonlySet<string> = new Set(['trak', 'mdia']);
const FIRST: ReadonlySet<string> = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip']);
/** Of what is read at once; the tables of a film of hours take a few. */
const READ_MAX_BYTES = 64 * 1024 ** 2;
const HEADER_BYTES = 16;

interface Box {
  type: string;
  at: number;
  /** Where its content begins. */
  from: number;
  end: number;
}

/** Whether its bytes say that it is such a film. Music in the same clothes is not one: its titles stay. */
export async function isFilm(bytes: Blob): Promise<boolean> {
  const head = new Uint8Array(await bytes.slice(0, HEADER_BYTES).arrayBuffer());
  return text(head, 4) === 'ftyp' && !text(head, 8).startsWith('M4');
}

/** As long as before. */
export async function cleanFilm(bytes: Blob): Promise<Blob> {
  const parts: Blob[] = [];
  let copied = 0;
  for await (const box of topBoxes(bytes)) {
    const isTelling = TELLING.has(box.type);
    if ((!isTelling && box.type !== 'moov') || box.end - box.at > READ_MAX_BYTES) continue;
    const content = new Uint8Array(await bytes.slice(box.at, box.end).arrayBuffer());
    const here = { ...box, at: 0, from: box.from - box.at, end: content.length };
    if (isTelling) empty(content, here);
    else emptyWithin(content, here.from, here.end);
    parts.push(bytes.slice(copied, box.at), new Blob([content]));
    copied = box.end;
  }
  return parts.length === 0 ? bytes : new Blob([...parts, bytes.slice(copied)], { type: bytes.type });
}

async function* topBoxes(bytes: Blob): AsyncGenerator<Box> {
  for (let at = 0; at < bytes.size;) {
    const head = new Uint8Array(await bytes.slice(at, at + HEADER_BYTES).arrayBuffer());
    const box = boxIn(head, 0, bytes.size - at);
    if (box === null || (at === 0 && !FIRST.has(box.type))) return;
    yield { type: box.type, at, from: at + box.from, end: at + box.end };
    at += box.end;
  }
}

function emptyWithin(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): void {
  for (let at = from; at < end;) {
    const box = boxIn(bytes, at, end);
    if (box === null) return;
    if (TELLING.has(box.type)) empty(bytes, box);
    else if (INSIDE.has(box.type)) emptyWithin(bytes, box.from, box.end);
    at = box.end;
  }
}

/** A box of nothing, which players step over. */
function empty(bytes: Uint8Array<ArrayBuffer>, { at, from, end }: Box): void {
  bytes.set([0x66, 0x72, 0x65, 0x65], at + 4);
  bytes.fill(0, from, end);
}

/** Null where no box can be, or it would reach beyond `end`. */
function boxIn(bytes: Uint8Array<ArrayBuffer>, at: number, end: number): Box | null {
  const view = new DataView(bytes.buffer);
  if (at + 8 > Math.min(end, bytes.length)) return null;
  const short = view.getUint32(at);
  const isLong = short === 1;
  if (isLong && at + HEADER_BYTES > bytes.length) return null;
  const size = isLong ? Number(view.getBigUint64(at + 8)) : short === 0 ? end - at : short;
  const from = at + (isLong ? HEADER_BYTES : 8);
  return at + size < from || at + size > end ? null : { type: text(bytes, at + 4), at, from, end: at + size };
}

const text = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
