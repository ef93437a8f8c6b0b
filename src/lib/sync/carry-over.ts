/**
 * What is this person's in one copy of a document and not in another, as changes that can be made again there: their messages, edits, deletions,
 * reactions, drafts, marks. Yjs tells what a copy has never seen (a client's changes are numbered without gaps), so nothing is guessed from what
 * merely differs: what the other copy has seen and decided otherwise about stays as it is there.
 */
import * as Y from 'yjs';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { EDITABLE_META, type Pin, metaOf } from '#shared/model/conversation.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, orderOf, parseReactionKey, reactionsOf, votesOf } from '#shared/model/page.ts';
import { draftsOf, prefsOf } from '#shared/model/personal.ts';

export interface Change {
  what: 'message' | 'edit' | 'deletion' | 'reaction' | 'title' | 'topic' | 'avatar' | 'pin' | 'draft' | 'mark';
  /** Says which it is, among all of a document's. */
  key: string;
  /** What the person typed; empty when it was no text. */
  text: string;
  make: (doc: Y.Doc) => void;
}

/** A document's copies: the one this device has, and the one that is to take its place. */
export interface Copies {
  before: Y.Doc;
  fresh: Y.Doc;
}

export interface Circumstances {
  me: UserId;
  /** There are changes of this device in it that the relay has not confirmed: the name of the group may be one of them. */
  isDirty: boolean;
  /** Own messages of this page that wait for their stamp: a damaged copy may have lost them. */
  waiting: ReadonlyMap<string, Message>;
}

/** In the order in which they are to be made. */
export function changesToCarry(kind: DocName['kind'], copies: Copies, circumstances: Circumstances): Change[] {
  switch (kind) {
    case 'page':
      return [
        ...messages(copies, circumstances),
        ...deletions(copies, circumstances.me),
        ...reactions(copies, circumstances.me, reactionsOf),
        ...reactions(copies, circumstances.me, votesOf),
      ];
    case 'conversation':
      return [...meta(copies, circumstances), ...pins(copies, circumstances.me)];
    case 'personal':
      return personal(copies);
  }
}

function messages({ before, fresh }: Copies, { me, waiting }: Circumstances): Change[] {
  const mine = new Map(waiting);
  for (const { key, value } of ahead({ before, fresh }, messagesOf))
    // What is left of a call the relay writes in this person's name, and nobody else.
    if (value?.by === me && value.call === undefined) mine.set(key, value);
  const there = messagesOf(fresh);
  const settled = new Set<string>([...orderOf(fresh).map(([, id]) => id), ...deletedOf(fresh).keys()]);
  const change = (what: 'message' | 'edit', key: string, value: Message): Change => {
    const make = (doc: Y.Doc) => void messagesOf(doc).set(key, value);
    return { what, key, text: value.text, make };
  };
  return [...mine]
    .sort(([, a], [, b]) => a.at - b.at)
    .flatMap(([key, value]) => {
      const now = there.get(key);
      if (now !== undefined) return (value.editedAt ?? 0) > (now.editedAt ?? 0) ? [change('edit', key, value)] : [];
      return settled.has(key) ? [] : [change('message', key, value)];
    });
}

function deletions({ before, fresh }: Copies, me: UserId): Change[] {
  return [...deletedOf(before)].flatMap(([key, trace]) => {
    if (trace.by !== me || !messagesOf(fresh).has(key)) return [];
    const make = (doc: Y.Doc) => {
      messagesOf(doc).delete(key);
      deletedOf(doc).set(key, trace);
    };
    return [{ what: 'deletion' as const, key, text: '', make }];
  });
}

function reactions(copies: Copies, me: UserId, of: (doc: Y.Doc) => Y.Map<number>): Change[] {
  return [...ahead(copies, of)].flatMap(({ key, value, now }) => {
    if (parseReactionKey(key)?.user !== me || (value === undefined) === (now === undefined)) return [];
    const make = (doc: Y.Doc) => void (value === undefined ? of(doc).delete(key) : of(doc).set(key, value));
    return [{ what: 'reaction' as const, key, text: '', make }];
  });
}

/** Who gave a name is not written in it: what this device has not brought home may be its own, and a wish of this person. */
function meta(copies: Copies, { isDirty }: Circumstances): Change[] {
  if (!isDirty) return [];
  return [...ahead(copies, metaOf)].flatMap(({ key, value, now }) => {
    const what = EDITABLE_META.find((field): field is 'title' | 'topic' | 'avatar' => field === key);
    if (what === undefined || typeof value !== 'string' || value === now) return [];
    return [{ what, key, text: value, make: (doc: Y.Doc) => void metaOf(doc).set(key, value) }];
  });
}

function pins(copies: Copies, me: UserId): Change[] {
  const pinsOf = (doc: Y.Doc) => doc.getMap<Pin>('pins');
  return [...ahead(copies, pinsOf)].flatMap(({ key, value, now }) => {
    if (value?.by !== me || now !== undefined) return [];
    return [{ what: 'pin' as const, key, text: '', make: (doc: Y.Doc) => void pinsOf(doc).set(key, value) }];
  });
}

function personal(copies: Copies): Change[] {
  const drafts = copied(copies, draftsOf, (value) => ({ what: 'draft', text: value?.text ?? '' }));
  return [...drafts, ...copied(copies, prefsOf, () => ({ what: 'mark', text: '' }))];
}

function copied<T>(
  copies: Copies,
  of: (doc: Y.Doc) => Y.Map<T>,
  describe: (value: T | undefined) => Pick<Change, 'what' | 'text'>,
): Change[] {
  return [...ahead(copies, of)].flatMap(({ key, value, now }) => {
    if (JSON.stringify(value) === JSON.stringify(now)) return [];
    const make = (doc: Y.Doc) => void (value === undefined ? of(doc).delete(key) : of(doc).set(key, value));
    const { what, text } = describe(value);
    return [{ what, text, key: `${what}:${key}`, make }];
  });
}

/** The keys whose last change in `before` the fresh copy has never seen; undefined is a value that was removed, or is not there. */
function* ahead<T>(
  { before, fresh }: Copies,
  of: (doc: Y.Doc) => Y.Map<T>,
): Generator<{ key: ConversationId & string; value: T | undefined; now: T | undefined }> {
  const [here, there] = [of(before), of(fresh)];
  for (const [key, item] of here._map) {
    const other = there._map.get(key);
    // A removal has no number of its own: it is unseen when what was removed is there.
    const isUnseen = item.deleted ? other?.deleted === false && hasSeen(before, other) : !hasSeen(fresh, item);
    if (isUnseen) yield { key: key as ConversationId, value: here.get(key), now: there.get(key) };
  }
}

const hasSeen = ({ store }: Y.Doc, { id }: Y.Item): boolean => Y.getState(store, id.client) > id.clock;
