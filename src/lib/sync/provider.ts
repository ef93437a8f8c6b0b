/**
 * Syncs one document: the stock y-websocket provider (its only importer) over a channel, which also keeps the person's tabs in agreement
 * through a BroadcastChannel, with or without a network. On top of it, the answer to "does the relay have my changes?": after a local change
 * and a quiet moment it sends sync step 1 once more. The relay handles a channel's frames in order and answers a step only when everything
 * before it is committed, so the answer proves it (docs/decisions/0003).
 */
import type * as decoding from 'lib0/decoding';
import { ObservableV2 } from 'lib0/observable';
import { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { afterPaint } from './after-paint.ts';

interface DocumentSyncEvents {
  /** The relay's copy is in `doc`. */
  synced: () => void;
  /** The relay has everything that was written here, in this tab and in those whose marks were there when the channel opened. */
  settled: (marks: string[]) => void;
  /** A change was made on this device, in this tab. */
  changed: () => void;
  /** The relay closed the channel for good, with the fault's code and word. */
  refused: (code: number, fault: string) => void;
}

const QUIET_BEFORE_ASKING_MS = 1_000;
const LONGEST_BACKOFF_MS = 10_000;

const SYNC = 0;
const STEP_1 = 0;
const STEP_2 = 1;

/** What an answer on its way is to: the provider's own opening, or the question after this many local changes. */
type Asked = { is: 'opening' } | { is: 'question'; changes: number };

export class DocumentSync extends ObservableV2<DocumentSyncEvents> {
  readonly name: string;
  readonly doc: Y.Doc;
  /** The marks of all tabs that this document has now. A device's changes reach `doc` (through the disk, or the other tab) before their mark. */
  marksNow: () => string[] = () => [];
  readonly #provider: WebsocketProvider;
  #marksAtOpening: string[] = [];
  /** Sync steps 1 without an answer yet; the relay answers a channel in order. */
  #asked: Asked[] = [];
  /** The relay has asked on this channel, and was given, what it lacked. */
  #gave = false;
  #changes = 0;
  #settledAt = 0;
  /** Somebody wants to know whether the relay has all, without a change in this tab. */
  #wantsProof = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasBegun = false;
  readonly #cancelOpening: () => void;
  readonly #watch: (update: Uint8Array, origin: unknown, doc: Y.Doc, transaction: Y.Transaction) => void;

  /** `scope` names what the tabs of one person on one device share; `alone`: this one shares nothing with them. */
  constructor(parts: { name: string; doc: Y.Doc; scope: string; WebSocket: typeof WebSocket; alone?: boolean }) {
    super();
    this.name = parts.name;
    this.doc = parts.doc;
    const awareness = new Awareness(parts.doc);
    // A channel that only reads has nothing to announce, and renews nothing.
    awareness.setLocalState(null);
    this.#provider = new WebsocketProvider(parts.scope, parts.name, parts.doc, {
      connect: false,
      disableBc: parts.alone ?? false,
      awareness,
      WebSocketPolyfill: parts.WebSocket,
      maxBackoffTime: LONGEST_BACKOFF_MS,
    });
    this.#provider.on('status', ({ status }) => this.#status(status));
    this.#provider.on('sync', (is) => is && this.emit('synced', []));
    this.#provider.on('closed', ({ code, reason }) => this.emit('refused', [code, reason]));
    this.#listenToSteps();
    this.#watch = (_update, _origin, _doc, transaction) => transaction.local && this.#changed();
    this.doc.on('update', this.#watch);
    this.#cancelOpening = afterPaint(() => {
      this.#hasBegun = true;
      this.#provider.connect();
    });
  }

  get isSynced(): boolean {
    return this.#provider.synced;
  }

  /** Whether this tab has changes that the relay has not confirmed. */
  get isUnsettled(): boolean {
    return this.#changes > this.#settledAt;
  }

  /** The tab's socket is alive. A channel on which nothing happens must not take that for death. */
  pulse(): void {
    this.#provider.wsLastMessageReceived = Date.now();
  }

  /** Asks the relay whether it has everything; `settled` is the answer. */
  prove(): void {
    this.#wantsProof = true;
    this.#askSoon(0);
  }

  /** What this tab shows of itself to the others on this document; null takes it back. */
  show(state: Record<string, unknown> | null): void {
    this.#provider.awareness.setLocalState(state);
  }

  /** After a refusal that may have passed. */
  reconnect(): void {
    if (this.#hasBegun && !this.#provider.shouldConnect) this.#provider.connect();
  }

  stop(): void {
    this.#cancelOpening();
    clearTimeout(this.#timer);
    this.doc.off('update', this.#watch);
    this.#provider.destroy();
    this.#provider.awareness.destroy();
    this.destroy();
  }

  #listenToSteps(): void {
    const plain = this.#provider.messageHandlers[SYNC];
    if (plain === undefined) return;
    this.#provider.messageHandlers[SYNC] = (encoder, decoder: decoding.Decoder, provider, fromRelay: boolean, type) => {
      const step = decoder.arr[decoder.pos];
      plain(encoder, decoder, provider, fromRelay, type);
      if (!fromRelay) return;
      if (step === STEP_1) queueMicrotask(() => this.#hasGiven());
      if (step === STEP_2) this.#answered();
    };
  }

  #status(status: 'connected' | 'disconnected' | 'connecting'): void {
    this.#gave = false;
    if (status === 'connected') this.#marksAtOpening = this.marksNow();
    this.#asked = status === 'connected' ? [{ is: 'opening' }] : [];
  }

  #changed(): void {
    this.#changes += 1;
    this.emit('changed', []);
    this.#askSoon(QUIET_BEFORE_ASKING_MS);
  }

  #hasGiven(): void {
    this.#gave = true;
    if (this.isUnsettled || this.#wantsProof) this.#askSoon(0);
  }

  #askSoon(quietMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), quietMs);
  }

  #ask(): void {
    const socket = this.#provider.ws;
    if (socket === null || !this.#provider.wsconnected || !this.#gave) return;
    this.#asked.push({ is: 'question', changes: this.#changes });
    socket.send(encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(this.doc) }) as Uint8Array<ArrayBuffer>);
  }

  #answered(): void {
    const asked = this.#asked.shift();
    if (asked?.is !== 'question') return;
    this.#settledAt = Math.max(this.#settledAt, asked.changes);
    if (this.isUnsettled) return;
    this.#wantsProof = false;
    this.emit('settled', [this.#marksAtOpening]);
    this.#marksAtOpening = [];
  }
}
