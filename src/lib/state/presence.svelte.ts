/**
 * Who is here and who types, as this device was told. It holds only while the relay is there: without it nobody is shown as online or typing (N6),
 * and those who were here were last seen when it went. Last seen is kept on the device.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { PersonPresence } from '#shared/protocol/overview.ts';
import type { Kept } from '../local/kept.ts';
import type { RelayLink } from '../sync/relay-link.ts';
import { Beat } from './beat.svelte.ts';

/** Who types says so again every few seconds; this much later it is over. */
const TYPING_AT_MOST_MS = 8_000;

type Told<Is extends RelayControl['is']> = Extract<RelayControl, { is: Is }>;

export class Presence {
  readonly #kept: Kept;
  readonly #link: RelayLink;
  readonly #me: UserId;
  readonly #online = new Set<UserId>();
  readonly #onlineBeat = new Beat();
  readonly #typing = new Map<ConversationId, Map<UserId, ReturnType<typeof setTimeout>>>();
  readonly #typingBeat = new Beat();

  constructor(parts: { kept: Kept; link: RelayLink; me: UserId }) {
    this.#kept = parts.kept;
    this.#link = parts.link;
    this.#me = parts.me;
  }

  start(): void {
    this.#link.on('presence', this.#heard);
    this.#link.on('typing', this.#heardTyping);
    this.#link.on('state', this.#connection);
  }

  stop(): void {
    this.#link.off('presence', this.#heard);
    this.#link.off('typing', this.#heardTyping);
    this.#link.off('state', this.#connection);
    this.#nobodyTypes();
  }

  isOnline(person: UserId): boolean {
    this.#onlineBeat.feel();
    return this.#online.has(person);
  }

  /** When somebody who is not online was last here; null when that is not known. */
  lastSeen(person: UserId): number | null {
    this.#onlineBeat.feel();
    return this.#kept.table('seen').get(person) ?? null;
  }

  /** Who else types in a conversation, the first to begin in front. */
  typing(conversation: ConversationId): readonly UserId[] {
    this.#typingBeat.feel();
    return [...(this.#typing.get(conversation)?.keys() ?? [])];
  }

  readonly #heard = ({ whole, people }: Told<'presence'>): void => {
    if (whole) {
      this.#online.clear();
      const known = new Set<string>(people.map(({ id }) => id));
      const strangers = [...this.#kept.table('seen').keys()].filter((id) => !known.has(id));
      void this.#kept.remove('seen', ...strangers);
    }
    for (const { id, online } of people) {
      if (online) this.#online.add(id);
      else this.#online.delete(id);
    }
    this.#remember(people);
    this.#onlineBeat.beat();
  };

  #remember(people: readonly PersonPresence[]): void {
    const seen = this.#kept.table('seen');
    const now = Date.now();
    const news = people.flatMap(({ id, online, lastSeen }) => {
      const at = online ? now : lastSeen;
      return at === null || at === seen.get(id) ? [] : [[id, at] as const];
    });
    this.#kept.putAll('seen', news);
  }

  readonly #heardTyping = ({ conversation, people }: Told<'typing'>): void => {
    for (const { id, typing } of people) if (id !== this.#me) this.#types(conversation, id, typing);
    this.#typingBeat.beat();
  };

  #types(conversation: ConversationId, person: UserId, typing: boolean): void {
    const typists = this.#typing.get(conversation) ?? new Map<UserId, ReturnType<typeof setTimeout>>();
    clearTimeout(typists.get(person));
    const over = (): void => {
      this.#types(conversation, person, false);
      this.#typingBeat.beat();
    };
    if (typing) typists.set(person, setTimeout(over, TYPING_AT_MOST_MS));
    else typists.delete(person);
    if (typists.size > 0) this.#typing.set(conversation, typists);
    else this.#typing.delete(conversation);
  }

  readonly #connection = (state: string): void => {
    if (state === 'open') return;
    if (this.#online.size > 0) {
      this.#remember([...this.#online].map((id) => ({ id, online: true, lastSeen: null })));
      this.#online.clear();
      this.#onlineBeat.beat();
    }
    this.#nobodyTypes();
  };

  #nobodyTypes(): void {
    if (this.#typing.size === 0) return;
    for (const typists of this.#typing.values()) typists.forEach((timer) => clearTimeout(timer));
    this.#typing.clear();
    this.#typingBeat.beat();
  }
}
