/**
 * A WebSocket client that costs next to nothing, so that the generator is not what is measured: frames are sent as bytes that were prepared
 * before, and received ones are handed over as views that hold during the call only. It takes no extensions and answers pings by itself.
 */
import { createConnection, type Socket } from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
/** All sockets read into one buffer: each read is handled before the next begins. */
const shared = Buffer.alloc(256 * 1024);

export interface Handlers {
  frame(bytes: Buffer): void;
  closed(code: number): void;
}

/** A whole client frame. Its mask is zero, which is allowed and saves masking and unmasking. */
export function framed(payload: Uint8Array, opcode = 2): Buffer {
  const length = payload.length;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extra + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + extra + 4);
  return frame;
}

export const framedText = (text: string): Buffer => framed(Buffer.from(text), TEXT);

export class RawSocket {
  /** Bytes that came after the upgrade's answer. */
  bytesIn = 0;
  readonly #handlers: Handlers;
  readonly #socket: Socket;
  #upgraded = false;
  #rest: Buffer | null = null;
  #code = 1006;
  #opened: () => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;
  /** A message in several frames, until its last one. */
  #parts: Buffer[] = [];

  constructor(port: number, path: string, cookie: string | null, handlers: Handlers) {
    this.#handlers = handlers;
    this.#socket = createConnection({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (size) => {
          this.#read(shared.subarray(0, size));
          return true;
        },
      },
    });
    this.#socket.on('connect', () => {
      const cookieLine = cookie === null ? '' : `Cookie: ${cookie}\r\n`;
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${cookieLine}\r\n`,
      );
    });
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => {
      this.#failed(new Error(`${path} was closed with ${this.#code}`));
      handlers.closed(this.#code);
    });
  }

  opened(): Promise<void> {
    if (this.#upgraded) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#opened = resolve;
      this.#failed = reject;
    });
  }

  /** Takes a whole frame, as `framed` makes it. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** What comes from now on waits in the machine's buffers. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Cuts the line, as a lost network does. */
  cut(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const whole = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = this.#upgraded ? 0 : this.#readAnswer(whole);
    if (this.#upgraded) at = this.#readFrames(whole, at);
    this.#rest = at === whole.length ? null : Buffer.from(whole.subarray(at));
  }

  #readAnswer(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#failed(new Error(`the upgrade was refused: ${head.split('\r\n')[0]}`));
      this.#socket.destroy();
      return bytes.length;
    }
    this.#upgraded = true;
    this.#opened();
    return end + 4;
  }

  /** Answers where it stopped: at the end, or before a frame that is not there in full. */
  #readFrames(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes.length - at >= 2) {
      const first = bytes[at] ?? 0;
      let size = (bytes[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (size === 126) {
        if (bytes.length - at < 4) break;
        size = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (size === 127) {
        if (bytes.length - at < 10) break;
        size = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      if (bytes.length < start + size) break;
      this.bytesIn += start + size - at;
      this.#frame(first, bytes.subarray(start, start + size));
      at = start + size;
    }
    return at;
  }

  #frame(first: number, payload: Buffer): void {
    const opcode = first & 0x0f;
    const last = (first & 0x80) !== 0;
    if (opcode === PING) return this.send(framed(payload, 10));
    if (opcode === CLOSE) {
      this.#code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#socket.end();
      return;
    }
    if (opcode > CLOSE) return;
    if (last && this.#parts.length === 0) return this.#handlers.frame(payload);
    this.#parts.push(Buffer.from(payload));
    if (!last) return;
    const parts = this.#parts;
    this.#parts = [];
    this.#handlers.frame(Buffer.concat(parts));
  }
}
