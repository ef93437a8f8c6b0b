/**
 * How another copy of a document is put in the place of the one that is here (rescue.ts says when, and why). The relay's copy is got aside, what is this
 * person's and is missing in it is made there again (under a fresh Yjs client id; messages keep their ids: still once), and only when the relay has taken
 * that, it takes the place of the old copy, in memory and on the disk at once. What the relay does not take even by itself is left out, and told.
 *
 * Until then the old copy stays: it is read, and written into, as without a network.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { currentPage } from '#shared/model/conversation.ts';
import { conversationDoc, type DocName } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import * as Y from 'yjs';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import type { Answer, Aside } from './aside.ts';
import { type Change, changesToCarry } from './carry-over.ts';
import { nameCopy } from './copies.ts';
import type { RelayLink } from './relay-link.ts';
import { waitingOn } from './waiting-here.ts';

/** A document that is refused so often, although the relay had taken all that was carried over, would be refused for ever. */
const RESCUES_MAX_COUNT = 3;
const WITHIN_MS = 60_000;

/** What could not be made again. `fault` is why. */
export interface Lost {
  doc: string;
  conversation: ConversationId | null;
  fault: string;
  changes: Change[];
}

export interface ReplacingParts {
  me: UserId;
  kept: Kept;
  documents: Documents;
  link: RelayLink;
  /** Own messages wait again, on another page than they were written into. */
  moved: () => void;
  lost: (lost: Lost) => void;
}

export class Replacing {
  readonly #parts: ReplacingParts;
  readonly #times = new Map<string, number[]>();

  constructor(parts: ReplacingParts) {
    this.#parts = parts;
  }

  /** Whether it came to an end. */
  async rescue(held: Held, name: DocName, why: string): Promise<boolean> {
    const times = (this.#times.get(held.name) ?? []).filter((at) => Date.now() - at < WITHIN_MS);
    let aside = this.#parts.link.aside(held.name);
    try {
      const arrived = await aside.arrived();
      if (arrived.is === 'refused' && name.kind === 'page') return await this.#leavePage(held, name);
      if (arrived.is !== 'yes') return arrived.is === 'refused';
      const lost: Lost = { doc: held.name, conversation: conversationOf(name), fault: why, changes: [] };
      const wanted = this.#changes(held, name, aside.doc);
      if (times.length >= RESCUES_MAX_COUNT) lost.changes = wanted;
      else {
        this.#wait(name, held.doc, wanted);
        const taken = await make(aside, wanted);
        if (taken.is === 'unreachable') return false;
        if (taken.is === 'refused') {
          aside.stop();
          const tried = await this.#oneByOne(held.name, wanted, lost);
          if (tried === null) return false;
          aside = tried;
        }
      }
      this.#times.set(held.name, [...times, Date.now()]);
      // Told before it is gone from here.
      if (lost.changes.length > 0) this.#parts.lost(lost);
      await this.#replace(held, name, aside, lost.changes);
      return true;
    } finally {
      aside.stop();
    }
  }

  #changes(held: Held, name: DocName, fresh: Y.Doc): Change[] {
    const { me, kept } = this.#parts;
    const isDirty = [...kept.table('dirty').values()].some((mark) => mark.doc === held.name);
    const waiting = name.kind === 'page' ? waitingOn(kept, name) : new Map<never, never>();
    return changesToCarry(name.kind, { before: held.doc, fresh }, { me, isDirty, waiting });
  }

  /** One of them is refused: each by itself, on a channel of its own. Answers with the relay's copy after that; null when it is out of reach. */
  async #oneByOne(doc: string, changes: readonly Change[], lost: Lost): Promise<Aside | null> {
    let aside = this.#parts.link.aside(doc);
    for (const change of changes) {
      const arrived = await aside.arrived();
      const taken = arrived.is === 'yes' ? await make(aside, [change]) : arrived;
      if (taken.is === 'yes') continue;
      aside.stop();
      if (taken.is === 'unreachable' || arrived.is !== 'yes') return null;
      lost.fault = taken.fault;
      lost.changes.push(change);
      aside = this.#parts.link.aside(doc);
    }
    if ((await aside.arrived()).is === 'yes') return aside;
    aside.stop();
    return null;
  }

  /** From here to the new copy nothing waits: what was written here until this moment comes with it. */
  async #replace(held: Held, name: DocName, aside: Aside, lost: readonly Change[]): Promise<void> {
    const { kept, documents } = this.#parts;
    const left = new Set(lost.map(({ what, key }) => `${what} ${key}`));
    const late = this.#changes(held, name, aside.doc).filter(({ what, key }) => !left.has(`${what} ${key}`));
    aside.stop();
    this.#wait(name, held.doc, late);
    aside.doc.transact(() => late.forEach((change) => change.make(aside.doc)));
    const copy = newCopy();
    const open = documents.replace(held.name, aside.doc, copy);
    this.#forgetMarks(held.name);
    if (late.length > 0) kept.put('dirty', `${held.name} ${kept.tab}`, { doc: held.name, tab: kept.tab });
    if (name.kind === 'page') this.#waitNoMore(name, aside.doc, left);
    await this.#tellOtherTabs(held.name, copy, open.written());
  }

  /** What had a stamp and lost it waits for another. Before it is sent: the stamp may be seen on any page. */
  #wait(name: DocName, before: Y.Doc, changes: readonly Change[]): void {
    if (name.kind !== 'page') return;
    const { conversation, page } = name;
    const rows = changes.flatMap(({ what, key }) => {
      const message = messagesOf(before).get(key);
      return what === 'message' && message !== undefined ? [[key, { conversation, page, message }] as const] : [];
    });
    this.#parts.kept.putAll('waiting', rows);
  }

  /** What has its stamp in the new copy waits no more, nor does what could not be made again. */
  #waitNoMore(page: { conversation: ConversationId; page: number }, doc: Y.Doc, left: ReadonlySet<string>): void {
    const { kept } = this.#parts;
    const stamped = new Set<string>(orderOf(doc).map(([, id]) => id));
    const done = [...waitingOn(kept, page).keys()].filter(
      (id) => stamped.has(id) || deletedOf(doc).has(id) || left.has(`message ${id}`),
    );
    void kept.remove('waiting', ...done);
  }

  /** The relay has no such page any more, or not yet again: what is mine on it goes to the page that the relay calls current. */
  async #leavePage(held: Held, name: { conversation: ConversationId; page: number }): Promise<boolean> {
    const { kept, documents, link, me, moved } = this.#parts;
    const mine = changesToCarry(
      'page',
      { before: held.doc, fresh: new Y.Doc() },
      { me, isDirty: false, waiting: waitingOn(kept, name) },
    ).flatMap(({ what, key }) => (what === 'message' ? [key] : []));
    if (messagesOf(held.doc).size === 0 && orderOf(held.doc).length === 0 && mine.length === 0) return true;
    const root = link.aside(conversationDoc(name.conversation));
    try {
      const arrived = await root.arrived();
      // Not a member any more: that is told of the conversation.
      if (arrived.is !== 'yes') return arrived.is === 'refused';
      const page = currentPage(root.doc);
      if (page >= name.page) return true;
      const rows = mine.flatMap((id) => {
        const message = messagesOf(held.doc).get(id) ?? kept.table('waiting').get(id)?.message;
        return message === undefined ? [] : [[id, { conversation: name.conversation, page, message }] as const];
      });
      kept.putAll('waiting', rows);
      const copy = newCopy();
      const open = documents.replace(held.name, new Y.Doc(), copy);
      this.#forgetMarks(held.name);
      await this.#tellOtherTabs(held.name, copy, open.written());
      moved();
      return true;
    } finally {
      root.stop();
    }
  }

  #forgetMarks(doc: string): void {
    const { kept } = this.#parts;
    const marks = [...kept.table('dirty')].flatMap(([key, mark]) => (mark.doc === doc ? [key] : []));
    void kept.remove('dirty', ...marks);
  }

  /** Not before the disk has it: that is where they take it from. */
  async #tellOtherTabs(doc: string, copy: string, written: Promise<void>): Promise<void> {
    await written.catch(() => undefined);
    nameCopy(this.#parts.kept, doc, copy);
  }

  /** What only this tab had comes along: its last words may not have reached the other one. */
  async follow(doc: string, name: DocName): Promise<void> {
    const { documents, kept, me } = this.#parts;
    const before = await documents.readAgain(doc);
    const fresh = documents.get(doc)?.doc;
    if (before === null || fresh === undefined) return;
    const waiting = name.kind === 'page' ? waitingOn(kept, name) : new Map<never, never>();
    const changes = changesToCarry(name.kind, { before, fresh }, { me, isDirty: false, waiting });
    fresh.transact(() => changes.forEach((change) => change.make(fresh)));
  }
}

const newCopy = (): string => `:${Math.random().toString(36).slice(2, 10)}`;

const conversationOf = (name: DocName): ConversationId | null => (name.kind === 'personal' ? null : name.conversation);

async function make(aside: Aside, changes: readonly Change[]): Promise<Answer> {
  if (changes.length === 0) return { is: 'yes' };
  aside.doc.transact(() => changes.forEach((change) => change.make(aside.doc)));
  return await aside.taken();
}
