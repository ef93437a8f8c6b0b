/**
 * How far this person has read (R9). A mark is kept here before it is told, and told again until the relay shows that it knows. It is in no document:
 * marks move with every message that is seen, and a map in Yjs keeps a trace of every value it ever had.
 */
import type { ConversationId } from '#shared/ids.ts';
import { MARKS_MAX_COUNT } from '#shared/limits.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import type { Kept } from '../local/kept.ts';
import type { RelayLink } from './relay-link.ts';

/** Scrolling moves a mark often. */
const GATHER_MS = 300;

export class ReadMarks {
  readonly #kept: Kept;
  readonly #link: RelayLink;
  readonly #moved: () => void;
  /** Moved a moment ago: not yet kept, nor told. */
  readonly #moving = new Map<ConversationId, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `moved` hears of marks that are not in the table yet. */
  constructor(parts: { kept: Kept; link: RelayLink; moved: () => void }) {
    this.#kept = parts.kept;
    this.#link = parts.link;
    this.#moved = parts.moved;
  }

  /** After whoever keeps what the relay says: it is read from there. */
  start(): void {
    this.#link.on('overview', this.#tellAgain);
  }

  stop(): void {
    this.flush();
    this.#link.off('overview', this.#tellAgain);
  }

  /** Up to where this person has read: here, or on another device as far as is known. */
  seq(id: ConversationId): number {
    const row = this.#kept.table('overview').get(id);
    return Math.max(row?.readSeq ?? 0, this.#kept.table('read').get(id) ?? 0, this.#moving.get(id) ?? 0);
  }

  /** Moves a mark on; never back. */
  mark(id: ConversationId, seq: number): void {
    if (seq <= this.seq(id)) return;
    this.#moving.set(id, seq);
    this.#moved();
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Keeps and tells at once what waits for a moment of quiet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const moving = [...this.#moving];
    this.#moving.clear();
    this.#kept.putAll('read', moving);
    if (this.#link.isOpen) this.#tell(moving);
  }

  /** It was offline, or the relay broke off before it wrote them. */
  readonly #tellAgain = (rows: readonly OverviewRow[]): void => {
    const kept = this.#kept.table('read');
    this.#tell(
      rows.flatMap(({ id, readSeq, lastSeq }) => {
        const seq = Math.min(kept.get(id) ?? 0, lastSeq);
        return seq > readSeq ? [[id, seq] as const] : [];
      }),
    );
  };

  #tell(moved: readonly (readonly [ConversationId, number])[]): void {
    const marks = moved.map(([conversation, seq]) => ({ conversation, seq }));
    for (let at = 0; at < marks.length; at += MARKS_MAX_COUNT)
      this.#link.say({ is: 'read', marks: marks.slice(at, at + MARKS_MAX_COUNT) });
  }
}
