/**
 * Channel 0: one JSON object a frame, UTF-8. Opening and closing channels, refusals, and what the relay computes.
 * A client opens a channel and may send on it at once; the relay's `opened` comes before its first frame on that channel.
 * A closed channel's number is never used again on the socket.
 */
import * as v from 'valibot';
import { ConversationId } from '../ids.ts';
import type { Decoded } from './frames.ts';
import { OverviewRow } from './overview.ts';

const Channel = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0xffff_ffff));

export const ClientControl = v.variant('is', [
  v.strictObject({ is: v.literal('open'), channel: Channel, doc: v.pipe(v.string(), v.maxLength(80)) }),
  v.strictObject({ is: v.literal('close'), channel: Channel }),
]);
export type ClientControl = v.InferOutput<typeof ClientControl>;

export const RelayControl = v.variant('is', [
  v.object({ is: v.literal('opened'), channel: Channel }),
  /** The channel is closed; `code` says whether to come back (faults.ts). */
  v.object({ is: v.literal('closed'), channel: Channel, code: v.number(), fault: v.string() }),
  /** All rows of this person; what is not in it is gone. Sent first on every connect. */
  v.object({ is: v.literal('overview'), rows: v.array(OverviewRow) }),
  /** Rows that changed. */
  v.object({ is: v.literal('rows'), rows: v.array(OverviewRow) }),
  /** This person is no longer in the conversation. */
  v.object({ is: v.literal('gone'), conversation: ConversationId }),
  /** Sent when nothing else was for a while, so that a silent socket can be told from a dead one. */
  v.object({ is: v.literal('pulse') }),
]);
export type RelayControl = v.InferOutput<typeof RelayControl>;

/** How often the relay sends `pulse`; a client that heard nothing for three of them takes the socket for dead. */
export const PULSE_SECONDS = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const encodeControl = (message: ClientControl | RelayControl): Uint8Array =>
  encoder.encode(JSON.stringify(message));

function decodeWith<S extends v.GenericSchema>(schema: S, bytes: Uint8Array): Decoded<v.InferOutput<S>> {
  try {
    const result = v.safeParse(schema, JSON.parse(decoder.decode(bytes)));
    return result.success ? { ok: true, value: result.output } : { ok: false, why: result.issues[0].message };
  } catch {
    return { ok: false, why: 'not JSON' };
  }
}

export const decodeClientControl = (bytes: Uint8Array): Decoded<ClientControl> => decodeWith(ClientControl, bytes);
export const decodeRelayControl = (bytes: Uint8Array): Decoded<RelayControl> => decodeWith(RelayControl, bytes);
