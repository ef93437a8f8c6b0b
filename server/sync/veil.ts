/**
 * A page as somebody is told it from whom part of it is hidden (docs/decisions/0012): an update, struct by struct, in which whatever concerns a hidden
 * message is a gap of the same length. Clocks stay as they are, so that everything else finds what it builds on, and any Yjs client can read it.
 *
 * What lies under a message's keys becomes a GC: whatever builds on one becomes one as well, and only the same message can. Stamps become deleted
 * entries of the list instead, since the visible ones stand behind them.
 *
 * And the other direction: such a device has the hidden parts as deleted and says so in every sync answer. That is no wish of its person.
 */
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { isMessageId, type MessageId } from '#shared/ids.ts';
import { parseReactionKey, type Stamp } from '#shared/model/page.ts';

type Struct = Y.Item | Y.GC | Y.Skip;
type Deletions = ReturnType<typeof Y.decodeUpdate>['ds'];

export interface Veil {
  /** Stamps up to this number are hidden … */
  seq: number;
  /** … and what concerns these messages, wherever it lies. */
  hides(id: MessageId): boolean;
}

/** The messages that an update is about, in whichever way. The document has everything that is in the update. */
export function messagesIn(update: Uint8Array, doc: Y.Doc): Set<MessageId> {
  const ids = new Set<MessageId>();
  for (const struct of Y.decodeUpdate(update).structs) {
    const id = struct instanceof Y.Item ? messageAt(storedAt(doc, struct.id)) : null;
    if (id !== null) ids.add(id);
  }
  return ids;
}

/** The update as those are told it from whom something is hidden. The document has everything that is in it. */
export function veiled(update: Uint8Array, doc: Y.Doc, veil: Veil): Uint8Array {
  const { structs, ds } = Y.decodeUpdate(update);
  const covered: Struct[] = [];
  for (const struct of structs)
    for (const part of struct instanceof Y.Item ? cover(struct, doc, veil) : [struct]) push(covered, part);
  return encode(covered, ds);
}

function cover(item: Y.Item, doc: Y.Doc, veil: Veil): Struct[] {
  const stored = storedAt(doc, item.id);
  if (!(stored instanceof Y.Item)) return [new Y.GC(item.id, item.length)];
  if (stored.parentSub === null) return coverStamps(item, veil.seq);
  const id = messageAt(stored);
  return id !== null && veil.hides(id) ? [new Y.GC(item.id, item.length)] : [item];
}

/** Stamps of one item stand in their order: the hidden ones are its beginning. */
function coverStamps(item: Y.Item, seq: number): Y.Item[] {
  if (!(item.content instanceof Y.ContentAny)) return [item];
  const stamps = item.content.arr as Stamp[];
  const hidden = stamps.filter((stamp) => stamp[0] <= seq).length;
  if (hidden === 0) return [item];
  const { client, clock } = item.id;
  const gap = new Y.Item(
    item.id,
    null,
    item.origin,
    null,
    item.rightOrigin,
    item.parent,
    item.parentSub,
    new Y.ContentDeleted(hidden),
  );
  if (hidden === stamps.length) return [gap];
  const rest = new Y.Item(
    Y.createID(client, clock + hidden),
    null,
    Y.createID(client, clock + hidden - 1),
    null,
    item.rightOrigin,
    null,
    null,
    new Y.ContentAny(stamps.slice(hidden)),
  );
  return [gap, rest];
}

/** A removal that an update of such a device carries, of something that is there. */
export interface Removal {
  client: number;
  clock: number;
  length: number;
  /** Null of a stamp. */
  id: MessageId | null;
  /** Of a stamp. */
  seq: number;
}

/**
 * Removals that no wish is to be seen behind: of a message's text without the trace of its deletion or another text, of a stamp, of anything else that
 * belongs to a message. Null when the bytes are no update: the judge says so.
 */
export function bareRemovals(update: Uint8Array, doc: Y.Doc): Removal[] | null {
  try {
    const { structs, ds } = Y.decodeUpdate(update);
    const touched = keysIn(structs, doc);
    return [...ds.clients].flatMap(([client, ranges]) =>
      ranges.flatMap(({ clock, len }) =>
        removedFrom(doc, client, clock, len).filter(({ id }) => id === null || !touched.has(id)),
      ),
    );
  } catch {
    return null;
  }
}

/** The update without these removals. */
export function without(update: Uint8Array, removals: readonly Removal[]): Uint8Array {
  const { structs, ds } = Y.decodeUpdate(update);
  const clients = new Map<number, Range[]>();
  for (const [client, ranges] of ds.clients) {
    const cuts = removals.filter((removal) => removal.client === client).sort((a, b) => a.clock - b.clock);
    const kept = ranges.flatMap(({ clock, len }) => cutOut({ clock, len }, cuts));
    if (kept.length > 0) clients.set(client, kept);
  }
  return encode(structs, { clients });
}

interface Range {
  clock: number;
  len: number;
}

function cutOut({ clock, len }: Range, cuts: readonly Removal[]): Range[] {
  const kept: Range[] = [];
  const end = clock + len;
  let at = clock;
  for (const cut of cuts) {
    if (cut.clock + cut.length <= at || cut.clock >= end) continue;
    if (cut.clock > at) kept.push({ clock: at, len: cut.clock - at });
    at = cut.clock + cut.length;
  }
  if (at < end) kept.push({ clock: at, len: end - at });
  return kept;
}

/** What of a range is there, one by one. */
function removedFrom(doc: Y.Doc, client: number, clock: number, len: number): Removal[] {
  const structs = doc.store.clients.get(client) ?? [];
  const end = Math.min(clock + len, Y.getState(doc.store, client));
  const found: Removal[] = [];
  if (clock >= end) return found;
  for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
    const struct = structs[i];
    if (struct === undefined || struct.id.clock >= end) break;
    if (struct.deleted || !(struct instanceof Y.Item)) continue;
    const from = Math.max(clock, struct.id.clock);
    const to = Math.min(end, struct.id.clock + struct.length);
    if (struct.parentSub !== null) {
      found.push({ client, clock: from, length: to - from, id: messageAt(struct), seq: 0 });
    } else if (struct.content instanceof Y.ContentAny) {
      const stamps = struct.content.arr as Stamp[];
      for (let at = from; at < to; at++) {
        const seq = stamps[at - struct.id.clock]?.[0] ?? Infinity;
        found.push({ client, clock: at, length: 1, id: null, seq });
      }
    }
  }
  return found;
}

/** Messages that get a text or a trace in these structs. */
function keysIn(structs: readonly Struct[], doc: Y.Doc): Set<string> {
  const keys = new Set<string>();
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    const before = struct.origin === null ? null : storedAt(doc, struct.origin);
    const root = before instanceof Y.Item ? rootOf(before) : (struct.parent as unknown);
    const key = before instanceof Y.Item ? before.parentSub : struct.parentSub;
    if (key !== null && (root === 'messages' || root === 'deleted')) keys.add(key);
  }
  return keys;
}

function storedAt(doc: Y.Doc, { client, clock }: Y.ID): Y.Item | Y.GC | undefined {
  const structs = doc.store.clients.get(client) ?? [];
  return clock < Y.getState(doc.store, client) ? structs[Y.findIndexSS(structs, clock)] : undefined;
}

const rootOf = (item: Y.Item): string => (item.parent instanceof Y.AbstractType ? Y.findRootTypeKey(item.parent) : '');

/** The message that something in the document belongs to. */
function messageAt(stored: Y.Item | Y.GC | undefined): MessageId | null {
  if (!(stored instanceof Y.Item) || stored.parentSub === null) return null;
  const key = stored.parentSub;
  const root = rootOf(stored);
  if (root === 'reactions' || root === 'votes') return parseReactionKey(key)?.message ?? null;
  return isMessageId(key) ? key : null;
}

/** Gaps beside each other are one. */
function push(structs: Struct[], struct: Struct): void {
  const last = structs.at(-1);
  const isNext =
    last instanceof Y.GC &&
    struct instanceof Y.GC &&
    last.id.client === struct.id.client &&
    last.id.clock + last.length === struct.id.clock;
  if (isNext) structs[structs.length - 1] = new Y.GC(last.id, last.length + struct.length);
  else structs.push(struct);
}

/** As Yjs writes it (update format 1). The structs of a client are beside each other, in the order of their clocks. */
function encode(structs: readonly Struct[], ds: { clients: Deletions['clients'] | Map<number, Range[]> }): Uint8Array {
  const encoder = new Y.UpdateEncoderV1();
  const { restEncoder } = encoder;
  const byClient = Map.groupBy(structs, (struct) => struct.id.client);
  encoding.writeVarUint(restEncoder, byClient.size);
  for (const [client, own] of byClient) {
    encoding.writeVarUint(restEncoder, own.length);
    encoding.writeVarUint(restEncoder, client);
    encoding.writeVarUint(restEncoder, own[0]?.id.clock ?? 0);
    for (const struct of own) struct.write(encoder, 0);
  }
  encoding.writeVarUint(restEncoder, ds.clients.size);
  for (const [client, ranges] of ds.clients) {
    encoding.writeVarUint(restEncoder, client);
    encoding.writeVarUint(restEncoder, ranges.length);
    for (const { clock, len } of ranges) {
      encoding.writeVarUint(restEncoder, clock);
      encoding.writeVarUint(restEncoder, len);
    }
  }
  return encoder.toUint8Array();
}
