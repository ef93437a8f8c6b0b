/**
 * Who has just left a conversation. What is told of it (marks, typing) goes to the members that were read a moment before, and a moment is
 * enough to be removed: nobody hears of a conversation after they were told that they are no longer in it (M2).
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';

/** Longer than any reading of members takes. */
const REMEMBERED_MILLIS = 60_000;

export class Departed {
  readonly #now: () => number;
  /** conversation → who has left → when. */
  readonly #left = new Map<ConversationId, Map<UserId, number>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  left(person: UserId, conversation: ConversationId): void {
    this.#forget();
    const people = this.#left.get(conversation) ?? new Map<UserId, number>();
    this.#left.set(conversation, people.set(person, this.#now()));
  }

  came(person: UserId, conversation: ConversationId): void {
    this.#left.get(conversation)?.delete(person);
  }

  without(people: readonly UserId[], message: RelayControl): readonly UserId[] {
    const left = 'conversation' in message ? this.#left.get(message.conversation) : undefined;
    return left === undefined ? people : people.filter((person) => !left.has(person));
  }

  #forget(): void {
    const since = this.#now() - REMEMBERED_MILLIS;
    for (const [conversation, people] of this.#left) {
      for (const [person, at] of people) if (at < since) people.delete(person);
      if (people.size === 0) this.#left.delete(conversation);
    }
  }
}
