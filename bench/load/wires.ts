/** How one person reaches one document, or one conversation, on each of the measured servers: all that differs between them. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { Agent, request as httpRequest } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import * as Y from 'yjs';
import { framed, framedText, RawSocket, type Handlers } from './socket.ts';
import type { Written } from './messages.ts';

/**
 * ting       Ting Ting, one socket for one document
 * ting-app   Ting Ting, one socket for all documents, as the app uses it
 */
export type Wire = 'ting' | 'ting-app' | 'bare' | 'y-websocket' | 'hocuspocus' | 'usual';

export interface Person {
  id: string;
  cookie: string;
}

/** A page of a conversation. */
export interface Place {
  conversation: string;
  page: number;
}

const HOCUSPOCUS_AUTH = 2;
const SYNC = 0;
const STEP1 = 0;
const STEP2 = 1;
const UPDATE = 2;

export const EMPTY_STATE = new Uint8Array([0]);

const syncFrame = (kind: number, bytes: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, bytes);
  });

/** The name under which all servers but the usual stack know it. */
export const documentName = ({ conversation, page }: Place): string => `c:${conversation}:${page}`;

/** What stands before the y-protocols frame, and is taken off again when one arrives. */
function prefixOf(wire: Wire, place: Place, channel: number): Uint8Array {
  switch (wire) {
    case 'ting-app':
      return encoding.encode((encoder) => encoding.writeVarUint(encoder, channel));
    case 'hocuspocus':
      return encoding.encode((encoder) => encoding.writeVarString(encoder, documentName(place)));
    default:
      return new Uint8Array();
  }
}

function pathOf(wire: Wire, place: Place, person: Person): string {
  switch (wire) {
    case 'ting':
      return `/sync/${encodeURIComponent(documentName(place))}`;
    case 'ting-app':
      return '/sync';
    case 'bare':
    case 'y-websocket':
      return `/${documentName(place)}`;
    case 'hocuspocus':
      return '/';
    case 'usual':
      return `/socket.io/?EIO=4&transport=websocket&conversation=${place.conversation}&person=${person.id}`;
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => Buffer.concat([a, b]);

/** One connection of one person to one place, and what it can send. */
export class Line {
  readonly socket: RawSocket;
  readonly #wire: Wire;
  readonly #place: Place;
  readonly #prefix: Uint8Array;
  readonly #port: number;
  #synced: (update: Uint8Array) => void = () => undefined;
  /** A long answer comes in pieces, of which the last says that it is all; null when nothing is waited for. */
  #pieces: Uint8Array[] | null = null;
  /** The usual stack takes messages beside the socket, over a connection that is kept. */
  #posting: Socket | null = null;

  /** `frame` gets what comes after the handshake, and during it whatever is no answer to it. */
  constructor(
    wire: Wire,
    port: number,
    place: Place,
    person: Person,
    handlers: Handlers,
    path = pathOf(wire, place, person),
  ) {
    this.#wire = wire;
    this.#place = place;
    this.#port = port;
    this.#prefix = prefixOf(wire, place, 1);
    this.socket = new RawSocket(port, path, wire.startsWith('ting') ? person.cookie : null, {
      frame: (bytes) => {
        if (wire === 'usual' && bytes.length === 1 && bytes[0] === 0x32) this.socket.send(framedText('3'));
        else this.#look(bytes);
        handlers.frame(bytes);
      },
      closed: handlers.closed,
    });
  }

  /** Resolves with what the server has that `state` has not, once it has told; at once where it tells nothing. */
  async sync(state: Uint8Array = EMPTY_STATE): Promise<Uint8Array> {
    this.#pieces = [];
    const synced = new Promise<Uint8Array>((resolve) => (this.#synced = resolve));
    await this.socket.opened();
    switch (this.#wire) {
      case 'bare':
        return new Uint8Array();
      case 'usual':
        this.socket.send(framedText('40'));
        return synced;
      case 'ting-app': {
        const open = JSON.stringify({ is: 'open', channel: 1, doc: documentName(this.#place) });
        this.socket.send(framed(joined(new Uint8Array([0]), Buffer.from(open))));
        break;
      }
      case 'hocuspocus':
        this.socket.send(
          framed(
            encoding.encode((encoder) => {
              encoding.writeVarString(encoder, documentName(this.#place));
              encoding.writeVarUint(encoder, HOCUSPOCUS_AUTH);
              encoding.writeVarUint(encoder, 0);
              encoding.writeVarString(encoder, 'token');
            }),
          ),
        );
        break;
      case 'ting':
      case 'y-websocket':
    }
    this.socket.send(framed(joined(this.#prefix, syncFrame(STEP1, state))));
    return synced;
  }

  /** A message as the bytes to be sent, so that sending is one write. */
  prepare(message: Written, update: Uint8Array): Buffer {
    return this.#wire === 'usual'
      ? postBytes(this.#port, this.#place.conversation, message)
      : framed(joined(this.#prefix, syncFrame(UPDATE, update)));
  }

  /** Sends what was prepared. */
  send(prepared: Buffer): void {
    if (this.#wire !== 'usual') return this.socket.send(prepared);
    this.#posting ??= createConnection({ port: this.#port, host: '127.0.0.1', noDelay: true }).resume();
    this.#posting.write(prepared);
  }

  /** Reads nothing any more, and stays connected. */
  stopReading(): void {
    this.socket.stopReading();
  }

  cut(): void {
    this.socket.cut();
    this.#posting?.destroy();
  }

  /** Many messages in one update. */
  sendUpdate(update: Uint8Array): void {
    this.socket.send(framed(joined(this.#prefix, syncFrame(UPDATE, update))));
  }

  #look(bytes: Buffer): void {
    if (this.#wire === 'usual') {
      if (bytes[0] === 0x34 && bytes[1] === 0x30) this.#synced(new Uint8Array());
      return;
    }
    const prefix = this.#prefix;
    for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return;
    const pieces = this.#pieces;
    const kind = bytes[prefix.length + 1];
    if (pieces === null || bytes[prefix.length] !== SYNC || (kind !== STEP2 && kind !== UPDATE)) return;
    const decoder = decoding.createDecoder(bytes.subarray(prefix.length + 2));
    // What comes in is a view that holds during the call.
    pieces.push(decoding.readVarUint8Array(decoder).slice());
    if (kind === UPDATE) return;
    this.#pieces = null;
    const [only] = pieces;
    this.#synced(only !== undefined && pieces.length === 1 ? only : Y.mergeUpdates(pieces));
  }
}

function postBytes(port: number, conversation: string, { by, at, text }: Written): Buffer {
  const body = Buffer.from(JSON.stringify({ by, at, text }));
  const head =
    `POST /${conversation} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Connections are kept, as a browser keeps them. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** GET, as a page of history is fetched; answers the body. A connection that is closed while it is taken up again is tried once more, as browsers do. */
export function get(port: number, path: string, cookie = ''): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent, headers: { cookie } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
      response.on('error', reject);
    });
    request.on('error', (why: NodeJS.ErrnoException) => {
      if (request.reusedSocket && why.code === 'ECONNRESET') resolve(get(port, path, cookie));
      else reject(why);
    });
    request.end();
  });
}
