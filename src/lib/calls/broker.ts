/**
 * The call broker, as one device in one call sees it: it says who it is, dials others by the names that the relay tells, and hears who dials. The
 * only file that loads PeerJS. The socket to the broker comes back by itself; lines that are open do not need it.
 */
import { ObservableV2 } from 'lib0/observable';
import { Peer } from 'peerjs';
import type { PeerId } from '#shared/ids.ts';
import type { IceServer } from '#shared/protocol/api.ts';
import { Line, type Sent, streamOf } from './line.ts';

/** Where the relay tunnels the broker's socket. PeerJS adds `peerjs`. */
const PATH = '/calls/';
const AGAIN_FIRST_MS = 300;
const AGAIN_LONGEST_MS = 4_000;

interface BrokerEvents {
  /** It can dial, and be dialled. */
  open: () => void;
  dialled: (line: Line) => void;
}

export class Broker extends ObservableV2<BrokerEvents> {
  readonly me: PeerId;
  readonly #iceServers: readonly IceServer[];
  /** The same on every return: with another the broker takes this device for somebody who uses its name. */
  readonly #token = crypto.randomUUID();
  #peer: Peer;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(me: PeerId, iceServers: readonly IceServer[]) {
    super();
    this.me = me;
    this.#iceServers = iceServers;
    this.#peer = this.#connect();
  }

  get isOpen(): boolean {
    return this.#peer.open && !this.#peer.disconnected;
  }

  /** Null while the broker cannot be reached. */
  dial(peer: PeerId, sent: Sent): Line | null {
    if (!this.isOpen) return null;
    const connection = this.#peer.call(peer, streamOf(sent)) as ReturnType<Peer['call']> | undefined;
    return connection === undefined ? null : new Line(connection, true);
  }

  /** Tries at once instead of waiting its turn. */
  hurry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#comeBack();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#peer.destroy();
    this.destroy();
  }

  #connect(): Peer {
    const secure = location.protocol === 'https:';
    const peer = new Peer(this.me, {
      host: location.hostname,
      port: location.port === '' ? (secure ? 443 : 80) : Number(location.port),
      path: PATH,
      secure,
      token: this.#token,
      debug: 0,
      config: { iceServers: this.#iceServers.map((server) => ({ ...server })) },
    });
    peer.on('open', () => {
      this.#failures = 0;
      this.emit('open', []);
    });
    peer.on('call', (connection) => this.emit('dialled', [new Line(connection, false)]));
    // What concerns a line, the line says; what concerns the socket comes as one of these two.
    peer.on('error', () => {});
    peer.on('disconnected', () => this.#lost(peer));
    peer.on('close', () => this.#lost(peer));
    return peer;
  }

  #lost(peer: Peer): void {
    if (this.#isStopped || peer !== this.#peer || this.#timer !== undefined) return;
    const wait = Math.min(AGAIN_LONGEST_MS, AGAIN_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#comeBack(), wait);
  }

  #comeBack(): void {
    this.#timer = undefined;
    if (this.#isStopped || this.isOpen) return;
    // Destroyed when it was never open; otherwise its lines are still in use.
    if (this.#peer.destroyed) this.#peer = this.#connect();
    else this.#peer.reconnect();
  }
}
