/** What was chosen for the next message of each conversation: kept like a draft, with its bytes on the shelf. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import type { Kept } from './kept.ts';
import { queued, TRAY } from './queue.ts';
import { rescuedFiles } from './rescued.ts';
import type { Chosen } from './tables.ts';

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

/** All that lies on the shelf for something: in trays, in the queue, pictures in the outbox, and what is given back. */
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
  for (const request of kept.table('outbox').values())
    if (request.is === 'picture' && request.sha256 !== null) names.add(request.sha256);
  for (const { sha256 } of rescuedFiles(kept)) names.add(sha256);
  return names;
}
