/**
 * Media between this device and one other person in the call, kept up by dialling anew: a line that breaks stays while a second one is tried, and
 * the first that is open is used. Of two who dial each other at once, the line of the one with the smaller name stays.
 *
 *   waiting ─dial or be dialled─▶ connecting ─▶ live ⇄ reconnecting
 */
import { ObservableV2 } from 'lib0/observable';
import type { PeerId } from '#shared/ids.ts';
import type { Broker } from './broker.ts';
import type { Line, LineState, Sent } from './line.ts';

export type LinkState = 'connecting' | 'live' | 'reconnecting';

/** The other one dials first; when nothing came for so long, this side does. */
const THEIR_TURN_MS = 2_500;
/** A line that breaks may mend itself: a lost packet or two. */
const MEND_MS = 1_500;
/** When two lines are open, both sides have settled on one by then. */
const AGREE_MS = 2_000;
/** A dialled line that is not open by then is given up. */
const DIAL_AT_MOST_MS = 6_000;

interface LinkEvents {
  changed: () => void;
}

export class Link extends ObservableV2<LinkEvents> {
  #peer: PeerId;
  readonly #broker: Broker;
  readonly #sent: () => Sent;
  #line: Line | null = null;
  #next: Line | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasLive = false;
  #isStopped = false;

  constructor(peer: PeerId, broker: Broker, sent: () => Sent) {
    super();
    this.#peer = peer;
    this.#broker = broker;
    this.#sent = sent;
    this.#begin();
  }

  get peer(): PeerId {
    return this.#peer;
  }

  get state(): LinkState {
    if (this.#line?.state === 'open') return 'live';
    return this.#wasLive ? 'reconnecting' : 'connecting';
  }

  get stream(): MediaStream | null {
    return this.#line?.stream ?? null;
  }

  get connection(): RTCPeerConnection | null {
    return this.#line?.connection ?? null;
  }

  /** The other one's page was loaded anew. */
  renamed(peer: PeerId): void {
    if (peer === this.#peer) return;
    this.#peer = peer;
    this.#drop();
    this.#begin();
    this.emit('changed', []);
  }

  /** The other one has dialled. */
  dialled(line: Line): void {
    if (this.#dials && this.#broker.me < this.#peer) return line.close();
    line.answer(this.#sent());
    this.#try(line);
  }

  /** The network is another one, or is back: what is not open is dialled at once. */
  hurry(): void {
    if (this.state !== 'live') this.#dial();
  }

  /** The broker can be reached: whose turn it is dials. */
  ready(): void {
    if (!this.#dials && (this.#wasLive || this.#broker.me < this.#peer)) this.hurry();
  }

  async send(): Promise<void> {
    await Promise.all([this.#line?.send(this.#sent()), this.#next?.send(this.#sent())]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#drop();
    this.destroy();
  }

  /** A line of this side's is on its way. */
  get #dials(): boolean {
    return [this.#line, this.#next].some((line) => line?.state === 'dialling' && line.isOurs);
  }

  #begin(): void {
    if (this.#broker.me < this.#peer) this.#dial();
    else this.#later(THEIR_TURN_MS);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const lines = [this.#line, this.#next];
    this.#line = this.#next = null;
    for (const line of lines) line?.close();
  }

  #later(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#dial(), afterMs);
  }

  #dial(): void {
    if (this.#isStopped || this.state === 'live') return;
    const line = this.#broker.dial(this.#peer, this.#sent());
    if (line !== null) this.#try(line);
    // Also when the broker is away: the line may mend itself meanwhile.
    this.#later(DIAL_AT_MOST_MS);
  }

  /** The line becomes the one in use when it is open, or when there is none. */
  #try(line: Line): void {
    const other = this.#next;
    if (this.#line === null || this.#line.state === 'closed') this.#line = line;
    else this.#next = line;
    if (this.#next !== other) other?.close();
    line.on('state', (state) => this.#heard(line, state));
    line.on('stream', () => this.emit('changed', []));
    this.#later(DIAL_AT_MOST_MS);
    this.emit('changed', []);
  }

  #heard(line: Line, state: LineState): void {
    if (line !== this.#line && line !== this.#next) return;
    switch (state) {
      case 'dialling':
        return;
      case 'open':
        this.#use(line);
        break;
      case 'broken':
        if (line === this.#line && this.#next === null) this.#later(MEND_MS);
        break;
      case 'closed':
        this.#gone(line);
    }
    this.emit('changed', []);
  }

  #use(line: Line): void {
    const other = line === this.#line ? this.#next : this.#line;
    this.#line = line;
    this.#next = other?.state === 'broken' ? null : other;
    if (other?.state === 'broken') other.close();
    clearTimeout(this.#timer);
    // Not at once: when both lines opened at the same time, the other one may have taken that.
    if (this.#next !== null) this.#timer = setTimeout(() => this.#next?.close(), AGREE_MS);
    this.#wasLive = true;
    // What is sent may have changed since it was dialled.
    void line.send(this.#sent());
  }

  #gone(line: Line): void {
    if (line === this.#next) this.#next = null;
    else {
      this.#line = this.#next;
      this.#next = null;
    }
    if (this.#line === null || this.#line.state === 'broken') this.#later(this.#wasLive ? 0 : MEND_MS);
  }
}
