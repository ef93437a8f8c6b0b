/** A new picture of this person or of a group, from when it was chosen until the relay has it. Loaded when somebody chooses one, or one waits. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import type { Performed } from '../local/outbox.ts';
import type { OutboxRequest } from '../local/tables.ts';
import { nameOf } from '../media/names.ts';
import { type Send, send as sendIt } from '../remote/send.ts';
import { tellPicture as tell } from '../remote/tell-picture.ts';
import type { Device } from './device.svelte.ts';
import type { Refusal } from './views.ts';

/** It shows on this device from then on. `conversation`: null for this person's own. `bytes`: null takes the picture away. */
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

/** `send`: the browser's own when there is none. */
export async function tellPicture(
  device: Device,
  request: Extract<OutboxRequest, { is: 'picture' }>,
  send: Send = sendIt,
): Promise<Performed> {
  const { shelf } = await device.blobs();
  return await tell(device.ask, request, {
    bytes: async (sha256) => device.inHand.get(sha256) ?? (await shelf.get(sha256).catch(() => null)),
    sent: (sha256) => void shelf.sent(sha256).catch(() => undefined),
    send,
  });
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
