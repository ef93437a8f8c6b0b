/** What came with a message, as the screen reads it. The same message gives the same objects. */
import type { Attachment, Message } from '#shared/model/message.ts';
import { kindOf } from '#shared/model/media-types.ts';
import type { AttachmentView } from './views.ts';

const NONE: readonly AttachmentView[] = [];
const known = new WeakMap<readonly Attachment[], readonly AttachmentView[]>();

export function attachmentsOf({ attachments }: Pick<Message, 'attachments'>): readonly AttachmentView[] {
  if (attachments === undefined || attachments.length === 0) return NONE;
  const before = known.get(attachments);
  if (before !== undefined) return before;
  const views = attachments.map(viewOf);
  known.set(attachments, views);
  return views;
}

function viewOf(attachment: Attachment): AttachmentView {
  const { name, type, size, width, height, thumb, poster, seconds, waveform } = attachment;
  return {
    sha256: attachment.sha256,
    kind: kindOf(attachment),
    name,
    type,
    size,
    width: width ?? null,
    height: height ?? null,
    thumb: thumb ?? null,
    poster: poster ?? null,
    seconds: seconds ?? null,
    waveform: waveform === undefined ? [] : loudness(waveform),
    sending: null,
  };
}

/** A byte each, in base64: from 0 to 1. What is not base64 is silence. */
function loudness(waveform: string): number[] {
  try {
    return [...atob(waveform)].map((char) => char.charCodeAt(0) / 255);
  } catch {
    return [];
  }
}
