/** Rows 1 to 3: what a message costs a server, and how long it takes to be seen. README.md says how. */
import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Generator } from './generator.ts';
import type { TrafficResult } from './load/plans.ts';
import { median, percentile } from './figures.ts';
import { topOf } from './profile.ts';
import type { Server, Target } from './servers.ts';
import { seedOf } from './load/seeded.ts';
import { settle, World } from './world.ts';

export interface Shape {
  name: string;
  conversations: number;
  size: number;
  authors: number;
  perSecond: number;
  /** How long a round sends. */
  seconds: number;
  rounds: number;
}

/** Row 1 and 3. */
export const PAIRS: Shape = {
  name: 'pairs',
  conversations: 500,
  size: 2,
  authors: 1,
  perSecond: 500,
  seconds: 6,
  rounds: 3,
};
/** Row 2. */
export const CROWD: Shape = {
  name: 'crowd',
  conversations: 1,
  size: 100,
  authors: 20,
  perSecond: 100,
  seconds: 5,
  rounds: 3,
};

export interface TrafficFigures {
  target: string;
  /** CPU microseconds a message: all of it, and how much of it is Postgres. */
  micros: number;
  postgresMicros: number;
  p50Ms: number;
  p99Ms: number;
  /** Kilobytes to all sockets of the conversation, a message. */
  bytesOut: number;
  generatorMicros: number;
  generatorShare: number;
}

export interface TrafficOptions {
  seed: number;
  rounds?: number | undefined;
  seconds?: number | undefined;
  perSecond?: number | undefined;
  /** Where CPU profiles go; null for none. */
  profiles: string | null;
  said: (line: string) => void;
}

export async function measureTraffic(
  targets: readonly Target[],
  shape: Shape,
  { seed, rounds = shape.rounds, seconds, perSecond = shape.perSecond, profiles, said }: TrafficOptions,
): Promise<TrafficFigures[]> {
  const found = new Map<string, TrafficFigures[]>();
  const messages = (seconds ?? shape.seconds) * perSecond;
  for (let round = 0; round < rounds; round++) {
    // Interleaved, so that a noisy minute of the machine is shared by all of them.
    for (const [index, target] of targets.entries()) {
      const figures = await once(
        target,
        { ...shape, perSecond },
        messages,
        seedOf(seed, shape.name, round, index),
        profiles,
      );
      said(`${shape.name} ${round + 1}/${rounds} ${target.name}: ${summary(figures)}`);
      found.set(target.name, [...(found.get(target.name) ?? []), figures]);
    }
  }
  return targets.map(({ name }) => medians(name, found.get(name) ?? []));
}

const summary = (f: TrafficFigures): string =>
  `${f.micros.toFixed(0)} µs a message (${f.postgresMicros.toFixed(0)} of it Postgres), p50 ${f.p50Ms.toFixed(1)} ms, ` +
  `p99 ${f.p99Ms.toFixed(1)} ms; generator ${f.generatorMicros.toFixed(0)} µs, ${(f.generatorShare * 100).toFixed(0)}% of a core`;

async function once(
  target: Target,
  shape: Shape,
  messages: number,
  seed: number,
  profiles: string | null,
): Promise<TrafficFigures> {
  const { server, wire } = target;
  const talks = new World(seed).talks(shape.conversations, shape.size);
  await settle(server, talks);
  const generator = await Generator.prepare({
    is: 'traffic',
    wire,
    port: server.port,
    seed,
    talks,
    authors: shape.authors,
    messages,
    perSecond: shape.perSecond,
  });
  try {
    // What connecting and preparing stirred up is not a message's.
    await wait(300);
    if (profiles !== null) await server.startProfile();
    const before = server.cpu();
    const result = await generator.run<TrafficResult>();
    await wait(server.settleMillis);
    const after = server.cpu();
    if (profiles !== null) {
      const profile = await server.endProfile();
      const file = `${profiles}/${shape.name}-${target.name.replaceAll(/\W+/g, '-')}`;
      writeFileSync(`${file}.cpuprofile`, JSON.stringify(profile));
      writeFileSync(`${file}.txt`, topOf(profile, 30));
    }
    if (result.missing > 0) throw new Error(`${target.name} did not deliver ${result.missing} messages`);
    if (result.twice > 0) throw new Error(`${target.name} delivered ${result.twice} messages twice`);
    const conversations = talks.map((talk) => talk.place.conversation);
    await proveKept(server, conversations, messages);
    await generator.close();
    await wait(300);
    const own = after.own - before.own;
    const postgres = after.postgres - before.postgres;
    return {
      target: target.name,
      micros: (own + postgres) / messages,
      postgresMicros: postgres / messages,
      p50Ms: percentile(result.latencies, 0.5),
      p99Ms: percentile(result.latencies, 0.99),
      bytesOut: result.bytesOut,
      generatorMicros: result.ownMicros,
      generatorShare: result.ownShare,
    };
  } finally {
    generator.end();
  }
}

/** A server that says it keeps messages is looked at: a figure of one that dropped them would be worth nothing. */
async function proveKept(server: Server, conversations: string[], messages: number): Promise<void> {
  const { sql } = server;
  if (sql === null) return;
  if (server.kind === 'hocuspocus') {
    const names = conversations.map((conversation) => `c:${conversation}:0`);
    const [row] = await sql<{ kept: number }[]>`
      select count(*)::int as kept from documents where name = any(${names})`;
    if (row?.kept !== conversations.length)
      throw new Error(`${server.name} has saved ${row?.kept} of ${conversations.length} documents`);
    return;
  }
  const [row] = await sql<{ kept: number }[]>`
    select count(*)::int as kept from messages where conversation = any(${conversations})`;
  if (row?.kept !== messages) throw new Error(`${server.name} has kept ${row?.kept} of ${messages} messages`);
}

function medians(target: string, all: readonly TrafficFigures[]): TrafficFigures {
  const of = (pick: (figures: TrafficFigures) => number): number => median(all.map(pick));
  return {
    target,
    micros: of((f) => f.micros),
    postgresMicros: of((f) => f.postgresMicros),
    p50Ms: of((f) => f.p50Ms),
    p99Ms: of((f) => f.p99Ms),
    bytesOut: of((f) => f.bytesOut),
    generatorMicros: of((f) => f.generatorMicros),
    generatorShare: of((f) => f.generatorShare),
  };
}
