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
  body: Uint8Array;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Text and bytes go out as they are; null has no body at all (204, 304). */
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
