/** The pictures and films of a conversation, as the gallery goes through them: oldest first. */
import type { AttachmentView, TimelineItem, TimelineView } from '$lib/state/views.ts';
import { m } from '$lib/words/words.ts';
import type { MessageId } from '#shared/ids.ts';
import { isPicture } from './picture-place.ts';

export interface GalleryItem {
  readonly message: MessageId;
  readonly attachment: AttachmentView;
  /** Whose it is, as the screen says it. */
  readonly by: string;
  readonly at: number;
}

export const picturesIn = (items: readonly TimelineItem[]): GalleryItem[] =>
  items.flatMap((item) => {
    if (item.is !== 'message' || item.message.deleted) return [];
    const { id, mine, byName, at, attachments } = item.message;
    const by = mine ? m.you() : byName;
    return attachments.filter(isPicture).map((attachment) => ({ message: id, attachment, by, at }));
  });

/** Brings older messages until some have pictures; none when there are no more, or none that can be had now. */
export async function olderPictures(timeline: TimelineView, first: GalleryItem): Promise<GalleryItem[]> {
  while (timeline.hasOlder) {
    const had = timeline.items.length;
    await timeline.loadOlder();
    const all = picturesIn(timeline.items);
    const before = all.findIndex(
      ({ message, attachment }) => message === first.message && attachment.sha256 === first.attachment.sha256,
    );
    if (before > 0) return all.slice(0, before);
    if (timeline.items.length === had || timeline.olderUnreachable) break;
  }
  return [];
}
