/**
 * `npm run bench:people`: how many active people one relay carries, Postgres included, before it misses the health limits of Mattermost's load
 * test. More people come in steps, until a limit is missed or nobody is left to come. README.md says how.
 */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { residentBytes } from './cpu.ts';
import { percentile, to } from './figures.ts';
import { Generator } from './generator.ts';
import type { Action, StageResult } from './load/crowd.ts';
import { Server } from './servers.ts';
import { prepareVillage } from './village.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '500,1000,2000,3000,4000,5000,6000,8000' },
    seconds: { type: 'string', default: '60' },
    settle: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
    checkout: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
    json: { type: 'boolean', default: false },
    /** Goes on when a limit is missed. */
    on: { type: 'boolean', default: false },
  },
});
const stages = values.people.split(',').map((people) => ({
  people: Number(people),
  settleSeconds: Number(values.settle),
  seconds: Number(values.seconds),
}));

/** The limits of Mattermost's coordinator (its MonitorConfig), with the machine of row 7. */
const LIMITS = { meanMillis: 100, p99Millis: 2_000, errorShare: 0.00025, cpuShare: 0.85, memoryShare: 0.85 };
/** Between two actions of a person, on average: the AvgIdleTimeMs of the same load test. */
const IDLE_MILLIS = 20_000;
const CORES = 2;
const MEMORY_BYTES = 4e9;

const said = (line: string): void => void process.stderr.write(`${line}\n`);
const seed = Number(values.seed);
const server = new Server('ting', 'Ting Ting', values.checkout);
await server.start();
const rows: Record<string, string | number>[] = [];
let healthy = 0;
try {
  const count = Math.max(...stages.map((stage) => stage.people));
  said(`Preparing ${count} people …`);
  const village = await prepareVillage(server, count, seed);
  const generator = await Generator.prepare({
    is: 'crowd',
    port: server.port,
    seed,
    idleMillis: IDLE_MILLIS,
    stages,
    ...village,
  });
  for (const stage of stages) {
    said(`${stage.people} people are coming …`);
    const began = performance.now();
    await generator.run();
    said(`… which took ${to((performance.now() - began) / 1000 - stage.settleSeconds)} s.`);
    const before = server.cpu();
    const result = await generator.measure<StageResult>();
    const after = server.cpu();
    const cores = (after.own + after.postgres - before.own - before.postgres) / 1e6 / stage.seconds;
    const row = rowOf(result, stage.seconds, cores, server);
    rows.push(row);
    said(JSON.stringify(row));
    for (const why of new Set(result.errors)) said(`  ${why}`);
    if (row.healthy === 'yes') healthy = stage.people;
    else if (!values.on) break;
  }
  await generator.close();
  generator.end();
} finally {
  await server.stop();
}
if (values.json) process.stdout.write(`${JSON.stringify({ seed, healthy, rows }, null, 2)}\n`);
else {
  console.table(rows);
  process.stdout.write(`Healthy with ${healthy} active people (goal ≥ 5,000).\n`);
}
process.exit(0);

function rowOf(result: StageResult, seconds: number, cores: number, server: Server): Record<string, string | number> {
  const all = Object.values(result.millis).flat();
  const done = all.length;
  const sorted = all.sort((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, done);
  const p99 = percentile(sorted, 0.99);
  const errors = result.errors.length + result.cut;
  const memory = server.pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  const missed = [
    mean > LIMITS.meanMillis && 'mean',
    p99 > LIMITS.p99Millis && 'p99',
    errors / Math.max(1, done) > LIMITS.errorShare && 'errors',
    cores > LIMITS.cpuShare * CORES && 'cpu',
    memory > LIMITS.memoryShare * MEMORY_BYTES && 'memory',
  ].filter((limit) => limit !== false);
  const p50 = (action: Action): number => to(percentile(result.millis[action], 0.5));
  return {
    people: result.people,
    'actions a second': to(result.actions / seconds),
    'mean ms': to(mean),
    'p99 ms': to(p99),
    errors,
    'cores used': to(cores, 2),
    'memory MB': to(memory / 1e6),
    'post p50 ms': p50('post'),
    'switch p50 ms': p50('switch'),
    'reconnect p50 ms': p50('reconnect'),
    'generator cores': to(result.ownShare, 2),
    healthy: missed.length === 0 ? 'yes' : `no: ${missed.join(', ')}`,
  };
}
