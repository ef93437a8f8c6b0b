/** Row 6: what a connection that does nothing costs in memory, and a conversation that nobody watches. README.md says how. */
import { setTimeout as wait } from 'node:timers/promises';
import { Generator, runPlan } from './generator.ts';
import type { FillResult, IdlePlan, IdleResult, Talk } from './load/plans.ts';
import { seedOf } from './load/seeded.ts';
import type { Person } from './load/wires.ts';
import type { Server, Target } from './servers.ts';
import { settle, World } from './world.ts';

/** The first ones grow what every process has once. */
const WARMING = 1_000;
const CONNECTIONS = 1_000;
const CONVERSATIONS_EACH = 20;
const WARMING_TALKS = 100;
const TALKS = 400;
const MESSAGES_EACH = 20;
/** What a server does after somebody has left is given so long. */
const QUIET_MILLIS = 2_000;
const COLLECTIONS = 4;

export interface MemoryFigures {
  target: string;
  /** kB of resident memory a connection. */
  connection: number;
  /** kB of it that V8 knows of: heap, buffers. */
  connectionHeap: number;
  /** Bytes that a connection was sent. */
  greeting: number;
  /** CPU milliseconds that connecting took, Postgres included. */
  connecting: number;
  /** kB left behind by a conversation of 20 messages that two people have watched and closed; null where documents live as long as the server. */
  unwatched: number;
}

export async function measureMemory(
  targets: readonly Target[],
  seed: number,
  said: (line: string) => void,
): Promise<MemoryFigures[]> {
  const found: MemoryFigures[] = [];
  for (const target of targets) {
    // A fresh process each time: memory that others have stirred up tells nothing.
    await target.server.restart();
    const idle = await idleConnections(target, seed);
    const unwatched = target.wire === 'bare' || target.wire === 'usual' ? 0 : await unwatchedTalks(target, seed);
    const figures = { target: target.name, ...idle, unwatched };
    said(
      `memory ${target.name}: ${figures.connection.toFixed(1)} kB a connection (${figures.connectionHeap.toFixed(1)} of it in V8, ${figures.connecting.toFixed(1)} ms CPU to connect), ` +
        `${figures.unwatched.toFixed(2)} kB a conversation that nobody watches`,
    );
    found.push(figures);
  }
  return found;
}

async function idleConnections(
  { server, wire }: Target,
  seed: number,
): Promise<Pick<MemoryFigures, 'connection' | 'connectionHeap' | 'greeting' | 'connecting'>> {
  const world = new World(seedOf(seed, 'memory', wire));
  const people = world.people(WARMING + CONNECTIONS);
  // On the app's socket a person is told of all their conversations and opens none; elsewhere a connection is one document.
  const talks = wire === 'ting-app' ? ring(world, people) : people.map((person) => world.talk([person]));
  await settle(server, talks);
  const somewhere = { conversation: '', page: 0 };
  const alone = (part: Person[]): Talk[] => part.map((person) => ({ place: somewhere, people: [person] }));
  const plan = (part: Talk[]): IdlePlan => ({
    is: 'idle',
    wire,
    port: server.port,
    talks: part,
    withoutDocument: wire === 'ting-app',
  });
  const slices =
    wire === 'ting-app'
      ? [alone(people.slice(0, WARMING)), alone(people.slice(WARMING))]
      : [talks.slice(0, WARMING), talks.slice(WARMING)];
  const warming = await Generator.prepare(plan(slices[0] ?? []));
  const measured = await Generator.prepare(plan(slices[1] ?? []));
  try {
    await warming.run();
    const before = await quiet(server);
    const cpuBefore = server.cpu();
    const { bytesIn } = await measured.run<IdleResult>();
    const cpuAfter = server.cpu();
    const after = await quiet(server);
    await warming.close();
    await measured.close();
    return {
      connection: (after.rss - before.rss) / CONNECTIONS / 1000,
      connectionHeap: (known(after) - known(before)) / CONNECTIONS / 1000,
      greeting: bytesIn / CONNECTIONS,
      connecting: (cpuAfter.own + cpuAfter.postgres - cpuBefore.own - cpuBefore.postgres) / CONNECTIONS / 1000,
    };
  } finally {
    warming.end();
    measured.end();
  }
}

/** Everybody talks with the ten before and the ten behind them. */
function ring(world: World, people: Person[]): Talk[] {
  const talks: Talk[] = [];
  for (const [index, person] of people.entries())
    for (let step = 1; step <= CONVERSATIONS_EACH / 2; step++) {
      const other = people[(index + step) % people.length];
      if (other !== undefined) talks.push(world.talk([person, other]));
    }
  return talks;
}

async function unwatchedTalks({ server, wire }: Target, seed: number): Promise<number> {
  const talks = new World(seedOf(seed, 'unwatched', wire)).talks(WARMING_TALKS + TALKS, 2);
  await settle(server, talks);
  const watch = async (part: Talk[]): Promise<void> => {
    await runPlan<FillResult>({
      is: 'fill',
      wire,
      port: server.port,
      seed: seedOf(seed, part.length),
      chars: 60,
      histories: part.flatMap(({ place, people: [person] }) =>
        person === undefined ? [] : [{ person, steps: [{ place, from: 0, messages: MESSAGES_EACH }] }],
      ),
    });
    const generator = await Generator.prepare({
      is: 'idle',
      wire,
      port: server.port,
      talks: part,
      withoutDocument: false,
    });
    await generator.run();
    await generator.close();
    generator.end();
  };
  await watch(talks.slice(0, WARMING_TALKS));
  const before = await quiet(server);
  await watch(talks.slice(WARMING_TALKS));
  const after = await quiet(server);
  return (known(after) - known(before)) / TALKS / 1000;
}

async function quiet(server: Server): Promise<NodeJS.MemoryUsage> {
  await wait(Math.max(QUIET_MILLIS, server.settleMillis));
  // Compiled code that has not run for a few collections is dropped; that must not be counted to what comes next.
  for (let i = 0; i < COLLECTIONS; i++) await server.memory();
  return server.memory();
}

const known = (usage: NodeJS.MemoryUsage): number => usage.heapUsed + usage.external;
