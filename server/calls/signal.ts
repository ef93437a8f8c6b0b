/** What a client may say to the call broker: PeerJS's own messages, addressed to somebody (C11). */
import * as v from 'valibot';
import { PeerId } from '#shared/ids.ts';
import { SIGNAL_MAX_BYTES } from '#shared/limits.ts';
import type { Fault } from '#shared/faults.ts';

const Signal = v.union([
  v.object({ type: v.literal('HEARTBEAT') }),
  v.object({ type: v.picklist(['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE', 'EXPIRE']), dst: PeerId }),
]);

export type ReadSignal = { ok: true; to: PeerId | null } | { ok: false; fault: Fault };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** To whom it goes; null to the broker itself. */
export function readSignal(bytes: Uint8Array): ReadSignal {
  if (bytes.length > SIGNAL_MAX_BYTES) return { ok: false, fault: 'too-large' };
  try {
    const read = v.safeParse(Signal, JSON.parse(utf8.decode(bytes)));
    if (!read.success) return { ok: false, fault: 'malformed-frame' };
    return { ok: true, to: read.output.type === 'HEARTBEAT' ? null : read.output.dst };
  } catch {
    return { ok: false, fault: 'malformed-frame' };
  }
}
