/**
 * How far each member has it and has read it. Marks come in by the thousand (every message moves one for everybody it reaches), so they gather for
 * a moment and are written in one statement, whoever and whichever conversation they are of; then the members who are connected are told.
 * Nothing of this is on a message's own way, and a mark that is lost here is told again: its device knows what it has.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { Reach } from '#shared/protocol/overview.ts';
import { Background } from '../background.ts';
import type { MarksMoved, MemberMarks, Marks } from '../storage/members.ts';
import { othersThan } from './others.ts';

/** Long enough that the marks a message moves are one write, short enough that ticks look immediate. */
const GATHER_MILLIS = 120;
/** After a write that failed. */
const AGAIN_MILLIS = 2_000;
/** A large group has a mark on its way all the time, and what is told of it moves rarely. */
const GATHER_LARGE_MILLIS = 1_000;
/** What may wait of one person, so that nobody fills the memory with conversations that do not exist. */
const WAITING_MAX_COUNT = 1_000;

export interface ReceiptsParts {
  /** Writes them, and answers those that moved. */
  advance(marks: readonly Marks[]): Promise<MarksMoved[]>;
  members(conversations: readonly ConversationId[]): Promise<Map<ConversationId, UserId[]>>;
  least(conversations: readonly ConversationId[]): Promise<Map<ConversationId, MemberMarks[]>>;
  listening(person: UserId): boolean;
  tell(people: readonly UserId[], message: RelayControl): void;
  /** This person has read on: their own counts are others now. */
  read(person: UserId, conversation: ConversationId): void;
  failed(why: unknown): void;
}

type Moved = { delivered?: number; read?: number };

export class Receipts {
  readonly #parts: ReceiptsParts;
  #waiting = new Map<UserId, Map<ConversationId, Reach>>();
  #timer: NodeJS.Timeout | null = null;
  /** Written, and not told yet because it could not be read to whom. */
  #untold: MarksMoved[] = [];
  /** Large groups in which a mark has moved. */
  #large = new Set<ConversationId>();
  #largeTimer: NodeJS.Timeout | null = null;
  /** What everybody else was told to have, so that it is said once. */
  readonly #told = new Map<ConversationId, string>();
  readonly #work: Background;
  #stopped = false;

  constructor(parts: ReceiptsParts) {
    this.#parts = parts;
    this.#work = new Background(parts.failed);
  }

  /** Somebody says how far they are. */
  moved(person: UserId, conversation: ConversationId, { delivered = 0, read = 0 }: Moved): void {
    if (this.#stopped) return;
    const mine = this.#waiting.get(person) ?? new Map<ConversationId, Reach>();
    const before = mine.get(conversation);
    if (before === undefined && mine.size >= WAITING_MAX_COUNT) return;
    mine.set(conversation, {
      delivered: Math.max(delivered, before?.delivered ?? 0),
      read: Math.max(read, before?.read ?? 0),
    });
    this.#waiting.set(person, mine);
    this.#timer ??= setTimeout(() => this.#work.run(() => this.#write()), GATHER_MILLIS);
  }

  /** As `moved`, and resolves when it is written. */
  async movedNow(person: UserId, conversation: ConversationId, { delivered = 0, read = 0 }: Moved): Promise<void> {
    await this.#pass(await this.#parts.advance([{ person, conversation, delivered, read }]));
  }

  /** Writes what waits; nobody is told any more. */
  async stop(): Promise<void> {
    if (this.#timer !== null) this.#work.run(() => this.#write());
    this.#stopped = true;
    if (this.#largeTimer !== null) clearTimeout(this.#largeTimer);
    await this.#work.stop();
  }

  async #write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const marks = [...waiting].flatMap(([person, mine]) =>
      [...mine].map(([conversation, reach]) => ({ person, conversation, ...reach })),
    );
    let moved: MarksMoved[] = [];
    try {
      if (marks.length > 0) moved = await this.#parts.advance(marks);
    } catch (why) {
      for (const { person, conversation, ...reach } of marks) this.moved(person, conversation, reach);
      this.#tryAgain();
      throw why;
    }
    await this.#pass(moved);
  }

  #tryAgain(): void {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#work.run(() => this.#write()), AGAIN_MILLIS);
  }

  async #pass(fresh: readonly MarksMoved[]): Promise<void> {
    const moved = [...this.#untold, ...fresh];
    if (moved.length === 0 || this.#stopped) return;
    this.#untold = [];
    try {
      await this.#tellOf(moved);
    } catch (why) {
      this.#untold = [...moved, ...this.#untold];
      this.#tryAgain();
      throw why;
    }
  }

  async #tellOf(moved: readonly MarksMoved[]): Promise<void> {
    for (const { person, conversation, readMoved } of moved) if (readMoved) this.#parts.read(person, conversation);
    const byConversation = Map.groupBy(moved, ({ conversation }) => conversation);
    const members = await this.#parts.members([...byConversation.keys()]);
    for (const [conversation, marks] of byConversation) {
      const people = members.get(conversation) ?? [];
      if (people.length > SMALL_GROUP_MAX_MEMBERS) this.#movedInLarge(conversation);
      else this.#tell(conversation, people, marks);
    }
  }

  #tell(conversation: ConversationId, people: readonly UserId[], moved: readonly Marks[]): void {
    const marks = moved.map(({ person, delivered, read }) => ({ user: person, delivered, read }));
    this.#parts.tell(
      people.filter((person) => this.#parts.listening(person)),
      { is: 'marks', conversation, marks },
    );
  }

  #movedInLarge(conversation: ConversationId): void {
    this.#large.add(conversation);
    if (this.#stopped) return;
    this.#largeTimer ??= setTimeout(() => this.#work.run(() => this.#tellLarge()), GATHER_LARGE_MILLIS);
  }

  /** How far everybody else is, to all who listen: the same for all but those who are the furthest behind. */
  async #tellLarge(): Promise<void> {
    this.#largeTimer = null;
    const conversations = [...this.#large];
    this.#large.clear();
    try {
      await this.#tellOthers(conversations);
    } catch (why) {
      conversations.forEach((conversation) => this.#movedInLarge(conversation));
      throw why;
    }
  }

  async #tellOthers(conversations: readonly ConversationId[]): Promise<void> {
    const least = await this.#parts.least(conversations);
    const changed = conversations.filter((id) => this.#told.get(id) !== inWords(least.get(id) ?? []));
    if (changed.length === 0) return;
    const members = await this.#parts.members(changed);
    for (const conversation of changed) {
      this.#told.set(conversation, inWords(least.get(conversation) ?? []));
      const people = (members.get(conversation) ?? []).filter((person) => this.#parts.listening(person));
      const behind = least.get(conversation) ?? [];
      const others = Map.groupBy(people, (person) => JSON.stringify(othersThan(person, behind)));
      for (const [reach, same] of others)
        this.#parts.tell(same, { is: 'marks', conversation, marks: [], others: JSON.parse(reach) as Reach });
    }
  }
}

/** The same for the same marks. */
const inWords = (least: readonly MemberMarks[]): string =>
  JSON.stringify([...least].sort((a, b) => (a.person < b.person ? -1 : 1)));
