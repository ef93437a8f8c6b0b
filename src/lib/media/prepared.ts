/** What is made of something that a person chose, before it is sent. */
import type { Sha256 } from '#shared/ids.ts';

/** Bytes, and the name that follows from them. */
export interface Named {
  bytes: Blob;
  sha256: Sha256;
}

export interface Ready extends Named {
  is: 'ready';
  type: string;
  width?: number;
  height?: number;
  thumb?: string;
  seconds?: number;
  /** A smaller still of it. */
  poster?: Named;
}

/** `unreadable`: it does not decode; `huge`: it would take too much memory to. */
export type Prepared = Ready | { is: 'unreadable' | 'huge' };

/** What a worker can do as well as a page. `type` is what it says it is. */
export type Task =
  | { is: 'as-it-is'; bytes: Blob; type: string }
  | { is: 'film'; bytes: Blob; type: string }
  | { is: 'file'; bytes: Blob; type: string }
  | { is: 'picture'; bytes: Blob; original: boolean };
