/**
 * This tab's side of the relay: one socket, a channel for each document that is in memory, and what the relay says beside them. Documents
 * are synced once the device's own copy is loaded (so that only what is missing travels), for as long as they are open. Marks documents
 * that hold something the relay may not have, and takes waiting messages off the list when their stamp is seen.
 */
import { ObservableV2 } from 'lib0/observable';
import type * as Y from 'yjs';
import type { CallId, ConversationId } from '#shared/ids.ts';
import type { Call } from '#shared/model/call.ts';
import { parseDocName } from '#shared/model/doc-names.ts';
import { orderOf, type Stamp } from '#shared/model/page.ts';
import type { ClientControl, RelayControl } from '#shared/protocol/control.ts';
import type { OverviewRow, RowChange } from '#shared/protocol/overview.ts';
import type { Documents, OpenDocument } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { Aside } from './aside.ts';
import { Channels } from './channels.ts';
import { DocumentSync } from './provider.ts';
import { type SocketState, type SocketWorld, SyncSocket } from './socket.ts';

type Told<Is extends RelayControl['is']> = Extract<RelayControl, { is: Is }>;

interface RelayLinkEvents {
  state: (state: SocketState) => void;
  /** All rows; what is not in it is gone. */
  overview: (rows: OverviewRow[]) => void;
  rows: (rows: RowChange[]) => void;
  marks: (told: Told<'marks'>) => void;
  presence: (told: Told<'presence'>) => void;
  typing: (told: Told<'typing'>) => void;
  gone: (conversation: ConversationId, isDeleted: boolean) => void;
  /** All calls that ring or go on; what is not in it is over. */
  calls: (calls: Call[]) => void;
  call: (call: Call) => void;
  callRefused: (call: CallId, fault: string) => void;
  callBecame: (call: CallId, became: CallId) => void;
  /** The relay will not take or give this document. */
  refused: (doc: string, code: number, fault: string) => void;
  synced: (doc: string) => void;
  settled: (doc: string) => void;
  /** The socket could not be opened, this many times in a row. */
  failed: (inARow: number) => void;
  signedOut: () => void;
}

export class RelayLink extends ObservableV2<RelayLinkEvents> {
  readonly #documents: Documents;
  readonly #kept: Kept;
  readonly #scope: string;
  readonly #socket: SyncSocket;
  readonly #channels: Channels;
  readonly #maySync: (doc: string) => boolean;
  readonly #syncs = new Map<string, DocumentSync>();
  readonly #asides = new Set<Aside>();
  readonly #opened = (open: OpenDocument) => void this.#attach(open);
  readonly #closing = (open: OpenDocument) => this.#detach(open.name);

  constructor(parts: {
    documents: Documents;
    kept: Kept;
    scope: string;
    world: SocketWorld;
    /** False for documents of a conversation that waits to be created. */
    maySync: (doc: string) => boolean;
  }) {
    super();
    this.#documents = parts.documents;
    this.#kept = parts.kept;
    this.#scope = parts.scope;
    this.#maySync = parts.maySync;
    this.#socket = new SyncSocket(parts.world);
    this.#channels = new Channels({
      isOpen: () => this.#socket.state === 'open',
      send: (bytes) => this.#socket.send(bytes),
      maySync: (doc) => this.#maySync(doc),
      said: (control) => {
        switch (control.is) {
          case 'overview':
            return this.emit('overview', [control.rows]);
          case 'rows':
            return this.emit('rows', [control.rows]);
          case 'marks':
            return this.emit('marks', [control]);
          case 'presence':
            return this.emit('presence', [control]);
          case 'typing':
            return this.emit('typing', [control]);
          case 'gone':
            return this.emit('gone', [control.conversation, control.deleted === true]);
          case 'calls':
            return this.emit('calls', [control.calls]);
          case 'call':
            return this.emit('call', [control.call]);
          case 'call-refused':
            return this.emit('callRefused', [control.call, control.fault]);
          case 'call-became':
            return this.emit('callBecame', [control.call, control.became]);
          case 'pulse':
            return this.#pulse();
        }
      },
    });
    this.#socket.on('state', (state) => this.emit('state', [state]));
    this.#socket.on('open', () => this.#channels.openWaiting());
    this.#socket.on('frame', (bytes) => {
      this.#pulse();
      this.#channels.frame(bytes);
    });
    this.#socket.on('lost', () => this.#channels.muxLost());
    this.#socket.on('failed', (inARow) => this.emit('failed', [inARow]));
    this.#socket.on('signedOut', () => this.emit('signedOut', []));
  }

  get state(): SocketState {
    return this.#socket.state;
  }

  get isOpen(): boolean {
    return this.#socket.state === 'open';
  }

  start(): void {
    this.#documents.on('opened', this.#opened);
    this.#documents.on('closing', this.#closing);
    for (const open of this.#documents.open) void this.#attach(open);
    this.#socket.start();
  }

  /** Tries at once when it waits its turn. */
  hurry(): void {
    this.#socket.hurry();
  }

  /** Stops the socket alone: the session is over. Tabs go on agreeing with each other. */
  pause(): void {
    this.#socket.stop();
  }

  /** What concerns no channel. Nothing when the relay is not there: who says it says it again when it is back. */
  say(control: Exclude<ClientControl, { is: 'open' | 'close' }>): void {
    this.#channels.say(control);
  }

  /** A conversation that waited to be created exists now. */
  openWaiting(): void {
    this.#channels.openWaiting();
  }

  isSynced(doc: string): boolean {
    return this.#syncs.get(doc)?.isSynced ?? false;
  }

  /** Asks the relay whether it has all of this document's changes. The document has to be held meanwhile. */
  prove(doc: string): void {
    this.#syncs.get(doc)?.prove();
  }

  /** What this tab shows of itself to the others on a document that is open; null takes it back. */
  show(doc: string, state: Record<string, unknown> | null): void {
    this.#syncs.get(doc)?.show(state);
  }

  reconnect(doc: string): void {
    this.#syncs.get(doc)?.reconnect();
  }

  /** The relay's own copy of a document, beside the one that may be open here. Whoever asks stops it. */
  aside(doc: string): Aside {
    const stopped = () => void this.#asides.delete(aside);
    const aside: Aside = new Aside({ name: doc, WebSocket: this.#channels.WebSocket, stopped });
    this.#asides.add(aside);
    return aside;
  }

  /** Whether the relay's copy of this held document arrived in time. */
  async whenSynced(doc: string, atMostMs: number): Promise<boolean> {
    return this.isSynced(doc) || (await this.#once('synced', doc, atMostMs));
  }

  async whenSettled(doc: string, atMostMs: number): Promise<boolean> {
    return await this.#once('settled', doc, atMostMs);
  }

  stop(): void {
    this.#documents.off('opened', this.#opened);
    this.#documents.off('closing', this.#closing);
    this.#socket.stop();
    for (const name of [...this.#syncs.keys()]) this.#detach(name);
    for (const aside of [...this.#asides]) aside.stop();
    this.destroy();
  }

  async #attach(open: OpenDocument): Promise<void> {
    if (parseDocName(open.name)?.kind === 'page') this.#watchStamps(open.doc);
    await open.loaded;
    if (open.isClosed || this.#syncs.has(open.name)) return;
    const { name, doc } = open;
    // Tabs agree with those that have the same copy.
    const sync = new DocumentSync({
      name,
      doc,
      scope: `${this.#scope}${open.copy}`,
      WebSocket: this.#channels.WebSocket,
    });
    this.#syncs.set(name, sync);
    const ownMark = `${name} ${this.#kept.tab}`;
    sync.on('changed', () => {
      if (!this.#kept.table('dirty').has(ownMark)) this.#kept.put('dirty', ownMark, { doc: name, tab: this.#kept.tab });
    });
    sync.on('synced', () => this.emit('synced', [name]));
    sync.on('settled', (marksBefore) => {
      void this.#kept.remove('dirty', ownMark, ...marksBefore);
      this.emit('settled', [name]);
    });
    sync.on('refused', (code, fault) => this.emit('refused', [name, code, fault]));
    sync.marksNow = () => [...this.#kept.table('dirty')].flatMap(([key, mark]) => (mark.doc === name ? [key] : []));
  }

  #detach(name: string): void {
    this.#syncs.get(name)?.stop();
    this.#syncs.delete(name);
  }

  /** A stamp is the relay's word that the message is on its disk. */
  #watchStamps(doc: Y.Doc): void {
    orderOf(doc).observe((event) => {
      const waiting = this.#kept.table('waiting');
      if (waiting.size === 0) return;
      const stamps = event.changes.delta.flatMap((change) => (change.insert ?? []) as Stamp[]);
      void this.#kept.remove(
        'waiting',
        ...stamps.map(([, message]) => message).filter((message) => waiting.has(message)),
      );
    });
  }

  #pulse(): void {
    for (const sync of this.#syncs.values()) sync.pulse();
  }

  #once(event: 'synced' | 'settled', doc: string, atMostMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const hear = (name: string) => name === doc && done(true);
      const refused = (name: string) => name === doc && done(false);
      const timer = setTimeout(() => done(false), atMostMs);
      const done = (is: boolean) => {
        clearTimeout(timer);
        this.off(event, hear);
        this.off('refused', refused);
        resolve(is);
      };
      this.on(event, hear);
      this.on('refused', refused);
    });
  }
}
