/**
 * The call that this page is in, from the press to the last sentence: the own microphone and camera, lines to the others, and what the relay says of
 * who is in it. Loaded when a call begins.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { ConversationKind } from '#shared/access.ts';
import { isFault } from '#shared/faults.ts';
import type { CallId, ConversationId, DeviceId, PeerId, Sha256, UserId } from '#shared/ids.ts';
import { type Call, type CallMedia, isInside, placeIn, secondsOf } from '#shared/model/call.ts';
import type { CallOutcome } from '#shared/model/call-trace.ts';
import type { IceServer } from '#shared/protocol/api.ts';
import type { CallAsk } from '#shared/protocol/control.ts';
import { adapt } from '../calls/adapt.ts';
import { Broker } from '../calls/broker.ts';
import type { Link } from '../calls/link.ts';
import { Mesh } from '../calls/mesh.ts';
import { OwnMedia } from '../calls/own-media.ts';
import { type Counted, counted, type Quality, qualityOf } from '../calls/quality.ts';
import { Beat } from './beat.svelte.ts';
import { CallDevices } from './call-devices.svelte.ts';
import type { CallSelfView, CallStage, CallTileView, CallTrouble, CurrentCallView } from './call-views.ts';

export type HowToBegin = 'start' | 'join' | 'take-over' | 'come-back';

export interface CurrentCallParts {
  me: UserId;
  page: DeviceId;
  id: CallId;
  conversation: ConversationId;
  kind: ConversationKind;
  avatarSeed: string;
  /** As they are now: either may be renamed meanwhile. */
  title(): string;
  picture(): Sha256 | null;
  member(person: UserId): { name: string; picture: Sha256 | null } | null;
  how: HowToBegin;
  video: boolean;
  told: Call | null;
  isOnline(): boolean;
  say(ask: CallAsk): void;
  iceServers(): Promise<readonly IceServer[]>;
  over(): void;
}

/** How often it is looked who speaks, and how good the lines are. */
const LISTEN_EVERY_MS = 200;
const COUNT_EVERY_MS = 2_000;
/** As long as lines may take on a slow network. */
const FAILED_FROM_S = 5;
/** Of full scale; below it a room is quiet. */
const SPEAKS_FROM = 0.04;

/** What is known of somebody's line. */
interface Heard {
  speaking: boolean;
  quality: Quality | null;
  counted: Counted | null;
}

export class CurrentCall implements CurrentCallView {
  readonly conversation: ConversationId;
  readonly kind: ConversationKind;
  readonly avatarSeed: string;
  readonly devices: CallDevices;
  readonly #parts: CurrentCallParts;
  readonly #media = new OwnMedia();
  /** The mesh or the own media changed. */
  readonly #beat = new Beat();
  readonly #heard = new SvelteMap<UserId, Heard>();
  #id = $state.raw<CallId>() as CallId;
  #how: HowToBegin;
  #call = $state.raw<Call | null>(null);
  #mesh = $state.raw<Mesh | null>(null);
  #peer: PeerId | null = null;
  #asking = $state(true);
  /** The relay has said that this page is in. */
  #isIn = $state(false);
  #wasLive = $state(false);
  #over = $state.raw<Extract<CallStage, { is: 'over' }> | null>(null);
  #trouble = $state.raw<CallTrouble | null>(null);
  #isLarge = $state(true);
  #speaker = $state.raw<UserId | null>(null);
  #speaking = $state(false);
  #ownStream: MediaStream | null = null;
  readonly #timers: ReturnType<typeof setInterval>[] = [];

  constructor(parts: CurrentCallParts) {
    this.#parts = parts;
    this.#id = parts.id;
    this.#how = parts.how;
    this.conversation = parts.conversation;
    this.kind = parts.kind;
    this.avatarSeed = parts.avatarSeed;
    this.#call = parts.told;
    this.devices = new CallDevices(this.#media, this.#beat);
    this.#media.on('changed', () => this.#mediaChanged());
    this.#media.on('trouble', (trouble) => (this.#trouble = trouble));
  }

  /** At once what can be said at once: who accepts stops the ringing elsewhere before their browser has asked for the microphone. */
  begin(): void {
    if (this.#how !== 'start') this.#sayHow({ microphone: true, camera: false, screen: false });
    if (!this.#parts.isOnline()) this.#trouble = 'relay-away';
    void this.#open();
    this.#timers.push(setInterval(() => this.#listen(), LISTEN_EVERY_MS));
    this.#timers.push(setInterval(() => void this.#count(), COUNT_EVERY_MS));
  }

  get id(): CallId {
    return this.#id;
  }

  get title(): string {
    return this.#parts.title();
  }

  get picture(): Sha256 | null {
    return this.#parts.picture();
  }

  get stage(): CallStage {
    if (this.#over !== null) return this.#over;
    if (this.#asking && this.#how !== 'come-back') return { is: 'asking' };
    const call = this.#call;
    if (call === null || !this.#isIn) return this.#how === 'start' ? { is: 'placing' } : { is: 'connecting' };
    if (call.answeredAt === null) return { is: 'ringing' };
    this.#beat.feel();
    const since = call.answeredAt;
    const links = this.#mesh?.links ?? [];
    if (links.some(({ state }) => state === 'live')) return { is: 'live', since };
    if (links.length === 0 && this.#wasLive) return { is: 'live', since };
    return this.#wasLive ? { is: 'reconnecting', since } : { is: 'connecting' };
  }

  get trouble(): CallTrouble | null {
    return this.#trouble;
  }

  dismissTrouble(): void {
    this.#trouble = null;
    if (this.#over !== null) this.#parts.over();
  }

  get me(): CallSelfView {
    this.#beat.feel();
    const { microphone, camera, screen } = this.#media;
    return { microphone, camera, screen, stream: this.#shownStream(), speaking: this.#speaking };
  }

  get others(): readonly CallTileView[] {
    this.#beat.feel();
    const people = (this.#call?.people ?? []).filter(({ id, place }) => {
      return id !== this.#parts.me && (isInside(place) || place.at === 'ringing');
    });
    return people.map(({ id, name, place }): CallTileView => {
      const link = this.#mesh?.link(id) ?? null;
      const heard = this.#heard.get(id);
      const media = isInside(place) ? place.media : null;
      const member = this.#parts.member(id);
      return {
        id,
        name: member?.name ?? name,
        picture: member?.picture ?? null,
        state: place.at === 'ringing' ? 'ringing' : (link?.state ?? 'connecting'),
        stream: link?.stream ?? null,
        shows: media?.screen === true ? 'screen' : media?.camera === true ? 'camera' : 'nothing',
        muted: media?.microphone === false,
        speaking: media?.microphone === true && (heard?.speaking ?? false),
        quality: link?.state === 'live' ? (heard?.quality ?? null) : null,
      };
    });
  }

  get speaker(): UserId | null {
    return this.#speaker;
  }

  get canShareScreen(): boolean {
    const devices = navigator.mediaDevices as Partial<MediaDevices> | undefined;
    return devices?.getDisplayMedia !== undefined;
  }

  get canSwitchCamera(): boolean {
    this.#beat.feel();
    return this.#media.camera && this.#media.devices.filter(({ kind }) => kind === 'videoinput').length > 1;
  }

  get isLarge(): boolean {
    return this.#isLarge;
  }

  showLarge(large: boolean): void {
    this.#isLarge = large;
  }

  toggleMicrophone(): void {
    void this.#media.setMicrophone(!this.#media.microphone);
  }

  toggleCamera(): void {
    void this.#media.setCamera(!this.#media.camera);
  }

  switchCamera(): void {
    void this.#media.switchCamera();
  }

  toggleScreen(): void {
    void this.#media.setScreen(!this.#media.screen);
  }

  hangUp(): void {
    const call = this.#call;
    if (this.#over !== null) return;
    const answered = call?.answeredAt ?? null;
    const seconds = call === null ? 0 : secondsOf(call, Date.now());
    // Who hangs up before that has not waited for a picture or a voice in vain; it is there for the other perhaps.
    const failed = answered !== null && !this.#wasLive && seconds >= FAILED_FROM_S;
    this.#parts.say({ ask: 'leave', call: this.#id, device: this.#parts.page, failed });
    this.#end(answered === null ? 'cancelled' : failed ? 'failed' : 'answered', seconds);
  }

  /** The relay's word. */
  told(call: Call): void {
    if (this.#over !== null) return;
    this.#call = call;
    if (call.over !== null) return this.#end(call.over.outcome, secondsOf(call, Date.now()));
    const mine = placeIn(call, this.#parts.me);
    if (isInside(mine) && mine.device === this.#parts.page) {
      if (!this.#isIn) this.#sayMedia();
      this.#isIn = true;
      if (this.#trouble === 'relay-away') this.#trouble = null;
      return void this.#meet(call, mine.peer);
    }
    if (isInside(mine)) {
      // Asked for, and not there yet: another device of this person was quicker.
      return this.#isIn || this.#how === 'join' ? this.#end('elsewhere', secondsOf(call, Date.now())) : undefined;
    }
    if (this.#isIn) this.#end('answered', secondsOf(call, Date.now()));
  }

  refused(fault: string): void {
    // What was asked of a call that is over meanwhile.
    if (this.#over !== null || (this.#isIn && fault !== 'not-found')) return;
    if (fault === 'conflict') return this.#end('elsewhere', 0);
    this.#trouble = isFault(fault) && fault !== 'not-found' ? fault : null;
    const came = fault === 'not-found' ? 'missed' : 'failed';
    this.#end(this.#isIn ? 'answered' : came, this.#call === null ? 0 : secondsOf(this.#call, Date.now()));
  }

  /** Somebody called there in the same moment: this is that call now. */
  became(id: CallId, call: Call | null): void {
    this.#id = id;
    this.#how = 'join';
    this.#call = null;
    if (call !== null) this.told(call);
  }

  /** After every connect, with what the relay knows of this call; null when it is over, or never came to be. */
  relayIsBack(call: Call | null): void {
    if (this.#over !== null) return;
    if (this.#trouble === 'relay-away') this.#trouble = null;
    if (!this.#isIn) return this.#asking && this.#how === 'start' ? undefined : this.#sayHow(this.#mediaNow());
    if (call === null) {
      const seconds = this.#call === null ? 0 : secondsOf(this.#call, Date.now());
      return this.#end(this.#wasLive ? 'answered' : 'missed', seconds);
    }
    this.#parts.say({ ask: 'back', call: this.#id, device: this.#parts.page, anew: false });
    this.#sayMedia();
    this.told(call);
  }

  async #open(): Promise<void> {
    const hasMicrophone = await this.#media.open({ video: this.#parts.video });
    if (this.#over !== null) return;
    this.#asking = false;
    // Who is called may listen; who calls has to be heard.
    if (this.#how === 'start' && !hasMicrophone) return this.#end('failed', 0);
    if (this.#how === 'start') this.#sayHow(this.#mediaNow());
  }

  #sayHow(media: CallMedia): void {
    const { page: device, video, conversation } = this.#parts;
    const call = this.#id;
    switch (this.#how) {
      case 'start':
        return this.#parts.say({ ask: 'start', call, conversation, device, video, media });
      case 'join':
      case 'take-over':
        return this.#parts.say({ ask: 'accept', call, device, media, takeOver: this.#how === 'take-over' });
      case 'come-back':
        return this.#parts.say({ ask: 'back', call, device, anew: true });
    }
  }

  #mediaNow(): CallMedia {
    const { microphone, camera, screen } = this.#media;
    return { microphone, camera, screen };
  }

  #sayMedia(): void {
    // Until the browser has answered, what was said with the accepting holds.
    if (this.#asking) return;
    this.#parts.say({ ask: 'media', call: this.#id, device: this.#parts.page, media: this.#mediaNow() });
  }

  #mediaChanged(): void {
    this.#beat.beat();
    if (this.#over !== null) return;
    void this.#mesh?.send();
    this.#adapt();
    if (this.#isIn) this.#sayMedia();
  }

  async #meet(call: Call, peer: PeerId | null): Promise<void> {
    if (peer !== null && peer !== this.#peer) {
      this.#peer = peer;
      const servers = await this.#parts.iceServers();
      if (this.#over !== null || this.#peer !== peer) return;
      this.#mesh?.stop();
      this.#mesh = new Mesh(new Broker(peer, servers), () => this.#media.sent);
      this.#mesh.on('changed', () => this.#meshChanged());
    }
    const people = (this.#call ?? call).people.flatMap(({ id, place }): [UserId, PeerId][] =>
      id !== this.#parts.me && isInside(place) && place.peer !== null ? [[id, place.peer]] : [],
    );
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- read once
    this.#mesh?.meet(new Map(people));
  }

  #meshChanged(): void {
    if (this.#mesh?.links.some(({ state }) => state === 'live') === true) this.#wasLive = true;
    this.#adapt();
    this.#beat.beat();
  }

  #adapt(): void {
    const links = this.#mesh?.links ?? [];
    for (const { connection } of links)
      if (connection !== null) void adapt(connection, links.length, this.#media.screen);
  }

  #shownStream(): MediaStream | null {
    const track = this.#media.shown;
    if (track === null) this.#ownStream = null;
    else if (this.#ownStream?.getVideoTracks()[0] !== track) this.#ownStream = new MediaStream([track]);
    return this.#ownStream;
  }

  #listen(): void {
    this.#speaking = this.#media.level > SPEAKS_FROM;
    this.devices.listen();
    let loudest = SPEAKS_FROM;
    for (const { id } of this.#call?.people ?? []) {
      const link = this.#mesh?.link(id);
      if (link === undefined || link === null) continue;
      const level = levelOf(link);
      this.#note(id, { speaking: level > SPEAKS_FROM });
      if (level <= loudest) continue;
      loudest = level;
      this.#speaker = id;
    }
  }

  async #count(): Promise<void> {
    for (const { id } of this.#call?.people ?? []) {
      const connection = this.#mesh?.link(id)?.connection ?? null;
      if (connection === null) continue;
      const now = await counted(connection).catch(() => null);
      const before = this.#heard.get(id)?.counted ?? null;
      if (now !== null) this.#note(id, { counted: now, quality: before === null ? null : qualityOf(before, now) });
    }
  }

  #note(id: UserId, news: Partial<Heard>): void {
    const before = this.#heard.get(id) ?? { speaking: false, quality: null, counted: null };
    const same = Object.entries(news).every(([key, value]) => before[key as keyof Heard] === value);
    if (!same) this.#heard.set(id, { ...before, ...news });
  }

  #end(outcome: CallOutcome | 'elsewhere', seconds: number): void {
    if (this.#over !== null) return;
    this.#over = { is: 'over', outcome, seconds };
    for (const timer of this.#timers) clearInterval(timer);
    this.#mesh?.stop();
    this.#mesh = null;
    this.#media.stop();
    this.#beat.beat();
    this.#parts.over();
  }
}

function levelOf({ connection, state }: Link): number {
  if (connection === null || state !== 'live') return 0;
  const receiver = connection.getReceivers().find(({ track }) => track.kind === 'audio');
  return receiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
}
