/** For tests only: a real relay in a process of its own, and people whose devices are this app without a screen. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Me } from '#shared/protocol/api.ts';
import { relayAt } from '../remote/api.ts';
import { type App, startApp } from './app.svelte.ts';
import type { DeviceWorld } from './device.svelte.ts';

// Bundled for the browser, `ws` is an empty shell.
const { WebSocket: NodeSocket } = createRequire(import.meta.url)('ws') as {
  WebSocket: new (url: string, options: object) => WebSocket;
};

export class RelayProcess {
  #process: ChildProcess | null = null;
  #dataDir = mkdtempSync(join(tmpdir(), 'ting-ting-relay-'));
  /** Below the ports that a system gives to callers: a caller that keeps trying such a port while nobody listens can end up talking to itself. */
  readonly #port = 18_000 + Math.floor(Math.random() * 10_000);
  url = '';

  async start(): Promise<void> {
    const env = this.#environment();
    const child = fork('server/main.ts', {
      execPath: 'node_modules/.bin/node',
      execArgv: [],
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process = child;
    this.url = await new Promise((resolve, reject) => {
      child.on('message', (said: { url: string }) => resolve(said.url));
      child.on('exit', (code) => reject(new Error(`the relay ended with ${String(code)}`)));
    });
  }

  /** Everything, as `npm run backup` writes it. */
  backup(): Buffer {
    return this.#archive('backup');
  }

  /** Another installation at the same address, with what the backup has. */
  async startFrom(backup: Buffer): Promise<void> {
    this.#dataDir = mkdtempSync(join(tmpdir(), 'ting-ting-relay-'));
    this.#archive('restore', backup);
    await this.start();
  }

  #archive(command: 'backup' | 'restore', input?: Buffer): Buffer {
    const program = spawnSync('node_modules/.bin/node', ['server/backup.ts', command], {
      env: this.#environment(),
      maxBuffer: Infinity,
      ...(input && { input }),
    });
    if (program.status !== 0) throw new Error(program.stderr.toString());
    return program.stdout;
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      NODE_OPTIONS: '',
      PORT: String(this.#port),
      DATA_DIR: this.#dataDir,
      LOG_LEVEL: 'warn',
      VITEST: '',
    };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill(signal);
    await gone;
    this.#process = null;
  }
}

let count = 0;

/** A browser of one person: its cookie, its network, and what it keeps. */
export class Browser {
  readonly #relay: RelayProcess;
  readonly name: string;
  readonly email: string;
  cookie = '';
  me!: Me;
  online = true;
  readonly device: string;
  #sockets = new Set<WebSocket>();

  constructor(relay: RelayProcess, name: string, email?: string) {
    this.#relay = relay;
    this.name = name;
    this.device = `device${++count}`;
    this.email = email ?? `${this.device}.${Math.random().toString(36).slice(2)}@example.org`;
  }

  static async signUp(relay: RelayProcess, name: string): Promise<Browser> {
    const browser = new Browser(relay, name);
    const asked = await browser.ask('signup', { body: { email: browser.email, password: 'correct horse', name } });
    if (!asked.ok) throw new Error(asked.refusal.detail);
    browser.me = asked.answer.user;
    return browser;
  }

  /** The same person elsewhere. */
  async elsewhere(): Promise<Browser> {
    const other = new Browser(this.#relay, this.name, this.email);
    const asked = await other.ask('login', { body: { email: this.email, password: 'correct horse' } });
    if (!asked.ok) throw new Error(asked.refusal.detail);
    other.me = asked.answer.user;
    return other;
  }

  get world(): Partial<DeviceWorld> {
    return {
      ask: this.ask,
      scope: `ting-ting:${this.device}`,
      socket: {
        connect: () => {
          if (!this.online) throw new Error('no network');
          const socket = new NodeSocket(`${this.#relay.url.replace('http', 'ws')}/sync`, {
            headers: { cookie: this.cookie },
          });
          this.#sockets.add(socket);
          return socket;
        },
        hasNetwork: () => this.online,
        random: () => 0,
      },
    };
  }

  tab(): Promise<App> {
    return startApp(this.me, this.world);
  }

  goOffline(): void {
    this.online = false;
    for (const socket of this.#sockets) socket.close();
    dispatchEvent(new Event('offline'));
  }

  goOnline(): void {
    this.online = true;
    dispatchEvent(new Event('online'));
  }

  readonly ask = relayAt('', (path, init) => this.#fetch(String(path), init));

  /** The test's own `fetch` belongs to a pretended browser, which would not send cookies to another origin. */
  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    if (!this.online) return Promise.reject(new TypeError('no network'));
    return new Promise((resolve, reject) => {
      const headers = { ...(init.headers as Record<string, string>), ...(this.cookie && { cookie: this.cookie }) };
      const request = http.request(this.#relay.url + path, { method: init.method, headers }, (response) => {
        const chunks: Buffer[] = [];
        const [cookie] = response.headers['set-cookie'] ?? [];
        if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          const answer = {
            ok: status < 300,
            status,
            text: () => Promise.resolve(text),
            json: () => Promise.resolve(JSON.parse(text) as unknown),
          };
          resolve(answer as Response);
        });
      });
      request.on('error', reject);
      request.end(init.body as string | undefined);
    });
  }
}

export async function until(what: () => boolean, atMostMs = 20_000): Promise<void> {
  const end = Date.now() + atMostMs;
  while (!what()) {
    if (Date.now() > end) throw new Error(`did not happen: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
