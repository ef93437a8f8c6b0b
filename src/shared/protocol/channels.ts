/**
 * One socket for all of a tab's documents: a frame is a channel number (varUint) and then exactly the bytes of the single-document
 * protocol. Channel 0 is control. The client numbers its channels, from 1, and uses each number once per socket.
 */
import * as decoding from 'lib0/decoding';
import type { Decoded } from './frames.ts';
import { behindNumbers } from './sized.ts';

export const CONTROL_CHANNEL = 0;
const CHANNEL_NUMBER_MAX = 0xffff_ffff;

export interface ChannelFrame {
  channel: number;
  /** A view into the bytes that were decoded, not a copy. */
  body: Uint8Array;
}

export const encodeChannelFrame = (channel: number, body: Uint8Array): Uint8Array => behindNumbers([channel], body);

export function decodeChannelFrame(bytes: Uint8Array): Decoded<ChannelFrame> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const channel = decoding.readVarUint(decoder);
    if (channel > CHANNEL_NUMBER_MAX) return { ok: false, why: 'channel number too large' };
    return { ok: true, value: { channel, body: bytes.subarray(decoder.pos) } };
  } catch {
    return { ok: false, why: 'no channel number' };
  }
}
