/**
 * Tells members what changed in a conversation's row. Whatever happens within a short while becomes one reading of the tables and one
 * message to each member who is connected. A row is always read after what it announces, and one reading of a conversation is told before the
 * next begins, so the last one told is right.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { RowChange } from '#shared/protocol/overview.ts';
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
  /** With its members, or as a change that is not about them. */
  rows(
    conversation: ConversationId,
    people: readonly UserId[],
    withMembers: boolean,
  ): Promise<PersonalRow<RowChange>[]>;
  tell(person: UserId, message: RelayControl): void;
  failed(why: unknown): void;
}

interface Gathering {
  timer: ReturnType<typeof setTimeout>;
  /** Null means every member. */
  people: Set<UserId> | null;
  withMembers: boolean;
}

export interface Change {
  /** Whose row; all members' when left out. */
  people?: readonly UserId[];
  /** Somebody came, went, or is called or may do something else. */
  members?: boolean;
}

export class Announcer {
  readonly #parts: AnnouncerParts;
  #gathering = new Map<ConversationId, Gathering>();
  #listeners = new Map<ConversationId, number>();
  /** The last of what is being told of each conversation. */
  readonly #lines = new Map<ConversationId, Promise<void>>();
  readonly #telling: Background;
  #stopped = false;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#telling = new Background(parts.failed);
  }

  /** Something in the row changed. */
  changed(conversation: ConversationId, { people, members = false }: Change = {}): void {
    if (this.#stopped) return;
    const gathering = this.#gathering.get(conversation);
    if (gathering !== undefined) {
      gathering.withMembers ||= members;
      if (people === undefined) gathering.people = null;
      else people.forEach((person) => gathering.people?.add(person));
      return;
    }
    const timer = setTimeout(() => this.#flush(conversation), this.#gatherMillis(conversation));
    this.#gathering.set(conversation, {
      timer,
      people: people === undefined ? null : new Set(people),
      withMembers: members,
    });
  }

  /** This person is no longer in it. Behind a row of theirs that is being read: it would bring the conversation back. */
  gone(conversation: ConversationId, person: UserId): void {
    this.#inLine(conversation, () => {
      this.#parts.tell(person, { is: 'gone', conversation });
      return Promise.resolve();
    });
  }

  #gatherMillis(conversation: ConversationId): number {
    return Math.min(
      GATHER_MAX_MILLIS,
      GATHER_MILLIS + GATHER_MILLIS_PER_LISTENER * (this.#listeners.get(conversation) ?? 0),
    );
  }

  #flush(conversation: ConversationId): void {
    const gathering = this.#gathering.get(conversation);
    if (gathering === undefined) return;
    this.#gathering.delete(conversation);
    this.#inLine(conversation, () => this.#tell(conversation, gathering));
  }

  #inLine(conversation: ConversationId, tell: () => Promise<void>): void {
    const before = this.#lines.get(conversation);
    const telling = before === undefined ? tell() : before.then(tell, tell);
    this.#lines.set(conversation, telling);
    const done = (): void => {
      if (this.#lines.get(conversation) === telling) this.#lines.delete(conversation);
    };
    telling.then(done, done);
    this.#telling.run(() => telling);
  }

  async #tell(conversation: ConversationId, { people, withMembers }: Gathering): Promise<void> {
    const all = people === null ? await this.#parts.members(conversation) : [...people];
    const listening = all.filter((person) => this.#parts.listening(person));
    if (people === null) this.#remember(conversation, listening.length);
    if (listening.length === 0) return;
    for (const { person, row } of await this.#parts.rows(conversation, listening, withMembers)) {
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
