import { expect, test } from 'vitest';
import { movingPicture } from './moving.ts';

const bytesOf = (...parts: (string | number[])[]): Uint8Array =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? [...part].map((char) => char.charCodeAt(0)) : part)),
  );
const joined = (parts: Uint8Array[]): string => parts.map((part) => String.fromCharCode(...part)).join('');
const length = (size: number): number[] => [size & 0xff, (size >> 8) & 0xff, 0, 0];

const GIF_HEAD = bytesOf('GIF89a', [1, 0, 1, 0, 0x80, 0, 0], [0, 0, 0, 255, 255, 255]);
const REPEAT = bytesOf([0x21, 0xff, 11], 'NETSCAPE2.0', [3, 1, 0, 0, 0]);
const COMMENT = bytesOf([0x21, 0xfe, 5], 'HaNoi', [0]);
const XMP = bytesOf([0x21, 0xff, 11], 'XMP DataXMP', [4], 'GPS!', [0]);
const FRAME = bytesOf([0x21, 0xf9, 4, 0, 10, 0, 0, 0], [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0], [2, 2, 0x44, 1, 0]);
const together = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(parts.flatMap((part) => [...part]));

test('[B11] a GIF that moves keeps its frames and loses what is hidden in it', () => {
  const gif = together(GIF_HEAD, REPEAT, COMMENT, XMP, FRAME, FRAME, bytesOf([0x3b]));
  const clean = movingPicture(gif);
  expect(joined(clean!)).toBe(joined([together(GIF_HEAD, REPEAT, FRAME, FRAME, bytesOf([0x3b]))]));
});

test('a GIF with one frame, or one that is cut off, is drawn anew instead', () => {
  expect(movingPicture(together(GIF_HEAD, FRAME, bytesOf([0x3b])))).toBeNull();
  const gif = together(GIF_HEAD, FRAME, FRAME, bytesOf([0x3b]));
  for (let end = 0; end < gif.length; end += 1) expect(movingPicture(gif.subarray(0, end))).toBeNull();
});

test('[B11] a WebP that moves loses EXIF and XMP, and says so in its head', () => {
  const chunk = (name: string, data: number[]): Uint8Array =>
    bytesOf(name, length(data.length), data, data.length % 2 === 1 ? [0] : []);
  const extended = (flags: number) => chunk('VP8X', [flags, 0, 0, 0, 9, 0, 0, 9, 0, 0]);
  const file = (...chunks: Uint8Array[]) => {
    const body = together(...chunks);
    return together(bytesOf('RIFF', length(body.length + 4), 'WEBP'), body);
  };
  const frames = [chunk('ANIM', [0, 0, 0, 0, 0, 0]), chunk('ANMF', [1, 2, 3]), chunk('ANMF', [4, 5])];
  const clean = movingPicture(
    file(extended(0x02 | 0x08 | 0x04), ...frames, chunk('EXIF', [7, 7, 7]), chunk('XMP ', [8])),
  );
  expect(joined(clean!)).toBe(joined([file(extended(0x02), ...frames)]));
  expect(movingPicture(file(extended(0), chunk('VP8 ', [1])))).toBeNull();
});
