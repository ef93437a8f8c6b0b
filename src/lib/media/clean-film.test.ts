import { expect, test } from 'vitest';
import { cleanFilm, isFilm } from './clean-film.ts';

const PLACE = '+21.0285+105.8542/';
const CAMERA = 'Ting Camera 9';

const chars = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));
const u32 = (number: number): number[] => [24, 16, 8, 0].map((by) => (number >>> by) & 0xff);
const box = (type: string, ...content: number[][]): number[] => {
  const all = content.flat();
  return [...u32(all.length + 8), ...chars(type), ...all];
};
/** With its length in 64 bits. */
const longBox = (type: string, content: number[]): number[] => [
  ...[...u32(1), ...chars(type), ...u32(0)],
  ...[...u32(content.length + 16), ...content],
];

const FTYP = box('ftyp', chars('qt  '), u32(512));
const udta = box('udta', box('\u00a9xyz', [0, 18, 0x15, 0xc7], chars(PLACE)), box('\u00a9mod', chars(CAMERA)));
const meta = box('meta', u32(0), box('keys', chars('com.apple.quicktime.location.ISO6709')), box('ilst', chars(PLACE)));
const STCO = box('stco', u32(0), u32(1), u32(4_711));
const MDAT = chars('udta and meta, as samples happen to be');
const moov = (withTelling: boolean): number[] =>
  box(
    'moov',
    box('mvhd', Array<number>(100).fill(7)),
    box(
      'trak',
      box('tkhd', Array<number>(84).fill(3)),
      withTelling ? meta : [],
      box('mdia', box('minf', box('stbl', STCO)), withTelling ? udta : []),
      withTelling ? udta : [],
    ),
    withTelling ? udta : [],
    withTelling ? meta : [],
  );

const blobOf = (...parts: number[][]): Blob => new Blob([new Uint8Array(parts.flat())], { type: 'video/mp4' });
const latin = async (blob: Blob): Promise<string> => Buffer.from(await blob.arrayBuffer()).toString('latin1');
const of = (bytes: number[]): string => String.fromCharCode(...bytes);

test('[B11] the place and the camera are not in a film any more, and nothing in it has moved', async () => {
  const film = blobOf(FTYP, moov(true), box('uuid', chars(PLACE)), box('mdat', MDAT));
  const cleaned = await cleanFilm(film);
  const [before, after] = [await latin(film), await latin(cleaned)];
  expect(before).toContain(PLACE);
  expect(after).toHaveLength(before.length);
  expect(cleaned.type).toBe('video/mp4');
  for (const hidden of [PLACE, CAMERA, 'ISO6709', '\u00a9xyz', 'uuid']) expect(after).not.toContain(hidden);
  for (const film of [FTYP, STCO, box('mdat', MDAT), box('mvhd', Array<number>(100).fill(7))])
    expect(after.indexOf(of(film))).toBe(before.indexOf(of(film)));
  // The boxes are still as long, of nothing.
  expect(after.split('free')).toHaveLength(7);
});

test('[B11] also when what tells of it stands behind the film, and the film is long', async () => {
  const film = blobOf(FTYP, box('wide'), longBox('mdat', MDAT), moov(true), [0, 0, 0, 0], chars('meta'), chars(PLACE));
  const [before, after] = [await latin(film), await latin(await cleanFilm(film))];
  expect(after).toHaveLength(before.length);
  expect(after).not.toContain(PLACE);
  expect(after.indexOf(of(longBox('mdat', MDAT)))).toBe(FTYP.length + 8);
});

test('what has nothing to hide, or is something else, is as it was', async () => {
  for (const parts of [
    [FTYP, moov(false), box('mdat', MDAT)],
    [[0x1a, 0x45, 0xdf, 0xa3], chars('webm'), udta],
    [chars('udta and meta')],
    [[1, 2, 3]],
    [],
  ]) {
    const film = blobOf(...parts);
    expect(await latin(await cleanFilm(film))).toBe(await latin(film));
  }
});

test('lengths that cannot be end the search, not the film', async () => {
  for (const broken of [u32(4), u32(0xffff_ffff), u32(1)]) {
    const inside = blobOf(FTYP, box('moov', udta, broken, chars('udta'), chars(PLACE)), box('mdat', MDAT));
    const top = blobOf(FTYP, moov(true), broken, chars('meta'), chars('rest'));
    for (const film of [inside, top]) expect((await cleanFilm(film)).size).toBe(film.size);
    expect(await latin(await cleanFilm(top))).not.toContain(PLACE);
  }
});

test('a film is told from music by its bytes', async () => {
  expect(await isFilm(blobOf(FTYP))).toBe(true);
  expect(await isFilm(blobOf(box('ftyp', chars('M4A '), u32(0))))).toBe(false);
  expect(await isFilm(blobOf(chars('%PDF-1.7')))).toBe(false);
});
