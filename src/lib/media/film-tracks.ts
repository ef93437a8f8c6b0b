/**
 * What a film has beside picture and sound. Cameras write the place, the speed and how they were held into tracks of their own, moment by moment
 * (`gpmd` of GoPro, `mebx` of Apple, `camm` of Google, `djmd` of DJI), and some write it as subtitles.
 */
import { type Box, boxAt } from './boxes.ts';

/** From the first byte to the one behind the last, in the file. */
export interface Span {
  at: number;
  end: number;
}

/** Picture and sound, depth and transparency, time codes, chapters' pictures. */
const SEEN_OR_HEARD: ReadonlySet<string> = new Set(['vide', 'soun', 'auxv', 'pict', 'tmcd']);
const READ_ALOUD: ReadonlySet<string> = new Set(['sbtl', 'subt', 'text', 'clcp']);

export type TrackKind = 'film' | 'words' | 'telling';

/** By who it says it is for; a track that does not say so is left alone, as players leave it. */
export function kindOfTrack(bytes: Uint8Array<ArrayBuffer>, track: Box): TrackKind {
  const handler = boxAt(bytes, track, 'mdia', 'hdlr');
  if (handler === null || handler.end - handler.from < 12) return 'film';
  const type = String.fromCharCode(...bytes.subarray(handler.from + 8, handler.from + 12));
  return SEEN_OR_HEARD.has(type) ? 'film' : READ_ALOUD.has(type) ? 'words' : 'telling';
}

/** Where its moments lie in the file, chunk by chunk, as far as its tables make sense. (Without `stz2`, which no camera writes.) */
export function spansOf(bytes: Uint8Array<ArrayBuffer>, track: Box): Span[] {
  const table = boxAt(bytes, track, 'mdia', 'minf', 'stbl');
  if (table === null) return [];
  const sizes = sizesIn(bytes, table);
  const runs = runsIn(bytes, table);
  const spans: Span[] = [];
  let sample = 0;
  let run = 0;
  for (const [index, at] of offsetsIn(bytes, table).entries()) {
    while ((runs[run + 1]?.firstChunk ?? Number.POSITIVE_INFINITY) <= index + 1) run++;
    const samples = Math.min(runs[run]?.samples ?? 0, sizes.count - sample);
    const end = at + sizes.together(sample, samples);
    sample += samples;
    if (end > at) spans.push({ at, end });
  }
  return spans;
}

/** Fields of four bytes, behind version and flags; as many as there are. */
function fieldsOf(bytes: Uint8Array<ArrayBuffer>, box: Box): { count: number; at(index: number): number } {
  const view = new DataView(bytes.buffer, box.from, box.end - box.from);
  return {
    count: Math.max(0, Math.floor(view.byteLength / 4) - 1),
    at: (index) => view.getUint32(4 + index * 4),
  };
}

interface Sizes {
  count: number;
  /** Of so many moments, from this one on. */
  together(first: number, samples: number): number;
}

function sizesIn(bytes: Uint8Array<ArrayBuffer>, table: Box): Sizes {
  const box = boxAt(bytes, table, 'stsz');
  const fields = box === null ? null : fieldsOf(bytes, box);
  if (fields === null || fields.count < 2) return { count: 0, together: () => 0 };
  const [same, count] = [fields.at(0), fields.at(1)];
  // Not one by one: there may be said to be any number of them.
  if (same > 0) return { count, together: (_first, samples) => samples * same };
  return {
    count: Math.min(count, fields.count - 2),
    together(first, samples) {
      let bytes = 0;
      for (let sample = first; sample < first + samples; sample++) bytes += fields.at(2 + sample);
      return bytes;
    },
  };
}

/** How many moments each chunk has, from which chunk on. */
function runsIn(bytes: Uint8Array<ArrayBuffer>, table: Box): { firstChunk: number; samples: number }[] {
  const box = boxAt(bytes, table, 'stsc');
  if (box === null) return [];
  const fields = fieldsOf(bytes, box);
  const count = fields.count < 1 ? 0 : Math.min(fields.at(0), Math.floor((fields.count - 1) / 3));
  return Array.from({ length: count }, (_, index) => ({
    firstChunk: fields.at(1 + index * 3),
    samples: fields.at(2 + index * 3),
  }));
}

function offsetsIn(bytes: Uint8Array<ArrayBuffer>, table: Box): number[] {
  const short = boxAt(bytes, table, 'stco');
  const long = boxAt(bytes, table, 'co64');
  const box = short ?? long;
  if (box === null) return [];
  const fields = fieldsOf(bytes, box);
  const words = short === null ? 2 : 1;
  const count = fields.count < 1 ? 0 : Math.min(fields.at(0), Math.floor((fields.count - 1) / words));
  return Array.from({ length: count }, (_, index) =>
    words === 1 ? fields.at(1 + index) : fields.at(1 + index * 2) * 2 ** 32 + fields.at(2 + index * 2),
  );
}
