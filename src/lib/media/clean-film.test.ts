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
const udta = box(
  'udta',
  box('\u00a9xyz', [0, 18, 0x15, 0xc7], chars(PLACE)),
  box('loci', u32(0), [0x15, 0xc7], chars('Hồ Gươm'), [0, 0], u32(0x0069_da9c), u32(0x0015_0726)),
  box('\u00a9mod', chars(CAMERA)),
);
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
  for (const told of [PLACE, of(u32(0x0069_da9c))]) {
    expect(before).toContain(told);
    expect(after).not.toContain(told);
  }
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

/** A moment of a track that tells something. */
interface Track {
  handler: string;
  format: string;
  name?: string;
  /** What lies in each of its chunks, moment by moment. */
  chunks: string[][];
  long?: boolean;
}

const trakOf = (
  { handler, format, name = '', chunks, long = false }: Track,
  offsets: number[],
  id: number,
): number[] => {
  const sizes = chunks.flat().map((moment) => moment.length);
  const same = new Set(sizes).size === 1 ? (sizes[0] ?? 0) : 0;
  const stsd =
    handler === 'vide'
      ? [...Array<number>(8 + 34).fill(0), name.length, ...chars(name.padEnd(31, '\0')), 0, 24, 0xff, 0xff]
      : Array<number>(8).fill(0);
  return box(
    'trak',
    box('tkhd', u32(7), u32(0), u32(0), u32(id), Array<number>(68).fill(0)),
    box(
      'mdia',
      box('mdhd', Array<number>(24).fill(1)),
      box('hdlr', u32(0), u32(0), chars(handler), chars('appl'), u32(0), u32(0), chars(`${name} Metadata`), [0]),
      box(
        'minf',
        handler === 'vide' ? box('vmhd', Array<number>(12).fill(0)) : box('nmhd', u32(0)),
        box(
          'stbl',
          box('stsd', u32(0), u32(1), box(format, stsd)),
          box('stts', u32(0), u32(1), u32(sizes.length), u32(1_000)),
          // A line for each run of chunks with as many moments.
          (() => {
            const runs = chunks.flatMap(({ length }, index) =>
              chunks[index - 1]?.length === length ? [] : [[...u32(index + 1), ...u32(length), ...u32(1)]],
            );
            return box('stsc', u32(0), u32(runs.length), runs.flat());
          })(),
          box('stsz', u32(0), u32(same), u32(sizes.length), same === 0 ? sizes.flatMap(u32) : []),
          long
            ? box(
                'co64',
                u32(0),
                u32(offsets.length),
                offsets.flatMap((at) => [...u32(0), ...u32(at)]),
              )
            : box('stco', u32(0), u32(offsets.length), offsets.flatMap(u32)),
        ),
      ),
    ),
  );
};

/** With its moments interleaved, as cameras write them; the picture's and the tracks' chunks by turns. */
function filmOf(tracks: Track[], isMoovFirst = false): Blob {
  const build = (mdatFrom: number): { moov: number[]; mdat: number[] } => {
    const mdat: number[] = [];
    const offsets = tracks.map((): number[] => []);
    for (let chunk = 0; chunk < Math.max(...tracks.map(({ chunks }) => chunks.length)); chunk++)
      for (const [index, { chunks }] of tracks.entries()) {
        const moments = chunks[chunk];
        if (moments === undefined) continue;
        offsets[index]?.push(mdatFrom + mdat.length);
        mdat.push(...moments.flatMap(chars));
      }
    const traks = tracks.map((track, index) => trakOf(track, offsets[index] ?? [], index + 1));
    return { moov: box('moov', box('mvhd', Array<number>(100).fill(7)), ...traks), mdat };
  };
  const first = isMoovFirst ? build(0).moov.length : 0;
  const { moov, mdat } = build(FTYP.length + first + 8);
  return isMoovFirst ? blobOf(FTYP, moov, box('mdat', mdat)) : blobOf(FTYP, box('mdat', mdat), moov);
}

const PICTURE: Track = {
  handler: 'vide',
  format: 'avc1',
  chunks: [['frame 1,', 'frame two,'], ['frame 3,'], ['the end']],
};
const SOUND: Track = {
  handler: 'soun',
  format: 'mp4a',
  chunks: [['tone 1', 'tone 2'], ['tone 3', 'tone 4'], ['tone 5']],
};
const places = (chunks: number): string[][] =>
  Array.from({ length: chunks }, (_, chunk) => [`GPS5 21.0285 ${chunk}`, `STRM 105.8542 and more ${chunk}`]);

test.each([
  { handler: 'meta', format: 'gpmd' },
  { handler: 'meta', format: 'mebx' },
  { handler: 'meta', format: 'camm' },
  { handler: 'camm', format: 'camm' },
  { handler: 'meta', format: 'djmd' },
  { handler: 'data', format: 'rtmd' },
])(
  '[B55] moments of the place in $format are gone, with their track, and picture and sound are where they were',
  async (kind) => {
    for (const isMoovFirst of [false, true])
      for (const long of [false, true]) {
        const telling: Track = { ...kind, name: CAMERA, chunks: places(3), long };
        const film = filmOf([PICTURE, telling, SOUND], isMoovFirst);
        const [before, after] = [await latin(film), await latin(await cleanFilm(film))];
        expect(after).toHaveLength(before.length);
        for (const hidden of ['GPS5', 'STRM', '21.0285', '105.8542', kind.format, CAMERA]) {
          expect(before).toContain(hidden);
          expect(after).not.toContain(hidden);
        }
        // Byte for byte what it would be if nothing but picture and sound had ever been described.
        for (const moment of [...PICTURE.chunks.flat(), ...SOUND.chunks.flat()])
          expect(after.indexOf(moment)).toBe(before.indexOf(moment));
        expect(after.split('trak')).toHaveLength(3);
        for (const table of ['avc1', 'mp4a', 'vmhd']) expect(after.indexOf(table)).toBe(before.indexOf(table));
      }
  },
);

test('[B55] moments that are all as long are found too, and tables that lie empty nothing else', async () => {
  const same: Track = { handler: 'meta', format: 'camm', chunks: [['12345678', '12345678'], ['12345678']] };
  const film = filmOf([PICTURE, same]);
  const after = await latin(await cleanFilm(film));
  expect(after).not.toContain('12345678');
  for (const frame of PICTURE.chunks.flat()) expect(after).toContain(frame);

  const bytes = new Uint8Array(await film.arrayBuffer());
  const at = (await latin(film)).lastIndexOf('stsz');
  // As many as a number can say, each as long: what lies behind the first chunk goes, what describes the film does not.
  bytes.set([...u32(0xffff_ffff), ...u32(0xffff_ffff)], at + 8);
  const lied = await latin(await cleanFilm(new Blob([bytes])));
  expect(lied).toHaveLength(bytes.length);
  expect(lied.slice(lied.indexOf('moov'))).toContain('avc1');
  bytes.set(u32(0xffff_ffff), (await latin(film)).lastIndexOf('stco') + 8);
  expect((await cleanFilm(new Blob([bytes]))).size).toBe(bytes.length);
});

test('[B55] words under the picture stay, unless they tell the place', async () => {
  const words = (line: string): Track => ({ handler: 'sbtl', format: 'tx3g', chunks: [[line], ['and so on']] });
  const told = ['F/2.8, GPS (105.8542, 21.0285, 15)', '[latitude: 21.0285] [longtitude: 105.8542]'];
  for (const line of told) {
    const after = await latin(await cleanFilm(filmOf([PICTURE, words(line)])));
    expect(after).not.toContain('21.0285');
    expect(after).not.toContain('and so on');
  }
  const said = filmOf([PICTURE, words('Later: it was a long: way, without GPS')]);
  const after = await latin(await cleanFilm(said));
  expect(after).toContain('Later: it was a long: way');
  expect(after).toContain('tx3g');
});

test('[B55] the camera does not sign the picture’s track, and what is said to be nothing is nothing', async () => {
  const signed = { ...PICTURE, name: CAMERA };
  const film = await latin(filmOf([signed, SOUND]));
  const bytes = new Uint8Array([...film].map((char) => char.charCodeAt(0)));
  const whole = new Blob([
    bytes,
    new Uint8Array(box('free', chars(`freeGPS ${PLACE}`))),
    new Uint8Array(box('skip', chars(PLACE))),
  ]);
  const [before, after] = [await latin(whole), await latin(await cleanFilm(whole))];
  expect(before.split(CAMERA)).toHaveLength(3);
  for (const hidden of [CAMERA, PLACE]) expect(after).not.toContain(hidden);
  expect(after).toHaveLength(before.length);
  expect(after.slice(after.indexOf('avc1') - 8, after.indexOf('avc1') + 46)).toBe(
    before.slice(before.indexOf('avc1') - 8, before.indexOf('avc1') + 46),
  );
});

test('[B55] a film in pieces keeps its tracks, so that it plays', async () => {
  const film = await latin(filmOf([PICTURE, { handler: 'meta', format: 'gpmd', chunks: [] }], true));
  const pieces = film.replace('mvhd', 'mvex');
  const blob = new Blob([new Uint8Array([...pieces].map((char) => char.charCodeAt(0)))]);
  expect((await latin(await cleanFilm(blob))).split('trak')).toHaveLength(3);
});

test('a film is told from music by its bytes', async () => {
  expect(await isFilm(blobOf(FTYP))).toBe(true);
  expect(await isFilm(blobOf(box('ftyp', chars('M4A '), u32(0))))).toBe(false);
  expect(await isFilm(blobOf(chars('%PDF-1.7')))).toBe(false);
});
