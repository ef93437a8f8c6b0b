/** What could not be kept where it was written, and is told in a notice until the person lets go of it: files lie on the shelf meanwhile. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import type { Kept } from './kept.ts';
import { queued } from './queue.ts';

/** Where notices are kept, among the single values. */
export const NOTICE = 'notice:';

export interface RescuedFile {
  /** Of its bytes, or the key of what was chosen and not made ready. */
  sha256: Sha256;
  name: string;
}

/** What was chosen or sent with messages of a conversation, and has not left this device. */
export function filesHere(
  kept: Kept,
  conversation: ConversationId,
  tray: readonly { key: Sha256; name: string; ready?: { attachment: RescuedFile } }[],
): RescuedFile[] {
  const sent = queued(kept, conversation).flatMap(({ message }) => message.attachments ?? []);
  const chosen = tray.map(({ key, name, ready }) => ready?.attachment ?? { sha256: key, name });
  return [...sent, ...chosen].map(({ sha256, name }) => ({ sha256, name }));
}

/** Those of all notices. */
export const rescuedFiles = (kept: Kept): RescuedFile[] =>
  [...kept.table('kv')].flatMap(([key, notice]) =>
    key.startsWith(NOTICE) ? ((notice as { files?: readonly RescuedFile[] }).files ?? []) : [],
  );
