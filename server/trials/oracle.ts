/**
 * Judges an update by what it did, and not by its bytes: a document before it and the same after it, and what this person may change. It knows the
 * rules A1–A13 in its own words and shares nothing with `authorize` but the limits.
 */
import * as Y from 'yjs';
import type { DocName } from '#shared/model/doc-names.ts';
import { MESSAGE_MAX_CHARS, VALUE_MAX_BYTES } from '#shared/limits.ts';

/** Whose what is, besides what the document says. */
export interface Standing {
  person: string;
  kind: DocName['kind'];
  isAdmin: boolean;
  isDirect: boolean;
  /** Who wrote a message first, also of those that are gone. */
  authors: ReadonlyMap<string, string>;
  /** Whose a client id is, or is shown to be; null is the relay. */
  clients: ReadonlyMap<number, string | null>;
}

const ROOTS: Record<DocName['kind'], Record<string, 'map' | 'list'>> = {
  page: { messages: 'map', deleted: 'map', reactions: 'map', votes: 'map', order: 'list' },
  conversation: { meta: 'map', pins: 'map', members: 'map', pages: 'map' },
  personal: { drafts: 'map', read: 'map', prefs: 'map' },
};

interface Change {
  key: string;
  before: unknown;
  after: unknown;
}

/** What is wrong with it, as sentences; nothing when all of it is this person's to do. */
export function wrongsOf(before: Y.Doc, after: Y.Doc, standing: Standing): string[] {
  const roots = ROOTS[standing.kind];
  const wrongs: string[] = [];
  if (after.store.pendingStructs !== null || after.store.pendingDs !== null) wrongs.push('something waits in it');
  if (after.subdocs.size > 0) wrongs.push('it has a subdocument');
  for (const [client, structs] of after.store.clients) {
    const owner = standing.clients.get(client);
    const grew = Y.getState(after.store, client) > Y.getState(before.store, client);
    if (grew && owner !== undefined && owner !== standing.person) wrongs.push(`client ${client} is ${owner}'s`);
    for (const struct of structs)
      if (struct instanceof Y.Item && !struct.deleted && !(struct.content instanceof Y.ContentAny))
        wrongs.push(`a ${struct.content.constructor.name} lives in it`);
  }
  for (const name of after.share.keys()) if (!Object.hasOwn(roots, name)) wrongs.push(`it has a root ${name}`);
  for (const [root, shape] of Object.entries(roots)) {
    if (shape === 'list') {
      if (JSON.stringify(listOf(before, root)) !== JSON.stringify(listOf(after, root)))
        wrongs.push(`${root} is another`);
      continue;
    }
    for (const change of changesOf(before, after, root))
      if (
        !isTheirs(root, change, authorOf(change.key, before, after, standing), standing) ||
        (change.after !== undefined && !isBearable(change.after))
      )
        wrongs.push(`${root} ${change.key}: ${say(change.before)} became ${say(change.after)}`);
  }
  return wrongs;
}

/** Also of a message that was written by this very change, and perhaps removed by it. */
function authorOf(id: string, before: Y.Doc, after: Y.Doc, { authors, person, kind }: Standing): string | undefined {
  if (kind !== 'page') return undefined;
  const isNew = !before.getMap('messages')._map.has(id) && after.getMap('messages')._map.has(id);
  return authors.get(id) ?? (isNew ? person : undefined);
}

function isTheirs(root: string, change: Change, author: string | undefined, standing: Standing): boolean {
  const { key, before, after } = change;
  const { person, isAdmin, isDirect } = standing;
  const isMine = (value: unknown): boolean => value === undefined || fieldOf(value, 'by') === person;
  switch (root) {
    case 'messages':
      if (!/^m[0-9a-z]{20,}$/.test(key)) return false;
      if (after === undefined) return isMine(before) || (isAdmin && !isDirect);
      return isMine(before) && isMine(after) && (author === undefined || author === person) && isMessage(after);
    case 'deleted':
      // One that is gone because it was set and taken back by somebody who might delete anyway: the relay puts it back.
      return isMine(after) && (author === person || (author !== undefined && isAdmin && !isDirect));
    case 'reactions':
    case 'votes':
      return key.split(':')[1] === person && /^m[0-9a-z]{20,}:u[0-9a-z]{20,}:./su.test(key) && isCountOrNothing(after);
    case 'meta':
      return (
        isAdmin &&
        !isDirect &&
        ['title', 'topic', 'avatar'].includes(key) &&
        ['string', 'undefined'].includes(typeof after)
      );
    case 'pins':
      return (isAdmin || isDirect) && isMine(after) && /^m[0-9a-z]{20,}$/.test(key);
    case 'read':
      return /^c[0-9a-z]{20,}$/.test(key) && isCountOrNothing(after);
    case 'drafts':
    case 'prefs':
      return /^c[0-9a-z]{20,}$/.test(key) && (after === undefined || (typeof after === 'object' && after !== null));
    default:
      return false;
  }
}

const isCountOrNothing = (value: unknown): boolean =>
  value === undefined || (Number.isInteger(value) && Number(value) >= 0);

const isMessage = (value: unknown): boolean => {
  const text = fieldOf(value, 'text');
  return typeof text === 'string' && text.length <= MESSAGE_MAX_CHARS && Number.isInteger(fieldOf(value, 'at'));
};

/** Plain JSON that says the same when it is read again, and not too much of it. */
function isBearable(value: unknown): boolean {
  try {
    const text = JSON.stringify(value);
    return (
      new TextEncoder().encode(text).length <= VALUE_MAX_BYTES &&
      JSON.stringify(JSON.parse(text)) === text &&
      isPlain(value)
    );
  } catch {
    return false;
  }
}

const isPlain = (value: unknown): boolean =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  Number.isFinite(value) ||
  (Array.isArray(value)
    ? value.every(isPlain)
    : typeof value === 'object' &&
      Object.getPrototypeOf(value) === Object.prototype &&
      Object.values(value).every(isPlain));

/** By the items themselves: a map's `toJSON` would walk into whatever lies in it. */
function* changesOf(before: Y.Doc, after: Y.Doc, root: string): Generator<Change> {
  const [was, is] = [before.getMap(root), after.getMap(root)];
  for (const key of new Set([...was._map.keys(), ...is._map.keys()])) {
    const change = { key, before: was.get(key), after: is.get(key) };
    if (say(change.before) !== say(change.after)) yield change;
  }
}

const listOf = (doc: Y.Doc, root: string): unknown => doc.getArray(root).toArray();
const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, field)
    ? (value as Record<string, unknown>)[field]
    : undefined;

function say(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'nothing';
  } catch {
    return Object.prototype.toString.call(value);
  }
}
