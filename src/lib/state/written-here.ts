/**
 * What the list shows of a conversation before the relay's own row does: a new name, and the last message when it was edited or deleted here.
 * Kept beside the documents, so that the list has it without opening them.
 */
import type { ConversationId, MessageId } from '#shared/ids.ts';
import { PREVIEW_MAX_CHARS } from '#shared/limits.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import type { LastMessage, OverviewRow } from '#shared/protocol/overview.ts';
import type { Kept } from '../local/kept.ts';

type What = 'title' | 'last';

/** In the place of the row's last message, for as long as the relay says nothing else. */
interface LastHere {
  insteadOf: Pick<LastMessage, 'id' | 'text'>;
  last: LastMessage | null;
}

const keyOf = (what: What, id: ConversationId): string => `${what}:${id}`;

export class WrittenHere {
  readonly #kept: Kept;
  readonly #kv: () => ReadonlyMap<string, unknown>;

  /** `kv`: the table of single values; reading it is reactive. */
  constructor(kept: Kept, kv: () => ReadonlyMap<string, unknown>) {
    this.#kept = kept;
    this.#kv = kv;
  }

  title(id: ConversationId): string | undefined {
    const title = this.#kv().get(keyOf('title', id));
    return typeof title === 'string' ? title : undefined;
  }

  rename(id: ConversationId, title: string): void {
    this.#kept.put('kv', keyOf('title', id), title);
  }

  last(row: Pick<OverviewRow, 'id' | 'last'>): LastMessage | null {
    const here = this.#kv().get(keyOf('last', row.id)) as LastHere | undefined;
    const isAsBefore = here?.insteadOf.id === row.last?.id && here?.insteadOf.text === row.last?.text;
    return here !== undefined && isAsBefore ? here.last : row.last;
  }

  /** A message was edited here. */
  edited(row: OverviewRow, id: MessageId, text: string): void {
    const last = this.last(row);
    if (last?.id === id) this.#putLast(row, { ...last, text: text.slice(0, PREVIEW_MAX_CHARS) });
  }

  /** A message was deleted here. `before`: the one that is the last now. */
  deleted(row: OverviewRow, id: MessageId, before: LastMessage | null): void {
    if (this.last(row)?.id === id) this.#putLast(row, before);
  }

  forget(what: What, id: ConversationId): void {
    void this.#kept.remove('kv', keyOf(what, id));
  }

  /** The relay has said these rows, and it has what was written here: they say it all. */
  settle(rows: readonly OverviewRow[]): void {
    const kv = this.#kept.table('kv');
    const dirty = [...this.#kept.table('dirty').values()].map(({ doc }) => doc);
    const settled = rows.flatMap(({ id }) => {
      const root = conversationDoc(id);
      const title = dirty.includes(root) ? [] : [keyOf('title', id)];
      const last = dirty.some((doc) => doc.startsWith(`${root}:`)) ? [] : [keyOf('last', id)];
      return [...title, ...last].filter((key) => kv.has(key));
    });
    void this.#kept.remove('kv', ...settled);
  }

  #putLast({ id, last: insteadOf }: OverviewRow, last: LastMessage | null): void {
    if (insteadOf === null) return;
    const here: LastHere = { insteadOf: { id: insteadOf.id, text: insteadOf.text }, last };
    this.#kept.put('kv', keyOf('last', id), here);
  }
}
