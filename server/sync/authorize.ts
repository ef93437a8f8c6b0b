/**
 * May this person make this change? Judged from the update's own bytes, before anything is applied: every struct and every deletion range
 * is traced to a root and a key, and the key tells whose it is. Pure: it reads the document and changes nothing.
 *
 * What makes this possible is that documents are flat (model/*.ts): a change by a person is always one plain value under one key of a map.
 * In Yjs's words: an Item with ContentAny, or ContentDeleted where the value was overwritten or removed before it was sent. Values that followed
 * each other under one key and are gone may have been merged into one item; so each value in it is judged, and the last is the one that counts. An item names its map and key only when nothing was under the key; otherwise it names its predecessor
 * (`origin`), whose map and key it shares. People never write `rightOrigin`: only lists have it, and the one list is the relay's.
 */
import * as v from 'valibot';
import * as Y from 'yjs';
import { may, type Action } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import { isConversationId, isMessageId, type ConversationId, type MessageId, type UserId } from '#shared/ids.ts';
import { EDITABLE_META, META_FIELDS, Pin, type MetaField } from '#shared/model/conversation.ts';
import { Message } from '#shared/model/message.ts';
import { Millis } from '#shared/model/millis.ts';
import { Deletion, messagesOf, parseReactionKey } from '#shared/model/page.ts';
import { Draft, Preference, ReadSeq } from '#shared/model/personal.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import type { Standing } from './events.ts';
import { isPlainValue } from './plain-value.ts';

/** A document and its circumstances, as the judge sees them. */
export interface Scene {
  doc: Y.Doc;
  kind: DocName['kind'];
  person: UserId;
  /** As what the person is in the conversation; in a personal document nobody asks. */
  standing: Pick<Standing, 'role' | 'kind'> | null;
  /** Whose a client id is in this document; null is the relay's, undefined nobody's yet. */
  ownerOfClient(client: number): UserId | null | undefined;
  /**
   * Who shows a client id as their own before its first change: an awareness state tells it to everybody, and a forger who saw it could
   * otherwise be the first to use it.
   */
  claimant(client: number): UserId | undefined;
  /** The author of a message that is stamped somewhere in the conversation; null when there is none, undefined when the index must be asked. */
  authorOf(id: MessageId): UserId | null | undefined;
  /** Of a message whose author is known: whether the relay wrote it in their name. */
  isTrace(id: MessageId): boolean;
}

export interface Accepted {
  is: 'accept';
  /** Nothing in it is new. */
  empty: boolean;
  /** It repeats structs that the document has; they must be cut off before it is applied. */
  repeats: boolean;
  /** Client ids that this person's changes introduce. */
  clients: number[];
  /** Keys of `messages` that were set or removed. */
  messages: Set<MessageId>;
  /** Keys of `deleted` that were set or overwritten. */
  tombstones: Set<MessageId>;
  /** Fields of `meta` that were set, with their new values; undefined when one was only removed. */
  meta: Map<MetaField, unknown>;
  /** Read marks that were set or removed, with the furthest they were set to: Yjs may keep another value. */
  read: Map<ConversationId, number>;
}

export type Verdict =
  | Accepted
  | { is: 'refuse'; fault: Fault; why: string }
  /** It builds on something the document does not have. */
  | { is: 'missing' }
  /** The index must be asked about these first. */
  | { is: 'lookup'; ids: MessageId[] };

/** No honest client comes near; clocks stay exact numbers whatever is added to them. */
const CLOCK_MAX = 0xffff_ffff;
/** A device gets a fresh client id with every load of the page; this many loads without a network do not happen. */
const NEW_CLIENTS_MAX_COUNT = 4_096;

interface Place {
  root: string;
  key: string;
}

class Refusal extends Error {
  fault: Fault;
  constructor(fault: Fault, why: string) {
    super(why);
    this.fault = fault;
  }
}
const forged = (why: string): Refusal => new Refusal('forged-update', why);

export function authorize(update: Uint8Array, scene: Scene): Verdict {
  let decoded: ReturnType<typeof Y.decodeUpdate>;
  try {
    decoded = Y.decodeUpdate(update);
  } catch {
    return { is: 'refuse', fault: 'malformed-frame', why: 'not a Yjs update' };
  }
  try {
    return new Judge(scene).judge(decoded);
  } catch (error) {
    if (error instanceof Refusal) return { is: 'refuse', fault: error.fault, why: error.message };
    // Endless chains end here as a RangeError of the stack: hostile, and nobody's fault but the sender's.
    return { is: 'refuse', fault: 'malformed-frame', why: String(error) };
  }
}

class Judge {
  readonly #scene: Scene;
  readonly #store: Y.Doc['store'];
  /** New structs by client, in the order of their clocks, without gaps. */
  readonly #fresh = new Map<number, Y.Item[]>();
  /** Where a client's structs end once this update is applied. */
  readonly #ends = new Map<number, number>();
  readonly #places = new Map<Y.Item, Place | 'tracing'>();
  /** Keys that this update sets, as `root:key`. */
  readonly #sets = new Set<string>();
  readonly #lookups = new Set<MessageId>();
  readonly #accepted: Accepted = {
    is: 'accept',
    empty: true,
    repeats: false,
    clients: [],
    messages: new Set(),
    tombstones: new Set(),
    meta: new Map(),
    read: new Map(),
  };
  #missing = false;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#store = scene.doc.store;
  }

  judge({ structs, ds }: ReturnType<typeof Y.decodeUpdate>): Verdict {
    this.#sortOut(structs);
    this.#lookForGaps(ds);
    if (this.#missing) return { is: 'missing' };
    const tombstones: MessageId[] = [];
    for (const items of this.#fresh.values()) {
      for (const item of items) {
        const place = this.#placeOf(item);
        if (place === null) return { is: 'missing' };
        this.#sets.add(`${place.root}:${place.key}`);
        this.#judgeItem(item, place);
        if (place.root === 'deleted' && isMessageId(place.key)) tombstones.push(place.key);
      }
    }
    // After all items: a message may be written and deleted in one update, in any order of clients.
    for (const id of tombstones) this.#judgeTombstone(id);
    this.#judgeDeletions(ds);
    return this.#lookups.size > 0 ? { is: 'lookup', ids: [...this.#lookups] } : this.#accepted;
  }

  /** Tells known structs from new ones, and sees that each client's are one unbroken run by its owner. */
  #sortOut(structs: readonly (Y.Item | Y.GC | Y.Skip)[]): void {
    let running: number | null = null;
    for (const struct of structs) {
      const { client, clock } = struct.id;
      const end = clock + struct.length;
      if (struct.length < 1 || end > CLOCK_MAX) throw new Refusal('malformed-frame', 'impossible length');
      if (client !== running) {
        // Yjs would take the second run for the first.
        if (this.#ends.has(client)) throw new Refusal('malformed-frame', 'two runs of one client');
        this.#ends.set(client, this.#stateOf(client));
        running = client;
      }
      const expected = this.#ends.get(client) ?? 0;
      if (struct instanceof Y.Skip) continue;
      if (end <= expected) {
        this.#accepted.repeats = true;
        continue;
      }
      if (clock > expected) {
        this.#missing = true;
        continue;
      }
      if (!(struct instanceof Y.Item)) throw forged('a change without content');
      if (clock < expected) this.#accepted.repeats = true;
      this.#admit(client, struct);
      this.#ends.set(client, end);
      this.#accepted.empty = false;
    }
  }

  #admit(client: number, item: Y.Item): void {
    const items = this.#fresh.get(client);
    if (items !== undefined) {
      items.push(item);
      return;
    }
    const owner = client === this.#scene.doc.clientID ? null : this.#scene.ownerOfClient(client);
    const holder = owner === undefined ? this.#scene.claimant(client) : owner;
    if (holder !== undefined && holder !== this.#scene.person) throw forged("another's client id");
    if (owner === undefined) this.#accepted.clients.push(client);
    if (this.#accepted.clients.length > NEW_CLIENTS_MAX_COUNT) throw new Refusal('too-many', 'new client ids');
    this.#fresh.set(client, [item]);
  }

  #stateOf(client: number): number {
    return Y.getState(this.#store, client);
  }

  /** The map and key an item goes to; null when it builds on something that is not there. */
  #placeOf(item: Y.Item): Place | null {
    const known = this.#places.get(item);
    if (known === 'tracing') throw forged('items that build on each other');
    if (known !== undefined) return known;
    this.#places.set(item, 'tracing');
    const place = this.#trace(item);
    if (place !== null) this.#places.set(item, place);
    return place;
  }

  #trace(item: Y.Item): Place | null {
    if (item.rightOrigin !== null) throw forged('a change in a list');
    const { client, clock } = item.id;
    const state = this.#stateOf(client);
    // The first part of it is known: what is left continues that, whatever the struct itself claims.
    if (clock < state) return this.#placeInStore(client, state - 1);
    const origin = item.origin;
    if (origin === null) {
      // Decoded, and not yet integrated: a root's name is a string.
      const parent = item.parent as unknown;
      if (typeof parent !== 'string') throw forged('a nested type');
      if (item.parentSub === null) throw forged('a change in a list');
      return { root: parent, key: item.parentSub };
    }
    if (origin.client === client && origin.clock >= clock) throw forged('an item that builds on what follows it');
    if (origin.clock < this.#stateOf(origin.client)) return this.#placeInStore(origin.client, origin.clock);
    if (origin.clock >= (this.#ends.get(origin.client) ?? 0)) return null;
    const siblings = this.#fresh.get(origin.client) ?? [];
    const before = siblings[Y.findIndexSS(siblings, origin.clock)];
    return before === undefined ? null : this.#placeOf(before);
  }

  #placeInStore(client: number, clock: number): Place {
    const structs = this.#store.clients.get(client) ?? [];
    const place = this.#placeOfStored(structs[Y.findIndexSS(structs, clock)]);
    if (place === null) throw forged('a change in a list');
    return place;
  }

  /** Null for an entry of the relay's list. */
  #placeOfStored(struct: Y.Item | Y.GC | undefined): Place | null {
    if (!(struct instanceof Y.Item) || struct.parentSub === null || !(struct.parent instanceof Y.AbstractType))
      return null;
    return { root: Y.findRootTypeKey(struct.parent), key: struct.parentSub };
  }

  #judgeItem(item: Y.Item, place: Place): void {
    if (item.content instanceof Y.ContentDeleted) return this.#judgeSet(place, null);
    if (!(item.content instanceof Y.ContentAny)) throw forged('not a plain value');
    for (const value of item.content.arr as unknown[]) {
      if (!isPlainValue(value)) throw new Refusal('too-large', 'not plain, too large or too deep');
      this.#judgeSet(place, { value });
    }
  }

  /** `set` is null when the value was removed or overwritten before it was sent. */
  #judgeSet({ root, key }: Place, set: { value: unknown } | null): void {
    switch (`${this.#scene.kind}/${root}`) {
      case 'page/messages':
        return this.#judgeMessage(key, set);
      case 'page/deleted':
        if (!isMessageId(key)) throw forged('not a message id');
        if (set !== null && parse(Deletion, set.value).by !== this.#scene.person)
          throw forged('a deletion in the name of another');
        this.#accepted.tombstones.add(key);
        return;
      case 'page/reactions':
      case 'page/votes':
        if (parseReactionKey(key)?.user !== this.#scene.person) throw forged('a reaction in the name of another');
        if (set !== null) parse(Millis, set.value);
        return;
      case 'conversation/meta': {
        const field = this.#editableMeta(key);
        if (set !== null) parse(META_FIELDS[field], set.value);
        if (set !== null || !this.#accepted.meta.has(field)) this.#accepted.meta.set(field, set?.value);
        return;
      }
      case 'conversation/pins':
        if (!isMessageId(key)) throw forged('not a message id');
        this.#need('pin');
        if (set !== null && parse(Pin, set.value).by !== this.#scene.person)
          throw forged('a pin in the name of another');
        return;
      case 'personal/drafts':
      case 'personal/read':
      case 'personal/prefs':
        if (!isConversationId(key)) throw forged('not a conversation id');
        if (root === 'read') {
          const seq = set === null ? 0 : parse(ReadSeq, set.value);
          this.#accepted.read.set(key, Math.max(seq, this.#accepted.read.get(key) ?? 0));
        } else if (set !== null) parse(root === 'drafts' ? Draft : Preference, set.value);
        return;
      default:
        throw forged(`nobody writes ${root.slice(0, 40)} here`);
    }
  }

  #judgeMessage(key: string, set: { value: unknown } | null): void {
    if (!isMessageId(key)) throw forged('not a message id');
    this.#need('write');
    if (set !== null) {
      const value = parse(Message, set.value);
      if (value.by !== this.#scene.person) throw forged('a message in the name of another');
      if (value.call !== undefined) throw forged('what only the relay writes of a call');
    }
    const owner = this.#ownerOfMessage(key);
    if (owner !== null && owner !== undefined && owner !== this.#scene.person) throw forged("another's message");
    const isTrace = messagesOf(this.#scene.doc).get(key)?.call !== undefined || this.#scene.isTrace(key);
    if (set !== null && isTrace) throw forged('what is left of a call, written anew');
    this.#accepted.messages.add(key);
  }

  /** Who wrote the message first; null when nobody has, undefined when the index must be asked (and is noted to be). */
  #ownerOfMessage(id: MessageId): UserId | null | undefined {
    const messages = messagesOf(this.#scene.doc);
    const live = messages.get(id);
    if (live !== undefined) return live.by;
    const last = messages._map.get(id);
    // Its value is gone, but only its author can have written here; unless the relay did so for them.
    const writer = last === undefined ? undefined : this.#scene.ownerOfClient(last.id.client);
    if (typeof writer === 'string') return writer;
    const author = this.#scene.authorOf(id);
    if (author === undefined) this.#lookups.add(id);
    return author;
  }

  #judgeTombstone(id: MessageId): void {
    if (this.#sets.has(`messages:${id}`)) return;
    if (!messagesOf(this.#scene.doc)._map.has(id)) throw forged('a deletion of what is not here');
    this.#needToDelete(id);
  }

  #needToDelete(id: MessageId): void {
    const owner = this.#ownerOfMessage(id);
    if (owner === undefined || owner === this.#scene.person) return;
    this.#need('delete-any');
  }

  /**
   * Whether it deletes what the document does not have. Before anything is judged: a device that has just come back may delete, under a new client id,
   * what it wrote under an older one and is about to send.
   */
  #lookForGaps(ds: ReturnType<typeof Y.decodeUpdate>['ds']): void {
    for (const [client, ranges] of ds.clients) {
      const end = this.#ends.get(client) ?? this.#stateOf(client);
      for (const { clock, len } of ranges) {
        // Yjs writes none, and breaks over it.
        if (len < 1) throw new Refusal('malformed-frame', 'impossible length');
        if (clock + len > end) this.#missing = true;
      }
    }
  }

  /** A sync answer carries all deletions its sender knows of, most of them old: what is deleted already is passed over. */
  #judgeDeletions(ds: ReturnType<typeof Y.decodeUpdate>['ds']): void {
    for (const [client, ranges] of ds.clients) {
      const state = this.#stateOf(client);
      const structs = this.#store.clients.get(client) ?? [];
      for (const { clock, len } of ranges) {
        if (clock >= state) continue;
        for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
          const struct = structs[i];
          if (struct === undefined || struct.id.clock >= clock + len) break;
          if (!struct.deleted) this.#judgeRemoval(this.#placeOfStored(struct));
        }
      }
    }
  }

  #judgeRemoval(place: Place | null): void {
    this.#accepted.empty = false;
    if (place === null) throw forged('a removal from a list');
    const { root, key } = place;
    // What somebody else set under the same key meanwhile gives way to what this update sets there, and that was judged.
    const overwritten = this.#sets.has(`${root}:${key}`);
    switch (`${this.#scene.kind}/${root}`) {
      case 'page/messages':
        if (!isMessageId(key)) throw forged('not a message id');
        if (!overwritten) this.#needToDelete(key);
        this.#accepted.messages.add(key);
        return;
      case 'page/deleted':
        if (!overwritten) throw forged('a deletion taken back');
        return;
      case 'page/reactions':
      case 'page/votes':
      case 'personal/drafts':
      case 'personal/read':
      case 'personal/prefs':
      case 'conversation/meta':
        return this.#judgeSet(place, null);
      case 'conversation/pins':
        return this.#need('pin');
      default:
        throw forged(`nobody removes from ${root.slice(0, 40)}`);
    }
  }

  #editableMeta(key: string): MetaField {
    const field = EDITABLE_META.find((name) => name === key);
    if (field === undefined) throw forged('what only the relay sets');
    this.#need('rename');
    return field;
  }

  #need(action: Action): void {
    const standing = this.#scene.standing;
    if (standing === null || !may(standing.role, action, standing.kind))
      throw new Refusal('not-allowed', `not allowed to ${action}`);
  }
}

function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (!result.success) throw new Refusal('invalid-input', result.issues[0].message);
  return result.output;
}
