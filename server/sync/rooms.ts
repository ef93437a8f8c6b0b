/**
 * All documents in memory. A document is read when the first peer comes, once for all who ask at the same moment, and leaves memory when the last
 * one goes. Also what the relay writes by itself, and what it writes in the name of people who speak over HTTP.
 */
import * as v from 'valibot';
import type * as Y from 'yjs';
import { may } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import { newMessageId, type ConversationId, type MessageId, type UserId } from '#shared/ids.ts';
import { conversationDoc, personalDoc, type DocName } from '#shared/model/doc-names.ts';
import { Message, type Mentions } from '#shared/model/message.ts';
import { deletedOf, messagesOf } from '#shared/model/page.ts';
import { gathered } from '../gathered.ts';
import { reason } from '../log.ts';
import { compactDocument, loadDocuments } from '../storage/documents.ts';
import { type MessageOwner, numberings } from '../storage/messages.ts';
import { Conversation } from './conversation.ts';
import type { Standing } from './events.ts';
import { LaneLost, type Lane, type LaneParts } from './lane.ts';
import { PersonalLane } from './personal.ts';
import type { Peer, Room } from './room.ts';

/** A log this long is compacted while its room lives… */
const COMPACT_LIVING_UPDATES = 500;
/** …and this long when it closes. */
const COMPACT_CLOSING_UPDATES = 20;

/** A document may be large: few at once, so that a small one does not wait behind many. */
const DOCUMENT_ROUNDS = { most: 16, atOnce: 4 };

export interface Joined {
  lane: Lane;
  room: Room;
}

export interface Draft {
  id?: MessageId;
  text: string;
  mentions?: Mentions;
  replyTo?: MessageId;
  attachments?: Message['attachments'];
}

export type Posted = { ok: true; id: MessageId; seq: number } | { ok: false; fault: Fault };

export class Rooms {
  readonly #parts: LaneParts;
  readonly #lanes = new Map<string, Promise<Lane | null>>();
  readonly #living = new Map<string, Lane>();
  readonly #compacting = new Set<Promise<void>>();

  constructor(parts: Omit<LaneParts, 'disk'>) {
    const { sql } = parts;
    this.#parts = {
      ...parts,
      disk: {
        document: gathered((names: readonly string[]) => loadDocuments(sql, names), DOCUMENT_ROUNDS),
        numbering: gathered((conversations: readonly ConversationId[]) => numberings(sql, conversations)),
      },
    };
    parts.journal.watch((lost) => {
      for (const key of lost) this.#living.get(key)?.throwAway();
    });
  }

  /** What is in memory, for the metrics. */
  get count(): number {
    let count = 0;
    for (const lane of this.#living.values()) count += lane.rooms.size;
    return count;
  }

  /** Asks whether the peer may, as every update does again. */
  async join(target: DocName, peer: Peer): Promise<Joined | Fault> {
    if (target.kind === 'personal' && target.user !== peer.person) return 'not-allowed';
    const found = await this.#with(target, async (lane) => {
      const room =
        lane instanceof Conversation && target.kind !== 'personal'
          ? await lane.roomFor(peer, target)
          : lane.rooms.get(personalDoc(peer.person));
      if (room == null) return 'not-found';
      if (typeof room === 'string') return room;
      if (lane.dead) throw new LaneLost();
      // A peer that was closed meanwhile is not let in: nobody would take it out again.
      if (peer.live) room.peers.add(peer);
      return { lane, room };
    });
    return found ?? 'not-found';
  }

  leave({ lane, room }: Joined, peer: Peer): void {
    room.veils.delete(peer);
    if (!room.peers.delete(peer) || lane.dead) return;
    this.tidy(lane);
  }

  /** Takes out of memory what nobody watches, and shortens long logs. */
  tidy(lane: Lane): void {
    if (lane.dead) return;
    for (const room of lane.rooms.values()) if (room.logLength > COMPACT_LIVING_UPDATES) this.#compact(room);
    if (lane.idle) {
      this.#forget(lane);
      lane.dead = true;
      for (const room of lane.rooms.values()) this.#close(room);
    } else if (lane instanceof Conversation) {
      for (const room of lane.evictable()) {
        lane.rooms.delete(room.name);
        this.#close(room);
      }
    }
  }

  /** Resolves when what was taken from those who are no longer members is on disk, or lost. */
  async membershipChanged(conversation: ConversationId): Promise<void> {
    const lane = this.#living.get(conversationDoc(conversation));
    if (lane instanceof Conversation) await lane.membershipChanged();
  }

  /**
   * Ends a conversation for good. What was taken is written first, nothing more is taken, and who asks for it meanwhile waits, while `erase` takes it
   * from the disk. Answers what `erase` did; with null it may not end: everybody comes back to it.
   */
  async end<T>(conversation: ConversationId, erase: () => Promise<T | null>): Promise<T | null> {
    const key = conversationDoc(conversation);
    const lane = await this.#settledLane(key);
    lane?.freeze();
    this.#living.delete(key);
    const erased = (lane?.tail ?? Promise.resolve()).catch(() => undefined).then(erase);
    const goOn = (): Promise<Lane | null> => this.#load(key, { kind: 'conversation', conversation }, undefined);
    const next = erased.then((ended) => {
      if (ended === null) return goOn();
      this.#lanes.delete(key);
      return null;
    }, goOn);
    this.#lanes.set(key, next);
    next.catch(() => undefined);
    try {
      const ended = await erased;
      lane?.end(ended === null ? 'not-ready' : 'conversation-deleted');
      return ended;
    } catch (error) {
      lane?.end('not-ready');
      throw error;
    }
  }

  /** The lane that is in memory, after whatever is bringing it there; null when there is none. */
  async #settledLane(key: string): Promise<Lane | null> {
    for (;;) {
      const loading = this.#lanes.get(key);
      const lane = (await loading?.catch(() => null)) ?? null;
      if (this.#lanes.get(key) === loading) return lane;
    }
  }

  /** Resolves when whatever was taken until now is on disk, or lost. */
  async written(): Promise<void> {
    await Promise.allSettled([...this.#living.values()].map((lane) => lane.tail));
  }

  /** The relay's own writing into a conversation's root: meta at creation, members, titles. Resolves when it is on disk. */
  async mirror(conversation: ConversationId, write: (root: Y.Doc) => void, renames = false): Promise<void> {
    // Null when it was deleted meanwhile: then there is nothing to be said about it.
    await this.#withConversation(conversation, (lane) => lane.mirror(write, renames));
  }

  /** As if typed: by this person, stamped, on disk when it answers. The same id again answers with the same seq, whatever happened to the message since. */
  async post(person: UserId, conversation: ConversationId, draft: Draft): Promise<Posted> {
    const id = draft.id ?? newMessageId(this.#parts.now());
    const { text, mentions, replyTo, attachments } = draft;
    const value = v.safeParse(
      Message,
      dropUndefined({ by: person, at: this.#parts.now(), text, mentions, replyTo, attachments }),
    );
    if (!value.success) return { ok: false, fault: 'invalid-input' };
    const answer = await this.#withConversation(conversation, async (lane): Promise<Posted> => {
      const standing = await lane.standing(person);
      if (standing === null) return { ok: false, fault: 'not-a-member' };
      const [owner] = await Promise.all([lane.ownerOf(id), lane.writable()]);
      // Two requests with one id may both have waited: what counts is who is there now.
      const known = (await lane.ownerOf(id)) ?? owner;
      if (known !== null) {
        await lane.tail;
        return known.author === person ? { ok: true, id, seq: known.seq } : { ok: false, fault: 'conflict' };
      }
      const fault = await lane.write(lane.currentPage, person, allowed, [id], (doc) =>
        messagesOf(doc).set(id, value.output),
      );
      if (fault !== null) return { ok: false, fault };
      const posted = await lane.ownerOf(id);
      return posted === null ? { ok: false, fault: 'conflict' } : { ok: true, id, seq: posted.seq };
    });
    return answer ?? { ok: false, fault: 'not-a-member' };
  }

  /** What a call leaves, at its place: written now, or before. Null: there is no such conversation. */
  trace(conversation: ConversationId, id: MessageId, value: Message): Promise<number | null> {
    return this.#withConversation(conversation, async (lane) => {
      await lane.writable();
      if ((await lane.ownerOf(id)) === null) await lane.trace(id, value);
      else await lane.tail;
      const owner = await lane.ownerOf(id);
      return owner?.seq ?? null;
    });
  }

  /** Null when done. Only the author edits. */
  edit(
    person: UserId,
    conversation: ConversationId,
    id: MessageId,
    change: { text: string; mentions?: Mentions },
  ): Promise<Fault | null> {
    return this.#change(person, conversation, id, async (lane, owner) => {
      if (owner.author !== person) return 'not-allowed';
      let fault: Fault | null = null;
      const refused = await lane.write(owner.page, person, allowed, [id], (doc) => {
        const before = messagesOf(doc).get(id);
        if (before === undefined) return void (fault = 'not-found');
        if (before.call !== undefined) return void (fault = 'not-allowed');
        const { mentions: _old, ...kept } = before;
        const after = v.safeParse(Message, dropUndefined({ ...kept, ...change, editedAt: this.#parts.now() }));
        if (after.success) messagesOf(doc).set(id, after.output);
        else fault = 'invalid-input';
      });
      return refused ?? fault;
    });
  }

  /** Null when done. By the author, or by an administrator of the group. */
  remove(person: UserId, conversation: ConversationId, id: MessageId): Promise<Fault | null> {
    return this.#change(person, conversation, id, (lane, owner) => {
      const judge = ({ role, kind }: Standing): Fault | null =>
        owner.author === person || may(role, 'delete-any', kind) ? null : 'not-allowed';
      return lane.write(owner.page, person, judge, [id], (doc) => {
        messagesOf(doc).delete(id);
        deletedOf(doc).set(id, { by: person, at: this.#parts.now() });
      });
    });
  }

  /** Moves a person's read mark on, on all of their devices; never back. */
  async setRead(person: UserId, conversation: ConversationId, seq: number): Promise<void> {
    await this.#with({ kind: 'personal', user: person }, (lane) =>
      lane instanceof PersonalLane ? lane.setRead(conversation, seq) : Promise.resolve(),
    );
  }

  /** Everybody is closed with "try again"; resolves when everything is on disk and the logs are short. */
  async stop(): Promise<void> {
    const lanes = [...this.#living.values()];
    for (const lane of lanes)
      for (const room of lane.rooms.values()) for (const peer of [...room.peers]) peer.close('not-ready');
    await Promise.allSettled(lanes.map((lane) => lane.tail));
    for (const lane of lanes) this.tidy(lane);
    while (this.#compacting.size > 0) await Promise.allSettled(this.#compacting);
  }

  async #change(
    person: UserId,
    conversation: ConversationId,
    id: MessageId,
    change: (lane: Conversation, owner: MessageOwner) => Promise<Fault | null>,
  ): Promise<Fault | null> {
    const answer = await this.#withConversation(conversation, async (lane): Promise<{ fault: Fault | null }> => {
      const standing = await lane.standing(person);
      if (standing === null) return { fault: 'not-a-member' };
      const owner = await lane.ownerOf(id);
      if (owner === null || owner.deleted || owner.seq <= standing.hiddenSeq) return { fault: 'not-found' };
      await lane.writable();
      return { fault: await change(lane, owner) };
    });
    return answer === null ? 'not-a-member' : answer.fault;
  }

  #withConversation<T>(conversation: ConversationId, work: (lane: Conversation) => Promise<T>): Promise<T | null> {
    return this.#with({ kind: 'conversation', conversation }, (lane) => {
      if (!(lane instanceof Conversation)) throw new Error('a conversation was expected');
      return work(lane);
    });
  }

  /** Works with a lane that stays in memory meanwhile. Once more from the start when it was thrown away under the work. Null: no such thing. */
  async #with<T>(target: DocName, work: (lane: Lane) => Promise<T>): Promise<T | null> {
    for (let attempt = 1; ; attempt++) {
      const lane = await this.#lane(target);
      if (lane === null) return null;
      if (lane.dead && attempt < 10) continue;
      lane.holds += 1;
      try {
        return await work(lane);
      } catch (error) {
        // A failed commit throws the lane away. All that is done here may be done twice, so it may be tried again.
        if (!lane.dead || attempt >= 3) throw error;
      } finally {
        lane.holds -= 1;
        this.tidy(lane);
      }
    }
  }

  #lane(target: DocName): Promise<Lane | null> {
    const key = target.kind === 'personal' ? personalDoc(target.user) : `c:${target.conversation}`;
    const here = this.#lanes.get(key);
    if (here !== undefined && this.#living.get(key)?.dead !== true) return here;
    const loading = this.#load(key, target, this.#living.get(key));
    this.#lanes.set(key, loading);
    return loading;
  }

  async #load(key: string, target: DocName, before: Lane | undefined): Promise<Lane | null> {
    this.#living.delete(key);
    try {
      // What a lane that was thrown away still had on its way must have arrived, or not, before the disk is read.
      await before?.tail.catch(() => undefined);
      const lane =
        target.kind === 'personal'
          ? await PersonalLane.load(target.user, this.#parts)
          : await Conversation.load(target.conversation, this.#parts);
      if (lane === null) this.#lanes.delete(key);
      else this.#living.set(key, lane);
      if (lane !== null) {
        lane.settled = () => this.tidy(lane);
        const forget = (): void => this.#forget(lane);
        // Until its last entry has arrived, or not, whoever loads it anew must wait for that.
        lane.lost = () => void lane.tail.then(forget, forget);
      }
      return lane;
    } catch (error) {
      this.#lanes.delete(key);
      throw error;
    }
  }

  #forget(lane: Lane): void {
    if (this.#living.get(lane.key) !== lane) return;
    this.#living.delete(lane.key);
    this.#lanes.delete(lane.key);
  }

  #close(room: Room): void {
    if (room.logLength > COMPACT_CLOSING_UPDATES) this.#compact(room);
    room.destroy();
  }

  #compact(room: Room): void {
    room.logLength = 0;
    const work = compactDocument(this.#parts.sql, room.name).catch((error: unknown) => {
      this.#parts.log.warn('compaction failed', { document: room.name, why: reason(error) });
    });
    this.#compacting.add(work);
    void work.then(() => this.#compacting.delete(work));
  }
}

/** Every member may. */
const allowed = (): null => null;

/** Yjs would keep a key whose value is undefined, and a strict schema refuse it. */
function dropUndefined<T extends object>(value: T): T {
  // The same keys, less those without a value.
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
}
