/**
 * What passes between the door and the places behind it: a request that has been read whole, an answer that has not been written yet.
 * Nothing here knows uWebSockets.js or the API, so the router, the files and the tests all speak it.
 */
import type { Fault } from '#shared/faults.ts';

export interface Request {
  /** In capitals. */
  method: string;
  /** As it came, still percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** Empty when there is none; the name in lower case. */
  header(name: string): string;
  /** Whoever speaks to us, as text; the first trusted hop's word when we stand behind a proxy of our own network. */
  address: string;
  /** Read whole; empty where the body is taken as it comes. */
  body: Uint8Array;
  /** Of an upload. */
  incoming?: Incoming;
}

/** A body that is taken as it comes, by somebody who may be slow. */
export interface Incoming {
  /** Bytes, as announced; null when nothing was. */
  readonly length: number | null;
  /** Once. A piece is good until the next is asked for. Whoever stops before the end leaves the rest to the door. Fails with `CutOff` when the sender has gone. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Whoever sent something has gone in the middle of it. */
export class CutOff extends Error {
  constructor() {
    super('the sender has gone');
  }
}

/** Something that an answer needs does not answer itself for the moment: whoever asked is told to try again. */
export class NotReady extends Error {}

/** A body that is given as it is read. */
export interface Outgoing {
  /** Bytes, exactly. */
  length: number;
  /** Called when somebody wants them: not for a HEAD. A piece is good until the next is asked for. Whoever stops before the end closes it. */
  open(): AsyncIterable<Uint8Array>;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Text and bytes go out as they are; null has no body at all (204, 304). */
  body: string | Uint8Array | Outgoing | null;
}

/** One that is in memory. */
export interface WholeAnswer extends Answer {
  body: string | Uint8Array | null;
}

/** A refusal on its way out: what a person did wrong, by field, when it can be said. */
export interface Refusal {
  fault: Fault;
  /** One sentence for whoever reads the answer; the fault's title when absent. */
  detail?: string;
  fields?: Record<string, string>;
  retryAfterSeconds?: number;
}

/** Somebody with a session. `session` is its public handle, never its id. */
export interface Who<Person extends string> {
  person: Person;
  session: string;
}
