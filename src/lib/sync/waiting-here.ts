/** What waits for its stamp, compared with the page it was written into: the two are in different databases, and a crash or a damage may fall between. */
import type * as Y from 'yjs';
import type { ConversationId, MessageId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import type { Kept } from '../local/kept.ts';

interface Page {
  conversation: ConversationId;
  page: number;
}

export function waitingOn(kept: Kept, { conversation, page }: Page): Map<MessageId, Message> {
  const here = [...kept.table('waiting')].filter(([, one]) => one.conversation === conversation && one.page === page);
  return new Map(here.map(([id, { message }]) => [id as MessageId, message]));
}

/**
 * A message that the page lost is written again; one that is stamped or deleted waits no more. So does one of the queue that is on the page: it got
 * there, and what was to be said of it here did not reach the disk.
 */
export function settleWaiting(kept: Kept, page: Page, doc: Y.Doc): void {
  const waiting = waitingOn(kept, page);
  const queued = [...kept.table('waiting')].filter(([, one]) => one.uploads && one.conversation === page.conversation);
  if (waiting.size + queued.length === 0) return;
  const stamped = new Set<string>(orderOf(doc).map(([, id]) => id));
  const done = queued.flatMap(([id]) => (stamped.has(id) || deletedOf(doc).has(id) ? [id] : []));
  doc.transact(() => {
    for (const [id, message] of waiting) {
      if (stamped.has(id) || deletedOf(doc).has(id)) done.push(id);
      else if (!messagesOf(doc).has(id)) messagesOf(doc).set(id, message);
    }
  });
  void kept.remove('waiting', ...done);
}
