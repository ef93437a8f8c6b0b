/** One client's socket to PeerJS's server, through the relay: the client on one side, a socket over loopback on the other. */
import { WebSocket } from 'ws';
import { FAULTS, type Fault } from '#shared/faults.ts';
import { SIGNAL_MAX_BYTES } from '#shared/limits.ts';

/** What may wait for a slow reader, on either side. */
const WAITING_MAX_BYTES = 1024 * 1024;
/** What a client may say before PeerJS's server listens. */
const EARLY_MAX_COUNT = 64;

const OPEN = JSON.stringify({ type: 'OPEN' });

/** The client's side, as the door hands it over. */
export interface ClientSocket {
  send(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
  bufferedBytes(): number;
}

export class Tunnel {
  readonly session: string;
  readonly #client: ClientSocket;
  readonly #ended: () => void;
  #server: WebSocket | null = null;
  #early: Uint8Array[] = [];
  #isOver = false;

  constructor(session: string, client: ClientSocket, address: Promise<string>, ended: () => void) {
    this.session = session;
    this.#client = client;
    this.#ended = ended;
    address.then(
      (url) => this.#connect(url),
      () => this.end('not-ready'),
    );
  }

  /** A message of the client's that may pass. */
  pass(bytes: Uint8Array): void {
    const server = this.#server;
    if (server?.readyState === WebSocket.OPEN) {
      if (server.bufferedAmount > WAITING_MAX_BYTES) return this.end('too-fast');
      server.send(bytes, { binary: false });
    } else if (this.#early.push(bytes) > EARLY_MAX_COUNT) this.end('too-fast');
  }

  end(fault: Fault): void {
    if (this.#isOver) return;
    this.closed();
    this.#client.close(FAULTS[fault].close, fault);
  }

  /** The client has gone. */
  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early = [];
    this.#server?.terminate();
    this.#ended();
  }

  #connect(url: string): void {
    if (this.#isOver) return;
    const server = new WebSocket(url, { perMessageDeflate: false, maxPayload: 2 * SIGNAL_MAX_BYTES });
    this.#server = server;
    server.on('open', () => {
      // PeerJS's server says so only to a name that it does not know; one that is back waits for it in vain.
      this.#give(Buffer.from(OPEN));
      for (const bytes of this.#early) server.send(bytes, { binary: false });
      this.#early = [];
    });
    server.on('message', (data: Buffer) => {
      if (data.length !== OPEN.length || data.toString() !== OPEN) this.#give(data);
    });
    server.on('close', () => this.end('not-ready'));
    server.on('error', () => this.end('not-ready'));
  }

  #give(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#client.bufferedBytes() > WAITING_MAX_BYTES) return this.end('not-ready');
    this.#client.send(bytes);
  }
}
