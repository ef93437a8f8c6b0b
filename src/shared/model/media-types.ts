/**
 * What kinds of blobs are shown: pictures, films and sounds that browsers decode by themselves and in which nothing can run. Everything else is a
 * file, to be saved. The relay goes by the bytes; the app, which has only the sender's word before it has them, by the type that was said.
 */
import type { Attachment } from './message.ts';

const SHOWN = {
  image: ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'],
  video: ['video/mp4', 'video/webm', 'video/quicktime', 'video/ogg'],
  audio: [
    'audio/mpeg',
    'audio/mp4',
    'audio/aac',
    'audio/ogg',
    'audio/opus',
    'audio/webm',
    'audio/wav',
    'audio/flac',
    'audio/x-m4a',
  ],
} as const;
type Shown = keyof typeof SHOWN;

const KINDS = new Map<string, Shown>(
  (Object.keys(SHOWN) as Shown[]).flatMap((kind) => SHOWN[kind].map((type) => [type, kind] as const)),
);

/** `audio/webm;codecs=opus` is `audio/webm`. Null for what is only ever a file. */
export const shownAs = (type: string): Shown | null =>
  KINDS.get(type.split(';', 1)[0]?.trim().toLowerCase() ?? '') ?? null;

/** What an attachment is shown as, by what its sender said of it. */
export function kindOf({ type, waveform }: Pick<Attachment, 'type' | 'waveform'>): Shown | 'voice' | 'file' {
  const shown = shownAs(type);
  // A recorder's webm has no picture in it, and some call it a film.
  if (waveform !== undefined && (shown === 'audio' || shown === 'video')) return 'voice';
  return shown ?? 'file';
}
