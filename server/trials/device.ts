/**
 * A device without a screen: the app's own socket, channels and provider, and documents in memory that survive everything, as IndexedDB would keep
 * them. It comes back by itself, and sends by itself what the relay does not have. Whatever number it sees goes into the ledger.
 */
import WebSocket from 'ws';
import * as Y from 'yjs';
import { newMessageId, type ConversationId, type MessageId, type UserId } from '#shared/ids.ts';
import { currentPage, pagesOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc, parseDocName, personalDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import { Channels } from '../../src/lib/sync/channels.ts';
import { DocumentSync } from '../../src/lib/sync/provider.ts';
import { SyncSocket } from '../../src/lib/sync/socket.ts';
import type { Ledger } from './ledger.ts';

interface Kept {
  doc: Y.Doc;
  sync: DocumentSync;
  /** Yjs client ids under which this device has written into the document. */
  own: Set<number>;
}

export interface DeviceParts {
  /** Names the device among others of the person. */
  name: string;
  person: UserId;
  cookie: string;
  /** The relay's address, or that of what stands before it. */
  url: string;
  ledger: Ledger;
}

export class Device {
  readonly name: string;
  readonly person: UserId;
  readonly cookie: string;
  readonly url: string;
  readonly kept = new Map<string, Kept>();
  /** Keys that were set or removed here, in any document. */
  readonly touched = new Set<string>();
  readonly #ledger: Ledger;
  readonly #socket: SyncSocket;
  readonly #channels: Channels;
  #stopped = false;

  constructor({ name, person, cookie, url, ledger }: DeviceParts) {
    this.name = name;
    this.person = person;
    this.cookie = cookie;
    this.url = url;
    this.#ledger = ledger;
    this.#socket = new SyncSocket({
      connect: () =>
        new WebSocket(`${url.replace('http', 'ws')}/sync`, { headers: { cookie } }) as unknown as globalThis.WebSocket,
      hasNetwork: () => true,
      random: () => 0,
    });
    this.#channels = new Channels({
      isOpen: () => this.#socket.state === 'open',
      send: (bytes) => this.#socket.send(bytes),
      maySync: () => true,
      said: () => this.#pulse(),
    });
    this.#socket.on('open', () => this.#channels.openWaiting());
    this.#socket.on('frame', (bytes) => {
      this.#pulse();
      this.#channels.frame(bytes);
    });
    this.#socket.on('lost', () => this.#channels.muxLost());
    this.#socket.on('signedOut', () => ledger.faults.push(`${name} was signed out`));
    this.open(personalDoc(person));
  }

  get isOnline(): boolean {
    return this.#socket.state === 'open';
  }

  /** Nothing that was written here waits for the relay's word. */
  get isSettled(): boolean {
    return [...this.kept.values()].every(({ sync }) => sync.isSynced && !sync.isUnsettled);
  }

  goOnline(): void {
    this.#socket.start();
    this.#socket.hurry();
  }

  /** Tries now instead of waiting its turn, as when somebody looks at the tab. */
  hurry(): void {
    this.#socket.hurry();
  }

  goOffline(): void {
    this.#socket.stop();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.stop();
    for (const { sync } of this.kept.values()) sync.stop();
  }

  /** A conversation's root and its pages up to the current one, and those that begin later. */
  join(conversation: ConversationId): void {
    const root = this.open(conversationDoc(conversation));
    const openPages = (): void => {
      for (let page = 0; page <= currentPage(root); page++) this.open(pageDoc(conversation, page));
    };
    openPages();
    pagesOf(root).observe(openPages);
  }

  open(name: string, content?: Uint8Array): Y.Doc {
    const here = this.kept.get(name);
    if (here !== undefined) return here.doc;
    const doc = new Y.Doc();
    const own = new Set<number>();
    const target = parseDocName(name);
    if (target?.kind === 'page') this.#watchStamps(target.conversation, doc);
    if (content !== undefined) Y.applyUpdate(doc, content);
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) return;
      own.add(doc.clientID);
      for (const keys of transaction.changed.values()) for (const key of keys) if (key !== null) this.touched.add(key);
    });
    const scope = `${this.name}/${this.person}/${Math.random()}`;
    const sync = new DocumentSync({ name, doc, scope, WebSocket: this.#channels.WebSocket });
    sync.on('refused', (code, fault) => {
      if (!this.#stopped) this.#ledger.faults.push(`${this.name} was refused ${name}: ${code} ${fault}`);
    });
    this.kept.set(name, { doc, sync, own });
    return doc;
  }

  /** The tab is closed and opened again: what it kept comes back, under fresh client ids. */
  reload(): void {
    const before = [...this.kept];
    this.kept.clear();
    for (const [name, { doc, sync, own }] of before) {
      sync.stop();
      this.open(name, Y.encodeStateAsUpdate(doc));
      for (const client of own) this.kept.get(name)?.own.add(client);
    }
    for (const [name] of before) {
      const target = parseDocName(name);
      if (target?.kind === 'conversation') this.join(target.conversation);
    }
  }

  post(conversation: ConversationId, text: string): MessageId {
    const id = newMessageId();
    const root = this.open(conversationDoc(conversation));
    const value = { by: this.person, at: Date.now(), text };
    this.#ledger.wrote(conversation, id);
    messagesOf(this.open(pageDoc(conversation, currentPage(root)))).set(id, value);
    return id;
  }

  /** The page and the id of a message of this person's own, the `n`th that is there. */
  own(conversation: ConversationId, n: number): { doc: Y.Doc; id: MessageId } | null {
    const root = this.open(conversationDoc(conversation));
    const doc = this.open(pageDoc(conversation, currentPage(root)));
    const mine = [...messagesOf(doc)].flatMap(([id, { by }]) => (by === this.person ? [id as MessageId] : []));
    const id = mine[n % Math.max(1, mine.length)];
    return id === undefined ? null : { doc, id };
  }

  edit(doc: Y.Doc, id: MessageId, text: string): void {
    const before = messagesOf(doc).get(id);
    if (before === undefined) return;
    messagesOf(doc).set(id, { ...before, text, editedAt: Date.now() });
  }

  remove(doc: Y.Doc, id: MessageId): void {
    this.#ledger.deleted.add(id);
    doc.transact(() => {
      messagesOf(doc).delete(id);
      deletedOf(doc).set(id, { by: this.person, at: Date.now() });
    });
  }

  #watchStamps(conversation: ConversationId, doc: Y.Doc): void {
    orderOf(doc).observe((event) => {
      for (const { insert } of event.changes.delta)
        for (const [seq, id] of (insert ?? []) as [number, MessageId][]) this.#ledger.saw(conversation, id, seq);
    });
  }

  #pulse(): void {
    for (const { sync } of this.kept.values()) sync.pulse();
  }
}
