/**
 * A conversation in memory: its root and those of its pages that somebody watches, with the current page among them as soon as there is any. It
 * numbers messages: each new one gets the next seq and a stamp on the current page, in the same commit as its text.
 *
 * After an update was applied, the relay settles what follows from it, in Yjs transactions of its own (within the update's, Yjs would take the
 * relay's items for somebody else using its client id, and change the id with every message):
 *   - a message that is both there and buried is removed: a deletion wins over an edit;
 *   - a message that was removed without a trace gets one, and a trace that was lost is put back;
 *   - a message that is new gets its stamp; when that fills the page, the next one begins.
 */
import * as Y from 'yjs';
import { may } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import type { ConversationId, MessageId, UserId } from '#shared/ids.ts';
import { PAGE_STAMPS } from '#shared/limits.ts';
import { metaOf, pagesOf, type MetaField } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc, type DocName } from '#shared/model/doc-names.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, pageOfSeq, type Deletion, type Stamp } from '#shared/model/page.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { reason } from '../log.ts';
import type { NewMessage } from '../storage/journal.ts';
import { holdsBodyAfter, messageOwners, type MessageOwner, type Numbering } from '../storage/messages.ts';
import { authorize, type Accepted } from './authorize.ts';
import type { Standing } from './events.ts';
import { Lane, NOTHING_EXTRA, type Extra, type LaneParts, type Outcome } from './lane.ts';
import { recogniseNewMessage } from './new-message.ts';
import { Room, type Peer } from './room.ts';
import { bareRemovals, messagesIn, type Removal, veiled, without } from './veil.ts';

/** How many message owners are remembered before the memory starts over. */
const OWNERS_MAX_COUNT = 5_000;

/** What was under a message's keys before an update. */
interface Before {
  live: boolean;
  tombstone: Deletion | undefined;
}

export class Conversation extends Lane {
  readonly id: ConversationId;
  lastSeq: number;
  /** No message with an id above this was stamped before the conversation was loaded. */
  #lastId: string;
  /** Those that were stamped since, and those that were looked up; null: no such message. */
  readonly #owners = new Map<MessageId, MessageOwner | null>();
  #members = new Map<UserId, Standing | null>();
  readonly #loading = new Map<string, Promise<Room>>();

  private constructor(id: ConversationId, numbers: Numbering, parts: LaneParts) {
    super(conversationDoc(id), parts);
    this.id = id;
    this.lastSeq = numbers.lastSeq;
    this.#lastId = numbers.lastId;
  }

  /** Null when there is no such conversation. */
  static async load(id: ConversationId, parts: LaneParts): Promise<Conversation | null> {
    const numbers = await parts.disk.numbering(id);
    return numbers === null ? null : new Conversation(id, numbers, parts);
  }

  /** The page that takes the next stamp. */
  get currentPage(): number {
    return pageOfSeq(this.lastSeq + 1);
  }

  /** Null when there is no such page (yet). A page brings the root and the current page with it: a message may need all three. */
  async room(target: Exclude<DocName, { kind: 'personal' }>): Promise<Room | null> {
    if (target.kind === 'conversation') return this.#load(target);
    if (target.page > this.currentPage) return null;
    const [room] = await Promise.all([this.#load(target), this.writable()]);
    return room;
  }

  /** The room as this peer may open it; from here on it is told no more than it may see. */
  async roomFor(peer: Peer, target: Exclude<DocName, { kind: 'personal' }>): Promise<Room | Fault | null> {
    const standing = await this.standing(peer.person);
    if (standing === null) return 'not-a-member';
    const { hiddenSeq } = standing;
    if (target.kind === 'conversation' || hiddenSeq === 0) return this.room(target);
    const isOlder = target.page < pageOfSeq(hiddenSeq + 1);
    if (isOlder && !(await holdsBodyAfter(this.parts.sql, this.id, target.page, hiddenSeq))) return 'not-visible';
    const room = await this.room(target);
    if (room !== null && peer.live) room.veils.set(peer, hiddenSeq);
    return room;
  }

  /** Loads what a new message needs: the root and the current page. */
  async writable(): Promise<void> {
    // A page may fill up while it is being loaded.
    for (let page = -1; page !== this.currentPage;) {
      page = this.currentPage;
      await Promise.all([
        this.#load({ kind: 'conversation', conversation: this.id }),
        this.#load({ kind: 'page', conversation: this.id, page }),
      ]);
    }
  }

  async standing(person: UserId): Promise<Standing | null> {
    const known = this.#members.get(person);
    if (known !== undefined) return known;
    const members = this.#members;
    const standing = await this.parts.membership.of(person, this.id);
    // When memberships changed meanwhile, the answer went to a map that nobody reads any more; ask again.
    if (members !== this.#members) return this.standing(person);
    members.set(person, standing);
    return standing;
  }

  /** Roles are asked for again, and who is no longer a member is closed. Resolves when what was taken before is on disk, or lost. */
  async membershipChanged(): Promise<void> {
    this.#members = new Map();
    const people = new Set([...this.rooms.values()].flatMap((room) => [...room.peers].map((peer) => peer.person)));
    for (const person of people) {
      this.standing(person).then(
        (standing) => {
          if (standing === null) this.closePerson(person);
        },
        () => this.closePerson(person, 'not-ready'),
      );
    }
    await this.tail.catch(() => undefined);
  }

  closePerson(person: UserId, fault: 'not-a-member' | 'not-ready' = 'not-a-member'): void {
    for (const room of this.rooms.values())
      for (const peer of [...room.peers]) if (peer.person === person) peer.close(fault);
  }

  receive(room: Room, peer: Peer, update: Uint8Array): Outcome | Promise<Outcome> {
    const standing = this.#members.get(peer.person);
    if (standing === undefined) return this.#later(this.standing(peer.person), room, peer, update);
    if (standing === null) return { is: 'refused', fault: 'not-a-member', why: 'not a member' };
    if (this.#post(room, peer.person, standing, update)) return { is: 'accepted' };
    const { hiddenSeq } = standing;
    const passed = hiddenSeq > 0 && room.target.kind === 'page' ? this.#lift(room, standing, update) : update;
    if (passed instanceof Promise) return this.#later(passed, room, peer, update);
    return this.#judge(room, peer, standing, passed);
  }

  #judge(room: Room, peer: Peer, standing: Standing, update: Uint8Array): Outcome | Promise<Outcome> {
    const verdict = authorize(update, {
      doc: room.doc,
      kind: room.target.kind,
      person: peer.person,
      standing,
      ownerOfClient: (client) => room.ownerOfClient(client),
      claimant: (client) => room.awareness.claimant(client),
      authorOf: (id) => this.#authorOf(id),
      isTrace: (id) => this.#ownerHere(id)?.isTrace ?? false,
    });
    switch (verdict.is) {
      case 'refuse':
        return { is: 'refused', fault: verdict.fault, why: verdict.why };
      case 'missing':
        return { is: 'missing' };
      case 'lookup':
        return this.#later(this.lookUp(verdict.ids), room, peer, update);
      case 'accept':
        if (verdict.empty) return { is: 'accepted' };
        return this.#take(room, peer, update, standing, verdict);
    }
  }

  /**
   * The short way, of a new message on the current page: judged and stamped without a look at the document. False when it is anything else, or
   * anything is odd about it; nothing has happened then.
   */
  #post(room: Room, person: UserId, standing: Standing, update: Uint8Array): boolean {
    if (
      room.target.kind !== 'page' ||
      room.target.page !== this.currentPage ||
      this.lastSeq % PAGE_STAMPS === PAGE_STAMPS - 1
    )
      return false;
    const posted = recogniseNewMessage(update);
    if (posted === null || posted.value.by !== person || !may(standing.role, 'write', standing.kind)) return false;
    if (!room.canTake(posted, person) || this.#ownerHere(posted.id) !== null) return false;
    const from = this.lastSeq;
    const message = this.#number(posted.id, posted.value, room.target.page, this.parts.now(), standing);
    room.takeMessage(update, posted, [message.seq, message.id, message.stampedAt]);
    const numbered = { conversation: this.id, from, to: this.lastSeq };
    const extra = { numbered, messages: [message], changes: [] };
    this.#announce(this.commit([room], [], extra), extra, {});
    return true;
  }

  /** A device takes what is hidden from it for deleted, and says so: passed over. A promise when the index must be asked first. */
  #lift(room: Room, { hiddenSeq }: Standing, update: Uint8Array): Uint8Array | Promise<void> {
    const removals = bareRemovals(update, room.doc);
    if (removals === null || removals.length === 0) return update;
    const unknown = removals.flatMap(({ id }) => (id !== null && this.#ownerHere(id) === undefined ? [id] : []));
    if (unknown.length > 0) return this.lookUp(unknown);
    const seqOf = ({ id, seq }: Removal): number => (id === null ? seq : (this.#ownerHere(id)?.seq ?? Infinity));
    const hidden = removals.filter((removal) => seqOf(removal) <= hiddenSeq);
    return hidden.length === 0 ? update : without(update, hidden);
  }

  /** What the peer lacks; of that, what it may see. */
  override answer(room: Room, peer: Peer, stateVector: Uint8Array): void {
    const hiddenSeq = room.veils.get(peer);
    if (hiddenSeq === undefined) return super.answer(room, peer, stateVector);
    const update = Y.encodeStateAsUpdate(room.doc, stateVector);
    const written = this.tail;
    this.#inLine(room, async () => {
      await written;
      peer.give(encodeFrame({ is: 'step2', update: await this.#veil(room, update, hiddenSeq) }));
    });
  }

  protected override passOnVeiled(room: Room, update: Uint8Array): void {
    this.#inLine(room, async () => {
      for (const hiddenSeq of new Set(room.veils.values())) {
        const frame = encodeFrame({ is: 'update', update: await this.#veil(room, update, hiddenSeq) });
        for (const [peer, seq] of room.veils) if (seq === hiddenSeq) peer.send(frame);
      }
    });
  }

  /** One after the other: which messages an update is about may have to be looked up. */
  #inLine(room: Room, tell: () => Promise<void>): void {
    room.veiledLine = room.veiledLine.then(tell).catch((error: unknown) => {
      if (!this.dead) this.parts.log.warn('a change could not be told', { document: room.name, why: reason(error) });
      for (const peer of [...room.veils.keys()]) peer.close('not-ready');
    });
  }

  async #veil(room: Room, update: Uint8Array, seq: number): Promise<Uint8Array> {
    const unknown = [...messagesIn(update, room.doc)].filter((id) => this.#ownerHere(id) === undefined);
    if (unknown.length > 0) await this.lookUp(unknown);
    return veiled(update, room.doc, { seq, hides: (id) => (this.#ownerHere(id)?.seq ?? Infinity) <= seq });
  }

  /** Judges again from the start when what was asked for is there: much may have changed. */
  #later(asked: Promise<unknown>, room: Room, peer: Peer, update: Uint8Array): Promise<Outcome> {
    const copy = update.slice();
    return asked.then(() => {
      if (this.dead || !peer.live) return { is: 'refused', fault: 'not-ready', why: 'left meanwhile' };
      return this.receive(room, peer, copy);
    });
  }

  #take(room: Room, peer: Peer, update: Uint8Array, standing: Standing, verdict: Accepted): Outcome {
    const before = lookAt(room, verdict);
    if (!this.apply(room, update, verdict.repeats, peer))
      return { is: 'refused', fault: 'not-ready', why: 'document rebuilt' };
    const settled =
      room.target.kind === 'page'
        ? this.#settle(room, room.target.page, peer.person, standing, before)
        : NOTHING_SETTLED;
    if (room.target.kind === 'conversation') settleMeta(room, verdict.meta);
    const introduced = verdict.clients.map((client) => ({ room, client, person: peer.person }));
    const named = NAMED.filter((field) => verdict.meta.has(field));
    const extra = named.length > 0 ? { ...settled.extra, renamed: this.id } : settled.extra;
    const done = this.commit(new Set([room, ...settled.rooms]), introduced, extra);
    const meta = metaOf(room.doc);
    this.#announce(
      done,
      settled.extra,
      Object.fromEntries(named.map((field) => [field, String(meta.get(field) ?? '')])),
    );
    return { is: 'accepted' };
  }

  /** The relay's own writing into the root: meta at creation, members, a new title. */
  async mirror(write: (root: Y.Doc) => void, renames: boolean): Promise<void> {
    const root = await this.#load({ kind: 'conversation', conversation: this.id });
    root.doc.transact(() => write(root.doc));
    await this.commit([root], [], renames ? { ...NOTHING_EXTRA, renamed: this.id } : NOTHING_EXTRA);
  }

  /**
   * Writes into a page in a person's name, as their own update would, and settles what follows. Answers null when it is on disk. `judge` is asked
   * in the same breath as it is written: whoever waited for something may have been removed, or have another role, meanwhile (M1, M3).
   */
  async write(
    page: number,
    person: UserId,
    judge: (standing: Standing) => Fault | null,
    ids: MessageId[],
    change: (doc: Y.Doc) => void,
  ): Promise<Fault | null> {
    const room = await this.#load({ kind: 'page', conversation: this.id, page });
    let standing = await this.standing(person);
    while (this.#members.get(person) !== standing) standing = await this.standing(person);
    const fault = standing === null ? 'not-a-member' : judge(standing);
    if (standing === null || fault !== null) return fault;
    const before = lookAt(room, { messages: new Set(ids), tombstones: new Set() });
    room.doc.transact(() => change(room.doc));
    const settled = this.#settle(room, page, person, standing, before);
    const done = this.commit(new Set([room, ...settled.rooms]), [], settled.extra);
    this.#announce(done, settled.extra, {});
    await done;
    return null;
  }

  /** What is left of a call, in the name of whoever called: they may have left meanwhile. Resolves when it is on disk. */
  async trace(id: MessageId, value: Message): Promise<void> {
    const page = this.currentPage;
    const room = await this.#load({ kind: 'page', conversation: this.id, page });
    const before = lookAt(room, { messages: new Set([id]), tombstones: new Set() });
    room.doc.transact(() => messagesOf(room.doc).set(id, value));
    const settled = this.#settle(room, page, value.by, THE_RELAY, before);
    const done = this.commit(new Set([room, ...settled.rooms]), [], settled.extra);
    this.#announce(done, settled.extra, {});
    await done;
  }

  /** Who wrote a message and where it lies; null when there is none. */
  async ownerOf(id: MessageId): Promise<MessageOwner | null> {
    if (this.#owners.get(id) === undefined) await this.lookUp([id]);
    return this.#owners.get(id) ?? null;
  }

  async lookUp(ids: MessageId[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#owners.has(id));
    const found = await messageOwners(this.parts.sql, this.id, unknown);
    for (const id of unknown) if (!this.#owners.has(id)) this.#owners.set(id, found.get(id) ?? null);
  }

  /** Lets go of what nobody watches: pages, then the current page when it was only needed for them. */
  evictable(): Room[] {
    if (this.pending > 0 || this.holds > 0 || this.#loading.size > 0) return [];
    const current = pageDoc(this.id, this.currentPage);
    const pages = [...this.rooms.values()].filter((room) => room.target.kind === 'page');
    const watched = pages.some((room) => room.peers.size > 0);
    return pages.filter((room) => room.peers.size === 0 && (!watched || room.name !== current));
  }

  async #load(target: Exclude<DocName, { kind: 'personal' }>): Promise<Room> {
    const name = target.kind === 'page' ? pageDoc(this.id, target.page) : conversationDoc(this.id);
    const here = this.rooms.get(name);
    if (here !== undefined) return here;
    const loading = this.#loading.get(name);
    if (loading !== undefined) return loading;
    const load = this.parts.disk.document(name).then((stored) => this.#open(name, target, stored));
    this.#loading.set(name, load);
    const loaded = (): unknown => this.#loading.delete(name);
    load.then(loaded, loaded);
    return load;
  }

  #open(name: string, target: DocName, stored: ConstructorParameters<typeof Room>[2]): Room {
    // The page may have been begun by a stamp while it was being read.
    const here = this.rooms.get(name);
    if (here !== undefined) return here;
    const room = new Room(name, target, stored);
    this.rooms.set(name, room);
    return room;
  }

  #authorOf(id: MessageId): UserId | null | undefined {
    const owner = this.#ownerHere(id);
    return owner === null ? null : owner?.author;
  }

  #ownerHere(id: MessageId): MessageOwner | null | undefined {
    const owner = this.#owners.get(id);
    return owner === undefined && id > this.#lastId ? null : owner;
  }

  #settle(room: Room, page: number, person: UserId, standing: Standing, before: Map<MessageId, Before>): Settled {
    const now = this.parts.now();
    const messages = messagesOf(room.doc);
    const deleted = deletedOf(room.doc);
    const removals: MessageId[] = [];
    const traces = new Map<MessageId, Deletion>();
    const fresh: { id: MessageId; value: Message }[] = [];
    const changes: Extra['changes'] = [];
    for (const [id, was] of before) {
      const value = messages.get(id);
      // What lives in a page has its stamp; only of what does not, the index was asked.
      const owner = was.live ? undefined : (this.#ownerHere(id) ?? null);
      const stamped = was.live || owner !== null;
      const buried = deleted.has(id) || was.tombstone !== undefined || owner?.deleted === true;
      if (!deleted.has(id) && (was.tombstone !== undefined || (was.live && value === undefined))) {
        traces.set(id, was.tombstone ?? { by: person, at: now });
      }
      if (value !== undefined && buried) removals.push(id);
      if (value !== undefined && !buried && !stamped) fresh.push({ id, value });
      if (value !== undefined && !buried && stamped)
        changes.push({ conversation: this.id, id, page, value: indexed(value, standing) });
      if (stamped && (value === undefined || buried)) changes.push({ conversation: this.id, id, page, value: null });
      if (stamped && buried) this.#buryOwner(id);
    }
    if (removals.length > 0 || traces.size > 0) {
      room.doc.transact(() => {
        for (const id of removals) messages.delete(id);
        for (const [id, trace] of traces) deleted.set(id, trace);
      });
    }
    // By the time they were written; within a millisecond they stay in the order in which the device wrote them.
    fresh.sort((a, b) => a.value.at - b.value.at);
    const stamped = this.#stamp(fresh, page, now, standing);
    return { rooms: stamped.rooms, extra: { numbered: stamped.numbered, messages: stamped.messages, changes } };
  }

  #buryOwner(id: MessageId): void {
    const owner = this.#owners.get(id);
    if (owner != null) this.#owners.set(id, { ...owner, deleted: true });
  }

  /** Gives each message the next number, on the current page; begins the next page whenever one is full. */
  #stamp(
    fresh: { id: MessageId; value: Message }[],
    bodyPage: number,
    now: number,
    standing: Standing,
  ): { rooms: Room[]; numbered: Extra['numbered']; messages: NewMessage[] } {
    if (fresh.length === 0) return { rooms: [], numbered: null, messages: [] };
    const from = this.lastSeq;
    const rooms: Room[] = [];
    const messages: NewMessage[] = [];
    for (let next = 0; next < fresh.length;) {
      const page = this.currentPage;
      const part = fresh.slice(next, next + PAGE_STAMPS - (this.lastSeq % PAGE_STAMPS));
      next += part.length;
      const stamps: Stamp[] = [];
      for (const { id, value } of part) {
        const numbered = this.#number(id, value, bodyPage, now, standing);
        stamps.push(page === bodyPage ? [numbered.seq, id, now] : [numbered.seq, id, now, bodyPage]);
        messages.push(numbered);
      }
      const room = this.#open(pageDoc(this.id, page), { kind: 'page', conversation: this.id, page }, nothingStored());
      room.stamp(stamps);
      rooms.push(room);
      if (this.currentPage !== page) rooms.push(this.#turnPage());
    }
    return { rooms, numbered: { conversation: this.id, from, to: this.lastSeq }, messages };
  }

  /** The next number is this message's. */
  #number(id: MessageId, value: Message, page: number, stampedAt: number, standing: Standing): NewMessage {
    const seq = (this.lastSeq += 1);
    const author = value.by;
    this.#owners.set(id, { seq, author, page, deleted: false, isTrace: value.call !== undefined });
    return { conversation: this.id, seq, id, page, author, stampedAt, value: indexed(value, standing) };
  }

  #turnPage(): Room {
    const page = this.currentPage;
    // Nobody can have opened it before: it is new, and needs no look at the disk.
    this.#open(pageDoc(this.id, page), { kind: 'page', conversation: this.id, page }, nothingStored());
    const root = this.rooms.get(conversationDoc(this.id));
    if (root === undefined) throw new Error('the root of a conversation is not in memory');
    pagesOf(root.doc).set('current', page);
    return root;
  }

  #announce(done: Promise<void>, extra: Extra, meta: Partial<Record<(typeof NAMED)[number], string>>): void {
    const { events } = this.parts;
    done.then(
      () => {
        this.#forgetOwners();
        if (extra.messages.length > 0) events.posted({ conversation: this.id, messages: extra.messages });
        if (extra.changes.length > 0) events.changed({ conversation: this.id });
        if (Object.keys(meta).length > 0) events.titled({ conversation: this.id, ...meta });
      },
      () => undefined,
    );
  }

  /** Only when all is on disk: what waits for its commit cannot be looked up. */
  #forgetOwners(): void {
    if (this.#owners.size < OWNERS_MAX_COUNT || this.pending > 0 || this.holds > 0) return;
    for (const [id, owner] of this.#owners) if (owner !== null && id > this.#lastId) this.#lastId = id;
    this.#owners.clear();
  }
}

/** As what the relay writes by itself: it mentions nobody. */
const THE_RELAY: Standing = { role: 'member', kind: 'group', hiddenSeq: 0 };

/** What the table has to be told. */
const NAMED = ['title', 'topic', 'avatar'] as const;

interface Settled {
  rooms: Room[];
  extra: Extra;
}
const NOTHING_SETTLED: Settled = { rooms: [], extra: NOTHING_EXTRA };

const nothingStored = (): ConstructorParameters<typeof Room>[2] => ({ updates: [], logLength: 0, clients: new Map() });

/**
 * Of two values set at the same time Yjs keeps that of the larger client id, which is as good as drawing lots: a group renamed just after it was
 * made would keep its first name every other time. Here the one that reaches the relay last stays.
 */
function settleMeta(room: Room, set: ReadonlyMap<MetaField, unknown>): void {
  const meta = metaOf(room.doc);
  const overruled = [...set].filter(([field, value]) => value !== undefined && meta.get(field) !== value);
  if (overruled.length === 0) return;
  room.doc.transact(() => {
    for (const [field, value] of overruled) meta.set(field, value);
  });
}

function lookAt(room: Room, touched: Pick<Accepted, 'messages' | 'tombstones'>): Map<MessageId, Before> {
  const before = new Map<MessageId, Before>();
  if (room.target.kind !== 'page') return before;
  const messages = messagesOf(room.doc);
  const deleted = deletedOf(room.doc);
  for (const ids of [touched.messages, touched.tombstones]) {
    for (const id of ids) before.set(id, { live: messages.has(id), tombstone: deleted.get(id) });
  }
  return before;
}

/** As the index keeps it. A mention of everybody by somebody who may not is none: refusing it would cost the person the whole message. */
function indexed(value: Message, { role, kind }: Standing): Message {
  if (value.mentions !== 'all' || may(role, 'mention-all', kind)) return value;
  const { mentions: _dropped, ...rest } = value;
  return rest;
}
