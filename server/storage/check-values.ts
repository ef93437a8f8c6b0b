/**
 * Whether what lies in a document may lie there: its roots are the document's own, every value satisfies its schema, and whoever wrote a key is
 * the one whom the key or the value names (or the relay). The judge of updates (sync/authorize.ts) looks at what comes in; this looks, with eyes
 * of its own, at what has come to lie on the disk.
 */
import * as v from 'valibot';
import * as Y from 'yjs';
import { isConversationId, isMessageId, isUserId, type UserId } from '#shared/ids.ts';
import {
  CONVERSATION_ROOTS,
  EDITABLE_META,
  Member,
  META_FIELDS,
  type MetaField,
  Pin,
} from '#shared/model/conversation.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { Message } from '#shared/model/message.ts';
import { Millis } from '#shared/model/millis.ts';
import { Deletion, PAGE_ROOTS, parseReactionKey, Stamp } from '#shared/model/page.ts';
import { Draft, PERSONAL_ROOTS, Preference, ReadSeq } from '#shared/model/personal.ts';

/** Whose a Yjs client id is: null is the relay's own, undefined nobody's. */
export type Owners = ReadonlyMap<number, UserId | null>;

const ROOTS: Record<DocName['kind'], readonly string[]> = {
  conversation: CONVERSATION_ROOTS,
  page: PAGE_ROOTS,
  personal: PERSONAL_ROOTS,
};

/** A sentence for each fault. */
export function valueFaults(doc: Y.Doc, name: DocName, owners: Owners): string[] {
  const faults: string[] = [];
  for (const client of doc.store.clients.keys())
    if (!owners.has(client)) faults.push(`the Yjs client ${client} belongs to nobody`);
  for (const root of doc.share.keys())
    if (!ROOTS[name.kind].includes(root)) faults.push(`has a root "${root.slice(0, 40)}"`);
  for (const root of ROOTS[name.kind]) {
    if (root === 'order') faults.push(...orderFaults(doc, owners));
    else
      for (const [key, item] of doc.getMap(root)._map) {
        if (item.deleted) continue;
        const fault = entryFault(name, root, key, item, owners.get(item.id.client));
        if (fault !== null) faults.push(`${root}/${key.slice(0, 80)} ${fault}`);
      }
  }
  return faults;
}

function orderFaults(doc: Y.Doc, owners: Owners): string[] {
  const faults: string[] = [];
  for (let item = doc.getArray('order')._start; item !== null; item = item.right) {
    const owner = owners.get(item.id.client);
    if (owner !== null && owner !== undefined) faults.push(`order holds what ${owner} wrote`);
    if (item.deleted) faults.push('order has lost a stamp');
    else
      for (const stamp of item.content.getContent())
        if (!v.is(Stamp, stamp)) faults.push(`order holds ${JSON.stringify(stamp).slice(0, 80)}, which is no stamp`);
  }
  return faults;
}

/** Who may have written an entry beside the relay: a person, or nobody. */
type Author = UserId | null;

function entryFault(
  name: DocName,
  root: string,
  key: string,
  item: Y.Item,
  owner: UserId | null | undefined,
): string | null {
  const values = item.content.getContent() as unknown[];
  if (!(item.content instanceof Y.ContentAny)) return 'is not a plain value';
  const author = authorOf(name, root, key, values.at(-1));
  if (author === undefined)
    return `has a key or a value that is not allowed: ${JSON.stringify(values.at(-1)).slice(0, 120)}`;
  // Nobody's client id has been told already.
  return owner == null || author === 'anybody' || owner === author ? null : `was written by ${owner}`;
}

/** Undefined when key or value are not allowed. `anybody`: of those who may, and who that was at the time nobody can tell any more. */
function authorOf(name: DocName, root: string, key: string, value: unknown): Author | 'anybody' | undefined {
  switch (root) {
    case 'messages':
      return isMessageId(key) ? read(Message, value)?.by : undefined;
    case 'deleted':
      return isMessageId(key) ? read(Deletion, value)?.by : undefined;
    case 'pins':
      return isMessageId(key) ? read(Pin, value)?.by : undefined;
    case 'reactions':
    case 'votes':
      return v.is(Millis, value) ? parseReactionKey(key)?.user : undefined;
    case 'members':
      return isUserId(key) && v.is(Member, value) ? null : undefined;
    case 'pages':
      return key === 'current' && Number.isInteger(value) ? null : undefined;
    case 'meta':
      if (!Object.hasOwn(META_FIELDS, key) || !v.is(META_FIELDS[key as MetaField], value)) return undefined;
      return EDITABLE_META.includes(key as MetaField) ? 'anybody' : null;
    default: {
      const schema = root === 'drafts' ? Draft : root === 'read' ? ReadSeq : Preference;
      return name.kind === 'personal' && isConversationId(key) && v.is(schema, value) ? name.user : undefined;
    }
  }
}

function read<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}
