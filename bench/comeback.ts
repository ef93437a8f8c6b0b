/** Row 8 and what stands beside it: catching up, everybody at once, and the first look after a restart. README.md says how. */
import { setTimeout as wait } from 'node:timers/promises';
import { median } from './figures.ts';
import { runPlan } from './generator.ts';
import { text } from './load/messages.ts';
import type { FillResult, FillStep, OpenPlan, OpenResult, Talk } from './load/plans.ts';
import { seeded, seedOf } from './load/seeded.ts';
import { documentName } from './load/wires.ts';
import type { Target } from './servers.ts';
import { settle, World } from './world.ts';

const PAGE = 1_000;
const ROUNDS = 5;
const KNOWN = 500;
const MISSED = 1_000;
const CHARS = 100;
const CROWD = 500;
const CROWD_KNOWN = 200;
const CROWD_MISSED = 20;
const LONG = 10_000;
const RESTARTS = 3;
const HISTORY_LIMIT = 50;

export interface ComebackFigures {
  target: string;
  /** null: it keeps nothing to come back to. */
  catchUp: { bytes: number; millis: number } | null;
  stormMillis: number | null;
  coldMillis: number | null;
}

export async function measureComeback(
  targets: readonly Target[],
  seed: number,
  said: (line: string) => void,
): Promise<ComebackFigures[]> {
  const found: ComebackFigures[] = [];
  for (const target of targets) {
    const { wire, server } = target;
    // With LevelDB only what is left after a restart is of interest: the rest is that of the server without it.
    const whole = server.kind !== 'y-websocket-leveldb';
    const figures: ComebackFigures = {
      target: target.name,
      catchUp: whole && wire !== 'bare' ? await catchUp(target, seed) : null,
      stormMillis: whole ? await storm(target, seed) : null,
      coldMillis: wire === 'bare' || server.kind === 'y-websocket' ? null : await coldOpen(target, seed),
    };
    said(
      `comeback ${target.name}: ${figures.catchUp?.bytes ?? '–'} bytes in ${figures.catchUp?.millis.toFixed(0) ?? '–'} ms, ` +
        `storm ${figures.stormMillis?.toFixed(0) ?? '–'} ms, cold open ${figures.coldMillis?.toFixed(0) ?? '–'} ms`,
    );
    found.push(figures);
  }
  return found;
}

async function catchUp(target: Target, seed: number): Promise<{ bytes: number; millis: number }> {
  const talk = await newTalk(target, seedOf(seed, 'catch-up', target.name), 2);
  const [steps, states] = await history(target, talk, [KNOWN, MISSED], seed);
  const documents = behind(target, talk, steps, states);
  const results: OpenResult[] = [];
  for (let round = 0; round < ROUNDS; round++)
    results.push(await runPlan<OpenResult>(opening(target, talk, documents, KNOWN, MISSED)));
  for (const { messages } of results)
    if (messages !== MISSED) throw new Error(`${target.name} sent ${messages} messages instead of ${MISSED}`);
  return { bytes: median(results.map((r) => r.bytes)), millis: median(results.map((r) => r.millis)) };
}

async function storm(target: Target, seed: number): Promise<number> {
  const talk = await newTalk(target, seedOf(seed, 'storm', target.name), CROWD);
  const [, states] = target.wire === 'bare' ? [[], []] : await history(target, talk, [CROWD_KNOWN, CROWD_MISSED], seed);
  const millis: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    millis.push(
      await runPlan<number>({
        is: 'storm',
        wire: target.wire,
        port: target.server.port,
        talk,
        base: states[0] ?? new Uint8Array(),
        last: CROWD_KNOWN + CROWD_MISSED - 1,
        after: CROWD_KNOWN,
      }),
    );
    await wait(500);
  }
  return median(millis);
}

async function coldOpen(target: Target, seed: number): Promise<number> {
  const talk = await newTalk(target, seedOf(seed, 'cold', target.name), 2);
  await history(
    target,
    talk,
    Array.from({ length: LONG / PAGE }, () => PAGE),
    seed,
  );
  await wait(Math.max(1_000, target.server.settleMillis));
  const millis: number[] = [];
  for (let restart = 0; restart < RESTARTS; restart++) {
    await target.server.restart();
    const { conversation } = talk.place;
    const names = isOurs(target)
      ? // The root, the last full page, and the one that has just begun.
        [`c:${conversation}`, ...[LONG / PAGE - 1, LONG / PAGE].map((page) => documentName({ conversation, page }))]
      : [documentName(talk.place)];
    const wanted = target.wire === 'usual' ? HISTORY_LIMIT : isOurs(target) ? PAGE : LONG;
    const result = await runPlan<OpenResult>(
      opening(
        target,
        talk,
        names.map((name) => ({ name, base: null })),
        null,
        wanted,
      ),
    );
    if (result.messages !== wanted) throw new Error(`${target.name} opened ${result.messages} messages, not ${wanted}`);
    millis.push(result.millis);
  }
  return median(millis);
}

const isOurs = ({ wire }: Target): boolean => wire === 'ting' || wire === 'ting-app';

async function newTalk({ server }: Target, seed: number, size: number): Promise<Talk> {
  const [talk] = new World(seed).talks(1, size);
  if (talk === undefined) throw new Error('no conversation');
  await settle(server, [talk]);
  return talk;
}

/** Writes so many messages in each of these portions. Answers where each portion went, and the document after it. */
async function history(
  target: Target,
  talk: Talk,
  portions: number[],
  seed: number,
): Promise<[FillStep[], Uint8Array[]]> {
  const [person] = talk.people;
  if (person === undefined) throw new Error('nobody there to write');
  const steps: FillStep[] = [];
  let from = 0;
  for (const messages of portions) {
    for (let rest = messages; rest > 0;) {
      const page = isOurs(target) ? Math.floor(from / PAGE) : 0;
      const part = Math.min(rest, PAGE - (from % PAGE));
      steps.push({ place: { ...talk.place, page }, from, messages: part });
      from += part;
      rest -= part;
    }
  }
  if (target.wire === 'usual') {
    await rows(target, talk, from, seed);
    return [steps, []];
  }
  const [states] = await runPlan<FillResult>({
    is: 'fill',
    wire: target.wire,
    port: target.server.port,
    seed,
    chars: CHARS,
    histories: [{ person, steps }],
  });
  return [steps, states ?? []];
}

/** The usual stack's history, straight into its table: a POST each would take longer than everything else. */
async function rows(target: Target, talk: Talk, count: number, seed: number): Promise<void> {
  const random = seeded(seed);
  const { conversation } = talk.place;
  const texts = Array.from({ length: count }, (_, number) => text(random, number, CHARS));
  const author = talk.people[0]?.id ?? '';
  await target.server.sql?.begin(async (sql) => {
    await sql`insert into messages (conversation, seq, author, at, text)
      select ${conversation}, n, ${author}, ${Date.now()}::bigint, body from unnest(${texts}::text[]) with ordinality as t (body, n)`;
    await sql`update conversations set last_seq = ${count} where id = ${conversation}`;
  });
}

/** What a device opens that has what was there after the first portion. */
function behind(target: Target, talk: Talk, steps: FillStep[], states: Uint8Array[]): OpenPlan['documents'] {
  const names = [...new Set(steps.map(({ place }) => documentName(place)))];
  const pages = names.map((name, index) => ({ name, base: index === 0 ? (states[0] ?? null) : null }));
  return isOurs(target) ? [{ name: `c:${talk.place.conversation}`, base: null }, ...pages] : pages;
}

const opening = (
  { wire, server }: Target,
  talk: Talk,
  documents: OpenPlan['documents'],
  after: number | null,
  expect: number,
): OpenPlan => ({
  is: 'open',
  wire,
  port: server.port,
  person: talk.people[0] ?? { id: '', cookie: '' },
  conversation: talk.place.conversation,
  documents,
  after,
  limit: expect,
  expect,
});
