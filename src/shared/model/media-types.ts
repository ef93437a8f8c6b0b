/**
 * What kinds of blobs are shown: pictures, films and sounds that browsers decode by themselves and in which nothing can run. Everything else is a
 * file, to be saved. The relay goes by the bytes; the app, which has only the sender's word before it has them, by the type that was said.
 */
import * as v from 'valibot';
import type { Attachment } from './message.ts';

export const AttachmentKind = v.picklist(['image', 'video', 'voice', 'audio', 'file']);
export type AttachmentKind = v.InferOutput<typeof AttachmentKind>;

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
export function kindOf({ type, waveform }: Pick<Attachment, 'type' | 'waveform'>): AttachmentKind {
  const shown = shownAs(type);
  // A recorder's webm has no picture in it, and some call it a film.
  if (waveform !== undefined && (shown === 'audio' || shown === 'video')) return 'voice';
  return shown ?? 'file';
}

/** What a message came with, in a word: the kind that all of it is (`file` for a mixture), and what the first is called. */
export const Attached = v.object({ kind: AttachmentKind, name: v.string() });
export type Attached = v.InferOutput<typeof Attached>;

export function attachedOf(attachments: readonly Attachment[] | null | undefined): Attached | undefined {
  const [first, ...more] = attachments ?? [];
  if (first === undefined) return undefined;
  const kind = kindOf(first);
  return { kind: more.every((one) => kindOf(one) === kind) ? kind : 'file', name: first.name };
}
