/**
 * The bytes on a document's channel: exactly those of y-protocols and y-websocket, so that any stock client can talk to the relay.
 *
 *   sync 0       step 1 (0): state vector · step 2 (1): update · update (2): update
 *   awareness 1  an awareness update
 *   auth 2       permission denied (0): reason
 *   query 3      "send me all awareness states"
 *
 * The handshake: each side sends step 1 with what it has; the other answers step 2 with what is missing; afterwards only updates flow.
 * Decoders answer, they never throw: what arrives is the network's.
 */
import * as decoding from 'lib0/decoding';
import { behindNumbers } from './sized.ts';

export type Frame =
  | { is: 'step1'; stateVector: Uint8Array }
  | { is: 'step2'; update: Uint8Array }
  | { is: 'update'; update: Uint8Array }
  | { is: 'awareness'; update: Uint8Array }
  | { is: 'denied'; reason: string }
  | { is: 'query-awareness' };

export type Decoded<T> = { ok: true; value: T } | { ok: false; why: string };

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

export function decodeFrame(bytes: Uint8Array): Decoded<Frame> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const frame = readFrame(decoder);
    if (frame === null) return { ok: false, why: 'unknown message type' };
    if (decoding.hasContent(decoder)) return { ok: false, why: 'bytes behind the end' };
    return { ok: true, value: frame };
  } catch {
    return { ok: false, why: 'cut short' };
  }
}

function readFrame(decoder: decoding.Decoder): Frame | null {
  switch (decoding.readVarUint(decoder)) {
    case SYNC:
      switch (decoding.readVarUint(decoder)) {
        case 0:
          return { is: 'step1', stateVector: decoding.readVarUint8Array(decoder) };
        case 1:
          return { is: 'step2', update: decoding.readVarUint8Array(decoder) };
        case 2:
          return { is: 'update', update: decoding.readVarUint8Array(decoder) };
        default:
          return null;
      }
    case AWARENESS:
      return { is: 'awareness', update: decoding.readVarUint8Array(decoder) };
    case AUTH:
      return decoding.readVarUint(decoder) === 0 ? { is: 'denied', reason: decoding.readVarString(decoder) } : null;
    case QUERY_AWARENESS:
      return { is: 'query-awareness' };
    default:
      return null;
  }
}

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.is) {
    case 'step1':
      return behindNumbers([SYNC, 0, frame.stateVector.length], frame.stateVector);
    case 'step2':
      return behindNumbers([SYNC, 1, frame.update.length], frame.update);
    case 'update':
      return behindNumbers([SYNC, 2, frame.update.length], frame.update);
    case 'awareness':
      return behindNumbers([AWARENESS, frame.update.length], frame.update);
    case 'denied': {
      const reason = new TextEncoder().encode(frame.reason);
      return behindNumbers([AUTH, 0, reason.length], reason);
    }
    case 'query-awareness':
      return Uint8Array.of(QUERY_AWARENESS);
  }
}
