/**
 * Who is here, and who may know. A person is here while one of their devices is connected and was looked at in the last minutes (N1). Only those
 * who are here are in memory, each as a number; who is to be told is read from the tables when somebody comes or goes, so that it is never
 * out of date. Comings and goings gather for a moment: a relay that starts again has everybody come at once, and reads once for all of them.
 *
 * People see each other when they share a conversation of at most SMALL_GROUP_MAX_MEMBERS (N2): somebody who connects costs as much as their own
 * small conversations hold, not as many people as there are here.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import type { PersonPresence } from '#shared/protocol/overview.ts';
import { Background } from '../background.ts';

/** A page that is loaded again, or changes networks, is away for less. */
export const AWAY_MILLIS = 5_000;
const GATHER_MILLIS = 200;
/** After a telling that failed. */
const AGAIN_MILLIS = 2_000;
/** How far "last seen" may be off for those who were here when the machine lost its power. */
const WRITE_EVERY_MILLIS = 5 * 60_000;

export interface PresenceParts {
  /** Who shares a conversation of at most `most` people with each of these. */
  sharers(people: readonly UserId[], most: number): Promise<{ person: UserId; sharer: UserId }[]>;
  /** Those a person shares a conversation of at most SMALL_GROUP_MAX_MEMBERS with, and when they were last seen. */
  seenBy(person: UserId): Promise<{ id: UserId; lastSeen: number | null }[]>;
  members(conversations: readonly ConversationId[]): Promise<Map<ConversationId, UserId[]>>;
  write(seen: readonly { id: UserId; at: number }[]): Promise<void>;
  listening(person: UserId): boolean;
  tell(person: UserId, message: RelayControl): void;
  failed(why: unknown): void;
}

interface Here {
  /** Devices at which the person is. */
  devices: number;
  /** The last one was left at this time, and the person may come back before the timer ends. */
  leaving: { at: number; timer: NodeJS.Timeout } | null;
}

/** What has to be told. */
interface News {
  /** Came or went. */
  people: Set<UserId>;
  /** Other people are in them: whom their members may see has to be read anew … */
  conversations: Set<ConversationId>;
  /** … and for those who left one. */
  left: Set<UserId>;
}
const noNews = (): News => ({ people: new Set(), conversations: new Set(), left: new Set() });

export class Presence {
  readonly #parts: PresenceParts;
  readonly #here = new Map<UserId, Here>();
  /** When they left, until the table has it. */
  readonly #left = new Map<UserId, number>();
  #news = noNews();
  #timer: NodeJS.Timeout | null = null;
  readonly #writing: NodeJS.Timeout;
  /** One telling after the other, so that the last one told is right. */
  #line: Promise<void> = Promise.resolve();
  readonly #work: Background;
  #stopped = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#work = new Background(parts.failed);
    this.#writing = setInterval(() => this.#work.run(() => this.#write(this.#online())), WRITE_EVERY_MILLIS);
    this.#writing.unref();
  }

  /** Is at one more of their devices. */
  came(person: UserId): void {
    const here = this.#here.get(person);
    if (here === undefined) {
      this.#here.set(person, { devices: 1, leaving: null });
      this.#news.people.add(person);
      return this.#tellSoon();
    }
    here.devices += 1;
    if (here.leaving !== null) clearTimeout(here.leaving.timer);
    here.leaving = null;
  }

  /** Has left one of their devices. */
  went(person: UserId): void {
    const here = this.#here.get(person);
    if (here === undefined) return;
    here.devices -= 1;
    if (here.devices > 0) return;
    const timer = setTimeout(() => this.#away(person), AWAY_MILLIS);
    here.leaving = { at: Date.now(), timer };
  }

  /** Everybody whom this person may see. */
  async all(person: UserId): Promise<RelayControl> {
    const people = await this.#parts.seenBy(person);
    return { is: 'presence', whole: true, people: people.map(({ id, lastSeen }) => this.#presence(id, lastSeen)) };
  }

  /** Somebody joined, or `left`: who may see whom is another now (N5). */
  membersChanged(conversation: ConversationId, left?: UserId): void {
    this.#news.conversations.add(conversation);
    if (left !== undefined) this.#news.left.add(left);
    this.#tellSoon();
  }

  /** Everybody goes. Their time is written; nobody is told. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#writing);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const now = Date.now();
    for (const [id, { leaving }] of this.#here) {
      if (leaving !== null) clearTimeout(leaving.timer);
      this.#left.set(id, leaving?.at ?? now);
    }
    this.#here.clear();
    await this.#work.stop();
    await this.#writeLeft();
  }

  #away(person: UserId): void {
    const here = this.#here.get(person);
    if (here === undefined || here.leaving === null) return;
    this.#here.delete(person);
    this.#left.set(person, here.leaving.at);
    this.#news.people.add(person);
    this.#tellSoon();
  }

  #tellSoon(afterMillis = GATHER_MILLIS): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const tell = (): Promise<void> => this.#tell();
      this.#line = this.#line.then(tell, tell);
      this.#work.run(() => this.#line);
    }, afterMillis);
  }

  async #tell(): Promise<void> {
    if (this.#stopped) return;
    const news = this.#news;
    this.#news = noNews();
    try {
      await this.#tellPeople([...news.people]);
      await this.#tellAnew(news);
      // At the end: what was told came from `#left`, which forgets what the table has.
      await this.#writeLeft();
    } catch (why) {
      for (const person of news.people) this.#news.people.add(person);
      for (const conversation of news.conversations) this.#news.conversations.add(conversation);
      for (const person of news.left) this.#news.left.add(person);
      this.#tellSoon(AGAIN_MILLIS);
      throw why;
    }
  }

  async #tellPeople(people: readonly UserId[]): Promise<void> {
    if (people.length === 0) return;
    const pairs = await this.#parts.sharers(people, SMALL_GROUP_MAX_MEMBERS);
    const listening = pairs.filter(({ sharer }) => this.#parts.listening(sharer));
    for (const [sharer, about] of Map.groupBy(listening, (pair) => pair.sharer)) {
      const told = about.map(({ person }) => this.#presence(person, null));
      this.#parts.tell(sharer, { is: 'presence', whole: false, people: told });
    }
  }

  /** A group that is just too large was small a moment ago, perhaps; in one beyond that, nobody saw anybody. */
  async #tellAnew({ conversations, left }: News): Promise<void> {
    if (conversations.size === 0) return;
    const members = await this.#parts.members([...conversations]);
    const small = [...members.values()].filter((people) => people.length <= SMALL_GROUP_MAX_MEMBERS + 1);
    const people = new Set([...small.flat(), ...left]);
    for (const person of people) if (this.#parts.listening(person)) this.#parts.tell(person, await this.all(person));
  }

  #presence(id: UserId, written: number | null): PersonPresence {
    return this.#here.has(id)
      ? { id, online: true, lastSeen: null }
      : { id, online: false, lastSeen: this.#left.get(id) ?? written };
  }

  #online(): { id: UserId; at: number }[] {
    const at = Date.now();
    return [...this.#here].flatMap(([id, { leaving }]) => (leaving === null ? [{ id, at }] : []));
  }

  async #writeLeft(): Promise<void> {
    const left = [...this.#left].map(([id, at]) => ({ id, at }));
    await this.#write(left);
    for (const { id, at } of left) if (this.#left.get(id) === at) this.#left.delete(id);
  }

  async #write(seen: readonly { id: UserId; at: number }[]): Promise<void> {
    if (seen.length > 0) await this.#parts.write(seen);
  }
}
