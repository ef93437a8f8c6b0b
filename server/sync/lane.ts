/**
 * The documents that are written together: a conversation's root and pages, or one personal document. A lane's changes reach the disk in the
 * order in which they were made; when one is lost, the whole lane is thrown away and read again from the disk.
 *
 * The way of a change: it is applied in memory at once, appended to the journal, and passed on to the peers after its commit, and only then.
 */
import * as Y from 'yjs';
import type { Fault } from '#shared/faults.ts';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { PIECE_MAX_BYTES } from '#shared/protocol/pieces.ts';
import { type Log, reason } from '../log.ts';
import type { StoredDocument } from '../storage/documents.ts';
import type { Journal, JournalEntry } from '../storage/journal.ts';
import type { Numbering } from '../storage/messages.ts';
import type { Sql } from '../storage/sql.ts';
import type { Membership, RelayEvents } from './events.ts';
import { oneUpdate } from './one-update.ts';
import type { Peer, Room } from './room.ts';

/** What is read when a lane comes into memory: together for all that come at the same moment. */
export interface Disk {
  document(name: string): Promise<StoredDocument>;
  /** Null: no such conversation. */
  numbering(conversation: ConversationId): Promise<Numbering | null>;
}

/** What a lane needs of the rest of the relay. */
export interface LaneParts {
  sql: Sql;
  disk: Disk;
  journal: Journal;
  membership: Membership;
  events: RelayEvents;
  log: Log;
  now: () => number;
}

export type Outcome =
  | { is: 'accepted' }
  | { is: 'refused'; fault: Fault; why: string }
  /** It builds on what the room does not have: ask for it. */
  | { is: 'missing' };

/** The lane was thrown away while something was under way in it; on a lane read from disk it may be tried again. */
export class LaneLost extends Error {}

export type Extra = Pick<JournalEntry, 'numbered' | 'messages' | 'changes' | 'renamed'>;
export const NOTHING_EXTRA: Extra = { numbered: null, messages: [], changes: [] };

export abstract class Lane {
  readonly key: string;
  readonly rooms = new Map<string, Room>();
  /** Thrown away: the disk knows better, and nothing is taken any more. */
  dead = false;
  /** Resolves when everything that was appended so far is on disk; rejects when it was lost. */
  tail: Promise<void> = Promise.resolve();
  /** Entries on their way to the disk, and how much that is. */
  pending = 0;
  pendingBytes = 0;
  /** Those who are in the middle of something here and need it to stay in memory. */
  holds = 0;
  /** Called when an entry has reached the disk: perhaps nobody needs the lane any more. */
  settled: () => void = () => undefined;
  /** Called when the lane was thrown away. */
  lost: () => void = () => undefined;
  protected readonly parts: LaneParts;

  constructor(key: string, parts: LaneParts) {
    this.key = key;
    this.parts = parts;
  }

  /** Judges an update of a peer and applies it. Answers at once, or later when something has to be asked first. */
  abstract receive(room: Room, peer: Peer, update: Uint8Array): Outcome | Promise<Outcome>;

  /** Nobody watches, nothing is on its way: it may leave memory. */
  get idle(): boolean {
    return this.pending === 0 && this.holds === 0 && [...this.rooms.values()].every((room) => room.peers.size === 0);
  }

  /** What the peer lacks, once all of it is on disk. */
  answer(room: Room, peer: Peer, stateVector: Uint8Array): void {
    if (stateVector.length === 1 && stateVector[0] === 0 && this.#giveAsStored(room, peer)) return;
    const frame = room.answerTo(stateVector);
    if (this.pending === 0) return peer.give(frame);
    this.tail.then(
      () => peer.give(frame),
      // Lost: the peer has been closed already, and asks again when it is back.
      () => undefined,
    );
  }

  /** To somebody who has nothing, what was read from the disk and has not changed since. False when that is not to be had. */
  #giveAsStored(room: Room, peer: Peer): boolean {
    const updates = room.asStored();
    if (updates === null || updates.length === 0) return false;
    const frames = updates.map((update, at) =>
      encodeFrame({ is: at < updates.length - 1 ? 'update' : 'step2', update }),
    );
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) peer.give(only);
    else if (frames.every((frame) => frame.length <= PIECE_MAX_BYTES)) peer.sendAll(frames);
    else return false;
    return true;
  }

  /** Closes the peers so that they come back to a lane read from disk. */
  throwAway(): void {
    if (this.dead) return;
    this.freeze();
    this.end('not-ready');
    this.lost();
  }

  /** Nothing is taken any more. Nobody is told yet: what becomes of it is being decided. */
  freeze(): void {
    this.dead = true;
  }

  /** After `freeze`: it leaves memory, and the peers are told why. */
  end(fault: Fault): void {
    for (const room of this.rooms.values()) {
      for (const peer of [...room.peers]) peer.close(fault);
      room.destroy();
    }
  }

  /**
   * Journals what has changed in these rooms since their last commit, and passes it on afterwards. `introduced` are client ids that a person's
   * change has brought into a room; the relay's own is added by itself.
   */
  protected commit(
    rooms: Iterable<Room>,
    introduced: { room: Room; client: number; person: UserId }[],
    extra: Extra,
  ): Promise<void> {
    if (this.dead) return Promise.reject(new LaneLost());
    const entry: JournalEntry = { lane: this.key, updates: [], clients: [], ...extra };
    const changed: { room: Room; update: Uint8Array; frame: Uint8Array }[] = [];
    for (const { room, client, person } of introduced) {
      room.clients.set(client, person);
      entry.clients.push({ document: room.name, client, person });
    }
    for (const room of rooms) {
      const changes = room.takeChanges();
      if (changes.length > 0) {
        const bytes = oneUpdate(changes);
        entry.updates.push({ document: room.name, bytes });
        changed.push({ room, update: bytes, frame: encodeFrame({ is: 'update', update: bytes }) });
        room.logLength += 1;
      }
      for (const client of room.newOwnClients()) {
        room.clients.set(client, null);
        entry.clients.push({ document: room.name, client, person: null });
      }
    }
    if (entry.updates.length === 0 && entry.clients.length === 0 && extra === NOTHING_EXTRA) return this.tail;
    const bytes = entry.updates.reduce((sum, update) => sum + update.bytes.length, 0);
    this.pending += 1;
    this.pendingBytes += bytes;
    const done = this.parts.journal.append(entry).then(
      () => {
        this.pending -= 1;
        this.pendingBytes -= bytes;
        for (const { room, update, frame } of changed) {
          room.broadcastChange(frame);
          if (room.veils.size > 0) this.passOnVeiled(room, update);
        }
        this.settled();
      },
      (error: unknown) => {
        this.pending -= 1;
        this.pendingBytes -= bytes;
        this.throwAway();
        throw error;
      },
    );
    this.tail = done;
    // Whoever waits for it hears of a failure by themselves; the lane is thrown away either way.
    done.catch(() => undefined);
    return done;
  }

  /** To those from whom something is hidden. */
  protected passOnVeiled(_room: Room, _update: Uint8Array): void {
    throw new Error('nothing is hidden in these documents');
  }

  /** Applies what was judged. False when Yjs broke over it: then memory can no longer be trusted. */
  protected apply(room: Room, update: Uint8Array, repeats: boolean, origin: unknown): boolean {
    try {
      // What the room has already is cut off: Yjs would look at it again, and follow what it claims.
      Y.applyUpdate(room.doc, repeats ? Y.diffUpdate(update, Y.encodeStateVector(room.doc)) : update, origin);
    } catch (error) {
      this.parts.log.error('an accepted update broke the document', { document: room.name, why: reason(error) });
      this.throwAway();
      return false;
    }
    const { store } = room.doc;
    if (store.pendingStructs !== null || store.pendingDs !== null) {
      // Judged as complete, and Yjs disagrees. Nothing of the pending part was applied; it must not wait here for somebody to complete it.
      this.parts.log.error('an accepted update was not complete', { document: room.name });
      store.pendingStructs = null;
      store.pendingDs = null;
    }
    return true;
  }
}
