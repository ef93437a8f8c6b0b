/**
 * Who may use which name at the call broker, and say what to whom (C8, C11): a name is one person's in one call, and good while they are in it; it is
 * used by whoever comes with it first, until they are gone for good; and what is said with it goes to others in the same call only.
 */
import { randomBytes } from 'node:crypto';
import type { Fault } from '#shared/faults.ts';
import type { CallId, PeerId, UserId } from '#shared/ids.ts';
import { isInside, type Call } from '#shared/model/call.ts';
import { RateLimit } from '../rate-limit.ts';
import { PeerServerThread } from './peer-server.ts';
import { readSignal } from './signal.ts';
import { type ClientSocket, Tunnel } from './tunnel.ts';

/** Of one person, in messages: seven others are dialled with some thirty each, and dialled anew when the network changes. */
const SIGNALS = { burst: 900, secondsPerToken: 1 / 30 };
const TOKEN_MAX_CHARS = 200;

interface Name {
  readonly person: UserId;
  readonly call: CallId;
  /** What the client that uses it came with. */
  token: string | null;
  /** What the relay uses it with at PeerJS's server. */
  readonly secret: string;
  tunnel: Tunnel | null;
}

export interface BrokerParts {
  now: () => number;
  refused(fault: Fault): void;
  failed(why: unknown): void;
}

export interface SignalSocket {
  receive(bytes: Uint8Array): void;
  closed(): void;
}

export class Broker {
  readonly #parts: BrokerParts;
  readonly #server: PeerServerThread;
  readonly #names = new Map<PeerId, Name>();
  readonly #byCall = new Map<CallId, Set<PeerId>>();
  readonly #signals: RateLimit;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#server = new PeerServerThread(parts.failed);
    this.#signals = new RateLimit(SIGNALS, parts.now);
  }

  /** Names that are good now. */
  get count(): number {
    return this.#names.size;
  }

  /** Who is in the call now, and under which names: others are good no more. */
  changed(call: Call): void {
    const before = this.#byCall.get(call.id) ?? new Set();
    const now = new Set<PeerId>();
    for (const { id: person, place } of call.over === null ? call.people : []) {
      if (!isInside(place) || place.peer === null) continue;
      now.add(place.peer);
      if (before.has(place.peer)) continue;
      const secret = randomBytes(12).toString('base64url');
      this.#names.set(place.peer, { person, call: call.id, token: null, secret, tunnel: null });
    }
    if (now.size > 0) this.#byCall.set(call.id, now);
    else this.#byCall.delete(call.id);
    for (const peer of before) {
      if (now.has(peer)) continue;
      this.#names.get(peer)?.tunnel?.end('not-found');
      this.#names.delete(peer);
    }
  }

  /** Null, or why not. To everybody but its owner a name that is good is like one that is not. */
  mayUse(person: UserId, query: URLSearchParams): Fault | null {
    const name = this.#names.get(query.get('id') as PeerId);
    const token = query.get('token') ?? '';
    if (name?.person !== person) return 'not-found';
    if (token === '' || token.length > TOKEN_MAX_CHARS) return 'invalid-input';
    return name.token === null || name.token === token ? null : 'conflict';
  }

  /** After `mayUse`, and asked once more: between the two much may have happened. */
  open(
    { person, session }: { person: UserId; session: string },
    query: URLSearchParams,
    client: ClientSocket,
  ): SignalSocket {
    const peer = query.get('id') as PeerId;
    const fault = this.mayUse(person, query);
    const name = this.#names.get(peer);
    if (fault !== null || name === undefined) {
      const tunnel = new Tunnel(session, client, new Promise(() => undefined), () => undefined);
      tunnel.end(fault ?? 'not-found');
      return { receive: () => undefined, closed: () => undefined };
    }
    name.token = query.get('token');
    // It is back before we have noticed that it was gone.
    name.tunnel?.end('not-ready');
    const tunnel: Tunnel = new Tunnel(session, client, this.#server.address(peer, name.secret), () => {
      if (name.tunnel === tunnel) name.tunnel = null;
    });
    name.tunnel = tunnel;
    return { receive: (bytes) => this.#receive(name, tunnel, bytes), closed: () => tunnel.closed() };
  }

  /** The handles of all sessions that have a socket here. */
  sessions(): string[] {
    return [...this.#names.values()].flatMap(({ tunnel }) => (tunnel === null ? [] : [tunnel.session]));
  }

  closeSession(session: string): void {
    for (const { tunnel } of this.#names.values()) if (tunnel?.session === session) tunnel.end('signed-out');
  }

  async stop(): Promise<void> {
    for (const { tunnel } of this.#names.values()) tunnel?.end('not-ready');
    await this.#server.stop();
  }

  #receive(name: Name, tunnel: Tunnel, bytes: Uint8Array): void {
    const fault = this.#faultOf(name, bytes);
    if (fault === null) return tunnel.pass(bytes);
    this.#parts.refused(fault);
    // To somebody who has just left: nobody's fault, and it goes nowhere.
    if (fault !== 'not-found') tunnel.end(fault);
  }

  #faultOf(name: Name, bytes: Uint8Array): Fault | null {
    if (this.#signals.take(name.person) > 0) return 'too-fast';
    const signal = readSignal(bytes);
    if (!signal.ok) return signal.fault;
    return signal.to === null || this.#names.get(signal.to)?.call === name.call ? null : 'not-found';
  }
}
