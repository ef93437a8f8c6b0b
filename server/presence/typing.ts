/**
 * Who types, for the lists of those who have not opened the conversation. What it follows are the awareness states of the conversation's channel,
 * after they were checked (A17); a device that types says so again every few seconds, and what is not said again is over.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { Background } from '../background.ts';

const GATHER_MILLIS = 100;

export interface TypingParts {
  members(conversations: readonly ConversationId[]): Promise<Map<ConversationId, UserId[]>>;
  listening(person: UserId): boolean;
  tell(people: readonly UserId[], message: RelayControl): void;
  failed(why: unknown): void;
}

export class Typing {
  readonly #parts: TypingParts;
  #news = new Map<ConversationId, Map<UserId, boolean>>();
  #timer: NodeJS.Timeout | null = null;
  readonly #work: Background;

  constructor(parts: TypingParts) {
    this.#parts = parts;
    this.#work = new Background(parts.failed);
  }

  heard(conversation: ConversationId, person: UserId, typing: boolean): void {
    const news = this.#news.get(conversation) ?? new Map<UserId, boolean>();
    this.#news.set(conversation, news.set(person, typing));
    this.#timer ??= setTimeout(() => this.#work.run(() => this.#tell()), GATHER_MILLIS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#work.stop();
  }

  async #tell(): Promise<void> {
    this.#timer = null;
    const all = this.#news;
    this.#news = new Map();
    const members = await this.#parts.members([...all.keys()]);
    for (const [conversation, news] of all) {
      const inIt = members.get(conversation) ?? [];
      // Everybody would hear of everybody.
      if (inIt.length > SMALL_GROUP_MAX_MEMBERS) continue;
      const people = [...news].flatMap(([id, typing]) => (inIt.includes(id) ? [{ id, typing }] : []));
      if (people.length > 0)
        this.#parts.tell(
          inIt.filter((person) => this.#parts.listening(person)),
          { is: 'typing', conversation, people },
        );
    }
  }
}
