/**
 * `npm run bench:many-calls`: what calls cost the relay, its Postgres included. People in pairs are connected, first idle, then in a call with each other,
 * with the heartbeats of PeerJS's clients; then what setting up a call costs, with as many signals as a browser sends. Media does not come by the relay.
 */
import { parseArgs } from 'node:util';
import { CallerPage, type Signals } from '../server/calls/test-caller.ts';
import { Actor } from '../server/test-actor.ts';
import type { ConversationId } from '../src/shared/ids.ts';
import { cpuMicros, residentBytes } from './cpu.ts';
import { to } from './figures.ts';
import { startRelayProcess } from './relay-process.ts';
import { freePort } from './servers.ts';

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '20' }, seconds: { type: 'string', default: '60' } },
});
const calls = Number(values.calls);
const millis = Number(values.seconds) * 1_000;
/** As PeerJS. */
const HEARTBEAT_MILLIS = 5_000;
const CANDIDATES = 15;

interface Pair {
  conversation: ConversationId;
  pages: [CallerPage, CallerPage];
}

const relay = await startRelayProcess(await freePort());
const passed = (wait: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, wait));

async function pair(): Promise<Pair> {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const { body } = await an.ask('POST', '/api/conversations', { kind: 'direct', members: [binh.id] });
  const conversation = body['conversation']?.['id'] as unknown as ConversationId;
  return { conversation, pages: [await CallerPage.open(an), await CallerPage.open(binh)] };
}

/** Up to where media would flow. */
async function talk({ conversation, pages: [an, binh] }: Pair): Promise<Signals[]> {
  const call = an.start(conversation);
  await binh.seesAt(call, binh.who, 'ringing');
  binh.accept(call);
  const [here, there] = await Promise.all([an.signals(call), binh.signals(call)]);
  const payload = { sdp: 'v'.repeat(4_000) };
  here.say({ type: 'OFFER', dst: there.peer, payload });
  await there.until(({ type }) => type === 'OFFER');
  there.say({ type: 'ANSWER', dst: here.peer, payload });
  for (const [from, dst] of [
    [here, there.peer],
    [there, here.peer],
  ] as const)
    for (let i = 0; i < CANDIDATES; i++)
      from.say({ type: 'CANDIDATE', dst, payload: { candidate: 'c'.repeat(120), last: i === CANDIDATES - 1 } });
  await Promise.all([here.settled(), there.settled()]);
  return [here, there];
}

async function during(work: () => Promise<unknown>): Promise<number> {
  const before = cpuMicros(relay.pid);
  await work();
  return cpuMicros(relay.pid) - before;
}

try {
  const pairs: Pair[] = [];
  for (let i = 0; i <= calls; i++) pairs.push(await pair());
  const [first, ...others] = pairs;
  const idleBytes = residentBytes(relay.pid);
  const idle = await during(() => passed(millis));
  // The first one starts PeerJS's server.
  const signals: Signals[] = first === undefined ? [] : await talk(first);
  const settingUp = await during(async () => {
    for (const each of others) signals.push(...(await talk(each)));
  });
  const beating = setInterval(() => signals.forEach((each) => each.say({ type: 'HEARTBEAT' })), HEARTBEAT_MILLIS);
  const talking = await during(() => passed(millis));
  clearInterval(beating);
  console.table({
    'idle, % of a core': to((idle / millis / 1_000) * 100, 1),
    [`${calls + 1} calls, % of a core`]: to((talking / millis / 1_000) * 100, 1),
    'ms of CPU a call, setting up': to(settingUp / 1_000 / calls, 1),
    'MB more than without calls': to((residentBytes(relay.pid) - idleBytes) / 1e6, 1),
  });
} finally {
  await relay.stop();
}
process.exit(0);
