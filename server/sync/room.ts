/**
 * One document that somebody watches, in memory: the Y.Doc, its peers, whose its client ids are, who is typing in it. What is in the doc may be
 * ahead of the disk by what waits in the journal; peers get only what is committed (lane.ts sees to that).
 */
import * as Y from 'yjs';
import type { UserId } from '#shared/ids.ts';
import type { Fault } from '#shared/faults.ts';
import { CONVERSATION_ROOTS } from '#shared/model/conversation.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { PAGE_ROOTS } from '#shared/model/page.ts';
import { PERSONAL_ROOTS } from '#shared/model/personal.ts';
import type { StoredDocument } from '../storage/documents.ts';
import { AwarenessStates } from './awareness.ts';

/** One listener of a document: a socket, or a channel of one. */
export interface Peer {
  readonly person: UserId;
  readonly live: boolean;
  send(frame: Uint8Array): void;
  /** In one write. */
  sendAll(frames: readonly Uint8Array[]): void;
  close(fault: Fault): void;
}

export class Room {
  readonly name: string;
  readonly target: DocName;
  readonly doc: Y.Doc;
  readonly peers = new Set<Peer>();
  readonly awareness = new AwarenessStates();
  /** Whose a client id is; null is the relay's own, in this life of the room or an earlier one. */
  readonly clients: Map<number, UserId | null>;
  /** Updates in the log behind the snapshot. */
  logLength: number;
  #changes: Uint8Array[] = [];
  #outgoing: Uint8Array[] = [];

  constructor(name: string, target: DocName, stored: StoredDocument) {
    this.name = name;
    this.target = target;
    this.clients = stored.clients;
    this.logLength = stored.logLength;
    this.doc = new Y.Doc();
    const roots = rootsOf(target.kind);
    for (const root of roots) {
      if (root === 'order') this.doc.getArray(root);
      else this.doc.getMap(root);
    }
    this.doc.transact(() => {
      for (const update of stored.updates) Y.applyUpdate(this.doc, update);
    });
    // A fresh client id with each life: a stamp that a failed commit lost can never be taken for another.
    while (this.clients.has(this.doc.clientID) || this.doc.store.clients.has(this.doc.clientID)) {
      this.doc.clientID = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    }
    this.doc.on('update', (update: Uint8Array) => this.#changes.push(update));
  }

  /** Whose a client id is, by the changes that were made with it; undefined when there are none. */
  ownerOfClient(client: number): UserId | null | undefined {
    if (client === this.doc.clientID) return null;
    return this.clients.get(client);
  }

  /** What changed since it was last asked, as Yjs updates of their own: no byte in them that was not applied. */
  takeChanges(): Uint8Array[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** To all peers, a moment later: what else this commit brings to them goes out with it, in one write for each. */
  broadcast(frame: Uint8Array): void {
    this.#outgoing.push(frame);
    if (this.#outgoing.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    for (const peer of this.peers) peer.sendAll(frames);
  }

  destroy(): void {
    this.doc.destroy();
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
