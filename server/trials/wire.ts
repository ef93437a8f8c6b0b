/**
 * Stands between callers and a server and passes bytes on, until it is told to cut: one connection or all, at once or at a chunk of one's choice. What
 * a real network does to a sentence happens here too: it is cut in the middle, or arrives while its answer does not.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where the line is cut: before these bytes, in the middle of them, or after them with nothing more either way; null passes them on. */
export type Cut = 'before' | 'amid' | 'after' | null;

interface Line {
  caller: Socket;
  server: Socket;
}

export class Wire {
  readonly port: number;
  /** Asked about every chunk; `number` counts those of one line and direction, from 1. */
  decide: (bytes: Buffer, from: 'caller' | 'server', number: number) => Cut = () => null;
  cuts = 0;
  readonly #listener: Server;
  readonly #lines = new Set<Line>();

  private constructor(listener: Server, target: { host: string; port: number }) {
    this.#listener = listener;
    const address = listener.address();
    this.port = address !== null && typeof address === 'object' ? address.port : 0;
    listener.on('connection', (caller) => this.#connect(caller, target));
  }

  static async to(target: { host: string; port: number }): Promise<Wire> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new Wire(listener, target);
  }

  get lines(): number {
    return this.#lines.size;
  }

  /** The nth line that is open, as a dead network would; false when there are none. */
  cut(n: number): boolean {
    const lines = [...this.#lines];
    const line = lines[n % Math.max(1, lines.length)];
    if (line !== undefined) this.#cut(line);
    return line !== undefined;
  }

  cutAll(): void {
    for (const line of [...this.#lines]) this.#cut(line);
  }

  async stop(): Promise<void> {
    this.#listener.close();
    for (const line of [...this.#lines]) this.#cut(line);
    await once(this.#listener, 'close');
  }

  #connect(caller: Socket, target: { host: string; port: number }): void {
    const line = { caller, server: connect(target) };
    this.#lines.add(line);
    this.#pass(line, line.caller, line.server, 'caller');
    this.#pass(line, line.server, line.caller, 'server');
  }

  #pass(line: Line, from: Socket, to: Socket, side: 'caller' | 'server'): void {
    let number = 0;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      number += 1;
      const cut = this.decide(bytes, side, number);
      if (cut === null || cut === 'after') to.write(bytes);
      if (cut === 'amid') to.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
      if (cut === null) return;
      this.cuts += 1;
      // What has been passed on still arrives; the other direction is dead at once.
      this.#lines.delete(line);
      from.destroy();
      to.end();
      to.removeAllListeners('data').resume();
    });
    from.on('close', () => {
      this.#lines.delete(line);
      to.end();
    });
    from.on('error', () => this.#lines.delete(line));
  }

  #cut(line: Line): void {
    this.cuts += 1;
    this.#lines.delete(line);
    line.caller.resetAndDestroy();
    line.server.resetAndDestroy();
  }
}

/** The same Postgres address, at another port of this machine. */
export function throughPort(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

export const targetOf = (address: string): { host: string; port: number } => {
  const { hostname, port } = new URL(address);
  return { host: hostname, port: Number(port) };
};
