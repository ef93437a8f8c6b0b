/** Messages that are in no page yet, because what they name has not arrived at the relay. */
import type { ConversationId, MessageId } from '#shared/ids.ts';
import type { Kept } from './kept.ts';
import type { QueuedMessage, Upload } from './tables.ts';

export type Queued = QueuedMessage & { id: MessageId };

/** What is written behind more than this does not wait for it. */
const WAITED_FOR_MAX_BYTES = 4 * 1024 ** 2;

/** In the order written, of one conversation or of all. */
export function queued(kept: Kept, conversation?: ConversationId): Queued[] {
  const rows: Queued[] = [];
  for (const [id, row] of kept.table('waiting'))
    if (row.uploads !== undefined && (conversation === undefined || row.conversation === conversation))
      rows.push({ ...row, id: id as MessageId });
  return rows.sort((a, b) => a.message.at - b.message.at || (a.id < b.id ? -1 : 1));
}

export const queuedRow = (kept: Kept, id: MessageId): QueuedMessage | null => {
  const row = kept.table('waiting').get(id);
  return row?.uploads === undefined ? null : row;
};

export const failureOf = (uploads: readonly Upload[]): Upload['failed'] =>
  uploads.find(({ failed }) => failed !== undefined)?.failed;

/** Whether a text written now keeps its place behind what waits here: not behind what takes long, nor behind what has stopped. */
export function mustQueue(kept: Kept, conversation: ConversationId): boolean {
  const before = queued(kept, conversation).filter(({ uploads }) => failureOf(uploads) === undefined);
  const bytes = before.flatMap(({ uploads }) => uploads).reduce((sum, upload) => sum + toCome(upload), 0);
  return before.length > 0 && bytes <= WAITED_FOR_MAX_BYTES;
}

/** A picture becomes small. */
const toCome = ({ size, chosen, arrivedAt }: Upload): number =>
  arrivedAt !== undefined || (chosen?.kind === 'image' && !chosen.original) ? 0 : size;

/** Where what was chosen for the next message is kept, among the single values. */
export const TRAY = 'tray:';
