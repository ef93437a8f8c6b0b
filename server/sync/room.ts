/**
 * One document that somebody watches, in memory: the Y.Doc, its peers, whose its client ids are, who is typing in it. What is in the doc may be
 * ahead of the disk by what waits in the journal; peers get only what is committed (lane.ts sees to that).
 *
 * The Y.Doc is built when it is needed. Who has nothing yet is given what lies on the disk, as it lies there.
 *
 * New messages and stamps need no Y.Doc on their way. They wait beside it, as bytes, until somebody asks for the document: a peer that joins, an edit,
 * a reaction. Then they are applied, all at once, at a fraction of what each costs alone.
 */
import * as Y from 'yjs';
import type { MessageId, UserId } from '#shared/ids.ts';
import type { Fault } from '#shared/faults.ts';
import { CONVERSATION_ROOTS } from '#shared/model/conversation.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { deletedOf, messagesOf, PAGE_ROOTS, type Stamp } from '#shared/model/page.ts';
import { PERSONAL_ROOTS } from '#shared/model/personal.ts';
import type { StoredDocument } from '../storage/documents.ts';
import { AwarenessStates } from './awareness.ts';
import type { NewMessageUpdate } from './new-message.ts';
import { oneUpdate } from './one-update.ts';
import { Stamps } from './stamps.ts';

/** So many updates may wait beside the document. */
const WAITING_MAX_COUNT = 256;
/** An answer up to here is kept for the next who asks the same. */
const ANSWER_KEPT_MAX_BYTES = 32 * 1024;

/** So many updates of the log are told one by one; a longer one is told as one. */
const AS_STORED_MAX_COUNT = 20;

interface Built {
  doc: Y.Doc;
  stamps: Stamps;
}

/** One listener of a document: a socket, or a channel of one. */
export interface Peer {
  readonly person: UserId;
  readonly live: boolean;
  send(frame: Uint8Array): void;
  /** The same for what may be large: as fast as it is taken, and no faster. */
  give(frame: Uint8Array): void;
  /** In one write. */
  sendAll(frames: readonly Uint8Array[]): void;
  close(fault: Fault): void;
}

export class Room {
  readonly name: string;
  readonly target: DocName;
  /** As they were read; null once the document was built from them. */
  #stored: Pick<StoredDocument, 'updates' | 'logLength'> | null;
  #built: Built | null = null;
  readonly peers = new Set<Peer>();
  /** Peers from whom messages are hidden: up to which number. They are told changes by themselves, one after the other. */
  readonly veils = new Map<Peer, number>();
  veiledLine: Promise<void> = Promise.resolve();
  readonly awareness = new AwarenessStates();
  /** Whose a client id is; null is the relay's own, in this life of the room or an earlier one. */
  readonly clients: Map<number, UserId | null>;
  /** Updates in the log behind the snapshot. */
  logLength: number;
  #changes: Uint8Array[] = [];
  /** What the document does not have yet. */
  #waiting: Uint8Array[] = [];
  /** Where the clients of what waits stand, and the messages in it. */
  readonly #clocks = new Map<number, number>();
  readonly #messages = new Set<MessageId>();
  /** What was last answered, until the document changes: after a lost network many come back at once, and lack the same. */
  #answered: { state: Uint8Array; frame: Uint8Array } | null = null;
  #outgoing: Uint8Array[] = [];
  #outgoingVeiled: Uint8Array[] = [];

  constructor(name: string, target: DocName, stored: StoredDocument) {
    this.name = name;
    this.target = target;
    this.clients = stored.clients;
    this.logLength = stored.logLength;
    this.#stored = stored;
  }

  /** Whether there is a document: until then, nothing has changed since it was read. */
  get isBuilt(): boolean {
    return this.#built !== null;
  }

  /**
   * All there is, as updates in their order, without building anything; null when that cannot be told as it lies there. What the log still has of what
   * was deleted since is told to nobody: an update that deletes something does not end in 0. (A snapshot has forgotten it.)
   */
  asStored(): readonly Uint8Array[] | null {
    if (this.#stored === null) return null;
    const { updates, logLength } = this.#stored;
    if (logLength > AS_STORED_MAX_COUNT) return null;
    return updates.slice(updates.length - logLength).every((update) => update.at(-1) === 0) ? updates : null;
  }

  get #doc(): Y.Doc {
    return this.#build().doc;
  }

  get #stamps(): Stamps {
    return this.#build().stamps;
  }

  #build(): Built {
    if (this.#built !== null) return this.#built;
    const updates = this.#stored?.updates ?? [];
    const doc = new Y.Doc();
    for (const root of rootsOf(this.target.kind)) {
      if (root === 'order') doc.getArray(root);
      else doc.getMap(root);
    }
    doc.transact(() => {
      for (const update of updates) Y.applyUpdate(doc, update);
    });
    // Fresh client ids with each life: a stamp that a failed commit lost can never be taken for another.
    doc.clientID = this.#unusedClient(doc);
    const stamps = new Stamps(this.#unusedClient(doc), doc);
    doc.on('update', this.#changed);
    this.#stored = null;
    return (this.#built = { doc, stamps });
  }

  /** With everything that was taken. */
  get doc(): Y.Doc {
    if (this.#waiting.length > 0) this.#catchUp();
    return this.#doc;
  }

  /** The sync step 2 with what somebody in this state lacks. */
  answerTo(stateVector: Uint8Array): Uint8Array {
    const { doc } = this;
    if (this.#answered !== null && Buffer.compare(this.#answered.state, stateVector) === 0) return this.#answered.frame;
    const frame = encodeFrame({ is: 'step2', update: Y.encodeStateAsUpdate(doc, stateVector) });
    this.#answered = frame.length > ANSWER_KEPT_MAX_BYTES ? null : { state: stateVector.slice(), frame };
    return frame;
  }

  /** Whose a client id is, by the changes that were made with it; undefined when there are none. */
  ownerOfClient(client: number): UserId | null | undefined {
    if (this.#isOwn(client)) return null;
    return this.clients.get(client);
  }

  /** Whether this new message may be taken as it is: by this person's client, next in its row, under a key that nobody has used on this page. */
  canTake({ client, clock, id }: NewMessageUpdate, person: UserId): boolean {
    return (
      this.clients.get(client) === person &&
      clock === (this.#clocks.get(client) ?? Y.getState(this.#doc.store, client)) &&
      !this.#messages.has(id) &&
      !messagesOf(this.#doc)._map.has(id) &&
      !deletedOf(this.#doc)._map.has(id)
    );
  }

  /** Takes a new message, and its stamp with it; the document will have them when it is asked for. */
  takeMessage(update: Uint8Array, { client, clock, id }: NewMessageUpdate, stamp: Stamp): void {
    this.#clocks.set(client, clock + 1);
    this.#messages.add(id);
    this.#take(oneUpdate([update, this.#stamps.append([stamp])]));
  }

  /** Puts stamps at the end of the page's list. */
  stamp(stamps: readonly Stamp[]): void {
    this.#take(this.#stamps.append(stamps));
  }

  /** The relay's own client ids that have written here and are not in `clients` yet. */
  newOwnClients(): number[] {
    if (!this.isBuilt) return [];
    const own = [
      ...(this.#stamps.begun ? [this.#stamps.client] : []),
      ...(this.#doc.store.clients.has(this.#doc.clientID) ? [this.#doc.clientID] : []),
    ];
    return own.filter((client) => !this.clients.has(client));
  }

  /** What changed since it was last asked, as Yjs updates of their own: no byte in them that was not applied. */
  takeChanges(): Uint8Array[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** To all peers, a moment later: what else this commit brings to them goes out with it, in one write for each. */
  broadcast(frame: Uint8Array): void {
    if (this.veils.size > 0) this.#outgoingVeiled.push(frame);
    this.broadcastChange(frame);
  }

  /** The same, to those who see everything. */
  broadcastChange(frame: Uint8Array): void {
    this.#outgoing.push(frame);
    if (this.#outgoing.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const frames = this.#outgoing;
    const veiled = this.#outgoingVeiled;
    this.#outgoing = [];
    this.#outgoingVeiled = [];
    for (const peer of this.peers) {
      if (!this.veils.has(peer)) peer.sendAll(frames);
      else if (veiled.length > 0) peer.sendAll(veiled);
    }
  }

  destroy(): void {
    this.#built?.doc.destroy();
  }

  readonly #changed = (update: Uint8Array): void => {
    this.#changes.push(update);
    this.#answered = null;
  };

  #isOwn(client: number): boolean {
    return this.isBuilt && (client === this.#doc.clientID || client === this.#stamps.client);
  }

  #unusedClient(doc: Y.Doc): number {
    for (;;) {
      const client = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
      if (!this.clients.has(client) && !doc.store.clients.has(client)) return client;
    }
  }

  #take(update: Uint8Array): void {
    this.#changes.push(update);
    this.#waiting.push(update);
    if (this.#waiting.length >= WAITING_MAX_COUNT) this.#catchUp();
  }

  #catchUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#clocks.clear();
    this.#messages.clear();
    this.#answered = null;
    // These changes are known: nobody is to hear of them again, and Yjs need not encode them.
    this.#doc.off('update', this.#changed);
    this.#doc.transact(() => {
      for (const update of waiting) Y.applyUpdate(this.#doc, update);
    });
    this.#doc.on('update', this.#changed);
  }
}

function rootsOf(kind: DocName['kind']): readonly string[] {
  switch (kind) {
    case 'conversation':
      return CONVERSATION_ROOTS;
    case 'page':
      return PAGE_ROOTS;
    case 'personal':
      return PERSONAL_ROOTS;
  }
}
