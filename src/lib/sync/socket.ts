/**
 * The tab's one WebSocket to the relay. It comes back by itself after a loss, at once when the browser says that the network is back or
 * when somebody looks at the tab, and takes a socket that has been silent for three pulses for dead. `4401` ends it: the session is over.
 */
import { ObservableV2 } from 'lib0/observable';
import { FAULTS } from '#shared/faults.ts';
import { PULSE_SECONDS } from '#shared/protocol/control.ts';
import { backoffMs } from './backoff.ts';

export type SocketState = 'stopped' | 'no-network' | 'waiting' | 'connecting' | 'open';

/** What of the world it touches; tests bring their own. */
export interface SocketWorld {
  connect(): WebSocket;
  hasNetwork(): boolean;
  random(): number;
}

interface SocketEvents {
  state: (state: SocketState) => void;
  open: () => void;
  frame: (bytes: Uint8Array) => void;
  /** After an open socket is lost. */
  lost: () => void;
  /** A try failed before the socket was open: the relay is not there, or refuses (a browser does not say which). */
  failed: (inARow: number) => void;
  signedOut: () => void;
}

type Now =
  | { at: 'stopped' }
  | { at: 'no-network' }
  | { at: 'waiting'; timer: Timer }
  | { at: 'connecting'; socket: WebSocket; timer: Timer }
  | { at: 'open'; socket: WebSocket; since: number; silence: Timer };

type Timer = ReturnType<typeof setTimeout>;

const CONNECT_AT_MOST_MS = 10_000;
const SILENT_AT_MOST_MS = 3 * PULSE_SECONDS * 1000;
/** A relay that accepts and closes at once is waited for like one that refuses. */
const STEADY_AFTER_MS = 3_000;
const COME_BACK_AT_ONCE_MS = 50;

export class SyncSocket extends ObservableV2<SocketEvents> {
  readonly #world: SocketWorld;
  #now: Now = { at: 'stopped' };
  #failures = 0;
  #listening = new AbortController();

  constructor(world: SocketWorld) {
    super();
    this.#world = world;
  }

  get state(): SocketState {
    return this.#now.at;
  }

  start(): void {
    if (this.#now.at !== 'stopped') return;
    this.#listen();
    this.#connect();
  }

  /** Stops for good, until `start`. */
  stop(): void {
    this.#listening.abort();
    this.#leave({ at: 'stopped' });
  }

  send(bytes: Uint8Array): void {
    if (this.#now.at === 'open') this.#now.socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  /** Tries at once instead of waiting its turn. */
  hurry(): void {
    if (this.#now.at !== 'waiting' && this.#now.at !== 'no-network') return;
    this.#failures = 0;
    this.#connect();
  }

  #connect(): void {
    if (!this.#world.hasNetwork()) return this.#leave({ at: 'no-network' });
    let socket: WebSocket;
    try {
      socket = this.#world.connect();
    } catch {
      return this.#waitAndTry();
    }
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (event: MessageEvent<unknown>) => this.#received(socket, event.data);
    socket.onclose = (event) => this.#closed(socket, event.code);
    socket.onerror = () => {};
    const timer = setTimeout(() => this.#closed(socket, 0), CONNECT_AT_MOST_MS);
    this.#leave({ at: 'connecting', socket, timer });
  }

  #opened(socket: WebSocket): void {
    if (this.#now.at !== 'connecting' || this.#now.socket !== socket) return;
    this.#leave({ at: 'open', socket, since: Date.now(), silence: this.#silenceTimer(socket) }, true);
    this.emit('open', []);
  }

  #received(socket: WebSocket, data: unknown): void {
    if (this.#now.at !== 'open' || this.#now.socket !== socket || !(data instanceof ArrayBuffer)) return;
    clearTimeout(this.#now.silence);
    this.#now.silence = this.#silenceTimer(socket);
    this.emit('frame', [new Uint8Array(data)]);
  }

  #silenceTimer(socket: WebSocket): Timer {
    return setTimeout(() => this.#closed(socket, 0), SILENT_AT_MOST_MS);
  }

  #closed(socket: WebSocket, code: number): void {
    const was = this.#now;
    if ((was.at !== 'connecting' && was.at !== 'open') || was.socket !== socket) return;
    if (was.at === 'open' && Date.now() - was.since > STEADY_AFTER_MS) this.#failures = 0;
    if (code === FAULTS['signed-out'].close) {
      this.stop();
      this.emit('signedOut', []);
      return;
    }
    this.#waitAndTry();
    if (was.at === 'connecting') this.emit('failed', [this.#failures]);
  }

  #waitAndTry(): void {
    if (!this.#world.hasNetwork()) return this.#leave({ at: 'no-network' });
    const wait = backoffMs(this.#failures, this.#world.random());
    this.#failures += 1;
    this.#leave({ at: 'waiting', timer: setTimeout(() => this.#connect(), wait) });
  }

  /** From one state to another: what the old one held is let go. `keep`: the new one goes on with its socket. */
  #leave(next: Now, keep = false): void {
    const was = this.#now;
    this.#now = next;
    if (was.at === 'waiting' || was.at === 'connecting') clearTimeout(was.timer);
    if (was.at === 'open') clearTimeout(was.silence);
    if ((was.at === 'connecting' || was.at === 'open') && !keep) letGo(was.socket);
    if (was.at === 'open') this.emit('lost', []);
    if (was.at !== next.at) this.emit('state', [next.at]);
  }

  #listen(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    if (typeof addEventListener !== 'function') return;
    addEventListener('online', () => void setTimeout(() => this.hurry(), COME_BACK_AT_ONCE_MS), { signal });
    addEventListener('offline', () => !this.#world.hasNetwork() && this.#leave({ at: 'no-network' }), { signal });
    if (typeof document === 'undefined') return;
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.hurry(), {
      signal,
    });
  }
}

function letGo(socket: WebSocket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
  try {
    socket.close();
  } catch {
    // It was closed already.
  }
}

/** The browser's own world. */
export const browserWorld = (url: string): SocketWorld => ({
  connect: () => new WebSocket(url),
  // Only a browser that is sure says `false`.
  hasNetwork: () => typeof navigator === 'undefined' || navigator.onLine !== false,
  random: Math.random,
});
