/**
 * Tells members what changed in a conversation's row. Whatever happens within a short while, in whichever conversations, becomes one reading of the
 * tables and one message to each member who is connected: what a busy relay pays for its lists does not grow with the number of messages. A row is
 * always read after what it announces, and one reading is told before the next begins, so the last one told is right.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { RowChange } from '#shared/protocol/overview.ts';
import type { Place, PersonalRow } from './rows.ts';

/** How long changes wait for company, and how often the tables are read at most. Short enough to look immediate. */
const GATHER_MILLIS = 50;
/** A conversation with many listeners costs a row for each, so it gathers longer: this much more for each of them … */
const GATHER_MILLIS_PER_LISTENER = 2;
/** … but no longer than this. */
const GATHER_MAX_MILLIS = 500;
/** After a reading that failed. */
const AGAIN_MILLIS = 2_000;

export interface AnnouncerParts {
  members(conversations: readonly ConversationId[]): Promise<Map<ConversationId, UserId[]>>;
  /** Whether any of this person's sockets hears of rows. */
  listening(person: UserId): boolean;
  /** With its members, or as a change that is not about them. */
  rows(places: readonly Place[], withMembers: boolean): Promise<PersonalRow<RowChange>[]>;
  tell(person: UserId, message: RelayControl): void;
  failed(why: unknown): void;
}

interface Gathering {
  dueAt: number;
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
  readonly #gathering = new Map<ConversationId, Gathering>();
  /** Of those with more than a few. */
  readonly #listeners = new Map<ConversationId, number>();
  #timer: { at: number; handle: NodeJS.Timeout } | null = null;
  /** When the tables were last read. */
  #readAt = -Infinity;
  #reading: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Something in the row changed. */
  changed(conversation: ConversationId, { people, members = false }: Change = {}): void {
    if (this.#stopped) return;
    this.#gather(conversation, people, members, this.#gatherMillis(conversation));
  }

  /** This person is no longer in it. Behind a row of theirs that is being read: it would bring the conversation back. */
  gone(conversation: ConversationId, person: UserId, why: { deleted?: true } = {}): void {
    const tell = (): void => this.#parts.tell(person, { is: 'gone', conversation, ...why });
    if (this.#reading === null) tell();
    else void this.#reading.then(tell);
  }

  /** Drops what waits: the connections it would go to are closing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer.handle);
    this.#gathering.clear();
    await this.#reading;
  }

  #gather(
    conversation: ConversationId,
    people: Iterable<UserId> | undefined,
    withMembers: boolean,
    wait: number,
  ): void {
    const gathering = this.#gathering.get(conversation);
    if (gathering === undefined) {
      const dueAt = performance.now() + wait;
      this.#gathering.set(conversation, { dueAt, people: people === undefined ? null : new Set(people), withMembers });
      return this.#schedule(dueAt);
    }
    gathering.withMembers ||= withMembers;
    if (people === undefined) gathering.people = null;
    else for (const person of people) gathering.people?.add(person);
  }

  #gatherMillis(conversation: ConversationId): number {
    return Math.min(
      GATHER_MAX_MILLIS,
      GATHER_MILLIS + GATHER_MILLIS_PER_LISTENER * (this.#listeners.get(conversation) ?? 0),
    );
  }

  #schedule(dueAt: number): void {
    if (this.#reading !== null || this.#stopped) return;
    const at = Math.max(dueAt, this.#readAt + GATHER_MILLIS);
    if (this.#timer !== null) {
      if (this.#timer.at <= at) return;
      clearTimeout(this.#timer.handle);
    }
    this.#timer = { at, handle: setTimeout(() => this.#read(), Math.max(0, at - performance.now())) };
  }

  #read(): void {
    this.#timer = null;
    this.#readAt = performance.now();
    // A timer may fire within the millisecond before.
    const due = new Map([...this.#gathering].filter(([, { dueAt }]) => dueAt <= this.#readAt + 1));
    for (const conversation of due.keys()) this.#gathering.delete(conversation);
    this.#reading = this.#tell(due)
      .catch((why: unknown) => {
        this.#parts.failed(why);
        for (const [conversation, { people, withMembers }] of due)
          this.#gather(conversation, people ?? undefined, withMembers, AGAIN_MILLIS);
      })
      .then(() => {
        this.#reading = null;
        for (const { dueAt } of this.#gathering.values()) this.#schedule(dueAt);
      });
  }

  async #tell(due: ReadonlyMap<ConversationId, Gathering>): Promise<void> {
    const whole = [...due].filter(([, { people }]) => people === null).map(([conversation]) => conversation);
    const members = whole.length === 0 ? new Map<ConversationId, UserId[]>() : await this.#parts.members(whole);
    const places: Record<'changed' | 'withMembers', Place[]> = { changed: [], withMembers: [] };
    for (const [conversation, { people, withMembers }] of due) {
      const listening = [...(people ?? members.get(conversation) ?? [])].filter(this.#parts.listening);
      if (people === null) this.#remember(conversation, listening.length);
      const list = withMembers ? places.withMembers : places.changed;
      for (const person of listening) list.push({ conversation, person });
    }
    const found = await Promise.all([this.#rows(places.changed, false), this.#rows(places.withMembers, true)]);
    const rows = new Map<UserId, RowChange[]>();
    for (const { person, row } of found.flat()) {
      const list = rows.get(person);
      if (list === undefined) rows.set(person, [row]);
      else list.push(row);
    }
    for (const [person, list] of rows) this.#parts.tell(person, { is: 'rows', rows: list });
  }

  async #rows(places: readonly Place[], withMembers: boolean): Promise<PersonalRow<RowChange>[]> {
    return places.length === 0 ? [] : this.#parts.rows(places, withMembers);
  }

  #remember(conversation: ConversationId, listeners: number): void {
    // Only what differs from "a few" is worth a place in memory.
    if (listeners < 5) this.#listeners.delete(conversation);
    else this.#listeners.set(conversation, listeners);
  }
}
