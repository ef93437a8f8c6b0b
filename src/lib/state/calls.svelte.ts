/**
 * The calls of this person, as far as this page knows them: what the relay told, with what was pressed here taken ahead of its word. Small, because it
 * is loaded with the list; the call that this page itself is in is a CurrentCall, loaded when one begins.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import { type CallId, type ConversationId, newCallId, type Sha256, type UserId } from '#shared/ids.ts';
import { CALL_MAX_PEOPLE, SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { type Call, isInside, peopleInside, placeIn, step } from '#shared/model/call.ts';
import type { IceServer } from '#shared/protocol/api.ts';
import type { CallAsk } from '#shared/protocol/control.ts';
import { claimPageId, pageIdBefore } from '../local/page-id.ts';
import { Beat } from './beat.svelte.ts';
import type { CallsView, IncomingCallView, OngoingCallView } from './call-views.ts';
import type { CurrentCall, HowToBegin } from './current-call.svelte.ts';
import type { Device } from './device.svelte.ts';
import type { ConversationRowView } from './views.ts';

/** How long it is shown that a call is over, and how. */
const SHOWN_OVER_MS = 4_000;

export class Calls implements CallsView {
  readonly #device: Device;
  readonly #row: (id: ConversationId) => ConversationRowView | undefined;
  readonly #begins: () => void;
  readonly #told = new Map<CallId, Call>();
  readonly #beat = new Beat();
  #current = $state.raw<CurrentCall | null>(null);
  /** Pressed, and being begun: it rings no more. */
  #beginning = $state.raw<CallId | null>(null);
  readonly #incoming = $derived.by(() => this.#ringing());
  /** What the relay has to be told when it is back: it was away when the person pressed. */
  #owed: CallAsk[] = [];
  #page: ReturnType<typeof claimPageId> | null = null;
  #ice: { servers: Promise<readonly IceServer[]>; until: number } | null = null;
  #isStopped = false;

  /** `begins`: what else is heard has to be silent. */
  constructor(device: Device, row: (id: ConversationId) => ConversationRowView | undefined, begins: () => void) {
    this.#device = device;
    this.#row = row;
    this.#begins = begins;
  }

  listen(): void {
    const { link } = this.#device;
    link.on('calls', (calls) => this.#toldAll(calls));
    link.on('call', (call) => this.#toldOne(call));
    link.on('callRefused', (call, fault) => this.#of(call)?.refused(fault));
    link.on('callBecame', (call, became) => this.#of(call)?.became(became, this.#told.get(became) ?? null));
  }

  stop(): void {
    this.#isStopped = true;
    this.#current?.hangUp();
    this.#current = null;
  }

  get current(): CurrentCall | null {
    return this.#current;
  }

  get incoming(): readonly IncomingCallView[] {
    return this.#incoming;
  }

  ongoing(conversation: ConversationId): OngoingCallView | null {
    this.#beat.feel();
    const call = this.#liveIn(conversation);
    if (call === null || this.#isHere(call.id)) return null;
    const mine = placeIn(call, this.#device.me);
    if (mine?.at === 'ringing' || peopleInside(call).length === 0) return null;
    const others = peopleInside(call).filter(({ id }) => id !== this.#device.me);
    return {
      id: call.id,
      video: call.video,
      names: others.map(({ name }) => name),
      elsewhere: isInside(mine),
      isFull: peopleInside(call).length >= CALL_MAX_PEOPLE && !isInside(mine),
      since: call.answeredAt,
    };
  }

  canCall(conversation: ConversationId): boolean {
    const row = this.#device.table('overview').get(conversation);
    return row !== undefined && row.memberCount > 1 && row.memberCount <= SMALL_GROUP_MAX_MEMBERS;
  }

  start(conversation: ConversationId, wanted: { video: boolean }): void {
    const call = this.#liveIn(conversation);
    if (call === null) return this.#begin(newCallId(), conversation, { how: 'start', ...wanted });
    if (this.#isHere(call.id)) return this.#current?.showLarge(true);
    const isElsewhere = isInside(placeIn(call, this.#device.me));
    this.#begin(call.id, conversation, { how: isElsewhere ? 'take-over' : 'join', ...wanted });
  }

  #ringing(): IncomingCallView[] {
    this.#beat.feel();
    const rings = [...this.#told.values()].filter(
      (call) => placeIn(call, this.#device.me)?.at === 'ringing' && call.over === null && call.id !== this.#beginning,
    );
    return rings.map((call) => this.#incomingView(call));
  }

  #incomingView(call: Call): IncomingCallView {
    const row = this.#row(call.conversation);
    const byName = call.people.find(({ id }) => id === call.by)?.name ?? '';
    return {
      id: call.id,
      conversation: call.conversation,
      kind: call.kind,
      title: row?.title ?? byName,
      avatarSeed: row?.avatarSeed ?? call.by,
      picture: row?.picture ?? null,
      byName,
      video: call.video,
      inAnother: this.#current !== null && this.#current.stage.is !== 'over',
      accept: ({ video }) => this.#begin(call.id, call.conversation, { how: 'join', video }),
      decline: () => this.#decline(call),
    };
  }

  #decline(call: Call): void {
    const next = step(call, { is: 'decline', person: this.#device.me, elsewhere: false }, Date.now());
    if (next.ok) this.#told.set(call.id, next.call);
    this.#say({ ask: 'decline', call: call.id });
    this.#beat.beat();
  }

  #liveIn(conversation: ConversationId): Call | null {
    return [...this.#told.values()].find((call) => call.conversation === conversation && call.over === null) ?? null;
  }

  #of(id: CallId): CurrentCall | null {
    return this.#current?.id === id ? this.#current : null;
  }

  #isHere(id: CallId): boolean {
    return this.#beginning === id || (this.#current?.id === id && this.#current.stage.is !== 'over');
  }

  #begin(id: CallId, conversation: ConversationId, wanted: { how: HowToBegin; video: boolean }): void {
    this.#beginning = id;
    this.#begins();
    void this.#beginNow(id, conversation, wanted);
  }

  async #beginNow(
    id: CallId,
    conversation: ConversationId,
    wanted: { how: HowToBegin; video: boolean },
  ): Promise<void> {
    this.#page ??= claimPageId();
    const [{ CurrentCall }, page] = await Promise.all([import('./current-call.svelte.ts'), this.#page]);
    // Something else was pressed meanwhile.
    if (this.#isStopped || this.#beginning !== id) return;
    this.#current?.hangUp();
    const row = this.#row(conversation);
    const told = this.#told.get(id) ?? null;
    const begun = row?.title ?? told?.people.find((person) => person.id === told.by)?.name ?? '';
    const current = new CurrentCall({
      me: this.#device.me,
      page,
      id,
      conversation,
      kind: row?.kind ?? told?.kind ?? 'direct',
      avatarSeed: row?.avatarSeed ?? conversation,
      title: () => this.#row(conversation)?.title ?? begun,
      picture: () => this.#row(conversation)?.picture ?? null,
      member: (person) => this.#member(conversation, person),
      ...wanted,
      told,
      isOnline: () => this.#device.link.isOpen,
      say: (ask) => this.#say(ask),
      iceServers: () => this.#iceServers(),
      over: () => this.#over(current),
    });
    this.#current = current;
    this.#beginning = null;
    current.begin();
  }

  #member(conversation: ConversationId, person: UserId): { name: string; picture: Sha256 | null } | null {
    const members = this.#device.table('overview').get(conversation)?.members ?? [];
    const member = members.find(({ id }) => id === person);
    return member === undefined ? null : { name: member.name, picture: member.avatar ?? null };
  }

  #over(current: CurrentCall): void {
    this.#beat.beat();
    setTimeout(() => {
      if (this.#current === current && current.trouble === null) this.#current = null;
    }, SHOWN_OVER_MS);
  }

  #say(ask: CallAsk): void {
    if (this.#device.link.isOpen) this.#device.link.say({ is: 'call', what: ask });
    // How a call was begun and what is on in it is said anew when the relay is back; that it was left must not be forgotten.
    else if (ask.ask === 'leave' || ask.ask === 'decline') this.#owed.push(ask);
  }

  #toldAll(calls: readonly Call[]): void {
    this.#told.clear();
    for (const call of calls) this.#told.set(call.id, call);
    const owed = this.#owed;
    this.#owed = [];
    for (const ask of owed) this.#say(ask);
    const { current } = this;
    current?.relayIsBack(this.#told.get(current.id) ?? null);
    this.#beat.beat();
    if (current === null) this.#comeBack(calls);
  }

  /** The page was loaded anew while it was in a call. */
  #comeBack(calls: readonly Call[]): void {
    const before = pageIdBefore();
    if (before === null || this.#beginning !== null) return;
    for (const call of calls) {
      const mine = placeIn(call, this.#device.me);
      if (call.over !== null || !isInside(mine) || mine.device !== before) continue;
      this.#page ??= claimPageId();
      void this.#page.then((page) => {
        if (page !== before || this.#beginning !== null || this.#current !== null) return;
        this.#begin(call.id, call.conversation, { how: 'come-back', video: mine.media.camera });
      });
    }
  }

  #toldOne(call: Call): void {
    if (call.over === null) this.#told.set(call.id, call);
    else this.#told.delete(call.id);
    if (placeIn(call, this.#device.me)?.at === 'ringing') void this.#iceServers();
    this.#of(call.id)?.told(call);
    this.#beat.beat();
  }

  /** Without an answer, none: in one network calls work without. */
  #iceServers(): Promise<readonly IceServer[]> {
    if (this.#ice !== null && this.#ice.until > Date.now()) return this.#ice.servers;
    const asked = this.#device.ask('iceServers');
    const ice = { servers: asked.then((one) => (one.ok ? one.answer.iceServers : [])), until: Date.now() + 60_000 };
    this.#ice = ice;
    void asked.then((one) => (ice.until = one.ok ? Date.now() + one.answer.ttlSeconds * 500 : 0));
    return ice.servers;
  }
}
