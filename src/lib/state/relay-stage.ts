/** For tests only: a real relay in a process of its own, and people whose devices are this app without a screen. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { Blob as NodeBlob, File as NodeFile } from 'node:buffer';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Me } from '#shared/protocol/api.ts';
import { relayAt } from '../remote/api.ts';
import type { FetchBlob } from '../remote/blobs.ts';
import type { Send } from '../remote/send.ts';
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
  /** What its administrator says in the environment, from the next start on. */
  settings: Record<string, string>;

  constructor(settings: Record<string, string> = {}) {
    this.settings = settings;
  }

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
      ...this.settings,
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
const PIECE_BYTES = 64 * 1024;

/** A file of this computer's. (The pretended browser's own could not be kept in a database.) */
export const fileOf = (
  bytes: string | Uint8Array<ArrayBuffer>,
  name: string,
  type = 'application/octet-stream',
): File => new NodeFile([bytes], name, { type }) as unknown as File;

/** A browser of one person: its cookie, its network, and what it keeps. */
export class Browser {
  readonly #relay: RelayProcess;
  readonly name: string;
  readonly email: string;
  cookie = '';
  me!: Me;
  online = true;
  /** Milliseconds that each piece of an upload takes; 0: all goes at once. */
  pieceTakesMs = 0;
  /** What was asked of the relay beside the typed calls, as `PUT /api/blobs/…`. */
  readonly sent: string[] = [];
  readonly #underWay = new Set<http.ClientRequest>();
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
      send: this.send,
      fetchBlob: this.#fetchBlob,
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
    for (const request of this.#underWay) request.destroy();
    dispatchEvent(new Event('offline'));
  }

  goOnline(): void {
    this.online = true;
    dispatchEvent(new Event('online'));
  }

  readonly ask = relayAt('', (path, init) => this.#fetch(String(path), init));

  /** As the page sends what is large, on a line as slow as `pieceTakesMs` says. */
  readonly send: Send = async ({ method, url, headers, body, progress, signal }) => {
    if (!this.online) throw new TypeError('no network');
    this.sent.push(`${method} ${url.replace(this.#relay.url, '')}`);
    const bytes = body === null ? new Uint8Array() : new Uint8Array(await new NodeBlob([body as never]).arrayBuffer());
    const all = { ...headers, cookie: this.cookie, ...(body !== null && { 'content-length': String(bytes.length) }) };
    return await new Promise((resolve, reject) => {
      const request = http.request(new URL(url, this.#relay.url), { method, headers: all }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const header = (name: string) => response.headers[name.toLowerCase()]?.toString() ?? null;
          resolve({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks).toString() });
        });
      });
      this.#underWay.add(request);
      request.on('close', () => this.#underWay.delete(request));
      request.on('error', reject);
      signal.addEventListener('abort', () => request.destroy(new Error('aborted')));
      void this.#write(request, bytes, progress);
    });
  };

  async #write(request: http.ClientRequest, bytes: Uint8Array, progress: (sent: number) => void): Promise<void> {
    for (let at = 0; at < bytes.length && !request.destroyed; at += PIECE_BYTES) {
      await new Promise((resolve) => request.write(bytes.subarray(at, at + PIECE_BYTES), resolve));
      progress(Math.min(bytes.length, at + PIECE_BYTES));
      if (this.pieceTakesMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pieceTakesMs));
    }
    request.end();
  }

  readonly #fetchBlob: FetchBlob = async (sha256) => {
    const bytes = await this.blob(sha256);
    return bytes === null ? { is: 'gone' } : { is: 'here', bytes: new NodeBlob([bytes]) as unknown as Blob };
  };

  /** As the relay gives it to this person; null when it does not. */
  async blob(sha256: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return await new Promise((resolve, reject) => {
      const headers = { cookie: this.cookie };
      const request = http.get(`${this.#relay.url}/api/blobs/${sha256}`, { headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(response.statusCode === 200 ? new Uint8Array(Buffer.concat(chunks)) : null));
      });
      request.on('error', reject);
    });
  }

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
