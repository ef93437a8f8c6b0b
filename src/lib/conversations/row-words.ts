/** What a row of the list says, apart from how it looks. */
import { callTraceWords, isMissed } from '$lib/words/calls.ts';
import { m } from '$lib/words/words.ts';
import type { Attached } from '#shared/model/media-types.ts';
import type { ConversationRowView } from '$lib/state/views.ts';

export const titleOf = (conversation: { title: string | null }): string => conversation.title ?? m.notes_to_self();

export const isNotes = (conversation: { title: string | null; kind: string }): boolean =>
  conversation.kind === 'direct' && conversation.title === null;

export const badge = (count: number): string => (count > 99 ? '99+' : String(count));

/** Who said the last thing; nobody in a direct conversation when it was the other. */
export function lastBy(row: ConversationRowView): string | null {
  if (!row.last || row.last.call || isNotes(row)) return null;
  if (row.last.mine) return m.you();
  return row.kind === 'group' ? row.last.byName : null;
}

export const isMissedCall = ({ last }: ConversationRowView): boolean =>
  last !== null && last.call !== null && isMissed(last.call, last.mine);

export function lastText(row: ConversationRowView, plain: (text: string) => string): string {
  if (!row.last) return row.pending ? m.conversation_pending() : m.no_messages_yet();
  if (row.last.call) return callTraceWords(row.last.call, row.last.mine);
  const text = plain(row.last.text);
  return text === '' && row.last.attachments > 0 ? attachedWords(row.last.attachments, row.last.attached) : text;
}

function attachedWords(count: number, attached: Attached | null): string {
  switch (attached?.kind) {
    case 'image':
      return m.attached_images({ count });
    case 'video':
      return m.attached_videos({ count });
    case 'voice':
      return m.attached_voice();
    case 'audio':
    case 'file':
      return count === 1 ? attached.name : m.attachments({ count });
    case undefined:
      return m.attachments({ count });
  }
}
