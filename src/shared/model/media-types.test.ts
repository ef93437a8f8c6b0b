import { expect, test } from 'vitest';
import type { Attachment } from './message.ts';
import { attachedOf, kindOf, shownAs } from './media-types.ts';

const one = (type: string, more: Partial<Attachment> = {}): Attachment =>
  ({ sha256: 'a'.repeat(64), name: 'tệp', type, size: 1, ...more }) as Attachment;

test('[B6] only what browsers decode by themselves is shown; a page or a drawing with scripts is a file', () => {
  expect(shownAs('image/jpeg')).toBe('image');
  expect(shownAs('Audio/WebM; codecs=opus')).toBe('audio');
  for (const type of ['image/svg+xml', 'text/html', 'application/xhtml+xml', 'application/pdf', '', 'constructor'])
    expect(shownAs(type)).toBeNull();
  expect(kindOf(one('image/svg+xml'))).toBe('file');
});

test('a recording is a voice note, whatever its recorder calls it', () => {
  expect(kindOf(one('video/webm', { waveform: 'AAAA' }))).toBe('voice');
  expect(kindOf(one('audio/mp4'))).toBe('audio');
  expect(kindOf(one('image/png', { waveform: 'AAAA' }))).toBe('image');
});

test('a message in a word: the kind of all of it, or a mixture', () => {
  expect(attachedOf(undefined)).toBeUndefined();
  expect(attachedOf([])).toBeUndefined();
  expect(attachedOf([one('image/png'), one('image/gif')])).toEqual({ kind: 'image', name: 'tệp' });
  expect(attachedOf([one('image/png'), one('video/mp4')])).toEqual({ kind: 'file', name: 'tệp' });
});
