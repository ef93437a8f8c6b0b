/**
 * Channel 0: one JSON object a frame, UTF-8. Opening and closing channels, refusals, and what the relay computes.
 * A client opens a channel and may send on it at once; the relay's `opened` comes before its first frame on that channel.
 * A closed channel's number is never used again on the socket.
 */
import * as v from 'valibot';
import { CallId, ConversationId, DeviceId, UserId } from '../ids.ts';
import { MARKS_MAX_COUNT } from '../limits.ts';
import { Call, CallMedia } from '../model/call.ts';
import type { Decoded } from './frames.ts';
import { MemberReach, OverviewRow, PersonPresence, Reach, RowChange } from './overview.ts';

const Channel = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0xffff_ffff));
const Seq = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER));

const ToldMarks = v.pipe(
  v.array(v.strictObject({ conversation: ConversationId, seq: Seq })),
  v.minLength(1),
  v.maxLength(MARKS_MAX_COUNT),
);

/** What a device asks of a call. `device` names the page, also across its being loaded anew. */
export const CallAsk = v.variant('ask', [
  /** The id is minted on the device. Where somebody calls already, it becomes an `accept` of that call. */
  v.strictObject({
    ask: v.literal('start'),
    call: CallId,
    conversation: ConversationId,
    device: DeviceId,
    video: v.boolean(),
    media: CallMedia,
  }),
  v.strictObject({
    ask: v.literal('accept'),
    call: CallId,
    device: DeviceId,
    media: CallMedia,
    takeOver: v.boolean(),
  }),
  v.strictObject({ ask: v.literal('decline'), call: CallId }),
  v.strictObject({ ask: v.literal('leave'), call: CallId, device: DeviceId, failed: v.boolean() }),
  /** After every connect, while in a call. `anew`: the page was loaded anew, and needs another name at the broker. */
  v.strictObject({ ask: v.literal('back'), call: CallId, device: DeviceId, anew: v.boolean() }),
  v.strictObject({ ask: v.literal('media'), call: CallId, device: DeviceId, media: CallMedia }),
]);
export type CallAsk = v.InferOutput<typeof CallAsk>;

export const ClientControl = v.variant('is', [
  v.strictObject({ is: v.literal('open'), channel: Channel, doc: v.pipe(v.string(), v.maxLength(80)) }),
  v.strictObject({ is: v.literal('close'), channel: Channel }),
  /** This device has everything up to there, on its own disk. */
  v.strictObject({ is: v.literal('delivered'), marks: ToldMarks }),
  /** This person has read everything up to there. */
  v.strictObject({ is: v.literal('read'), marks: ToldMarks }),
  /** Whether somebody looks at this device, or did in the last minutes. A socket begins with yes. */
  v.strictObject({ is: v.literal('here'), active: v.boolean() }),
  v.strictObject({ is: v.literal('call'), what: CallAsk }),
]);
export type ClientControl = v.InferOutput<typeof ClientControl>;

export const RelayControl = v.variant('is', [
  v.object({ is: v.literal('opened'), channel: Channel }),
  /** The channel is closed; `code` says whether to come back (faults.ts). */
  v.object({ is: v.literal('closed'), channel: Channel, code: v.number(), fault: v.string() }),
  /** All rows of this person; what is not in it is gone. Sent first on every connect. */
  v.object({ is: v.literal('overview'), rows: v.array(OverviewRow) }),
  /** Rows that changed. */
  v.object({ is: v.literal('rows'), rows: v.array(RowChange) }),
  /** How far members are who have moved on; in a group too large for that, how far everybody else is. */
  v.object({
    is: v.literal('marks'),
    conversation: ConversationId,
    marks: v.array(MemberReach),
    others: v.optional(Reach),
  }),
  /** Who is here: all whom this person may see, behind the overview and when that changes; otherwise those who came or went. */
  v.object({ is: v.literal('presence'), whole: v.boolean(), people: v.array(PersonPresence) }),
  /** Who types, and who no longer does. Said again while it lasts: what was not said again for a while is over. */
  v.object({
    is: v.literal('typing'),
    conversation: ConversationId,
    people: v.array(v.object({ id: UserId, typing: v.boolean() })),
  }),
  /** All calls that ring or go on in this person's conversations, behind the overview; what is not in it is over. */
  v.object({ is: v.literal('calls'), calls: v.array(Call) }),
  /** A call began, or changed, or is over; as this person may see it (`seenBy`). */
  v.object({ is: v.literal('call'), call: Call }),
  /** What was asked of a call cannot be. */
  v.object({ is: v.literal('call-refused'), call: CallId, fault: v.string() }),
  /** Somebody called there already: what was to be this call is that one. */
  v.object({ is: v.literal('call-became'), call: CallId, became: CallId }),
  /** This person is no longer in the conversation. `deleted`: nobody is, its owner has deleted it. */
  v.object({ is: v.literal('gone'), conversation: ConversationId, deleted: v.optional(v.boolean()) }),
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
