/**
 * The living room's side of every socket, whatever carries it. A socket is either one document (the y-websocket protocol as it is) or many, in
 * channels, with channel 0 for control. Knows who is connected, and ends it when a session or a membership ends: at once, and for good.
 */
import { FAULTS, type Fault } from '#shared/faults.ts';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { CHANNELS_MAX_COUNT } from '#shared/limits.ts';
import { parseDocName, type DocName } from '#shared/model/doc-names.ts';
import { CONTROL_CHANNEL, decodeChannelFrame, encodeChannelFrame } from '#shared/protocol/channels.ts';
import {
  decodeClientControl,
  encodeControl,
  PULSE_SECONDS,
  type ClientControl,
  type RelayControl,
} from '#shared/protocol/control.ts';
import type { Log } from '../log.ts';
import { RateLimit } from '../rate-limit.ts';
import type { Membership, RelayEvents, Speaker } from './events.ts';
import { DocumentPeer } from './peer.ts';
import type { Rooms } from './rooms.ts';
import type { Socket } from './socket.ts';

/** A socket that takes its bytes so much slower than they come is cut; it syncs when it is back. */
const BUFFERED_MAX_BYTES = 4 * 1024 * 1024;
/** Of what is given in pieces, the next waits until less than this is on its way: far below the above, so that a long answer cuts nobody off. */
const GIVEN_AHEAD_BYTES = 512 * 1024;

/**
 * What one person may send, on all of their sockets together: no device types so fast, and one that comes back sends what it has in a few frames for
 * each document. Besides, kilobytes are counted: all that was written in a year without a network gets through at once, but nobody keeps the disk busy.
 */
const FRAMES = { burst: 6_000, secondsPerToken: 1 / 300 };
const KILOBYTES = { burst: 64 * 1024, secondsPerToken: 1 / 256 };
/** Tabs, devices, and programs that open a socket for each document. */
const SOCKETS_MAX_COUNT = 500;

/** What a browser says when a page is closed, or another is loaded in its place (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001;

export interface Who {
  person: UserId;
  session: string;
}
export type Target = { is: 'document'; name: DocName } | { is: 'mux' };

export interface ConnectionsParts {
  now: () => number;
  rooms: Rooms;
  membership: Membership;
  events: RelayEvents;
  log: Log;
}

export interface Connection {
  /** The bytes are looked at during the call only; what has to be kept is copied. */
  receive(bytes: Uint8Array): void;
  /** The socket can take more. */
  drained(): void;
  /** The other side has gone; with which code (RFC 6455, 7.4). */
  closed(code: number): void;
}

/** A connection as this file keeps it. */
interface Open extends Omit<Connection, 'drained'> {
  readonly who: Who;
  readonly tell: ((message: RelayControl) => void) | null;
  /** The same, already encoded for channel 0. */
  readonly tellEncoded: ((frame: Uint8Array) => void) | null;
  /** Ends the whole socket. */
  end(fault: Fault): void;
  /** Ends what concerns one conversation. */
  leave(conversation: ConversationId): void;
}

export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #byPerson = new Map<UserId, Set<Open>>();
  readonly #pulse: NodeJS.Timeout;
  readonly #frames: RateLimit;
  readonly #kilobytes: RateLimit;
  #stopped = false;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#frames = new RateLimit(FRAMES, parts.now);
    this.#kilobytes = new RateLimit(KILOBYTES, parts.now);
    this.#pulse = setInterval(() => this.#all((open) => open.tell?.({ is: 'pulse' })), PULSE_SECONDS * 1_000);
    this.#pulse.unref();
  }

  open(socket: Socket, who: Who, target: Target): Connection {
    const gone = (open: Open): void => this.#remove(open);
    const guarded = guard(socket);
    const parts = { ...this.#parts, mayOpen: (person: UserId, doc: DocName) => this.mayOpen(person, doc), gone };
    const open =
      target.is === 'mux'
        ? new MuxConnection(guarded, who, parts)
        : new SingleConnection(guarded, who, target.name, parts);
    const connection: Connection = {
      receive: (bytes) => {
        if (this.#isInPace(who.person, bytes.length)) return open.receive(bytes);
        this.#parts.events.refused({ fault: 'too-fast' });
        open.end('too-fast');
      },
      drained: () => guarded.drained(),
      closed: (code) => open.closed(code),
    };
    const others = this.#byPerson.get(who.person);
    const fault = this.#stopped ? 'not-ready' : (others?.size ?? 0) >= SOCKETS_MAX_COUNT ? 'too-many' : null;
    if (fault !== null) {
      open.end(fault);
      return connection;
    }
    if (others === undefined) this.#byPerson.set(who.person, new Set([open]));
    else others.add(open);
    open.start();
    if (open.tell !== null) {
      this.#parts.events.connected({ person: who.person, tell: open.tell, again: () => open.end('not-ready') });
    }
    return connection;
  }

  /** The handles of all sessions that have a socket. */
  sessions(): string[] {
    return [...new Set([...this.#byPerson.values()].flatMap((opens) => [...opens].map((open) => open.who.session)))];
  }

  /** Whether the person may open the document at this moment: null, or why not. */
  async mayOpen(person: UserId, doc: DocName): Promise<Fault | null> {
    if (doc.kind === 'personal') return doc.user === person ? null : 'not-allowed';
    const { membership } = this.#parts;
    if ((await membership.of(person, doc.conversation)) !== null) return null;
    return (await membership.wasDeleted(doc.conversation)) ? 'conversation-deleted' : 'not-a-member';
  }

  /** To all of the person's sockets that have a control channel. */
  tell(person: UserId, message: RelayControl): void {
    for (const open of this.#of(person)) open.tell?.(message);
  }

  /** The same to many people: it is encoded once. */
  tellAll(people: Iterable<UserId>, message: RelayControl): void {
    const frame = encodeChannelFrame(CONTROL_CHANNEL, encodeControl(message));
    for (const person of people) for (const open of this.#of(person)) open.tellEncoded?.(frame);
  }

  online(person: UserId): boolean {
    return this.#byPerson.has(person);
  }

  /** How many sockets are open, for the metrics. */
  get count(): number {
    let count = 0;
    for (const opens of this.#byPerson.values()) count += opens.size;
    return count;
  }

  closeSession(session: string): void {
    this.#all((open) => open.who.session === session && open.end('signed-out'));
  }

  closePerson(person: UserId, exceptSession?: string): void {
    for (const open of this.#of(person)) if (open.who.session !== exceptSession) open.end('signed-out');
  }

  /** Closes the person's channels and sockets of that conversation, before it returns. What they have sent and was not applied yet is not taken. */
  removeFrom(person: UserId, conversation: ConversationId): void {
    for (const open of this.#of(person)) open.leave(conversation);
  }

  /** Closes everybody with "try again". Nobody new is let in. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#pulse);
    this.#all((open) => open.end('not-ready'));
    await this.#parts.rooms.stop();
  }

  #isInPace(person: UserId, bytes: number): boolean {
    const kilobytes = Math.floor(bytes / 1024);
    return this.#frames.take(person) === 0 && (kilobytes === 0 || this.#kilobytes.take(person, kilobytes) === 0);
  }

  #of(person: UserId): Open[] {
    return [...(this.#byPerson.get(person) ?? [])];
  }

  #all(visit: (open: Open) => unknown): void {
    for (const opens of [...this.#byPerson.values()]) for (const open of [...opens]) visit(open);
  }

  #remove(open: Open): void {
    const opens = this.#byPerson.get(open.who.person);
    if (opens?.delete(open) && opens.size === 0) this.#byPerson.delete(open.who.person);
  }
}

interface OpenParts {
  rooms: Rooms;
  events: RelayEvents;
  log: Log;
  mayOpen: (person: UserId, doc: DocName) => Promise<Fault | null>;
  gone: (open: Open) => void;
}

/** Frames that are made when there is room for them; null when there are no more. */
type Source = () => Uint8Array | null;

interface Guarded extends Omit<Socket, 'bufferedBytes'> {
  /** Who is told that the socket cannot keep up. */
  overflowed: () => void;
  /** Sends all of it, piece by piece, as the socket takes them; one source after the other. */
  give(source: Source): void;
  drained(): void;
}

/** A socket that is cut when it cannot keep up, and is silent once it is closed. */
function guard(socket: Socket): Guarded {
  let closed = false;
  const sources: Source[] = [];
  const goOn = (): void => {
    while (!closed && sources.length > 0 && socket.bufferedBytes() < GIVEN_AHEAD_BYTES) {
      const frame = sources[0]?.() ?? null;
      if (frame === null) sources.shift();
      else socket.send(frame);
    }
  };
  const guarded: Guarded = {
    overflowed: () => undefined,
    drained: goOn,
    give(source) {
      sources.push(source);
      if (sources.length === 1) goOn();
    },
    send(bytes: Uint8Array) {
      if (closed) return;
      if (socket.bufferedBytes() > BUFFERED_MAX_BYTES) return guarded.overflowed();
      socket.send(bytes);
    },
    together(sends: () => void) {
      if (!closed) socket.together(sends);
    },
    close(code: number, why: string) {
      if (closed) return;
      closed = true;
      sources.length = 0;
      socket.close(code, why);
    },
  };
  return guarded;
}

/** A socket of one document. */
class SingleConnection implements Open {
  readonly who: Who;
  readonly tell = null;
  readonly tellEncoded = null;
  readonly #peer: DocumentPeer;
  readonly #socket: Guarded;
  readonly #parts: OpenParts;

  constructor(socket: Guarded, who: Who, target: DocName, parts: OpenParts) {
    this.who = who;
    this.#socket = socket;
    this.#parts = parts;
    this.#peer = new DocumentPeer(who.person, target, {
      ...parts,
      send: (frame) => socket.send(frame),
      give: (source) => socket.give(source),
      together: (sends) => socket.together(sends),
      opened: () => undefined,
      closed: (fault) => {
        socket.close(FAULTS[fault].close, fault);
        parts.gone(this);
      },
    });
    socket.overflowed = () => this.end('not-ready');
  }

  start(): void {
    void this.#peer.join();
  }

  receive(bytes: Uint8Array): void {
    this.#peer.receive(bytes);
  }

  closed(): void {
    this.#peer.left();
    this.#parts.gone(this);
  }

  end(fault: Fault): void {
    this.#peer.close(fault);
    this.#socket.close(FAULTS[fault].close, fault);
    this.#parts.gone(this);
  }

  leave(conversation: ConversationId): void {
    if (concerns(this.#peer.target, conversation)) this.end('not-a-member');
  }
}

/** A socket of many documents. */
class MuxConnection implements Open, Speaker {
  readonly who: Who;
  readonly #channels = new Map<number, DocumentPeer>();
  readonly #socket: Guarded;
  readonly #parts: OpenParts;
  /** A number is used once per socket, and numbers grow; so the highest one says which are used up. */
  #highest = 0;
  #ended = false;
  /** Somebody is at this tab. */
  #here = false;
  /** It has asked something of a call. */
  #calls = false;

  constructor(socket: Guarded, who: Who, parts: OpenParts) {
    this.who = who;
    this.#socket = socket;
    this.#parts = parts;
    socket.overflowed = () => this.end('not-ready');
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  readonly tell = (message: RelayControl): void =>
    this.tellEncoded(encodeChannelFrame(CONTROL_CHANNEL, encodeControl(message)));

  readonly tellEncoded = (frame: Uint8Array): void => this.#socket.send(frame);

  start(): void {
    this.#isHere(true);
  }

  receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    const decoded = decodeChannelFrame(bytes);
    if (!decoded.ok) return this.#malformed();
    const { channel, body } = decoded.value;
    // A frame for a channel that is closed was on its way when it closed.
    if (channel !== CONTROL_CHANNEL) return this.#channels.get(channel)?.receive(body);
    const control = decodeClientControl(body);
    if (!control.ok) return this.#malformed();
    this.#control(control.value);
  }

  closed(code: number): void {
    this.#ended = true;
    this.#isHere(false);
    if (this.#calls) this.#parts.events.hungUp({ from: this, closed: code === GOING_AWAY });
    this.#calls = false;
    const peers = [...this.#channels.values()];
    this.#channels.clear();
    for (const peer of peers) peer.left();
    this.#parts.gone(this);
  }

  end(fault: Fault): void {
    if (this.#ended) return;
    this.closed(FAULTS[fault].close);
    this.#socket.close(FAULTS[fault].close, fault);
  }

  leave(conversation: ConversationId): void {
    for (const peer of [...this.#channels.values()])
      if (concerns(peer.target, conversation)) peer.close('not-a-member');
  }

  #control(message: ClientControl): void {
    switch (message.is) {
      case 'open':
        return this.#open(message.channel, message.doc);
      case 'close': {
        const peer = this.#channels.get(message.channel);
        this.#channels.delete(message.channel);
        return peer?.left();
      }
      case 'here':
        return this.#isHere(message.active);
      case 'delivered':
        return this.#parts.events.delivered({ person: this.who.person, marks: message.marks });
      case 'read':
        for (const mark of message.marks) this.#parts.events.read({ person: this.who.person, ...mark });
        return;
      case 'call':
        this.#calls = true;
        return this.#parts.events.called({ person: this.who.person, from: this, what: message.what });
    }
  }

  #isHere(here: boolean): void {
    if (here === this.#here) return;
    this.#here = here;
    this.#parts.events.here({ person: this.who.person, active: here });
  }

  #open(channel: number, doc: string): void {
    if (channel <= this.#highest) return this.#malformed();
    this.#highest = channel;
    const target = parseDocName(doc);
    if (target === null) return this.#refused(channel, 'not-found');
    if (this.#channels.size >= CHANNELS_MAX_COUNT) return this.#refused(channel, 'too-many');
    const peer = new DocumentPeer(this.who.person, target, {
      ...this.#parts,
      send: (frame) => this.#socket.send(encodeChannelFrame(channel, frame)),
      give: (source) =>
        this.#socket.give(() => {
          const frame = source();
          return frame === null ? null : encodeChannelFrame(channel, frame);
        }),
      together: (sends) => this.#socket.together(sends),
      opened: () => this.tell({ is: 'opened', channel }),
      closed: (fault) => {
        this.#channels.delete(channel);
        this.#refused(channel, fault);
      },
    });
    this.#channels.set(channel, peer);
    void peer.join();
  }

  #malformed(): void {
    this.#parts.events.refused({ fault: 'malformed-frame' });
    this.end('malformed-frame');
  }

  #refused(channel: number, fault: Fault): void {
    this.tell({ is: 'closed', channel, code: FAULTS[fault].close, fault });
  }
}

const concerns = (target: DocName, conversation: ConversationId): boolean =>
  target.kind !== 'personal' && target.conversation === conversation;
