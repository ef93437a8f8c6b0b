/**
 * A refused change must not poison an honest device. Yjs numbers a client's changes without gaps, so one refusal would block everything
 * this device writes into that document afterwards. So: keep aside what is this person's and has no stamp, throw the local copy away, get the
 * relay's, and write what was kept again under a fresh Yjs client id. The ids of the messages stay: still once. What cannot be kept is told.
 */
import * as v from 'valibot';
import type { ConversationId } from '#shared/ids.ts';
import { parseDocName } from '#shared/model/doc-names.ts';
import { Message } from '#shared/model/message.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { Draft, draftsOf } from '#shared/model/personal.ts';
import type { Documents, Held } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import type { RelayLink } from './relay-link.ts';

const SYNC_AT_MOST_MS = 30_000;
/** What is refused again so soon would be refused for ever. */
const ONCE_PER_MS = 60_000;

export interface Lost {
  conversation: ConversationId;
  texts: string[];
}

export class Rescue {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #link: RelayLink;
  readonly #lastAt = new Map<string, number>();

  constructor(parts: { kept: Kept; documents: Documents; link: RelayLink }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#link = parts.link;
  }

  /** Answers with the texts that could not be written again; null when nothing was lost. */
  async rescue(doc: string): Promise<Lost | null> {
    const again = Date.now() - (this.#lastAt.get(doc) ?? 0) < ONCE_PER_MS;
    this.#lastAt.set(doc, Date.now());
    const name = parseDocName(doc);
    if (name === null) return null;
    const held = this.#documents.hold(doc);
    try {
      await held.loaded;
      if (name.kind === 'page') return await this.#page(held, name, again);
      const drafts = name.kind === 'personal' && !again ? [...draftsOf(held.doc)] : [];
      await this.#replace(held);
      held.doc.transact(() => {
        for (const [conversation, draft] of drafts) if (v.is(Draft, draft)) draftsOf(held.doc).set(conversation, draft);
      });
      return null;
    } finally {
      held.release();
    }
  }

  async #page(held: Held, page: { conversation: ConversationId; page: number }, again: boolean): Promise<Lost | null> {
    const mine = [...this.#kept.table('waiting')].flatMap(([id, waiting]) => {
      if (waiting.conversation !== page.conversation || waiting.page !== page.page) return [];
      return [{ id, text: waiting.message.text, value: messagesOf(held.doc).get(id) ?? waiting.message }];
    });
    await this.#replace(held);
    const stamped = new Set<string>(orderOf(held.doc).map(([, id]) => id));
    const lost: string[] = [];
    held.doc.transact(() => {
      for (const { id, text, value } of mine) {
        if (stamped.has(id)) continue;
        if (!again && v.is(Message, value)) {
          messagesOf(held.doc).set(id, value);
          continue;
        }
        lost.push(text);
        void this.#kept.remove('waiting', id);
      }
    });
    return lost.length === 0 ? null : { conversation: page.conversation, texts: lost };
  }

  async #replace(held: Held): Promise<void> {
    await this.#documents.throwAway(held.name);
    const marks = [...this.#kept.table('dirty')].flatMap(([key, mark]) => (mark.doc === held.name ? [key] : []));
    await this.#kept.remove('dirty', ...marks);
    await held.loaded;
    await this.#link.whenSynced(held.name, SYNC_AT_MOST_MS);
  }
}
