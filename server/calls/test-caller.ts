/** For tests only: a page of the app that calls, with its socket for asking and, when wanted, one to the call broker as PeerJS opens it. */
import type WebSocket from 'ws';
import { newCallId, newDeviceId, type CallId, type ConversationId, type DeviceId, type PeerId } from '#shared/ids.ts';
import { isInside, placeIn, type Call, type CallMedia, type CallPlace } from '#shared/model/call.ts';
import type { CallAsk, RelayControl } from '#shared/protocol/control.ts';
import type { Actor, Tab } from '../test-actor.ts';

export const MEDIA: CallMedia = { microphone: true, camera: false, screen: false };

export class CallerPage {
  readonly who: Actor;
  readonly device: DeviceId;
  tab: Tab;

  private constructor(who: Actor, tab: Tab, device: DeviceId) {
    this.who = who;
    this.tab = tab;
    this.device = device;
  }

  static async open(who: Actor, device = newDeviceId()): Promise<CallerPage> {
    const page = new CallerPage(who, await who.tab(), device);
    await page.tab.until(({ is }) => is === 'calls');
    return page;
  }

  ask(what: CallAsk): void {
    this.tab.tell({ is: 'call', what });
  }

  /** Answers its id. */
  start(conversation: ConversationId, { call = newCallId(), video = false } = {}): CallId {
    this.ask({ ask: 'start', call, conversation, device: this.device, video, media: MEDIA });
    return call;
  }
  accept(call: CallId, { takeOver = false } = {}): void {
    this.ask({ ask: 'accept', call, device: this.device, media: MEDIA, takeOver });
  }
  decline(call: CallId): void {
    this.ask({ ask: 'decline', call });
  }
  leave(call: CallId, { failed = false } = {}): void {
    this.ask({ ask: 'leave', call, device: this.device, failed });
  }
  back(call: CallId, { anew = false } = {}): void {
    this.ask({ ask: 'back', call, device: this.device, anew });
  }

  /** What it was told of a call last. */
  call(id: CallId): Call | undefined {
    return this.tab.heard
      .flatMap((message) => (message.is === 'call' ? [message.call] : message.is === 'calls' ? message.calls : []))
      .findLast((call) => call.id === id);
  }

  /** Once what it was told last of the call is so. */
  async sees(id: CallId, isSo: (call: Call) => boolean): Promise<Call> {
    await this.tab.until(() => {
      const call = this.call(id);
      return call !== undefined && isSo(call);
    });
    const call = this.call(id);
    if (call === undefined) throw new Error('it was there a moment ago');
    return call;
  }

  /** Once this person is there, as this page was told. */
  seesAt(id: CallId, person: Actor, at: CallPlace['at']): Promise<Call> {
    return this.sees(id, (call) => placeIn(call, person.id)?.at === at);
  }

  seesOver(id: CallId): Promise<Call> {
    return this.sees(id, (call) => call.over !== null);
  }

  async refusal(id: CallId): Promise<string> {
    const isIt = (message: RelayControl) => message.is === 'call-refused' && message.call === id;
    await this.tab.until(isIt);
    const found = this.tab.heard.findLast(isIt);
    return found?.is === 'call-refused' ? found.fault : '';
  }

  /** Its own name at the broker, once it is in. */
  async peer(id: CallId): Promise<PeerId> {
    const call = await this.seesAt(id, this.who, 'in');
    const place = placeIn(call, this.who.id);
    if (!isInside(place) || place.peer === null) throw new Error('it has no name');
    return place.peer;
  }

  /** At the broker, as whom the relay says it is. */
  async signals(id: CallId, token = 'token'): Promise<Signals> {
    const signals = new Signals(this.who, await this.peer(id), token);
    await signals.until(({ type }) => type === 'OPEN');
    return signals;
  }

  /** Without a goodbye. */
  async drop(): Promise<void> {
    this.tab.cut();
    await this.tab.closed();
  }

  async closes(): Promise<void> {
    this.tab.closePage();
    await this.tab.closed();
  }

  async comesBack(): Promise<void> {
    this.tab = await this.who.tab();
    await this.tab.until(({ is }) => is === 'calls');
  }
}

interface SignalMessage {
  type: string;
  src?: string;
  dst?: string;
  payload?: unknown;
}

/** PeerJS's own socket. */
export class Signals {
  readonly peer: string;
  readonly heard: SignalMessage[] = [];
  closedWith: number | null = null;
  readonly #socket: WebSocket;
  #waiting: { when: () => boolean; go: () => void }[] = [];

  constructor(who: Actor, peer: string, token = 'token', headers: Record<string, string> = {}) {
    this.peer = peer;
    this.#socket = who.socket(`/calls/peerjs?key=peerjs&id=${peer}&token=${token}&version=1.5.5`, headers);
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) throw new Error('PeerJS speaks text');
      this.heard.push(JSON.parse(data.toString()) as SignalMessage);
      this.#look();
    });
    this.#socket.on('close', (code) => {
      this.closedWith = code;
      this.#look();
    });
    this.#socket.on('unexpected-response', (_request, response) => {
      this.closedWith = response.statusCode ?? 0;
      this.#look();
    });
    this.#socket.on('error', () => undefined);
  }

  say(message: SignalMessage): void {
    this.sayRaw(JSON.stringify(message));
  }
  sayRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }
  close(): void {
    this.#socket.terminate();
  }

  async until(wanted: (message: SignalMessage) => boolean): Promise<SignalMessage> {
    await this.#when(() => this.heard.some(wanted));
    return this.heard.find(wanted) ?? { type: '' };
  }

  /** With which code, or with which status when it was not let in. */
  async closed(): Promise<number> {
    await this.#when(() => this.closedWith !== null);
    return this.closedWith ?? 0;
  }

  /** All that was said to it before has come: a message to itself, around by the broker. */
  async settled(): Promise<void> {
    const payload = crypto.randomUUID();
    this.say({ type: 'CANDIDATE', dst: this.peer, payload });
    await this.until((message) => message.payload === payload);
  }

  #when(when: () => boolean): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ when, go });
      this.#look();
    });
  }

  #look(): void {
    const due = this.#waiting.filter(({ when }) => when());
    this.#waiting = this.#waiting.filter((one) => !due.includes(one));
    for (const { go } of due) go();
  }
}
