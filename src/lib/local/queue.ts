/** Messages that are in no page yet, because what they name has not arrived at the relay. */
import type { ConversationId, MessageId, Sha256 } from '#shared/ids.ts';
import type { Kept } from './kept.ts';
import type { Chosen, QueuedMessage, Upload } from './tables.ts';

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

const TRAY = 'tray:';

/** What was chosen for the next message, in the order chosen. */
export const trayOf = (kv: ReadonlyMap<string, unknown>, conversation: ConversationId): readonly Chosen[] =>
  (kv.get(TRAY + conversation) as readonly Chosen[] | undefined) ?? [];

export function putTray(kept: Kept, conversation: ConversationId, tray: readonly Chosen[]): void {
  if (tray.length > 0) kept.put('kv', TRAY + conversation, tray);
  else void kept.remove('kv', TRAY + conversation);
}

/** Of all conversations. */
export const trays = (kept: Kept): (readonly [ConversationId, readonly Chosen[]])[] =>
  [...kept.table('kv')].flatMap(([key, tray]) =>
    key.startsWith(TRAY) ? [[key.slice(TRAY.length) as ConversationId, tray as readonly Chosen[]] as const] : [],
  );

/** All that lies on the shelf for something: in trays and in the queue. */
export function named(kept: Kept): Set<Sha256> {
  const names = new Set<Sha256>();
  const add = ({ key, ready }: Chosen): void => {
    names.add(key);
    for (const { sha256 } of ready?.uploads ?? []) names.add(sha256);
  };
  for (const [, tray] of trays(kept)) tray.forEach(add);
  for (const { uploads } of queued(kept))
    for (const { sha256, chosen } of uploads) {
      names.add(sha256);
      if (chosen !== undefined) add(chosen);
    }
  return names;
}
