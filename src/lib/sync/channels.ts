/**
 * Many documents over one socket. A `ChannelSocket` looks like a WebSocket, so that the stock y-websocket provider can use it: it stays
 * CONNECTING until the tab's socket is open and its document may be synced, then opens a channel, under a number that is never used again on that
 * socket, and hands over exactly the bytes of the single-document protocol. When the tab's socket is lost, every channel closes as if its own had been.
 */
import { decodeChannelFrame, CONTROL_CHANNEL, encodeChannelFrame } from '#shared/protocol/channels.ts';
import { framesInPieces } from '#shared/protocol/pieces.ts';
import { type ClientControl, decodeRelayControl, encodeControl, type RelayControl } from '#shared/protocol/control.ts';

export interface Mux {
  isOpen(): boolean;
  send(bytes: Uint8Array): void;
  /** Documents of a conversation that waits to be created are not synced (L4). */
  maySync(doc: string): boolean;
  /** What the relay says on channel 0 that is not about channels. */
  said(control: Exclude<RelayControl, { is: 'opened' | 'closed' }>): void;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

/** What WebSockets say when they break without a word. */
const ABNORMAL_CLOSE = 1006;
const NORMAL_CLOSE = 1000;

export class ChannelSocket {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = 2;
  static readonly CLOSED = CLOSED;
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = 2;
  readonly CLOSED = CLOSED;

  readonly url: string;
  readonly doc: string;
  binaryType = 'arraybuffer';
  readyState: number = CONNECTING;
  onopen: ((event: { type: 'open' }) => void) | null = null;
  onmessage: ((event: { type: 'message'; data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { type: 'close'; code: number; reason: string }) => void) | null = null;
  onerror: ((event: { type: 'error' }) => void) | null = null;
  readonly #channels: Channels;

  constructor(channels: Channels, url: string) {
    this.#channels = channels;
    this.url = url;
    this.doc = url.slice(url.lastIndexOf('/') + 1);
  }

  send(bytes: Uint8Array): void {
    if (this.readyState === OPEN) this.#channels.send(this, bytes);
  }

  close(): void {
    if (this.readyState === CLOSED) return;
    this.#channels.closedHere(this);
    this.closed(NORMAL_CLOSE, '');
  }

  opened(): void {
    this.readyState = OPEN;
    this.onopen?.({ type: 'open' });
  }

  received(body: Uint8Array): void {
    // The provider wants an ArrayBuffer of its own; the body is a view into the socket's frame.
    this.onmessage?.({ type: 'message', data: body.slice().buffer as ArrayBuffer });
  }

  closed(code: number, reason: string): void {
    this.readyState = CLOSED;
    this.onclose?.({ type: 'close', code, reason });
  }
}

export class Channels {
  readonly #mux: Mux;
  #next = 1;
  readonly #open = new Map<number, ChannelSocket>();
  readonly #numbers = new Map<ChannelSocket, number>();
  readonly #waiting = new Set<ChannelSocket>();
  /** To be given to the provider as its `WebSocketPolyfill`. The document's name is the last part of the address. */
  readonly WebSocket: typeof WebSocket;

  constructor(mux: Mux) {
    this.#mux = mux;
    const wait = (socket: ChannelSocket) => this.#wait(socket);
    const here = () => this;
    this.WebSocket = class extends ChannelSocket {
      constructor(url: string) {
        super(here(), url);
        wait(this);
      }
    } as unknown as typeof WebSocket;
  }

  /** The tab's socket has opened, or a document may be synced now: opens what has been waiting. */
  openWaiting(): void {
    if (!this.#mux.isOpen()) return;
    for (const socket of [...this.#waiting]) if (this.#mux.maySync(socket.doc)) this.#openChannel(socket);
  }

  /** The tab's socket is gone, and all channels with it. */
  muxLost(): void {
    const lost = [...this.#open.values()];
    this.#open.clear();
    this.#numbers.clear();
    this.#next = 1;
    for (const socket of lost) socket.closed(ABNORMAL_CLOSE, 'the connection was lost');
  }

  frame(bytes: Uint8Array): void {
    const frame = decodeChannelFrame(bytes);
    if (!frame.ok) return console.warn('sync: a frame could not be read:', frame.why);
    const { channel, body } = frame.value;
    if (channel === CONTROL_CHANNEL) return this.#control(body);
    // A channel that was closed here may still have had frames on the way.
    this.#open.get(channel)?.received(body);
  }

  send(socket: ChannelSocket, bytes: Uint8Array): void {
    const channel = this.#numbers.get(socket);
    if (channel === undefined) return;
    // What was written in weeks without a network may be more than the relay takes in one frame.
    for (const frame of framesInPieces(bytes)) this.#mux.send(encodeChannelFrame(channel, frame));
  }

  closedHere(socket: ChannelSocket): void {
    this.#waiting.delete(socket);
    const channel = this.#numbers.get(socket);
    if (channel === undefined) return;
    this.#forget(channel, socket);
    this.say({ is: 'close', channel });
  }

  #wait(socket: ChannelSocket): void {
    this.#waiting.add(socket);
    // Not at once: whoever made it has yet to listen.
    queueMicrotask(() => this.openWaiting());
  }

  #openChannel(socket: ChannelSocket): void {
    this.#waiting.delete(socket);
    const channel = this.#next++;
    this.#open.set(channel, socket);
    this.#numbers.set(socket, channel);
    this.say({ is: 'open', channel, doc: socket.doc });
    socket.opened();
  }

  #control(body: Uint8Array): void {
    const control = decodeRelayControl(body);
    if (!control.ok) return console.warn('sync: the relay said something unknown:', control.why);
    switch (control.value.is) {
      case 'opened':
        return;
      case 'closed': {
        const { channel, code, fault } = control.value;
        const socket = this.#open.get(channel);
        if (socket === undefined) return;
        this.#forget(channel, socket);
        return socket.closed(code, fault);
      }
      case 'overview':
      case 'rows':
      case 'marks':
      case 'presence':
      case 'typing':
      case 'gone':
      case 'calls':
      case 'call':
      case 'call-refused':
      case 'call-became':
      case 'pulse':
        return this.#mux.said(control.value);
    }
  }

  #forget(channel: number, socket: ChannelSocket): void {
    this.#open.delete(channel);
    this.#numbers.delete(socket);
  }

  say(control: ClientControl): void {
    this.#mux.send(encodeChannelFrame(CONTROL_CHANNEL, encodeControl(control)));
  }
}
