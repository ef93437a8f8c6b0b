/**
 * Brings what waits in the queue to the relay: the blobs of a message, one after another, and then the message itself into the page that is current
 * by then. Messages go in the order in which they were written; what has stopped for good (the relay will not have it) is stepped over, and stays
 * until its person tries again or takes it back. One tab does it for all.
 */
import { type Fault } from '#shared/faults.ts';
import type { ConversationId, MessageId, Sha256 } from '#shared/ids.ts';
import { currentPage, membersOf } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, pageOfSeq } from '#shared/model/page.ts';
import type { BlobShelf } from '../local/blobs.ts';
import type { Documents } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { inOneTab } from '../local/one-tab.ts';
import { failureOf, type Queued, queued, queuedRow } from '../local/queue.ts';
import type { TableName, Upload } from '../local/tables.ts';
import { bring, type Brought, passOn } from '../remote/bring.ts';
import type { Send } from '../remote/send.ts';
import { backoffMs } from './backoff.ts';
import type { RelayLink } from './relay-link.ts';
import type { SocketState } from './socket.ts';

export interface UploadsParts {
  kept: Kept;
  shelf: BlobShelf;
  documents: Documents;
  link: RelayLink;
  send: Send;
  scope: string;
  /** False for a conversation that waits to be created. */
  maySync: (doc: string) => boolean;
  /** The bytes, also those that the disk did not take. */
  bytes: (sha256: Sha256) => Promise<Blob | null>;
  progress: (sha256: Sha256, sent: number | null) => void;
  /** A message is in its page, and has to go from there. */
  written: () => void;
}

/** What may pass by itself. */
const PASSING: ReadonlySet<Fault> = new Set(['too-fast', 'relay-fault', 'not-ready', 'signed-out', 'no-room']);
const MANGLED_AT_MOST = 1;
/** The relay keeps what no message names for a day; by then it may have forgotten it, so it is asked. */
const SURE_FOR_MS = 60 * 60_000;
/** Another tab that did it may have been closed. */
const LOOK_AGAIN_MS = 15_000;

/** What became of one message, or of one blob: it has gone; something stopped it for good; it may go later; the relay is not there. */
type Outcome = 'gone' | 'stopped' | 'later' | 'away';

export class Uploads {
  readonly #parts: UploadsParts;
  #running = false;
  #onceMore = false;
  #stopped = false;
  /** Tries that failed in a row, in what may pass. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #underWay: { id: MessageId; stop: AbortController } | null = null;
  readonly #changed = (table: TableName): void => {
    if (table === 'waiting') this.#abortWhatWasTakenBack();
    if (table === 'waiting' || table === 'outbox') void this.run();
  };
  readonly #state = (state: SocketState): void => {
    if (state !== 'open') return;
    this.#failures = 0;
    void this.run();
  };

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.kept.on('change', this.#changed);
    this.#parts.link.on('state', this.#state);
    void this.run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#underWay?.stop.abort();
    this.#parts.kept.off('change', this.#changed);
    this.#parts.link.off('state', this.#state);
  }

  /** Resolves when nothing more can be done now. */
  async run(): Promise<void> {
    if (this.#running) this.#onceMore = true;
    if (this.#running || this.#stopped || queued(this.#parts.kept).length === 0) return;
    this.#running = true;
    clearTimeout(this.#timer);
    let isLater = false;
    try {
      do {
        this.#onceMore = false;
        await inOneTab(`${this.#parts.scope}:uploads`, async () => {
          isLater = await this.#all();
        });
      } while (this.#onceMore && !isLater && !this.#isStopped());
    } finally {
      this.#running = false;
    }
    if (this.#isStopped() || queued(this.#parts.kept).length === 0) return;
    const wait = isLater ? backoffMs((this.#failures += 1), Math.random()) : LOOK_AGAIN_MS;
    this.#timer = setTimeout(() => void this.run(), wait);
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  /** Whether something may go later. */
  async #all(): Promise<boolean> {
    const { kept, maySync, link } = this.#parts;
    /** Conversations in which something waits that has not stopped: what was written behind it waits too. */
    const held = new Set<ConversationId>();
    let isLater = false;
    for (;;) {
      if (this.#isStopped() || !link.isOpen) return false;
      const next = queued(kept).find(
        ({ conversation, uploads }) =>
          !held.has(conversation) && maySync(conversationDoc(conversation)) && failureOf(uploads) === undefined,
      );
      if (next === undefined) return isLater;
      // It is still being made ready: then the queue changes, and it is looked at again.
      if (next.uploads.some(({ chosen }) => chosen !== undefined)) {
        held.add(next.conversation);
        continue;
      }
      const outcome = await this.#message(next);
      if (outcome === 'away') return true;
      if (outcome === 'later') held.add(next.conversation);
      if (outcome === 'later') isLater = true;
      if (outcome === 'gone') this.#failures = 0;
    }
  }

  async #message({ id, conversation, uploads }: Queued): Promise<Outcome> {
    const stop = new AbortController();
    this.#underWay = { id, stop };
    try {
      for (const { sha256 } of uploads) {
        const outcome = await this.#blob(id, conversation, sha256, stop.signal);
        if (outcome !== 'gone') return outcome;
      }
      await this.#write(id);
      return 'gone';
    } finally {
      this.#underWay = null;
    }
  }

  async #blob(id: MessageId, conversation: ConversationId, sha256: Sha256, signal: AbortSignal): Promise<Outcome> {
    const { kept, send, bytes: find, progress } = this.#parts;
    const upload = queuedRow(kept, id)?.uploads.find((one) => one.sha256 === sha256);
    // Taken back, or changed meanwhile.
    if (upload === undefined) return 'stopped';
    if (upload.arrivedAt !== undefined) {
      if (Date.now() - upload.arrivedAt < SURE_FOR_MS) return 'gone';
      const known = await passOn(send, sha256, conversation);
      if (known.is === 'there') return this.#arrived(id, sha256);
      if (known.is === 'away') return 'away';
      if (known.code !== 'not-found') return this.#refused(id, upload, known.code);
    }
    const bytes = await find(sha256);
    if (bytes === null) return this.#refused(id, upload, 'not-found');
    progress(sha256, 0);
    let brought: Brought;
    try {
      brought = await bring(
        send,
        { bytes, sha256, conversation, resumeAt: upload.resumeAt },
        {
          signal,
          progress: (sent) => progress(sha256, sent),
          began: (resumeAt) => this.#change(id, sha256, { resumeAt }),
        },
      );
    } finally {
      progress(sha256, null);
    }
    if (signal.aborted) return 'stopped';
    if (brought.is === 'there') return this.#arrived(id, sha256);
    return brought.is === 'away' ? 'away' : this.#refused(id, upload, brought.code);
  }

  #arrived(id: MessageId, sha256: Sha256): Outcome {
    this.#change(id, sha256, { arrivedAt: Date.now(), resumeAt: undefined });
    return 'gone';
  }

  #refused(id: MessageId, { sha256, mangled = 0 }: Upload, code: Fault): Outcome {
    if (PASSING.has(code)) return 'later';
    if (code === 'wrong-hash' && mangled < MANGLED_AT_MOST) {
      this.#change(id, sha256, { mangled: mangled + 1, resumeAt: undefined });
      return 'later';
    }
    this.#change(id, sha256, { failed: code, resumeAt: undefined });
    return 'stopped';
  }

  #change(id: MessageId, sha256: Sha256, change: { [K in keyof Upload]?: Upload[K] | undefined }): void {
    const { kept } = this.#parts;
    const row = queuedRow(kept, id);
    if (row === null) return;
    const uploads = row.uploads.map((one) =>
      one.sha256 === sha256 ? (withoutNothing({ ...one, ...change }) as unknown as Upload) : one,
    );
    kept.put('waiting', id, { ...row, uploads });
  }

  /** All of it is there: the message goes where messages go. */
  async #write(id: MessageId): Promise<void> {
    const { kept, documents, shelf, written } = this.#parts;
    const conversation = queuedRow(kept, id)?.conversation;
    if (conversation === undefined) return;
    const root = documents.hold(conversationDoc(conversation));
    await root.loaded;
    const isHere = membersOf(root.doc).size > 0;
    const known = kept.table('overview').get(conversation);
    const number = isHere || known === undefined ? currentPage(root.doc) : pageOfSeq(known.lastSeq + 1);
    root.release();
    const page = documents.hold(pageDoc(conversation, number));
    try {
      await page.loaded;
      const row = queuedRow(kept, id);
      if (row === null) return;
      const { message, uploads } = row;
      if (!deletedOf(page.doc).has(id)) messagesOf(page.doc).set(id, message);
      kept.put('waiting', id, { conversation, page: number, message });
      for (const { sha256 } of uploads) void shelf.sent(sha256).catch(() => undefined);
      await documents
        .get(page.name)
        ?.written()
        .catch(() => undefined);
      written();
    } finally {
      page.release();
    }
  }

  #abortWhatWasTakenBack(): void {
    const now = this.#underWay;
    if (now !== null && queuedRow(this.#parts.kept, now.id) === null) now.stop.abort();
  }
}

/** A key without a value is none. */
const withoutNothing = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
