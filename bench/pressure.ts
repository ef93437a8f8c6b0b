/**
 * `npm run bench:pressure`: five thousand people are connected, some of whom send without end or do not read what is sent to them, and the others
 * talk as ever. Whether they notice, and whether the relay's memory does. README.md says how.
 */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { residentBytes } from './cpu.ts';
import { percentile, to } from './figures.ts';
import { Generator } from './generator.ts';
import { seedOf } from './load/seeded.ts';
import type { IdleResult, Talk, TrafficResult, TroubleResult } from './load/plans.ts';
import { Server } from './servers.ts';
import { settle, World } from './world.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '5000' },
    floods: { type: 'string', default: '25' },
    slow: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    checkout: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
});
const HONEST_PAIRS = 50;
const PER_SECOND = 100;
const [people, floods, slow] = [Number(values.people), Number(values.floods), Number(values.slow)];
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const server = new Server('ting', 'Ting Ting', values.checkout);
await server.start();
const [relay] = server.pids;
const megabytes = (): number => to(residentBytes(relay ?? 0) / 1e6);
const sockets = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  return Number(/^tingting_sockets (\d+)$/m.exec(text)?.[1]);
};
try {
  const world = new World(seedOf(seed, 'pressure'));
  const nowhere = { conversation: '', page: 0 };
  const crowd = world.people(people);
  const pairs: Talk[] = crowd.flatMap((person, index) => {
    const other = crowd[(index + 1) % crowd.length];
    return other === undefined ? [] : [world.talk([person, other])];
  });
  const [before, during, trouble] = [HONEST_PAIRS, HONEST_PAIRS, floods + slow].map((count) =>
    world.talks(count, 2),
  ) as [Talk[], Talk[], Talk[]];
  await settle(server, [...pairs, ...before, ...during, ...trouble]);
  const talk = async (talks: Talk[]): Promise<TrafficResult> => {
    const plan = { is: 'traffic', wire: 'ting-app', port: server.port, seed, talks, authors: 1 } as const;
    const honest = await Generator.prepare({ ...plan, messages: PER_SECOND * seconds, perSecond: PER_SECOND });
    const result = await honest.run<TrafficResult>();
    await honest.close();
    honest.end();
    return result;
  };
  const tell = (when: string, { latencies, missing, twice }: TrafficResult): void =>
    say(
      `${when}: seen p50 ${to(percentile(latencies, 0.5), 1)} ms, p99 ${to(percentile(latencies, 0.99), 1)} ms, ` +
        `${missing} missing, ${twice} twice; relay ${megabytes()} MB`,
    );

  say(`relay alone: ${megabytes()} MB`);
  const alone = crowd.map((person) => ({ place: nowhere, people: [person] }));
  const idle = await Generator.prepare({
    is: 'idle',
    wire: 'ting-app',
    port: server.port,
    talks: alone,
    withoutDocument: true,
  });
  say(`${(await idle.run<IdleResult>()).connections} people are connected: relay ${megabytes()} MB`);
  const calm = await talk(before);
  tell('nobody disturbs', calm);

  const bad = await Generator.prepare({
    is: 'trouble',
    port: server.port,
    seed,
    seconds: seconds + 2,
    floods: trouble.slice(0, floods),
    slow: trouble.slice(floods),
  });
  const connected = await sockets();
  const raging = bad.run<TroubleResult>();
  const pressed = await talk(during);
  tell(`${floods} flood, ${slow} do not read`, pressed);
  const result = await raging;
  // Those who flood have cut their lines, and the honest have left: who is missing now was hung up on for not reading.
  const unread = connected - (await sockets());
  await bad.close();
  bad.end();
  say(
    `${result.floodFrames} frames were sent by those who flood, who were hung up on ${JSON.stringify(result.floodsEnded)}; ` +
      `${to(result.slowBytes / 1e6)} MB were sent to those who do not read, of whom ${unread} were let go`,
  );
  // Ends with an error when one of the five thousand was cut off.
  await idle.close();
  idle.end();
  process.exitCode = calm.missing + calm.twice + pressed.missing + pressed.twice === 0 ? 0 : 1;
} finally {
  await server.stop();
}
