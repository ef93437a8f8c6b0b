/**
 * A refused change must not poison an honest device: Yjs numbers a client's changes without gaps, so one refusal would block everything that this
 * device writes into that document afterwards. The same goes for a copy that the disk has damaged, and for one that knows more than a relay which was
 * restored from an older backup (docs/decisions/0011). The road out is one: get the relay's copy aside, make there again what is this person's and
 * is missing in it (under a fresh Yjs client id; messages keep their ids: still once), and only when the relay has taken that, put it in the place of
 * the old copy, in memory and on the disk at once. What the relay does not take even by itself is left out, and told.
 *
 * Until then the old copy stays: it is read, and written into, as without a network.
 */
import { type ConversationId, type UserId } from '#shared/ids.ts';
import { currentPage } from '#shared/model/conversation.ts';
import { conversationDoc, type DocName, parseDocName } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import * as Y from 'yjs';
import { isIncomplete } from '../local/disk-copy.ts';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import { oneTabAfterTheOther } from '../local/one-tab.ts';
import type { Answer, Aside } from './aside.ts';
import { type Change, changesToCarry } from './carry-over.ts';
import type { RelayLink } from './relay-link.ts';
import { settleWaiting, waitingOn } from './waiting-here.ts';

/** A document that is refused so often, although the relay had taken all that was carried over, would be refused for ever. */
const RESCUES_MAX_COUNT = 3;
const WITHIN_MS = 60_000;
const COPY = 'copy:';

/** Which copy of a document this device has; another word whenever a tab has put another in its place. */
export function copyOf(kept: Kept, doc: string): string {
  const copy = kept.table('kv').get(COPY + doc);
  return typeof copy === 'string' ? copy : '';
}

/** What could not be made again. `fault` is why. */
export interface Lost {
  doc: string;
  conversation: ConversationId | null;
  fault: string;
  changes: Change[];
}

export interface RescueParts {
  me: UserId;
  kept: Kept;
  documents: Documents;
  link: RelayLink;
  scope: string;
  /** Own messages wait again, on another page than they were written into. */
  moved: () => void;
  lost: (lost: Lost) => void;
}

export class Rescue {
  readonly #parts: RescueParts;
  readonly #times = new Map<string, number[]>();
  readonly #running = new Set<string>();
  /** The relay could not be reached meanwhile: to be tried again when it is back, with why. */
  readonly #postponed = new Map<string, string>();

  constructor(parts: RescueParts) {
    this.#parts = parts;
  }

  start(): void {
    const { documents, link, kept } = this.#parts;
    // The end of a copy may be missing without a trace; what waits is kept apart from it, and is shown again also without a network.
    documents.on('loaded', ({ name, doc }) => {
      const page = parseDocName(name);
      if (page?.kind === 'page') settleWaiting(kept, page, doc);
    });
    link.on('synced', (name) => {
      const open = documents.get(name);
      // Nobody has what it waits for, or the disk would be as damaged at the next start.
      if (open !== undefined && (open.isDamaged || isIncomplete(open.doc))) void this.rescue(name, 'damaged');
    });
    link.on('state', (state) => {
      if (state !== 'open') return;
      for (const [name, why] of [...this.#postponed]) void this.rescue(name, why);
    });
    kept.on('change', (table) => table === 'kv' && this.#followOtherTabs());
  }

  /** `why`: the relay's fault, or what is wrong with the copy here. */
  async rescue(doc: string, why: string): Promise<void> {
    const name = parseDocName(doc);
    if (name === null || this.#running.has(doc)) return;
    this.#running.add(doc);
    this.#postponed.delete(doc);
    const held = this.#parts.documents.hold(doc);
    try {
      await held.loaded;
      await oneTabAfterTheOther(`${this.#parts.scope}:rescue:${doc}`, async () => {
        const done = await this.#rescue(held, name, why);
        if (!done) this.#postponed.set(doc, why);
      });
    } finally {
      this.#running.delete(doc);
      held.release();
    }
  }

  /** Whether it came to an end. */
  async #rescue(held: Held, name: DocName, why: string): Promise<boolean> {
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
    this.#parts.kept.put('kv', COPY + doc, copy);
  }

  #followOtherTabs(): void {
    const { documents, kept } = this.#parts;
    for (const open of documents.open) {
      if (this.#running.has(open.name) || copyOf(kept, open.name) === open.copy) continue;
      void this.#follow(open.name);
    }
  }

  /** What only this tab had comes along: its last words may not have reached the other one. */
  async #follow(doc: string): Promise<void> {
    const { documents, kept, me } = this.#parts;
    const name = parseDocName(doc);
    if (name === null) return;
    this.#running.add(doc);
    try {
      const before = await documents.readAgain(doc);
      const fresh = documents.get(doc)?.doc;
      if (before === null || fresh === undefined) return;
      const waiting = name.kind === 'page' ? waitingOn(kept, name) : new Map<never, never>();
      const changes = changesToCarry(name.kind, { before, fresh }, { me, isDirty: false, waiting });
      fresh.transact(() => changes.forEach((change) => change.make(fresh)));
    } finally {
      this.#running.delete(doc);
    }
  }
}

const newCopy = (): string => `:${Math.random().toString(36).slice(2, 10)}`;

const conversationOf = (name: DocName): ConversationId | null => (name.kind === 'personal' ? null : name.conversation);

async function make(aside: Aside, changes: readonly Change[]): Promise<Answer> {
  if (changes.length === 0) return { is: 'yes' };
  aside.doc.transact(() => changes.forEach((change) => change.make(aside.doc)));
  return await aside.taken();
}
