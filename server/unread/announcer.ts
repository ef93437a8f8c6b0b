/**
 * Tells members what changed in a conversation's row. Whatever happens within a short while becomes one reading of the tables and one
 * message to each member who is connected; a row is always read after what it announces, so the last one told is right.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { Background } from '../background.ts';
import type { PersonalRow } from './rows.ts';

/** How long changes wait for company. Short enough to look immediate, long enough that a burst is one row. */
const GATHER_MILLIS = 30;
/** A conversation with many listeners costs a row for each, so it gathers longer: this much more for each of them … */
const GATHER_MILLIS_PER_LISTENER = 2;
/** … but no longer than this. */
const GATHER_MAX_MILLIS = 500;

export interface AnnouncerParts {
  members(conversation: ConversationId): Promise<UserId[]>;
  /** Whether any of this person's sockets hears of rows. */
  listening(person: UserId): boolean;
  rows(conversation: ConversationId, people: readonly UserId[]): Promise<PersonalRow[]>;
  tell(person: UserId, message: RelayControl): void;
  failed(why: unknown): void;
}

interface Gathering {
  timer: ReturnType<typeof setTimeout>;
  /** Null means every member. */
  people: Set<UserId> | null;
}

export class Announcer {
  readonly #parts: AnnouncerParts;
  #gathering = new Map<ConversationId, Gathering>();
  #listeners = new Map<ConversationId, number>();
  readonly #telling: Background;
  #stopped = false;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#telling = new Background(parts.failed);
  }

  /** Something in the row changed: for all members, or only for these. */
  changed(conversation: ConversationId, people: readonly UserId[] | null = null): void {
    if (this.#stopped) return;
    const gathering = this.#gathering.get(conversation);
    if (gathering !== undefined) {
      if (people === null) gathering.people = null;
      else people.forEach((person) => gathering.people?.add(person));
      return;
    }
    const timer = setTimeout(() => this.#flush(conversation), this.#gatherMillis(conversation));
    this.#gathering.set(conversation, { timer, people: people === null ? null : new Set(people) });
  }

  #gatherMillis(conversation: ConversationId): number {
    return Math.min(
      GATHER_MAX_MILLIS,
      GATHER_MILLIS + GATHER_MILLIS_PER_LISTENER * (this.#listeners.get(conversation) ?? 0),
    );
  }

  #flush(conversation: ConversationId): void {
    const people = this.#gathering.get(conversation)?.people ?? null;
    this.#gathering.delete(conversation);
    this.#telling.run(() => this.#tell(conversation, people));
  }

  async #tell(conversation: ConversationId, people: Set<UserId> | null): Promise<void> {
    const all = people === null ? await this.#parts.members(conversation) : [...people];
    const listening = all.filter((person) => this.#parts.listening(person));
    if (people === null) this.#remember(conversation, listening.length);
    if (listening.length === 0) return;
    for (const { person, row } of await this.#parts.rows(conversation, listening)) {
      this.#parts.tell(person, { is: 'rows', rows: [row] });
    }
  }

  #remember(conversation: ConversationId, listeners: number): void {
    // Only what differs from "a few" is worth a place in memory.
    if (listeners < 5) this.#listeners.delete(conversation);
    else this.#listeners.set(conversation, listeners);
  }

  /** Drops what waits: the connections it would go to are closing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#gathering.values()) clearTimeout(timer);
    this.#gathering.clear();
    await this.#telling.stop();
  }
}
