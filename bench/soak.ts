/**
 * `npm run bench:soak`: whether the relay's memory stays flat. Two hundred people do ten times as much as people do, for an hour or as many minutes as
 * asked for; once a minute garbage is collected and what is left is written down. Ends with 1 when it grew by more than a tenth after the first third.
 */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { residentBytes } from './cpu.ts';
import { median, to } from './figures.ts';
import { Generator } from './generator.ts';
import type { StageResult } from './load/crowd.ts';
import { Server } from './servers.ts';
import { prepareVillage } from './village.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    people: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    checkout: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
});
/** A tenth of what a person does in bench:people. */
const IDLE_MILLIS = 2_000;
const GROWTH_MAX = 1.1;
/** As after months: pages that have just begun, and pages that are about to be full. Otherwise all of them would only fill. */
const RECENT = [60, 185, 310, 435, 560, 685, 810, 935];

const minutes = Number(values.minutes);
const seed = Number(values.seed);
const server = new Server('ting', 'Ting Ting', values.checkout);
await server.start();
/** MB that V8 knows of, a minute. */
const known: number[] = [];
let failed = 0;
try {
  const village = await prepareVillage(server, Number(values.people), seed, RECENT);
  const generator = await Generator.prepare({
    is: 'crowd',
    port: server.port,
    seed,
    idleMillis: IDLE_MILLIS,
    stages: [{ people: Number(values.people), settleSeconds: 10, seconds: 60 }],
    ...village,
  });
  await generator.run();
  for (let minute = 1; minute <= minutes; minute++) {
    const result = await generator.measure<StageResult>();
    const { heapUsed, external, rss } = await server.memory();
    known.push((heapUsed + external) / 1e6);
    failed += result.errors.length + result.cut;
    process.stdout.write(
      `minute ${minute}: ${result.actions} actions, ${result.errors.length + result.cut} failed; in V8 ${to(known.at(-1) ?? 0, 1)} MB, ` +
        `process ${to(rss / 1e6)} MB, with Postgres ${to(server.pids.reduce((sum, pid) => sum + residentBytes(pid), 0) / 1e6)} MB\n`,
    );
    for (const why of new Set(result.errors)) process.stdout.write(`  ${why}\n`);
  }
  await generator.close();
  generator.end();
} finally {
  await server.stop();
}
const third = Math.ceil(known.length / 3);
const growth = median(known.slice(-third)) / median(known.slice(0, third));
process.stdout.write(
  `The last third of the time against the first: ${to(growth, 3)} of the memory (at most ${GROWTH_MAX}), ${failed} actions failed.\n`,
);
process.exit(growth <= GROWTH_MAX && failed === 0 ? 0 : 1);
