/** What the generator is asked to do, and what it answers. Both cross a process boundary as structured clones. */
import type { CrowdPlan } from './crowd.ts';
import type { Person, Place, Wire } from './wires.ts';

export interface Talk {
  place: Place;
  people: Person[];
}

/** People in conversations, of whom one after the other writes, at a fixed rate, whatever becomes of the messages. */
export interface TrafficPlan {
  is: 'traffic';
  wire: Wire;
  port: number;
  seed: number;
  talks: Talk[];
  /** How many of each conversation's people write; the others watch. */
  authors: number;
  messages: number;
  perSecond: number;
}

export interface TrafficResult {
  /** Milliseconds from the write until another person's socket had the message: sorted, one for each pair of message and person. */
  latencies: number[];
  missing: number;
  twice: number;
  /** CPU of the generator, in microseconds a message: the measured server's must not be limited by it. */
  ownMicros: number;
  /** What it used of one core while it sent, 0 to 1. */
  ownShare: number;
  /** Bytes that reached all the sockets, a message. */
  bytesOut: number;
}

/** Connections that do nothing. */
export interface IdlePlan {
  is: 'idle';
  wire: Wire;
  port: number;
  talks: Talk[];
  /** On the app's socket: the overview and nothing else, as somebody has it who looks at no conversation. */
  withoutDocument: boolean;
}

export interface IdleResult {
  connections: number;
  bytesIn: number;
}

/** Histories, one update after the other, each waited for until the server has it. */
export interface FillPlan {
  is: 'fill';
  wire: Wire;
  port: number;
  seed: number;
  chars: number;
  histories: { person: Person; steps: FillStep[] }[];
}

export interface FillStep {
  place: Place;
  /** The number of the first message. */
  from: number;
  messages: number;
}

/** For each history and step: the whole document after it, as one update. */
export type FillResult = Uint8Array[][];

/** Everybody comes back at the same moment and lacks the same last messages. The result is how many milliseconds that takes. */
export interface StormPlan {
  is: 'storm';
  wire: Wire;
  port: number;
  talk: Talk;
  /** What they all have, as a Yjs update. */
  base: Uint8Array;
  /** The number of the message that shows that somebody is up to date; those above `after` are missing. */
  last: number;
  after: number;
}

/** One person opens a conversation and reads what they lack, as a browser does. */
export interface OpenPlan {
  is: 'open';
  wire: Wire;
  port: number;
  person: Person;
  conversation: string;
  /** Documents to open, with what the device has of each. */
  documents: { name: string; base: Uint8Array | null }[];
  /** The usual stack: after which message, or null for the newest, and how many. */
  after: number | null;
  limit: number;
  /** How many messages must come. */
  expect: number;
}

export interface OpenResult {
  /** From the beginning of the connection until the documents are built. */
  millis: number;
  /** Bytes received after the upgrade, as they went over the wire. */
  bytes: number;
  /** Messages that are there now and were not before. */
  messages: number;
}

/** People who do what nobody should: some send as fast as they can, some have a lot sent to them and do not read it. */
export interface TroublePlan {
  is: 'trouble';
  port: number;
  seed: number;
  seconds: number;
  floods: Talk[];
  /** The first of each writes long messages, the second does not read. */
  slow: Talk[];
}

export interface TroubleResult {
  /** Sockets that were closed on those who flood, by code. */
  floodsEnded: Record<string, number>;
  floodFrames: number;
  slowBytes: number;
}

export type Plan = TrafficPlan | IdlePlan | FillPlan | StormPlan | OpenPlan | CrowdPlan | TroublePlan;
