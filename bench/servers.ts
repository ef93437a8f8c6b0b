/** The measured servers: each a process of its own, with a Postgres of its own where it uses one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Sql } from '../server/storage/sql.ts';
import { startChild, type Child } from './child.ts';
import { cpuMicros } from './cpu.ts';
import type { Wire } from './load/wires.ts';

export type Kind = 'ting' | 'bare' | 'y-websocket' | 'y-websocket-leveldb' | 'hocuspocus' | 'usual';

/** Something to measure: a server, spoken to in one of the ways it offers. */
export interface Target {
  name: string;
  wire: Wire;
  server: Server;
}

/** How long a server goes on working after its last message: Hocuspocus writes a document two seconds after its last change. */
const SETTLE_MILLIS: Record<Kind, number> = {
  ting: 500,
  bare: 200,
  'y-websocket': 200,
  'y-websocket-leveldb': 500,
  hocuspocus: 3_500,
  usual: 500,
};

const here = (file: string): string => resolve(import.meta.dirname, file);

export class Server {
  readonly kind: Kind;
  readonly name: string;
  readonly #checkout: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ting-bench-'));
  #postgres: Child | null = null;
  #child: Child | null = null;
  #sql: Sql | null = null;
  port = 0;

  constructor(kind: Kind, name: string, checkout: string) {
    this.kind = kind;
    this.name = name;
    this.#checkout = checkout;
  }

  async start(): Promise<void> {
    if (this.#postgres === null && (this.kind === 'ting' || this.kind === 'hocuspocus' || this.kind === 'usual'))
      this.#postgres = await startChild(here('servers/postgres.ts'));
    this.port = await freePort();
    const database = this.#postgres?.ready.url;
    const environment: Record<string, string> = {
      HOST: '127.0.0.1',
      PORT: String(this.port),
      DATA_DIR: this.#folder,
      LOG_LEVEL: 'error',
      NODE_ENV: 'production',
      ...(database === undefined ? {} : { DATABASE_URL: database }),
      ...(this.kind === 'y-websocket-leveldb' ? { YPERSISTENCE: join(this.#folder, 'leveldb') } : {}),
    };
    this.#child = await startChild(this.#file(), environment, ['--expose-gc', '--import', here('servers/probe.ts')]);
    await listens(this.port);
  }

  #file(): string {
    switch (this.kind) {
      case 'ting':
        return resolve(this.#checkout, 'server/main.ts');
      case 'y-websocket-leveldb':
        return here('servers/y-websocket.ts');
      case 'usual':
        return here('servers/usual-stack.ts');
      case 'bare':
      case 'y-websocket':
      case 'hocuspocus':
        return here(`servers/${this.kind}.ts`);
    }
  }

  /** Its own database, for preparing and for looking afterwards; null where it has none. */
  get sql(): Sql | null {
    const url = this.#postgres?.ready.url;
    if (this.#sql === null && url !== undefined) this.#sql = connect(url, { max: 1 });
    return this.#sql;
  }

  get settleMillis(): number {
    return SETTLE_MILLIS[this.kind];
  }

  /** CPU used so far: by the server itself, and by its Postgres with all its children. */
  cpu(): { own: number; postgres: number } {
    return {
      own: this.#child === null ? 0 : cpuMicros(this.#child.pid),
      postgres: this.#postgres === null ? 0 : cpuMicros(this.#postgres.pid),
    };
  }

  /** The server's process and its Postgres. */
  get pids(): number[] {
    return [this.#child, this.#postgres].flatMap((child) => child?.pid ?? []);
  }

  memory(): Promise<NodeJS.MemoryUsage> {
    return this.#running.ask('memory');
  }

  startProfile(): Promise<unknown> {
    return this.#running.ask('profile');
  }

  /** As Chrome's developer tools read it. */
  endProfile(): Promise<Profile> {
    return this.#running.ask('profiled');
  }

  get #running(): Child {
    if (this.#child === null) throw new Error(`${this.name} is not running`);
    return this.#child;
  }

  /** A new process on what the old one has kept. */
  async restart(): Promise<void> {
    await this.#child?.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#sql?.end({ timeout: 5 });
    await this.#child?.stop();
    await this.#postgres?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('this machine gives out no ports');
  return address.port;
}

async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = dial(port, '127.0.0.1');
    const answer = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answer) return;
    await wait(20);
  }
}
