/**
 * One document on one socket or channel, from the wish to open it until it is gone. Frames are handled in the order in which they came, although
 * joining, and now and then judging an update, has to wait for the database.
 */
import * as Y from 'yjs';
import type { Fault } from '#shared/faults.ts';
import type { UserId } from '#shared/ids.ts';
import { FRAME_MAX_BYTES } from '#shared/limits.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { decodeFrame, encodeFrame } from '#shared/protocol/frames.ts';
import { framesInPieces, PIECE_MAX_BYTES } from '#shared/protocol/pieces.ts';
import { type Log, reason } from '../log.ts';
import { NOTHING_AWARE } from './awareness.ts';
import type { RelayEvents } from './events.ts';
import type { Outcome } from './lane.ts';
import type { Joined, Rooms } from './rooms.ts';
import type { Peer, Room } from './room.ts';

/** What may wait while a peer is joining. */
const WAITING_MAX_BYTES = 2 * FRAME_MAX_BYTES;
/** What may wait while its last update is judged, or the disk is behind: what was written in weeks without a network comes in one go. */
const LIVE_WAITING_MAX_BYTES = 8 * FRAME_MAX_BYTES;
const WAITING_MAX_FRAMES = 1_000;
/** While so much of a conversation is on its way to the disk, nothing more is taken in: memory is not where it should pile up. */
const AHEAD_OF_DISK_MAX_BYTES = 4 * 1024 * 1024;
/** So many answers of a peer may lack something before the relay gives up asking: an honest peer's answer lacks nothing. */
const ASKS_MAX_COUNT = 3;
/** How long the relay's first question may wait for the peer's, when nobody has needed the document yet. */
const ASK_LATER_MILLIS = 200;
/** A peer may ask again while a long answer is on its way; an honest one does so once or twice. */
const OWED_MAX_COUNT = 8;

type State = { at: 'joining' } | { at: 'live'; joined: Joined } | { at: 'leaving'; why: Fault | 'left' };

export interface PeerParts {
  rooms: Rooms;
  events: Pick<RelayEvents, 'typing' | 'refused'>;
  log: Log;
  /** Of a document that was not opened: null, or why this person may not. */
  mayOpen: (person: UserId, target: DocName) => Promise<Fault | null>;
  /** Bytes of the single-document protocol, to this peer alone. */
  send: (frame: Uint8Array) => void;
  /** Takes one frame after the other, whenever the socket has room, until there is none. */
  give: (next: () => Uint8Array | null) => void;
  /** What is sent within leaves in one write. */
  together: (sends: () => void) => void;
  /** The peer is in: comes before its first frame. */
  opened: () => void;
  /** The relay has closed the peer. */
  closed: (fault: Fault) => void;
}

export class DocumentPeer implements Peer {
  readonly person: UserId;
  readonly target: DocName;
  readonly #parts: PeerParts;
  #state: State = { at: 'joining' };
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** An update is being judged; what follows waits for it. */
  #busy = false;
  /** The relay has asked for what it lacks. The answer will hold whatever the peer has sent before it, so nothing else is asked meanwhile. */
  #asked = false;
  #askedOnce = false;
  /** Answers in a row that lacked something. */
  #asks = 0;
  /** Long answers that are on their way, in pieces; what is asked meanwhile is answered behind them. */
  #giving = 0;
  #owed: Uint8Array[] = [];
  /** What was last told of this peer. */
  #typed = false;

  constructor(person: UserId, target: DocName, parts: PeerParts) {
    this.person = person;
    this.target = target;
    this.#parts = parts;
  }

  get live(): boolean {
    return this.#state.at !== 'leaving';
  }

  /** Checks, loads and greets: the relay's sync step 1, and who is typing. */
  async join(): Promise<void> {
    try {
      const joined = await this.#parts.rooms.join(this.target, this);
      if (typeof joined === 'string')
        return this.close((await this.#parts.mayOpen(this.person, this.target)) ?? joined);
      // Closed while the document was read: it may have been let in a moment before.
      if (!this.live) return this.#parts.rooms.leave(joined, this);
      this.#state = { at: 'live', joined };
      // With the answer to what has come meanwhile, in one write.
      this.#parts.together(() => {
        this.#greet(joined);
        this.#goOn();
      });
    } catch (error) {
      // Gone meanwhile, as everybody is when the relay stops and takes the database away: nobody misses the document.
      if (!this.live) return;
      this.#parts.log.error('a document could not be opened', { why: reason(error) });
      this.close('not-ready');
    }
  }

  receive(bytes: Uint8Array): void {
    switch (this.#state.at) {
      case 'leaving':
        return;
      case 'joining':
        return this.#wait(bytes);
      case 'live':
        return this.#busy ? this.#wait(bytes) : this.#handle(this.#state.joined, bytes);
    }
  }

  send(frame: Uint8Array): void {
    if (this.#state.at === 'live') this.#parts.send(frame);
  }

  give(frame: Uint8Array): void {
    if (frame.length <= PIECE_MAX_BYTES) return this.send(frame);
    if (!this.live) return;
    const pieces = framesInPieces(frame);
    let at = 0;
    this.#giving += 1;
    this.#parts.give(() => {
      const piece = this.live ? pieces[at++] : undefined;
      if (piece === undefined) this.#given();
      return piece ?? null;
    });
  }

  #given(): void {
    this.#giving -= 1;
    // Not from within the socket's own going on.
    queueMicrotask(() => {
      while (this.#state.at === 'live' && this.#giving === 0) {
        const stateVector = this.#owed.shift();
        if (stateVector === undefined) return;
        this.#answer(this.#state.joined, stateVector);
      }
    });
  }

  sendAll(frames: readonly Uint8Array[]): void {
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) return this.send(only);
    this.#parts.together(() => frames.forEach((frame) => this.send(frame)));
  }

  /** The relay ends it, and says why. Nothing that comes afterwards, or waits, is looked at. */
  close(fault: Fault): void {
    if (!this.live) return;
    this.#leave(fault);
    this.#parts.closed(fault);
  }

  /** The other side has gone. */
  left(): void {
    if (this.live) this.#leave('left');
  }

  #leave(why: Fault | 'left'): void {
    const before = this.#state;
    this.#state = { at: 'leaving', why };
    this.#waiting = [];
    this.#owed = [];
    if (before.at !== 'live') return;
    const { room } = before.joined;
    const farewell = room.awareness.forget(this);
    this.#parts.rooms.leave(before.joined, this);
    if (farewell === null) return;
    room.broadcast(encodeFrame({ is: 'awareness', update: farewell }));
    this.#tellTyping(room);
  }

  #greet({ room }: Joined): void {
    this.#parts.opened();
    if (room.isBuilt) this.#ask(room);
    else this.#askLater(room);
    this.#tellAwareness(room.awareness.all());
  }

  #tellAwareness(update: Uint8Array | null): void {
    if (update !== null) this.send(encodeFrame({ is: 'awareness', update }));
  }

  #wait(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    // The door's buffer is not ours to keep.
    this.#waiting.push(bytes.slice());
    const most = this.#state.at === 'live' ? LIVE_WAITING_MAX_BYTES : WAITING_MAX_BYTES;
    if (this.#waitingBytes > most || this.#waiting.length > WAITING_MAX_FRAMES)
      this.#refuse('too-fast', 'too much while it waits');
  }

  #goOn(): void {
    while (this.#state.at === 'live' && !this.#busy) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.length;
      this.#handle(this.#state.joined, next);
    }
  }

  #handle(joined: Joined, bytes: Uint8Array): void {
    const decoded = decodeFrame(bytes);
    if (!decoded.ok) return this.#refuse('malformed-frame', decoded.why);
    const frame = decoded.value;
    switch (frame.is) {
      case 'step1':
        return this.#answer(joined, frame.stateVector);
      case 'step2':
        this.#asked = false;
        return this.#judge(joined, frame.update, true);
      case 'update':
        return this.#judge(joined, frame.update, false);
      case 'awareness':
        return this.#aware(joined, frame.update);
      case 'query-awareness':
        return this.#tellAwareness(joined.room.awareness.all());
      case 'denied':
        return this.#refuse('malformed-frame', 'only the relay denies');
    }
  }

  #answer({ lane, room }: Joined, stateVector: Uint8Array): void {
    if (this.#giving > 0) {
      this.#owed.push(stateVector.slice());
      return this.#owed.length > OWED_MAX_COUNT ? this.#refuse('too-fast', 'asks faster than it reads') : undefined;
    }
    try {
      lane.answer(room, this, stateVector);
      // Whoever has something of it may have something for it.
      if (!this.#askedOnce && room.isBuilt) this.#ask(room);
    } catch {
      this.#refuse('malformed-frame', 'not a state vector');
    }
  }

  #judge(joined: Joined, update: Uint8Array, isAnswer: boolean): void {
    const { lane } = joined;
    if (lane.pendingBytes > AHEAD_OF_DISK_MAX_BYTES) {
      // The door's buffer is not ours to keep.
      const kept = update.slice();
      const goOn = (): void => {
        this.#busy = false;
        if (this.live) this.#judge(joined, kept, isAnswer);
        this.#goOn();
      };
      this.#busy = true;
      // When it was lost, the peer has been closed already.
      lane.tail.then(goOn, goOn);
      return;
    }
    const outcome = joined.lane.receive(joined.room, this, update);
    if (!(outcome instanceof Promise)) return this.#conclude(joined, outcome, isAnswer);
    this.#busy = true;
    outcome
      .then(
        (late) => this.#conclude(joined, late, isAnswer),
        (error: unknown) => {
          this.#parts.log.error('an update could not be judged', { document: joined.room.name, why: reason(error) });
          this.close('not-ready');
        },
      )
      .finally(() => {
        this.#busy = false;
        this.#goOn();
      });
  }

  /** What the relay has is not known before the document is built. Nobody waits for that who wants to read, and what they ask is on its way. */
  #askLater(room: Room): void {
    setTimeout(() => this.#state.at === 'live' && !this.#askedOnce && this.#ask(room), ASK_LATER_MILLIS).unref();
  }

  #ask(room: Room): void {
    this.#askedOnce = true;
    this.#asked = true;
    this.send(encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(room.doc) }));
  }

  #conclude({ room }: Joined, outcome: Outcome, isAnswer: boolean): void {
    switch (outcome.is) {
      case 'accepted':
        this.#asks = 0;
        return;
      case 'missing':
        if (isAnswer) this.#asks += 1;
        if (this.#asks > ASKS_MAX_COUNT) return this.#refuse('forged-update', 'builds on what nobody has');
        return this.#asked ? undefined : this.#ask(room);
      case 'refused':
        return this.#refuse(outcome.fault, outcome.why);
    }
  }

  #aware({ room }: Joined, update: Uint8Array): void {
    const result = room.awareness.receive(update, {
      peer: this,
      person: this.person,
      ownerOfClient: (client) => room.ownerOfClient(client),
    });
    if (!result.ok) return this.#refuse('malformed-frame', 'not an awareness update');
    // The stock client hangs up on a relay that it hears nothing from for 30 s, so its sender always gets an answer.
    if (result.news === null) this.#tellAwareness(NOTHING_AWARE);
    else {
      room.broadcast(encodeFrame({ is: 'awareness', update: result.news }));
      this.#tellTyping(room);
    }
  }

  #tellTyping({ awareness }: Room): void {
    const { person, target } = this;
    const typing = awareness.isTyping(person);
    // States that were never about typing, like a cursor's, concern nobody's list.
    if (target.kind !== 'conversation' || (!typing && !this.#typed)) return;
    this.#typed = typing;
    this.#parts.events.typing({ person, conversation: target.conversation, typing });
  }

  #refuse(fault: Fault, why: string): void {
    if (!this.live) return;
    this.#parts.events.refused({ fault });
    this.#parts.log.info('refused', { fault, why, person: this.person, kind: this.target.kind });
    this.close(fault);
  }
}
