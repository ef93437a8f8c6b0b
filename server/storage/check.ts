/**
 * Looks at everything that is stored: rebuilds each document from its snapshot and its log, and compares it with itself and with the tables.
 * Reads one moment of the database (a snapshot of its own), so it may run beside a relay. The largest conversation has to fit into memory.
 */
import * as Y from 'yjs';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { conversationDoc, type DocName, pageDoc, parseDocName } from '#shared/model/doc-names.ts';
import { callFaults, type CheckedCall } from './check-calls.ts';
import { ConversationCheck } from './check-conversation.ts';
import { valueFaults } from './check-values.ts';
import type { Conversation } from './conversations.ts';
import type { MemberRow } from './members.ts';
import type { IndexedMessage } from './messages.ts';
import type { Sql, Transaction } from './sql.ts';

export interface Finding {
  /** A document, or the root of the conversation that it is about. */
  document: string;
  what: string;
}

export interface Checked {
  documents: number;
  conversations: number;
  messages: number;
  findings: Finding[];
}

export async function checkDocuments(sql: Sql): Promise<Checked> {
  return sql.begin('isolation level repeatable read read only', (tx) => new Check(tx).run());
}

class Check {
  readonly #tx: Transaction;
  readonly #checked: Checked = { documents: 0, conversations: 0, messages: 0, findings: [] };

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async run(): Promise<Checked> {
    const pages = new Map<ConversationId, number[]>();
    const roots = new Set<ConversationId>();
    const people = new Set((await this.#tx<{ id: UserId }[]>`select id from users`).map(({ id }) => id));
    const stored = await this.#tx<{ document: string }[]>`
      select document from snapshots union select document from updates union select document from document_clients`;
    for (const { document } of stored) {
      const name = parseDocName(document);
      if (name === null) this.#find(document, 'has a name that no document has');
      else if (name.kind === 'page') pages.set(name.conversation, [...(pages.get(name.conversation) ?? []), name.page]);
      else if (name.kind === 'conversation') roots.add(name.conversation);
      else {
        if (!people.has(name.user)) this.#find(document, 'belongs to nobody here');
        (await this.#rebuild(document, name)).destroy();
      }
    }
    const conversations = await this.#tx<{ id: ConversationId }[]>`select id from conversations order by id`;
    for (const { id } of conversations) {
      await this.#conversation(id, pages.get(id) ?? []);
      pages.delete(id);
      roots.delete(id);
    }
    for (const id of new Set([...pages.keys(), ...roots]))
      this.#find(conversationDoc(id), 'belongs to a conversation that does not exist');
    return this.#checked;
  }

  async #conversation(id: ConversationId, pages: number[]): Promise<void> {
    const [row] = await this.#tx<Conversation[]>`
      select id, kind, title, topic, avatar, created_by, created_at, last_seq, history from conversations where id = ${id}`;
    if (row === undefined) return;
    const members = await this.#tx<(MemberRow & { read_seq: number })[]>`
      select m.user_id, m.role, u.name, m.joined_at, m.left_at, m.hidden_seq, m.read_seq
      from members m join users u on u.id = m.user_id where m.conversation = ${id}`;
    const index = await this.#tx<IndexedMessage[]>`
      select seq, id, page, author, stamped_at as "stampedAt", value, deleted
      from messages where conversation = ${id} order by seq`;
    const due = await this.#tx`select 1 from mirrors_due where conversation = ${id}`;
    const check = new ConversationCheck({ row, members, index, isMirrorDue: due.length > 0 });
    const root = await this.#rebuild(conversationDoc(id), { kind: 'conversation', conversation: id });
    check.root(root);
    root.destroy();
    for (const page of pages.sort((a, b) => a - b)) {
      const doc = await this.#rebuild(pageDoc(id, page), { kind: 'page', conversation: id, page });
      check.page(page, doc);
      doc.destroy();
    }
    const calls = await this.#tx<CheckedCall[]>`
      select id, caller, video, outcome, took_part, missed, trace, is_traced from calls where conversation = ${id}`;
    for (const what of [...check.faults(), ...callFaults(calls, index)]) this.#find(conversationDoc(id), what);
    this.#checked.conversations += 1;
    this.#checked.messages += index.length;
  }

  /** From the snapshot and then the log, in the order in which it was written. */
  async #rebuild(document: string, name: DocName): Promise<Y.Doc> {
    const doc = new Y.Doc();
    this.#checked.documents += 1;
    const parts = await this.#tx<{ bytes: Uint8Array; id: number }[]>`
      select bytes, 0::bigint as id from snapshots where document = ${document}
      union all select bytes, id from updates where document = ${document} order by id`;
    doc.transact(() => {
      for (const { id, bytes } of parts) {
        try {
          Y.applyUpdate(doc, bytes);
        } catch (error) {
          this.#find(document, `${id === 0 ? 'its snapshot' : `update ${id}`} cannot be read: ${String(error)}`);
        }
      }
    });
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null)
      this.#find(document, 'has changes that build on something that is not there');
    const owners = await this.#tx<{ client: number; person: UserId | null }[]>`
      select client, person from document_clients where document = ${document}`;
    const byClient = new Map(owners.map(({ client, person }) => [client, person]));
    for (const what of valueFaults(doc, name, byClient)) this.#find(document, what);
    return doc;
  }

  #find(document: string, what: string): void {
    this.#checked.findings.push({ document, what });
  }
}
