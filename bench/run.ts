/** `npm run bench`: every figure in tables, or as JSON with `--json`. README.md says what can be chosen and how each figure is taken. */
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../scripts/build.mjs';
import { measureComeback } from './comeback.ts';
import { ensurePeersInstalled } from './install.ts';
import { measureMemory } from './memory.ts';
import { readOptions, type Options, type Part } from './options.ts';
import { Server, type Target } from './servers.ts';
import { appTable, comebackTable, memoryTable, trafficTable, type Table } from './tables.ts';
import { CROWD, measureTraffic, PAIRS, type Shape } from './traffic.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function options(): Options {
  try {
    return readOptions(process.argv.slice(2), root);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

const chosen = options();
/** To the terminal, so that what is printed at the end can be piped. */
const said = (line: string): void => void process.stderr.write(`${line}\n`);

function serversToMeasure(): Server[] {
  return chosen.kinds.flatMap((kind) => {
    if (kind !== 'ting') return [new Server(kind, NAMES[kind], root)];
    return chosen.checkouts.map(
      (folder, index) => new Server('ting', index === 0 ? NAMES.ting : `${NAMES.ting}, ${folder}`, folder),
    );
  });
}
const NAMES: Record<Server['kind'], string> = {
  ting: 'Ting Ting',
  bare: 'bare uWebSockets.js',
  'y-websocket': 'y-websocket',
  'y-websocket-leveldb': 'y-websocket, LevelDB',
  hocuspocus: 'Hocuspocus 4, Postgres',
  usual: 'POST, row, socket.io',
};

const targetsOf = (server: Server): Target[] =>
  server.kind === 'ting'
    ? [
        { name: server.name, wire: 'ting', server },
        { name: `${server.name}, the app’s socket`, wire: 'ting-app', server },
      ]
    : [{ name: server.name, wire: server.kind === 'y-websocket-leveldb' ? 'y-websocket' : server.kind, server }];

async function measure(part: Part, servers: readonly Server[]): Promise<Table[]> {
  const traffic = async (shape: Shape): Promise<Table[]> => [
    trafficTable(
      shape,
      chosen.perSecond ?? shape.perSecond,
      await measureTraffic(servers.flatMap(targetsOf), shape, { ...chosen, said }),
    ),
  ];
  switch (part) {
    case 'pairs':
      return traffic(PAIRS);
    case 'crowd':
      return traffic(CROWD);
    case 'memory':
      return [memoryTable(await measureMemory(servers.flatMap(targetsOf), chosen.seed, said))];
    case 'return':
      return [await comeback(servers)];
    case 'app':
      if (!(await ensureBuilt())) process.exit(1);
      return [await appTable(root)];
  }
}

/** Beside the servers of all other parts also y-websocket with LevelDB, for what is left after a restart. */
async function comeback(servers: readonly Server[]): Promise<Table> {
  const leveldb = new Server('y-websocket-leveldb', NAMES['y-websocket-leveldb'], root);
  const all = servers.some(({ kind }) => kind === 'y-websocket') ? [...servers, leveldb] : servers;
  try {
    if (all.includes(leveldb)) await leveldb.start();
    return comebackTable(await measureComeback(all.flatMap(targetsOf), chosen.seed, said));
  } finally {
    await leveldb.stop();
  }
}

const tables: Table[] = [];
const servers = serversToMeasure();
try {
  if (chosen.parts.some((part) => part !== 'app')) {
    ensurePeersInstalled();
    for (const server of servers) await server.start();
  }
  for (const part of chosen.parts) tables.push(...(await measure(part, servers)));
} finally {
  for (const server of servers) await server.stop();
}
if (chosen.json) process.stdout.write(`${JSON.stringify({ seed: chosen.seed, tables }, null, 2)}\n`);
else
  for (const { title, rows, notes } of tables) {
    process.stdout.write(`\n${title}\n`);
    console.table(rows);
    for (const note of notes) process.stdout.write(`${note}\n`);
  }
process.exit(0);
