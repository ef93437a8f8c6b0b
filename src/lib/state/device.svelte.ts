/**
 * All that works behind the screen for one person on this device, built in one place: what is kept, the documents, the link to the relay, the
 * outbox, settling, fetching ahead. Reading is reactive; nothing here knows what is on screen. `open` reads the disk (milliseconds) and
 * starts nothing; `start` does.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import type * as Y from 'yjs';
import { isFault } from '#shared/faults.ts';
import type { ConversationId, MessageId, Sha256, UserId } from '#shared/ids.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { conversationDoc, pageDoc, parseDocName, personalDoc } from '#shared/model/doc-names.ts';
import type { Message } from '#shared/model/message.ts';
import { messagesOf, pageOfSeq } from '#shared/model/page.ts';
import { type Draft, draftsOf, type Preference, prefsOf } from '#shared/model/personal.ts';
import type { OverviewRow, Person, RowChange } from '#shared/protocol/overview.ts';
import { changedRow, markedRow } from '#shared/protocol/told-rows.ts';
import { keepInIndexedDb, type Keeper } from '../local/disk-copy.ts';
import { Documents, type Held } from '../local/documents.ts';
import { forgetConversation } from '../local/forget.ts';
import { FullDisk } from '../local/full-disk.ts';
import { Kept } from '../local/kept.ts';
import { Outbox, type Performed } from '../local/outbox.ts';
import { queued, TRAY } from '../local/queue.ts';
import { filesHere, NOTICE, type RescuedFile } from '../local/rescued.ts';
import { named, trayOf } from '../local/trays.ts';
import { Quota, type StorageFailure } from '../local/quota.ts';
import { openStore, storeName } from '../local/store.ts';
import { type OutboxRequest, type TableName, TABLES, type Tables, type WaitingMessage } from '../local/tables.ts';
import { type Ask, ask, type Refused } from '../remote/api.ts';
import { fetchBlob, type FetchBlob } from '../remote/blobs.ts';
import { perform } from '../remote/requests.ts';
import type { Send } from '../remote/send.ts';
import { Deliveries } from '../sync/deliveries.ts';
import { FetchAhead } from '../sync/fetch-ahead.ts';
import { Here } from '../sync/here.ts';
import { ReadMarks } from '../sync/read-marks.ts';
import { RelayLink } from '../sync/relay-link.ts';
import { copyOf } from '../sync/copies.ts';
import type { Lost } from '../sync/replacing.ts';
import { Rescue } from '../sync/rescue.ts';
import { Settling } from '../sync/settle.ts';
import { browserWorld, type SocketWorld } from '../sync/socket.ts';
import { Beat } from './beat.svelte.ts';
import type { Blobs } from './blobs.svelte.ts';
import { Presence } from './presence.svelte.ts';
import { Progress } from './progress.svelte.ts';
import type { Sending } from './sending.ts';
import type { Notice, Refusal } from './views.ts';
import { WrittenHere } from './written-here.ts';

/** What of the world a device touches; tests bring their own. */
export interface DeviceWorld {
  ask: Ask;
  fetchBlob: FetchBlob;
  /** The browser's own when there is none. */
  send?: Send;
  socket: SocketWorld;
  keeper: Keeper;
  /** Names the databases and channels that the tabs of one person on one device share. */
  scope: string;
}

/** Longer than a new conversation needs to be in every list. */
const FORGET_GONE_AFTER_MS = 10_000;
const BLOB_BUDGET = 'blob-budget';

type OutboxKey = string;

/** Null when it cannot be loaded: a newer version has taken the place of this one, or there is neither a network nor a copy. */
const newPicture = () => import('./new-picture.ts').catch(() => null);
const NOT_LOADED = { code: 'offline', fields: {}, detail: 'It could not be loaded.' } as const;

export class Device {
  readonly me: UserId;
  readonly scope: string;
  readonly ask: Ask;
  readonly kept: Kept;
  readonly documents: Documents;
  readonly link: RelayLink;
  readonly outbox: Outbox;
  readonly quota: Quota;
  readonly settling: Settling;
  readonly fetchAhead: FetchAhead;
  readonly presence: Presence;
  readonly writtenHere: WrittenHere;
  readonly #fetchBlob: FetchBlob;
  #blobs: Promise<Blobs> | null = null;
  readonly progress: Progress;
  /** Bytes of what was chosen here, until the disk has them. */
  readonly inHand = new Map<Sha256, Blob>();
  readonly #send: Send | undefined;
  #sending: Promise<Sending> | null = null;
  readonly #readMarks: ReadMarks;
  readonly #deliveries: Deliveries;
  readonly #here: Here;
  readonly #rescue: Rescue;
  readonly #fullDisk: FullDisk;
  readonly #personal: Held;
  readonly #personalBeat = new Beat();
  readonly #beats = new Map<TableName, Beat>(TABLES.map((table) => [table, new Beat()]));
  #goneTimer: ReturnType<typeof setTimeout> | undefined;
  /** Who waits for what became of a request. */
  readonly #outcomes = new Map<OutboxKey, (refusal: Refused) => void>();
  #storageNotices = $state.raw<Notice[]>([]);
  /** Groups of which this tab was told that their owners have deleted them. */
  #deleted = $state.raw<ReadonlySet<ConversationId>>(new Set());
  readonly #failures = new Set<StorageFailure>();
  #lastWrittenAt = 0;
  #isStopped = false;

  static async open(me: Person, world: Partial<DeviceWorld> = {}): Promise<Device> {
    const scope = world.scope ?? storeName(me.id);
    let blocked: unknown = null;
    const store = await openStore(me.id, (why) => (blocked = why), scope);
    const device = new Device(me, await Kept.read(store, scope), { ...browserParts(), ...world, scope });
    if (blocked !== null) device.#storageFailed('blocked');
    await device.#personal.loaded;
    return device;
  }

  private constructor(me: Person, kept: Kept, world: DeviceWorld) {
    const { scope } = world;
    this.me = me.id;
    this.scope = scope;
    this.progress = new Progress(scope);
    this.ask = world.ask;
    this.#fetchBlob = world.fetchBlob;
    this.#send = world.send;
    this.kept = kept;
    this.documents = new Documents(scope, world.keeper, (doc) => copyOf(kept, doc));
    const maySync = (doc: string) => this.#maySync(doc);
    this.link = new RelayLink({ documents: this.documents, kept, scope, world: world.socket, maySync });
    this.outbox = new Outbox({
      kept,
      perform: (request) => (request.is === 'picture' ? this.#tellPicture(request) : perform(world.ask, request)),
      scope,
      refused: (...told) => this.#refused(...told),
      learnt: ({ row, me }) => {
        if (row !== undefined) this.learn([row]);
        if (me !== undefined) this.meet([me]);
      },
    });
    this.quota = new Quota((reason) => this.#storageFailed(reason));
    this.#fullDisk = new FullDisk({ kept, documents: this.documents, over: () => this.#diskHasRoom() });
    this.documents.on('unsaved', (why) => void this.quota.notice(why));
    this.settling = new Settling({ kept, documents: this.documents, link: this.link, scope, maySync });
    this.fetchAhead = new FetchAhead({
      kept,
      documents: this.documents,
      link: this.link,
      scope,
      me: me.id,
      brought: (pages, since) => this.#bringBlobs(pages, since),
    });
    this.presence = new Presence({ kept, link: this.link, me: me.id });
    this.#readMarks = new ReadMarks({ kept, link: this.link, moved: () => this.#beats.get('read')?.beat() });
    this.#deliveries = new Deliveries({
      kept,
      documents: this.documents,
      link: this.link,
      me: me.id,
      readSeq: (id) => this.readSeq(id),
      mayTell: () => this.#failures.size === 0,
    });
    this.writtenHere = new WrittenHere(kept, () => this.table('kv'));
    this.#here = new Here(this.link);
    this.#rescue = new Rescue({
      me: me.id,
      kept,
      documents: this.documents,
      link: this.link,
      scope,
      moved: () => void this.settling.run(),
      lost: (lost) => this.#tellLost(lost),
    });
    this.#personal = this.documents.hold(personalDoc(me.id));
    this.#watchPersonal();
    this.documents.on('replaced', (doc) => doc === this.#personal.name && this.#watchPersonal());
    kept.on('change', (table) => {
      this.#beats.get(table)?.beat();
      if (table === 'waiting') this.#sendQueued();
      if (table !== 'outbox') return;
      // A conversation may have been created: its documents go now.
      this.link.openWaiting();
      void this.settling.run();
    });
    kept.on('failed', (why) => void this.quota.notice(why));
  }

  start(): void {
    this.quota.start();
    this.link.on('overview', (rows) => this.#replaceOverview(rows));
    this.link.on('rows', (rows) => this.learn(rows));
    this.link.on('marks', (told) => {
      const row = this.kept.table('overview').get(told.conversation);
      if (row !== undefined) this.kept.put('overview', row.id, markedRow(row, told));
    });
    this.link.on('gone', (conversation, isDeleted) => {
      if (isDeleted) this.#deleted = new Set([...this.#deleted, conversation]);
      void this.kept.remove('overview', conversation);
      this.#forgetGoneLater();
    });
    this.link.on('refused', (doc, _code, fault) => void this.#documentRefused(doc, fault));
    this.link.on('state', (state) => {
      if (state !== 'open') return;
      void this.outbox.run();
      void this.#blobs?.then((blobs) => blobs.online());
      this.#sendQueued();
    });
    if (typeof addEventListener === 'function') addEventListener('pagehide', this.flush);
    this.#rescue.start();
    this.settling.start();
    this.fetchAhead.start();
    this.presence.start();
    this.#readMarks.start();
    this.#deliveries.start();
    this.#here.start();
    this.link.start();
    void this.outbox.run();
    this.#sendQueued();
  }

  /** Nothing of this device runs afterwards, and its databases are let go. */
  stop(): void {
    this.#isStopped = true;
    this.#readMarks.stop();
    clearTimeout(this.#goneTimer);
    if (typeof removeEventListener === 'function') removeEventListener('pagehide', this.flush);
    this.settling.stop();
    this.fetchAhead.stop();
    this.presence.stop();
    this.#deliveries.stop();
    this.#here.stop();
    this.outbox.stop();
    void this.#sending?.then((sending) => sending.stop());
    this.progress.stop();
    this.link.stop();
    this.documents.stop();
    this.quota.stop();
    void this.#blobs?.then((blobs) => blobs.stop());
    this.#fullDisk.stop();
    this.kept.stop();
  }

  /** A live table; reading it is reactive. */
  table<T extends TableName>(table: T): ReadonlyMap<string, Tables[T]> {
    this.#beats.get(table)?.feel();
    return this.kept.table(table);
  }

  get requests(): OutboxRequest[] {
    return [...this.table('outbox')].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, request]) => request);
  }

  row(id: ConversationId): OverviewRow | undefined {
    return this.table('overview').get(id);
  }

  wasDeleted(id: ConversationId): boolean {
    return this.#deleted.has(id);
  }

  // —— What the person wrote for themself ——

  /** Up to which seq this person has read: by any of their devices, or here a moment ago. */
  readSeq(id: ConversationId): number {
    this.table('overview');
    this.table('read');
    return this.#readMarks.seq(id);
  }

  markRead(id: ConversationId, seq: number): void {
    this.#readMarks.mark(id, seq);
  }

  draft(id: ConversationId): Draft | undefined {
    this.#personalBeat.feel();
    return draftsOf(this.#personal.doc).get(id);
  }

  writeDraft(id: ConversationId, draft: Draft | null): void {
    const drafts = draftsOf(this.#personal.doc);
    const known = drafts.get(id);
    if (draft === null) return known === undefined ? undefined : drafts.delete(id);
    if (known?.text !== draft.text || known.replyTo !== draft.replyTo) drafts.set(id, draft);
  }

  /** Hears when the person's other device or tab changes the draft. Answers how to stop. */
  onDraftElsewhere(id: ConversationId, hear: (draft: Draft | undefined) => void): () => void {
    let drafts = draftsOf(this.#personal.doc);
    const look = (event: Y.YMapEvent<Draft>) => {
      if (!event.transaction.local && event.keysChanged.has(id)) hear(drafts.get(id));
    };
    const follow = (doc: string) => {
      if (doc !== this.#personal.name) return;
      drafts = draftsOf(this.#personal.doc);
      drafts.observe(look);
    };
    drafts.observe(look);
    this.documents.on('replaced', follow);
    return () => {
      drafts.unobserve(look);
      this.documents.off('replaced', follow);
    };
  }

  preference(id: ConversationId): Preference | undefined {
    this.#personalBeat.feel();
    return prefsOf(this.#personal.doc).get(id);
  }

  setPreference(id: ConversationId, change: Preference): void {
    const prefs = prefsOf(this.#personal.doc);
    prefs.set(id, { ...prefs.get(id), ...change });
  }

  /** Writes at once what waits for a moment of quiet. */
  readonly flush = (): void => this.#readMarks.flush();

  // —— Messages on their way ——

  /** A time for a new message: no two written here are the same, so their order is certain. */
  writtenAt(): number {
    this.#lastWrittenAt = Math.max(Date.now(), this.#lastWrittenAt + 1);
    return this.#lastWrittenAt;
  }

  wait(id: MessageId, waiting: WaitingMessage): void {
    this.kept.put('waiting', id, waiting);
    void this.quota.askToPersist();
  }

  waitsNoMore(id: MessageId): void {
    void this.kept.remove('waiting', id);
  }

  /** What is sent with messages, loaded when it is needed first. */
  async blobs(): Promise<Blobs> {
    this.#blobs ??= this.#loadBlobs();
    return await this.#blobs.catch((why: unknown) => {
      // A newer version has taken the place of this one; another try may find it back.
      this.#blobs = null;
      throw why;
    });
  }

  async #loadBlobs(): Promise<Blobs> {
    const { Blobs } = await import('./blobs.svelte.ts');
    const blobs = new Blobs({
      scope: this.scope,
      fetch: this.#fetchBlob,
      isOnline: () => this.link.isOpen,
      inHand: (sha256) => this.inHand.get(sha256),
      budget: () => this.table('kv').get(BLOB_BUDGET) as number | undefined,
      setBudget: (bytes) => this.kept.put('kv', BLOB_BUDGET, bytes),
    });
    if (this.#isStopped) blobs.stop();
    return blobs;
  }

  /** Most pages name none. */
  async #bringBlobs(pages: readonly Y.Doc[], since: number): Promise<boolean> {
    const names = (page: Y.Doc) => [...messagesOf(page).values()].some(({ attachments }) => attachments !== undefined);
    if (!pages.some(names)) return true;
    try {
      const [{ bringBlobs }, blobs] = await Promise.all([import('../sync/blobs-ahead.ts'), this.blobs()]);
      return await bringBlobs(blobs, pages, since);
    } catch {
      // What is behind this import may come with the next version; the pages are here.
      return true;
    }
  }

  /** What sending attachments takes, loaded when it is needed first. */
  async sending(): Promise<Sending> {
    this.#sending ??= this.#loadSending();
    return await this.#sending.catch((why: unknown) => {
      this.#sending = null;
      throw why;
    });
  }

  async #loadSending(): Promise<Sending> {
    const { Sending } = await import('./sending.ts');
    const { shelf } = await this.blobs();
    const { kept, documents, link, scope } = this;
    const maySync = (doc: string) => this.#maySync(doc);
    const written = () => void this.settling.run();
    const progress = (sha256: Sha256, sent: number | null) => this.progress.set(sha256, sent);
    const parts = { kept, shelf, documents, link, scope, maySync, written, progress };
    const sending = new Sending(
      this,
      { ...parts, ...(this.#send && { send: this.#send }) },
      (why) => void this.quota.notice(why),
    );
    if (!this.#isStopped) sending.start();
    return sending;
  }

  /** Of a group, or this person's own where there is none; null takes it away. */
  async setPicture(conversation: ConversationId | null, picture: Blob | null): Promise<Refusal | null> {
    const parts = await newPicture();
    return parts === null ? NOT_LOADED : await parts.choosePicture(this, conversation, picture);
  }

  async #tellPicture(request: Extract<OutboxRequest, { is: 'picture' }>): Promise<Performed> {
    try {
      const parts = await newPicture();
      if (parts !== null) return await parts.tellPicture(this, request, this.#send);
    } catch {
      // Neither could what keeps its bytes.
    }
    return { ok: false, refusal: NOT_LOADED };
  }

  #sendQueued(): void {
    if (this.#sending === null && !this.#isStopped && queued(this.kept).length > 0)
      // What could not be loaded is tried again with the next message, and when the relay is there.
      this.sending().catch(() => undefined);
  }

  // —— People and rows ——

  meet(people: readonly Person[]): void {
    const known = this.kept.table('people');
    const news = people.filter(
      ({ id, name, avatar }) => known.get(id)?.name !== name || known.get(id)?.avatar !== avatar,
    );
    this.kept.putAll(
      'people',
      news.map(({ id, name, avatar }) => [id, { id, name, avatar }] as const),
    );
  }

  /** Rows, or parts of rows, that the relay has just said. */
  learn(changes: readonly RowChange[]): void {
    const known = this.kept.table('overview');
    const rows = changes.flatMap((change) => changedRow(known.get(change.id), change) ?? []);
    this.#openAgain(rows);
    this.kept.putAll(
      'overview',
      rows.map((row) => [row.id, row] as const),
    );
    this.#learnFrom(rows);
  }

  get hasList(): boolean {
    return this.table('kv').has('listed') || this.table('overview').size > 0;
  }

  // —— Requests ——

  /** Null when it was answered, or waits without a network; the refusal when the relay said no in time. Nobody else is told then. */
  async request(request: OutboxRequest, atMostMs = 10_000): Promise<Refused | null> {
    const key = this.outbox.add(request);
    if (!this.link.isOpen) return null;
    return await new Promise((resolve) => {
      const done = (refusal: Refused | null) => {
        clearTimeout(timer);
        this.#outcomes.delete(key);
        this.kept.off('change', look);
        resolve(refusal);
      };
      const look = (table: TableName) => table === 'outbox' && !this.kept.table('outbox').has(key) && done(null);
      const timer = setTimeout(() => done(null), atMostMs);
      this.#outcomes.set(key, done);
      this.kept.on('change', look);
    });
  }

  // —— Notices ——

  get notices(): Notice[] {
    const kept = [...this.table('kv')].filter(([key]) => key.startsWith(NOTICE)).map(([, notice]) => notice as Notice);
    return [...this.#storageNotices, ...kept];
  }

  tell(notice: Notice): void {
    this.kept.put('kv', NOTICE + notice.key, notice);
  }

  dismiss(key: string): void {
    this.#storageNotices = this.#storageNotices.filter((notice) => notice.key !== key);
    this.#lettingGo(() => void this.kept.remove('kv', NOTICE + key));
  }

  #storageFailed(reason: StorageFailure): void {
    this.#failures.add(reason);
    if (reason === 'full') this.#fullDisk.begin();
    this.#storageNotices = [...this.#storageNotices, { key: `storage-${reason}`, is: 'storage-failed', reason }];
  }

  #diskHasRoom(): void {
    this.#failures.delete('full');
    this.quota.over('full');
    this.dismiss('storage-full');
  }

  #refused(key: OutboxKey, request: OutboxRequest, refusal: Refused): void {
    const hear = this.#outcomes.get(key);
    if (request.is === 'create') this.#giveBack(request.conversation);
    if (hear !== undefined) return hear(refusal);
    if (refusal.code === 'offline') return;
    this.tell({ key, is: 'refused', what: request.is, code: refusal.code, detail: refusal.detail });
  }

  /** What was written into a conversation that cannot be: shown, so that it can be copied; what was chosen for it too, so that it can be saved. */
  #giveBack(conversation: ConversationId): void {
    const { kept } = this;
    const mine = [...kept.table('waiting')].filter(([, waiting]) => waiting.conversation === conversation);
    const files = filesHere(kept, conversation, trayOf(kept.table('kv'), conversation));
    const texts = mine.map(([, { message, uploads }]) =>
      wordsOf(uploads === undefined ? message : { text: message.text }),
    );
    this.#lettingGo(() => {
      if (texts.length + files.length > 0) this.#tellRescued(conversation, conversation, texts, files);
      void kept.remove('waiting', ...mine.map(([id]) => id));
      void kept.remove('kv', TRAY + conversation);
    });
  }

  /** What nothing names any more afterwards leaves the shelf; where nothing is being sent, with the next start. */
  #lettingGo(change: () => void): void {
    const before = named(this.kept);
    change();
    if (before.size > 0) void this.#sending?.then(({ packing }) => packing.forget([...before])).catch(() => undefined);
  }

  async #documentRefused(doc: string, fault: string): Promise<void> {
    switch (fault) {
      case 'forged-update':
      case 'invalid-input':
      case 'malformed-frame':
      case 'not-allowed':
      case 'too-large':
      case 'too-many':
        return await this.#rescue.rescue(doc, fault);
      case 'not-a-member':
      case 'conversation-deleted':
      case 'not-found': {
        const name = parseDocName(doc);
        if (name?.kind === 'conversation' && fault === 'conversation-deleted')
          this.#deleted = new Set([...this.#deleted, name.conversation]);
        if (name?.kind === 'conversation') this.#giveBack(name.conversation);
        // A page that only this device knows: the relay was restored from an older copy.
        if (name?.kind === 'page' && fault === 'not-found') await this.#rescue.rescue(doc, fault);
        return;
      }
    }
  }

  /** With what was told of the same place before, also by another tab. */
  #tellRescued(
    place: string,
    conversation: ConversationId | null,
    texts: readonly string[],
    files: readonly RescuedFile[] = [],
  ): void {
    const key = `rescued-${place}`;
    const before = this.kept.table('kv').get(NOTICE + key) as Extract<Notice, { is: 'rescued' }> | undefined;
    const all = [...(before?.files ?? []), ...files];
    this.tell({
      ...{ key, is: 'rescued', conversation },
      texts: [...new Set([...(before?.texts ?? []), ...texts])].filter((text) => text !== ''),
      ...(all.length > 0 && { files: [...new Map(all.map((file) => [file.sha256, file])).values()] }),
    });
  }

  #tellLost({ doc, conversation, fault, changes }: Lost): void {
    const words = changes.filter(({ what }) => what === 'message' || what === 'edit' || what === 'draft');
    if (words.length > 0)
      this.#tellRescued(
        doc,
        conversation,
        words.map(({ text }) => text),
      );
    if (conversation !== null && changes.some(({ what }) => what === 'title'))
      this.writtenHere.forget('title', conversation);
    if (conversation !== null && changes.some(({ what }) => what === 'edit' || what === 'deletion'))
      this.writtenHere.forget('last', conversation);
    const code = isFault(fault) ? fault : 'relay-fault';
    for (const { what, key, text } of changes) {
      if (what === 'message' || what === 'edit' || what === 'draft' || what === 'mark') continue;
      this.tell({ key: `not-taken-${doc}-${what}-${key}`, is: 'not-taken', what, code, text });
    }
  }

  #watchPersonal(): void {
    this.#personal.doc.on('update', () => this.#personalBeat.beat());
    this.#personalBeat.beat();
  }

  #replaceOverview(rows: OverviewRow[]): void {
    this.#noticeOlder(rows);
    this.#openAgain(rows);
    this.kept.replace('overview', new Map(rows.map((row) => [row.id, row])));
    this.#learnFrom(rows);
    if (!this.kept.table('kv').has('listed')) this.kept.put('kv', 'listed', true);
    this.#forgetGoneLater();
  }

  /** The relay was restored from an older copy: what this device knows beyond it is brought home, also from conversations that nobody opens. */
  #noticeOlder(rows: readonly OverviewRow[]): void {
    const { kept } = this;
    for (const { id, lastSeq } of rows) {
      const known = Math.max(kept.table('overview').get(id)?.lastSeq ?? 0, kept.table('fetched').get(id) ?? 0);
      if (known <= lastSeq) continue;
      const docs: string[] = [conversationDoc(id)];
      for (let page = pageOfSeq(lastSeq + 1); page <= pageOfSeq(known + 1); page += 1) docs.push(pageDoc(id, page));
      kept.putAll(
        'dirty',
        docs.map((doc) => [`${doc} ${kept.tab}`, { doc, tab: kept.tab }] as const),
      );
      kept.put('fetched', id, lastSeq);
      if ((kept.table('held').get(id) ?? 0) > lastSeq) kept.put('held', id, lastSeq);
      if ((kept.table('read').get(id) ?? 0) > lastSeq) kept.put('read', id, lastSeq);
    }
    void this.settling.run();
  }

  /** Added again to what one was removed from: the channels of what is still open were closed for good. */
  #openAgain(rows: readonly OverviewRow[]): void {
    const known = this.kept.table('overview');
    const back = new Set<string>(rows.flatMap(({ id }) => (known.has(id) ? [] : [id])));
    if (back.size === 0) return;
    for (const { name } of this.documents.open) {
      const doc = parseDocName(name);
      if (doc !== null && doc.kind !== 'personal' && back.has(doc.conversation)) this.link.reconnect(name);
    }
  }

  /** A list that was made a moment before a conversation was does not have it yet: not at once. */
  #forgetGoneLater(): void {
    clearTimeout(this.#goneTimer);
    this.#goneTimer = setTimeout(() => void this.#forgetGone(), FORGET_GONE_AFTER_MS);
  }

  /** Nobody sees a conversation they are no longer in: its documents leave the device. What waited in it is given back. */
  async #forgetGone(): Promise<void> {
    if (!this.link.isOpen) return;
    const { kept } = this;
    const known = new Set<string>([...kept.table('fetched').keys()]);
    for (const { conversation } of kept.table('waiting').values()) known.add(conversation);
    const gone = [...known].filter(
      (id) => !kept.table('overview').has(id) && this.#maySync(`c:${id}:0`),
    ) as ConversationId[];
    for (const id of gone) {
      this.#giveBack(id);
      if (!this.documents.letGo(`c:${id}`)) {
        // It is on screen.
        this.#forgetGoneLater();
        continue;
      }
      const marks = [...kept.table('dirty')].flatMap(([key, { doc }]) => (doc.startsWith(`c:${id}`) ? [key] : []));
      await kept.remove('dirty', ...marks);
      await forgetConversation(this.scope, id, Math.ceil((kept.table('fetched').get(id) ?? 0) / PAGE_STAMPS) + 1);
      await kept.remove('fetched', id);
      await kept.remove('read', id);
    }
  }

  #learnFrom(rows: readonly OverviewRow[]): void {
    const met = new Map(rows.flatMap((row) => row.members).map((member) => [member.id, member]));
    this.meet([...met.values()].map(({ id, name, avatar = null }) => ({ id, name, avatar })));
    this.writtenHere.settle(rows);
  }

  #maySync(doc: string): boolean {
    const name = parseDocName(doc);
    if (name === null || name.kind === 'personal') return name !== null;
    for (const request of this.kept.table('outbox').values()) {
      if (request.is === 'create' && request.conversation === name.conversation) return false;
    }
    return true;
  }
}

/** What can be told of a message in words: what was attached to it, too. */
const wordsOf = ({ text, attachments = [] }: Pick<Message, 'text' | 'attachments'>): string =>
  [text, ...attachments.map(({ name }) => name)].filter((line) => line !== '').join('\n');

function browserParts(): Omit<DeviceWorld, 'scope'> {
  const { protocol, host } = location;
  return {
    ask,
    fetchBlob,
    socket: browserWorld(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}/sync`),
    keeper: keepInIndexedDb,
  };
}
