/** A picture that was chosen here and that the relay has not taken yet; it shows in place of the one before. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import type { OutboxRequest } from '../local/tables.ts';

/** Null: it was taken away; undefined: nothing was chosen. `conversation`: null for this person's own. */
export function chosenPicture(
  requests: readonly OutboxRequest[],
  conversation: ConversationId | null,
): Sha256 | null | undefined {
  const chosen = requests.findLast((one) => one.is === 'picture' && one.conversation === conversation);
  return chosen?.is === 'picture' ? chosen.sha256 : undefined;
}
