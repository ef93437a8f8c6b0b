/** Puts what another app has shared into the composer: beside what was being written there. */
import { forgetShared, readShared } from '$lib/local/shared.ts';
import type { ConversationView } from '$lib/state/views.ts';

export async function takeShared(conversation: ConversationView): Promise<void> {
  const shared = await readShared();
  if (shared === null) return;
  const { text } = conversation.composer;
  if (shared.text !== '') conversation.type(text === '' ? shared.text : `${text}\n${shared.text}`);
  if (shared.files.length > 0) conversation.attach(shared.files);
  await forgetShared();
}
