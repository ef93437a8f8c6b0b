/** Bringing a blob to the relay: at once when it is small, in pieces that outlast a cut when it is large. Never throws. */
import * as v from 'valibot';
import { type Fault, isFault } from '#shared/faults.ts';
import type { ConversationId, Sha256 } from '#shared/ids.ts';
import { Problem } from '#shared/protocol/api.ts';
import { blobAddress } from './blobs.ts';
import type { Answer, Send } from './send.ts';

/** `away`: there was no answer, or not from the relay. */
export type Brought = { is: 'there' } | { is: 'away' } | { is: 'refused'; code: Fault };

export interface Parcel {
  bytes: Blob;
  sha256: Sha256;
  conversation: ConversationId;
  /** Where the relay has a part of it. */
  resumeAt: string | undefined;
}

export interface Bringing {
  progress: (sent: number) => void;
  /** From here it can go on after a cut. */
  began: (resumeAt: string) => void;
  signal: AbortSignal;
}

/** Larger ones are brought so that they can go on where they stopped; for smaller ones that costs more than it saves. */
const AT_ONCE_MAX_BYTES = 8 * 1024 ** 2;
/** A line on which nothing has moved for so long is dead, whatever the system believes. */
const STALLED_MS = 60_000;

export async function bring(send: Send, parcel: Parcel, bringing: Bringing): Promise<Brought> {
  const stall = new AbortController();
  const stalled = (): void => stall.abort();
  let timer = setTimeout(stalled, STALLED_MS);
  const watched = {
    ...bringing,
    signal: AbortSignal.any([bringing.signal, stall.signal]),
    progress: (sent: number) => {
      clearTimeout(timer);
      timer = setTimeout(stalled, STALLED_MS);
      bringing.progress(sent);
    },
  };
  try {
    if (parcel.bytes.size > AT_ONCE_MAX_BYTES) return await bringLarge(send, parcel, watched);
    return await bringSmall(send, parcel, watched);
  } finally {
    clearTimeout(timer);
  }
}

/** The relay has it, and this person may read it: then it need not be brought again. `not-found`: it has to be. */
export async function passOn(send: Send, sha256: Sha256, conversation: ConversationId): Promise<Brought> {
  return await ask(send, `${blobAddress(sha256)}/grants`, JSON.stringify({ conversation }));
}

/** Of one blob, as whoever runs the relay says; null when it is not there to be asked. */
export async function blobMaxBytes(send: Send): Promise<number | null> {
  const [url, signal] = ['/api/blobs/limits', AbortSignal.timeout(STALLED_MS)];
  try {
    const { status, body } = await send({
      method: 'GET',
      url,
      headers: {},
      body: null,
      progress: () => undefined,
      signal,
    });
    const limits = v.safeParse(Limits, status === 200 ? JSON.parse(body) : null);
    return limits.success ? limits.output.blobMaxBytes : null;
  } catch {
    return null;
  }
}

const Limits = v.object({ blobMaxBytes: v.pipe(v.number(), v.minValue(1)) });

/** One's own, for everybody, where there is no conversation; else a group's. */
export async function bringPicture(
  send: Send,
  { bytes, sha256, conversation }: { bytes: Blob; sha256: Sha256; conversation: ConversationId | null },
): Promise<Brought> {
  const to = conversation === null ? 'profile=1' : `conversation=${conversation}`;
  return await put(send, `${blobAddress(sha256)}?${to}`, bytes, {
    progress: () => undefined,
    signal: AbortSignal.timeout(STALLED_MS),
  });
}

async function bringSmall(send: Send, parcel: Parcel, bringing: Bringing): Promise<Brought> {
  return await put(send, `${blobAddress(parcel.sha256)}?conversation=${parcel.conversation}`, parcel.bytes, bringing);
}

async function put(
  send: Send,
  url: string,
  body: Blob,
  { progress, signal }: Pick<Bringing, 'progress' | 'signal'>,
): Promise<Brought> {
  try {
    return judged(await send({ method: 'PUT', url, headers: {}, body, progress, signal }));
  } catch {
    return { is: 'away' };
  }
}

async function bringLarge(send: Send, parcel: Parcel, bringing: Bringing): Promise<Brought> {
  const known = await passOn(send, parcel.sha256, parcel.conversation);
  if (known.is !== 'refused' || known.code !== 'not-found') return known;
  const { bringInPieces } = await import('./tus.ts');
  return await bringInPieces(send, parcel, bringing);
}

async function ask(send: Send, url: string, body: string): Promise<Brought> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(STALLED_MS);
  try {
    return judged(await send({ method: 'POST', url, headers, body, progress: () => undefined, signal }));
  } catch {
    return { is: 'away' };
  }
}

/** What the relay's answer means. What is not in its words comes from something in between. */
export function judged({ status, body }: Pick<Answer, 'status' | 'body'>): Brought {
  if (status >= 200 && status < 300) return { is: 'there' };
  try {
    const problem = v.safeParse(Problem, JSON.parse(body));
    if (problem.success)
      return { is: 'refused', code: isFault(problem.output.code) ? problem.output.code : 'relay-fault' };
  } catch {
    // Not JSON.
  }
  return { is: 'away' };
}
