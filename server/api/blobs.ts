/** About blobs, in JSON: passing on what one may read, and how much there is room for. */
import { type ConversationId, isSha256, type Sha256, type UserId } from '#shared/ids.ts';
import type { Refusal } from '../exchange.ts';
import { done, type Handlers, ok, refuse } from './handler.ts';

export interface BlobSharing {
  passOn(person: UserId, sha256: Sha256, conversation: ConversationId): Promise<Refusal | null>;
  usedBytes(person: UserId): Promise<number>;
}

export interface BlobLimits {
  blobMaxBytes: number;
  personMaxBytes: number;
}

export function blobHandlers(
  sharing: BlobSharing,
  { blobMaxBytes, personMaxBytes }: BlobLimits,
): Pick<Handlers, 'passOnBlob' | 'blobLimits'> {
  return {
    async passOnBlob({ who, params: { blob }, body: { conversation } }) {
      if (!isSha256(blob)) return refuse('not-found');
      const refusal = await sharing.passOn(who.person, blob, conversation);
      return refusal === null ? done() : { ok: false, ...refusal };
    },

    async blobLimits({ who }) {
      return ok({ blobMaxBytes, personMaxBytes, usedBytes: await sharing.usedBytes(who.person) });
    },
  };
}
