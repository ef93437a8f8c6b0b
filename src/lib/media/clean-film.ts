/**
 * Films as telephones and cameras make them (MP4, QuickTime) say where and with what they were taken, in boxes of their own and in tracks beside picture and
 * sound. These boxes are made empty where they stand, and so are the tracks' moments: nothing moves, so that what points into the film still points right,
 * and nothing is encoded anew. What is not built so is left as it is.
 */
import { type Box, boxAt, boxesIn, boxIn, HEADER_BYTES, text } from './boxes.ts';
import { kindOfTrack, type Span, spansOf } from './film-tracks.ts';

/** What tells of the film, and is not the film: the place (`©xyz`, `loci`) is in `udta`, Apple's keys in `meta`, XMP in `uuid`. */
const TELLING: ReadonlySet<string> = new Set(['udta', 'meta', 'uuid']);
/** Nothing, they say; some cameras put the place there. */
const NOTHING: ReadonlySet<string> = new Set(['free', 'skip']);
const INSIDE: ReadonlySet<string> = new Set(['trak', 'mdia']);
const FIRST: ReadonlySet<string> = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip']);
/** Of what is read at once; the tables of a film of hours take a few. */
const READ_MAX_BYTES = 64 * 1024 ** 2;
/** Of what is written under the picture: enough to see what it is about. */
const WORDS_READ_BYTES = 64 * 1024;
/** As drones write it under the picture, moment by moment. */
const PLACE_IN_WORDS = /gps ?\(|\b(?:lat(?:itude)?|lon|lng|longt?itude) ?[:=] ?[-+]?\d/i;
/** In the description of a picture's coding, the name of who coded it. */
const CODER = { from: 50, end: 82 };

/** Whether its bytes say that it is such a film. Music in the same clothes is not one: its titles stay. */
export async function isFilm(bytes: Blob): Promise<boolean> {
  const head = new Uint8Array(await bytes.slice(0, HEADER_BYTES).arrayBuffer());
  return text(head, 4) === 'ftyp' && !text(head, 8).startsWith('M4');
}

/** As long as before. */
export async function cleanFilm(bytes: Blob): Promise<Blob> {
  const boxes: Box[] = [];
  for await (const box of topBoxes(bytes)) boxes.push(box);
  const changes: Change[] = [];
  for (const box of boxes) {
    if (NOTHING.has(box.type)) changes.push({ at: box.from, end: box.end, to: zeros(box.end - box.from) });
    const isTelling = TELLING.has(box.type);
    if ((!isTelling && box.type !== 'moov') || box.end - box.at > READ_MAX_BYTES) continue;
    const content = new Uint8Array(await bytes.slice(box.at, box.end).arrayBuffer());
    const here = { ...box, at: 0, from: box.from - box.at, end: content.length };
    if (isTelling) empty(content, here);
    else {
      for (const span of within(await emptyTracks(bytes, content, here), boxes))
        changes.push({ ...span, to: zeros(span.end - span.at) });
      emptyWithin(content, here.from, here.end);
    }
    changes.push({ at: box.at, end: box.end, to: [content] });
  }
  return changes.length === 0 ? bytes : changed(bytes, changes);
}

interface Change extends Span {
  to: BlobPart[];
}

function changed(bytes: Blob, changes: Change[]): Blob {
  const parts: BlobPart[] = [];
  let copied = 0;
  for (const { at, end, to } of changes.sort((a, b) => a.at - b.at)) {
    // Written twice over each other: the second is as empty as the first.
    if (at < copied) continue;
    parts.push(bytes.slice(copied, at), ...to);
    copied = end;
  }
  return new Blob([...parts, bytes.slice(copied)], { type: bytes.type });
}

/** The tracks that tell of the place and the camera; answers where their moments are. */
async function emptyTracks(film: Blob, bytes: Uint8Array<ArrayBuffer>, moov: Box): Promise<Span[]> {
  // In pieces, which name their tracks again: without them it would not play.
  if (boxAt(bytes, moov, 'mvex') !== null) return [];
  const gone: Span[] = [];
  for (const track of boxesIn(bytes, moov.from, moov.end)) {
    if (track.type !== 'trak') continue;
    const kind = kindOfTrack(bytes, track);
    if (kind === 'film') continue;
    const spans = spansOf(bytes, track);
    if (kind === 'words' && !(await tellsThePlace(film, spans))) continue;
    gone.push(...spans);
    empty(bytes, track);
  }
  return gone;
}

async function tellsThePlace(film: Blob, spans: readonly Span[]): Promise<boolean> {
  const read: Blob[] = [];
  let size = 0;
  for (const { at, end } of spans) {
    if (size > WORDS_READ_BYTES) break;
    const part = film.slice(at, Math.min(end, at + WORDS_READ_BYTES));
    read.push(part);
    size += part.size;
  }
  return PLACE_IN_WORDS.test(await new Blob(read).text());
}

/** What of these lies in what holds pictures and sound, without overlapping. */
function within(spans: readonly Span[], boxes: readonly Box[]): Span[] {
  const found: Span[] = [];
  for (const { type, from, end } of boxes) {
    if (type !== 'mdat') continue;
    for (const span of spans)
      if (span.at < end && span.end > from) found.push({ at: Math.max(span.at, from), end: Math.min(span.end, end) });
  }
  const merged: Span[] = [];
  for (const span of found.sort((a, b) => a.at - b.at)) {
    const last = merged.at(-1);
    if (last !== undefined && span.at <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push(span);
  }
  return merged;
}

const ZEROS = new Blob([new Uint8Array(256 * 1024)]);

function zeros(size: number): BlobPart[] {
  const parts: BlobPart[] = [];
  for (let left = size; left > 0; left -= ZEROS.size) parts.push(ZEROS.slice(0, left));
  return parts;
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
  for (const box of boxesIn(bytes, from, end)) {
    if (TELLING.has(box.type)) empty(bytes, box);
    else if (box.type === 'hdlr') bytes.fill(0, Math.min(box.from + 24, box.end), box.end);
    else if (INSIDE.has(box.type)) emptyWithin(bytes, box.from, box.end);
    if (box.type === 'mdia') emptyCoders(bytes, box);
  }
}

/** Cameras sign how the picture is coded with their name. */
function emptyCoders(bytes: Uint8Array<ArrayBuffer>, mdia: Box): void {
  const coded = boxAt(bytes, mdia, 'minf', 'stbl', 'stsd');
  if (coded === null || boxAt(bytes, mdia, 'minf', 'vmhd') === null) return;
  for (const { at, end } of boxesIn(bytes, coded.from + 8, coded.end))
    if (at + CODER.end <= end) bytes.fill(0, at + CODER.from, at + CODER.end);
}

/** A box of nothing, which players step over. */
function empty(bytes: Uint8Array<ArrayBuffer>, { at, from, end }: Box): void {
  bytes.set([0x66, 0x72, 0x65, 0x65], at + 4);
  bytes.fill(0, from, end);
}
