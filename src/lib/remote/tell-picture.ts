/** A picture of a person or a group: first its bytes, then who it is of, so that nobody is told of what is not there. */
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import type { Performed } from '../local/outbox.ts';
import type { Ask, Refused } from './api.ts';
import { bringPicture } from './bring.ts';
import type { Send } from './send.ts';

interface Pictures {
  /** Null when this device has lost them. */
  bytes(sha256: Sha256): Promise<Blob | null>;
  /** The relay has it. */
  sent(sha256: Sha256): void;
  send: Send;
}

/** `conversation`: null for one's own. */
interface Told {
  conversation: ConversationId | null;
  sha256: Sha256 | null;
}

export async function tellPicture(ask: Ask, { conversation, sha256 }: Told, pictures: Pictures): Promise<Performed> {
  if (sha256 !== null) {
    const bytes = await pictures.bytes(sha256);
    if (bytes === null) return refused('not-found', 'The picture is not on this device any more.');
    const brought = await bringPicture(pictures.send, { bytes, sha256, conversation });
    if (brought.is === 'away') return refused('offline', 'The server cannot be reached.');
    if (brought.is === 'refused') return refused(brought.code, 'The picture was not taken.');
    pictures.sent(sha256);
  }
  const body = { avatar: sha256 };
  if (conversation === null) {
    const asked = await ask('updateMe', { body });
    return asked.ok ? { ok: true, me: asked.answer.user } : asked;
  }
  const asked = await ask('updateConversation', { params: { id: conversation }, body });
  return asked.ok ? { ok: true, row: asked.answer.conversation } : asked;
}

const refused = (code: Refused['code'], detail: string): Performed => ({
  ok: false,
  refusal: { code, detail, fields: {} },
});
