/**
 * What the witnesses know: which messages were written, by whom, and which number each was seen to have, on any device or in any answer. What was
 * seen once must be true for ever: two numbers for one message, or two messages for one number, are faults at once.
 */
import type { ConversationId, MessageId } from '#shared/ids.ts';
import type { Sql } from '../storage/sql.ts';

export class Ledger {
  readonly faults: string[] = [];
  /** Every message that somebody wrote and whose text is still wanted somewhere: those that were deleted may or may not have been stamped. */
  readonly written = new Map<MessageId, ConversationId>();
  readonly deleted = new Set<MessageId>();
  readonly #seen = new Map<MessageId, { conversation: ConversationId; seq: number }>();
  readonly #numbers = new Map<string, MessageId>();

  wrote(conversation: ConversationId, id: MessageId): void {
    this.written.set(id, conversation);
  }

  /** A device or a program was told that this message has this number: the relay's word that it is on disk. */
  saw(conversation: ConversationId, id: MessageId, seq: number): void {
    const before = this.#seen.get(id);
    const other = this.#numbers.get(`${conversation}/${seq}`);
    if (before !== undefined && before.seq !== seq) this.faults.push(`${id} was number ${before.seq} and is ${seq}`);
    if (other !== undefined && other !== id)
      this.faults.push(`number ${seq} of ${conversation} was ${other} and is ${id}`);
    this.#seen.set(id, { conversation, seq });
    this.#numbers.set(`${conversation}/${seq}`, id);
  }

  hasSeen(id: MessageId): boolean {
    return this.#seen.has(id);
  }

  get seenCount(): number {
    return this.#seen.size;
  }

  /** Whether everything that was seen is on disk; a sentence for each that is not. */
  async compare(sql: Sql): Promise<string[]> {
    const rows = await sql<{ id: MessageId; conversation: ConversationId; seq: number }[]>`
      select id, conversation, seq from messages`;
    const stored = new Map(rows.map((row) => [row.id, row]));
    const lost: string[] = [];
    for (const [id, { conversation, seq }] of this.#seen) {
      const row = stored.get(id);
      if (row === undefined) lost.push(`${id}, seen as number ${seq}, is lost`);
      else if (row.seq !== seq || row.conversation !== conversation)
        lost.push(`${id}, seen as number ${seq}, is number ${row.seq} on the disk`);
    }
    return lost;
  }

  /** Once everybody is back and all has settled: what was written and has no number. */
  missing(): MessageId[] {
    return [...this.written.keys()].filter((id) => !this.#seen.has(id) && !this.deleted.has(id));
  }
}
