/**
 * The calls that ring or go on, one in a conversation at most (C1). Every change goes through the one state machine (src/shared/model/call.ts), is
 * written, and only then is it told; changes in one conversation come one after the other, and hold up no other.
 *
 * A person's asks come one after the other too, whichever device they are from: who takes a call leaves the one before first (C7).
 */
import type { Fault } from '#shared/faults.ts';
import { newPeerId, type CallId, type ConversationId, type DeviceId, type UserId } from '#shared/ids.ts';
import { SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import {
  isInside,
  nextTick,
  peopleInside,
  placeIn,
  seenBy,
  startCall,
  step,
  type Call,
  type CallEvent,
  type CallTimes,
} from '#shared/model/call.ts';
import type { CallOutcome } from '#shared/model/call-trace.ts';
import type { CallAsk, RelayControl } from '#shared/protocol/control.ts';
import { Background } from '../background.ts';
import { RateLimit } from '../rate-limit.ts';
import { callable, insertCall, liveCalls, updateCall } from '../storage/calls.ts';
import type { Sql } from '../storage/sql.ts';
import { Lines } from './lines.ts';

/** No person calls so often. */
const STARTS = { burst: 5, secondsPerToken: 6 };
/** Taking, coming back, muting: a stuck key is not a person either. */
const CHANGES = { burst: 60, secondsPerToken: 0.5 };
/** After a change that could not be written, and that nobody else will ask for again. */
const AGAIN_MILLIS = 1_000;

/** A socket from which somebody asks. */
export interface Speaker {
  readonly isOpen: boolean;
  tell(message: RelayControl): void;
}

export interface CallsParts {
  sql: Sql;
  times: CallTimes;
  now: () => number;
  isMember(person: UserId, conversation: ConversationId): Promise<boolean>;
  listening(person: UserId): boolean;
  tell(person: UserId, message: RelayControl): void;
  /** Who is in it, and under which names at the broker, is this from now on; when it is over, nobody. */
  changed(call: Call): void;
  started(): void;
  /** It is over, and that is written. */
  ended(call: CallId, outcome: CallOutcome): void;
  failed(why: unknown): void;
}

interface Live {
  call: Call;
  readonly tookPart: Set<UserId>;
  /** The socket that spoke last for somebody who is in. */
  readonly speakers: Map<UserId, Speaker>;
  timer: NodeJS.Timeout | undefined;
}

type StartAsk = Extract<CallAsk, { ask: 'start' }>;
type AcceptAsk = Extract<CallAsk, { ask: 'accept' }>;

export class Calls {
  readonly #parts: CallsParts;
  readonly #live = new Map<CallId, Live>();
  readonly #byConversation = new Map<ConversationId, Live>();
  readonly #conversations = new Lines<ConversationId>();
  readonly #people = new Lines<UserId>();
  readonly #starts: RateLimit;
  readonly #changes: RateLimit;
  readonly #work: Background;
  #stopped = false;

  private constructor(parts: CallsParts) {
    this.#parts = parts;
    this.#starts = new RateLimit(STARTS, parts.now);
    this.#changes = new RateLimit(CHANGES, parts.now);
    this.#work = new Background(parts.failed);
  }

  /** With those that the relay left when it ended: who was in one has the time to come back, from now on (C5). */
  static async load(parts: CallsParts): Promise<Calls> {
    const calls = new Calls(parts);
    for (const { call, tookPart } of await liveCalls(parts.sql)) {
      const live: Live = { call, tookPart: new Set(tookPart), speakers: new Map(), timer: undefined };
      calls.#keep(live);
      await calls.#reload(live);
    }
    return calls;
  }

  get count(): number {
    return this.#live.size;
  }

  /** All that this person may know of, as they may see them (C6, C13). */
  all(person: UserId): RelayControl {
    const mine = [...this.#live.values()].filter(({ call }) => placeIn(call, person) !== null);
    return { is: 'calls', calls: mine.map(({ call }) => seenBy(call, person)) };
  }

  asked(person: UserId, from: Speaker, what: CallAsk): void {
    if (this.#stopped) return;
    this.#work.run(() =>
      this.#people.run(person, async () => {
        const fault = await this.#answer(person, from, what).catch((why: unknown): Fault => {
          this.#parts.failed(why);
          return 'relay-fault';
        });
        if (fault !== null) from.tell({ is: 'call-refused', call: what.call, fault });
      }),
    );
  }

  /** A socket that spoke in calls is gone (C4), perhaps because its page was closed (C16). */
  hungUp(from: Speaker, closed: boolean): void {
    if (this.#stopped) return;
    for (const live of this.#live.values())
      for (const [person, speaker] of live.speakers) if (speaker === from) this.#lost(live, person, from, closed);
  }

  /** Somebody has come into the conversation. */
  added(person: UserId, conversation: ConversationId): void {
    if (!this.#byConversation.has(conversation)) return;
    this.#insist(conversation, async (live) => {
      const { people = [] } = (await callable(this.#parts.sql, conversation)) ?? {};
      const name = people.find(({ id }) => id === person)?.name;
      if (name !== undefined) await this.#take(live, { is: 'added', person, name });
    });
  }

  /** Is no longer in it. For them the call is over, whatever becomes of it. */
  removed(person: UserId, conversation: ConversationId): void {
    if (!this.#byConversation.has(conversation)) return;
    this.#insist(conversation, async (live) => {
      await this.#take(live, { is: 'removed', person });
      this.#tellOver(person, live.call);
    });
  }

  /** The conversation has been deleted, and with it what is stored of its calls. */
  conversationEnded(conversation: ConversationId): void {
    if (!this.#byConversation.has(conversation)) return;
    this.#insist(conversation, (live) => {
      this.#forget(live);
      this.#parts.changed({ ...live.call, people: [] });
      for (const { id } of live.call.people) this.#tellOver(id, live.call);
      return Promise.resolve();
    });
  }

  /** Resolves when all that was asked for is done. What goes on goes on: it is taken up again after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const live of this.#live.values()) clearTimeout(live.timer);
    await this.#work.stop();
  }

  #answer(person: UserId, from: Speaker, what: CallAsk): Promise<Fault | null> {
    if (what.ask === 'start') return this.#start(person, from, what);
    const live = this.#live.get(what.call);
    if (live === undefined || placeIn(live.call, person) === null) return Promise.resolve('not-found');
    if (what.ask === 'leave') {
      const { device, failed } = what;
      return this.#inLine(live, () => this.#take(live, { is: 'leave', person, device, failed }));
    }
    if (this.#changes.take(person) > 0) return Promise.resolve('too-fast');
    switch (what.ask) {
      case 'accept':
        return this.#accept(person, from, live, what);
      case 'decline': {
        const elsewhere = this.#insideOf(person).some((other) => other !== live);
        return this.#inLine(live, () => this.#take(live, { is: 'decline', person, elsewhere }));
      }
      case 'back': {
        const peer = what.anew ? newPeerId() : null;
        return this.#inLine(live, () => this.#take(live, { is: 'back', person, device: what.device, peer }, from));
      }
      case 'media': {
        const { device, media } = what;
        return this.#inLine(live, () => this.#take(live, { is: 'media', person, device, media }, from));
      }
    }
  }

  async #start(person: UserId, from: Speaker, what: StartAsk): Promise<Fault | null> {
    const { conversation } = what;
    if (!(await this.#parts.isMember(person, conversation))) return 'not-a-member';
    const there = this.#byConversation.get(conversation);
    if (there?.call.id !== what.call && this.#starts.take(person) > 0) return 'too-fast';
    const accept = (live: Live): Promise<Fault | null> =>
      this.#takeAccept(person, from, live, { ...what, ask: 'accept', takeOver: true }, what.call);
    const impossible = there === undefined ? null : this.#tryAccept(person, there, { ...what, takeOver: true });
    if (impossible !== null) return impossible;
    await this.#leaveOthers(person, there);
    return this.#conversations.run(conversation, async () => {
      const live = this.#byConversation.get(conversation);
      if (live === undefined) return this.#begin(person, from, what);
      const place = placeIn(live.call, person);
      // Asked again, because the answer was lost on the way.
      if (live.call.id === what.call && isInside(place) && place.device === what.device)
        return this.#take(live, { is: 'back', person, device: what.device, peer: null }, from);
      return accept(live);
    });
  }

  /** Nobody calls there. */
  async #begin(person: UserId, from: Speaker, what: StartAsk): Promise<Fault | null> {
    const { call: id, conversation, device, video, media } = what;
    const there = await callable(this.#parts.sql, conversation);
    if (there === null || !there.people.some((each) => each.id === person)) return 'not-a-member';
    if (there.people.length < 2) return 'not-allowed';
    if (there.people.length > SMALL_GROUP_MAX_MEMBERS) return 'too-many';
    const wanted = { id, conversation, by: person, device, peer: newPeerId(), video, media, ...there };
    const call = startCall(wanted, this.#parts.now());
    // There was one with this id, and it is over.
    if (!(await insertCall(this.#parts.sql, { call, tookPart: [person] }))) return 'not-found';
    const live: Live = { call, tookPart: new Set([person]), speakers: new Map(), timer: undefined };
    this.#keep(live);
    this.#parts.started();
    this.#spoke(live, person, from);
    this.#announce(live);
    return null;
  }

  async #accept(person: UserId, from: Speaker, live: Live, what: AcceptAsk): Promise<Fault | null> {
    if (!(await this.#parts.isMember(person, live.call.conversation))) return 'not-a-member';
    const impossible = this.#tryAccept(person, live, what);
    if (impossible !== null) return impossible;
    await this.#leaveOthers(person, live);
    return this.#inLine(live, () => this.#takeAccept(person, from, live, what, live.call.id));
  }

  /** Whether it could be, as things stand: nobody loses the call they are in to one that cannot be taken. */
  #tryAccept(person: UserId, { call }: Live, what: Pick<AcceptAsk, 'device' | 'media' | 'takeOver'>): Fault | null {
    const { device, media, takeOver } = what;
    const event: CallEvent = { is: 'accept', person, device, media, takeOver, peer: newPeerId() };
    const tried = step(call, event, this.#parts.now(), this.#parts.times);
    return tried.ok ? null : tried.fault;
  }

  #takeAccept(person: UserId, from: Speaker, live: Live, what: AcceptAsk, asked: CallId): Promise<Fault | null> {
    const { device, media, takeOver } = what;
    const became = live.call.id;
    const event: CallEvent = { is: 'accept', person, device, media, takeOver, peer: newPeerId() };
    return this.#take(live, event, from, () => {
      if (asked !== became) from.tell({ is: 'call-became', call: asked, became });
    });
  }

  #insideOf(person: UserId): Live[] {
    return [...this.#live.values()].filter(({ call }) => isInside(placeIn(call, person)));
  }

  async #leaveOthers(person: UserId, except: Live | undefined): Promise<void> {
    for (const live of this.#insideOf(person)) {
      if (live === except) continue;
      await this.#inLine(live, () => {
        const place = placeIn(live.call, person);
        if (!isInside(place) || place.device === null) return Promise.resolve(null);
        return this.#take(live, { is: 'leave', person, device: place.device, failed: false });
      });
    }
  }

  #lost(live: Live, person: UserId, from: Speaker, closed: boolean): void {
    this.#insist(live.call.conversation, async () => {
      // Meanwhile they are here on another socket, or not in it any more.
      if (live.speakers.get(person) !== from) return;
      const place = placeIn(live.call, person);
      if (isInside(place) && place.device !== null)
        await this.#take(live, { is: 'lost', person, device: place.device, closed });
      live.speakers.delete(person);
    });
  }

  #inLine<T>(live: Live, work: () => Promise<T>): Promise<T> {
    return this.#conversations.run(live.call.conversation, work);
  }

  /** What has happened has happened: when it cannot be written, it is tried again. */
  #insist(conversation: ConversationId, work: (live: Live) => Promise<unknown>): void {
    const attempt = (): void => {
      const live = this.#byConversation.get(conversation);
      if (live === undefined || this.#stopped) return;
      this.#work.run(() =>
        this.#inLine(live, async () => {
          if (this.#live.has(live.call.id)) await work(live);
        }).catch((why: unknown) => {
          setTimeout(attempt, AGAIN_MILLIS).unref();
          throw why;
        }),
      );
    };
    attempt();
  }

  /** In the conversation's line. `first` is done before anybody is told. */
  async #take(live: Live, event: CallEvent, from?: Speaker, first?: () => void): Promise<Fault | null> {
    if (!this.#live.has(live.call.id)) return 'not-found';
    const { now, times, sql } = this.#parts;
    const result = step(live.call, event, now(), times);
    if (!result.ok) return result.fault;
    const { call } = result;
    const isNews = JSON.stringify(call) !== JSON.stringify(live.call);
    const inside = peopleInside(call).map(({ id }) => id);
    if (isNews) await updateCall(sql, { call, tookPart: [...new Set([...live.tookPart, ...inside])] });
    for (const id of inside) live.tookPart.add(id);
    live.call = call;
    if (from !== undefined && event.is !== 'tick') this.#spoke(live, event.person, from);
    for (const person of live.speakers.keys()) if (!inside.includes(person)) live.speakers.delete(person);
    first?.();
    // Whoever asked and changed nothing by it is answered all the same.
    if (isNews) this.#announce(live);
    else if (from !== undefined && event.is !== 'tick') from.tell({ is: 'call', call: seenBy(call, event.person) });
    this.#schedule(live);
    return null;
  }

  #announce(live: Live): void {
    const { call } = live;
    if (call.over !== null) this.#forget(live);
    this.#parts.changed(call);
    for (const { id } of call.people)
      if (this.#parts.listening(id)) this.#parts.tell(id, { is: 'call', call: seenBy(call, id) });
    if (call.over !== null) this.#parts.ended(call.id, call.over.outcome);
  }

  /** Says nothing about the others. */
  #tellOver(person: UserId, call: Call): void {
    const over = call.over ?? { at: this.#parts.now(), outcome: call.answeredAt === null ? 'cancelled' : 'answered' };
    if (this.#parts.listening(person)) this.#parts.tell(person, { is: 'call', call: { ...call, people: [], over } });
  }

  #spoke(live: Live, person: UserId, from: Speaker): void {
    live.speakers.set(person, from);
    // Gone before it could be noted that it speaks for them.
    if (!from.isOpen) this.#lost(live, person, from, false);
  }

  #keep(live: Live): void {
    this.#live.set(live.call.id, live);
    this.#byConversation.set(live.call.conversation, live);
    this.#schedule(live);
  }

  #forget(live: Live): void {
    clearTimeout(live.timer);
    this.#live.delete(live.call.id);
    if (this.#byConversation.get(live.call.conversation) === live) this.#byConversation.delete(live.call.conversation);
  }

  #schedule(live: Live): void {
    clearTimeout(live.timer);
    if (this.#stopped || !this.#live.has(live.call.id)) return;
    const at = nextTick(live.call, this.#parts.times);
    if (at === null) return;
    const tick = (): void => this.#insist(live.call.conversation, (now) => this.#take(now, { is: 'tick' }));
    live.timer = setTimeout(tick, Math.max(1, at - this.#parts.now()));
  }

  /** Members may have come and gone in the last moment, and everybody has lost their connection. */
  async #reload(live: Live): Promise<void> {
    const { people = [] } = (await callable(this.#parts.sql, live.call.conversation)) ?? {};
    const missing = live.call.people.filter(({ id }) => !people.some((member) => member.id === id));
    for (const { id } of missing) await this.#take(live, { is: 'removed', person: id });
    for (const { id, name } of people)
      if (placeIn(live.call, id) === null) await this.#take(live, { is: 'added', person: id, name });
    for (const { id, place } of live.call.people)
      if (place.at === 'in' && place.device !== null)
        await this.#take(live, { is: 'lost', person: id, device: place.device satisfies DeviceId, closed: false });
    this.#parts.changed(live.call);
  }
}
