/** Puts a new picture of this person or of a group on its way; it shows on this device from then on. Loaded when somebody chooses one. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import { nameOf } from '../media/names.ts';
import type { Device } from './device.svelte.ts';
import type { Refusal } from './views.ts';

/** `conversation`: null for this person's own. `bytes`: null takes the picture away. */
export async function choosePicture(
  device: Device,
  conversation: ConversationId | null,
  bytes: Blob | null,
): Promise<Refusal | null> {
  const sha256 = bytes === null ? null : await keep(device, bytes);
  const before = [...device.kept.table('outbox')].flatMap(([key, one]) =>
    one.is === 'picture' && one.conversation === conversation ? [key] : [],
  );
  const answer = device.request({ is: 'picture', conversation, sha256 });
  // What was chosen before it and has not gone is not wanted any more. After this one is there, so that nothing older shows meanwhile.
  void device.kept.remove('outbox', ...before);
  return await answer;
}

/** Before anything names it. What the disk does not take is in hand for as long as this tab is open. */
async function keep(device: Device, bytes: Blob): Promise<Sha256> {
  const sha256 = await nameOf(bytes);
  try {
    await (await device.blobs()).shelf.put(sha256, bytes, 'own');
  } catch (why) {
    device.inHand.set(sha256, bytes);
    void device.quota.notice(why);
  }
  return sha256;
}
