/**
 * The door: the only file that loads uWebSockets.js. It reads a request whole before anybody sees it and writes an answer in one piece, but for uploads,
 * which are taken as they come (incoming.ts), and what is too large for the memory, which is given as it is read (outgoing.ts). A socket it hands over as
 * three callbacks.
 *
 * Its manners, each learnt from a crash without a JavaScript error: everything of `req` is read before the first await (it lives on the
 * stack of the callback); `onAborted` is registered before anything else; `res` and `ws` are not touched once they are gone; writes are
 * corked; a message's bytes are copied, because its buffer is taken away when the callback returns.
 */
import './header-limit.ts';
import uws from 'uWebSockets.js';
import { FAULTS, type Fault } from '#shared/faults.ts';
import { BODY_MAX_BYTES, FRAME_MAX_BYTES, SIGNAL_MAX_BYTES } from '#shared/limits.ts';
import { type Answer, CutOff, NotReady, type Outgoing, type Refusal, type Request } from '../exchange.ts';
import { clientAddress } from './address.ts';
import { IncomingBody } from './incoming.ts';
import { pour } from './outgoing.ts';
import { problem } from './problem.ts';
import { rehearse } from './rehearsal.ts';
import { SIGNALS_PATH } from './signals-path.ts';

/** Frames up to here reach the handler, which can say *too large* (4413); uWebSockets.js just cuts the line beyond it. */
const PAYLOAD_MAX_BYTES = 2 * FRAME_MAX_BYTES;
/** What may wait for a slow reader. Beyond it the socket is closed: a frame dropped from the middle would be a silent gap. */
const BACKPRESSURE_MAX_BYTES = 16 * 1024 * 1024;
/** Frames from here on are compressed for whoever can read that: it costs 16 µs a kilobyte, which a single message does not win back. */
const COMPRESSED_FROM_BYTES = 16 * 1024;
/** A dead line is noticed after this long; pings go out by themselves before. */
const IDLE_SECONDS = 60;
/** A body that is too large is still read to its end, up to here, so that its sender hears why instead of a cut line. */
const DRAINED_MAX_BYTES = 16 * BODY_MAX_BYTES;
/** How long requests under way may take when the relay stops. */
const DRAIN_MILLIS = 5_000;

export interface DoorSocket {
  send(bytes: Uint8Array): void;
  /** What is sent in `sends` leaves in one write. */
  together(sends: () => void): void;
  close(code: number, reason: string): void;
  bufferedBytes(): number;
}

export interface SocketEvents {
  message(bytes: Uint8Array): void;
  /** Of what was sent and had to wait, some has left. */
  drained(): void;
  closed(code: number): void;
}

/** What becomes of an upgrade: refused with a fault, or opened. */
export type UpgradeDecision = { ok: true; open(socket: DoorSocket): SocketEvents } | { ok: false; refusal: Refusal };

export interface DoorHandlers {
  /** Must not reject for anything a client can do; if it does, the answer is *relay-fault* and `failed` hears about it. */
  answer(request: Request): Promise<Answer>;
  /** Where the body of such a request is taken as it comes: the folder for what comes too fast. Null where it is read whole. */
  uploadsInto(method: string, path: string): string | null;
  upgrade(request: Request): Promise<UpgradeDecision>;
  failed(why: unknown, request: Request): void;
}

export interface Door {
  port: number;
  /** Takes nobody in any more. */
  close(): void;
  /** Waits for the requests under way, then ends every connection. */
  stop(): Promise<void>;
}

const EXCLUSIVE_PORT = 1;
/** With a host and an option: in the addon, but not in its types. */
interface ExclusiveListen {
  listen(host: string, port: number, option: number, then: (socket: uws.us_listen_socket | false) => void): void;
}

/** uWebSockets.js copies what it is given. */
interface UserData {
  held: Held;
}

interface Held {
  ws: uws.WebSocket<UserData> | null;
  /** From when on somebody listens. */
  events: SocketEvents | null;
  gone: boolean;
  /** The code it was closed with while it was still being opened, when nobody could be told yet. */
  closedEarly: number | null;
}

/** Whoever is behind the door hears of it only now, and not within uWebSockets.js's own `open`: rehearsal.ts says why. */
function begin(held: Held, open: (socket: DoorSocket) => SocketEvents, frames: 'bytes' | 'text'): void {
  const { ws } = held;
  if (ws === null || held.gone) return;
  held.events = open(doorSocket(ws, held, frames === 'bytes'));
  if (held.closedEarly !== null) held.events.closed(held.closedEarly);
}

const text = new TextDecoder();
const faultOf = (why: unknown): Fault => (why instanceof NotReady ? 'not-ready' : 'relay-fault');

/** `silenceMillis` is how long an upload may say nothing, if not as long as uploads may. */
export async function openDoor(
  host: string,
  port: number,
  handlers: DoorHandlers,
  silenceMillis?: number,
): Promise<Door> {
  const app = uws.App();
  let underWay = 0;
  /** Nobody else knows the address. */
  const rehearsal = `/${crypto.randomUUID()}`;

  const answerInto = async (res: Res, request: Request): Promise<void> => {
    underWay++;
    try {
      await writeAnswer(res, request.method, await handlers.answer(request));
    } catch (why) {
      if (!(why instanceof CutOff)) handlers.failed(why, request);
      write(res, request.method, problem({ fault: faultOf(why) }));
    } finally {
      underWay--;
    }
  };

  /** Answered when it is decided, which may be before all of it has come: the rest is let go, or when that is too much cut off. */
  const answerUpload = async (res: Res, head: Head, incoming: IncomingBody): Promise<void> => {
    underWay++;
    const request = { ...head, body: new Uint8Array(), incoming };
    let answer: Answer;
    try {
      answer = await handlers.answer(request);
    } catch (why) {
      if (!(why instanceof CutOff)) handlers.failed(why, request);
      answer = problem({ fault: faultOf(why) });
    } finally {
      underWay--;
    }
    const isMuch = incoming.outstanding > DRAINED_MAX_BYTES;
    if (isMuch) incoming.cut();
    else await incoming.discard();
    incoming.answered();
    write(res, head.method, answer, isMuch);
  };

  app.any('/*', (raw, req) => {
    const res = watched(raw);
    const head = readHead(raw, req);
    if (head.method === 'GET' || head.method === 'HEAD') {
      void answerInto(res, { ...head, body: new Uint8Array() });
      return;
    }
    const folder = handlers.uploadsInto(head.method, head.path);
    if (folder !== null) {
      const incoming = new IncomingBody(raw, head.header('content-length'), folder, silenceMillis);
      res.left = () => incoming.cut();
      void answerUpload(res, head, incoming);
      return;
    }
    readBody(res, head.header('content-length'), (body) => {
      if (body === null) write(res, head.method, problem({ fault: 'too-large' }), true);
      else void answerInto(res, { ...head, body });
    });
  });

  /** Our own protocol is bytes, PeerJS's text: somebody who sends the other kind speaks another one. */
  const behaviour = (frames: 'bytes' | 'text'): uws.WebSocketBehavior<UserData> => ({
    maxPayloadLength: frames === 'bytes' ? PAYLOAD_MAX_BYTES : 2 * SIGNAL_MAX_BYTES,
    maxBackpressure: BACKPRESSURE_MAX_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: IDLE_SECONDS,
    sendPingsAutomatically: true,
    // Nothing is kept between frames, so no memory for each socket (docs/decisions/0017).
    compression: uws.SHARED_COMPRESSOR,
    upgrade: (raw, req, context) => {
      const res = watched(raw);
      const request: Request = { ...readHead(raw, req), body: new Uint8Array() };
      const key = req.getHeader('sec-websocket-key');
      const protocol = req.getHeader('sec-websocket-protocol');
      const extensions = req.getHeader('sec-websocket-extensions');
      const decide = async (): Promise<void> => {
        underWay++;
        let decision: UpgradeDecision;
        try {
          decision = request.path === rehearsal ? REHEARSED : await handlers.upgrade(request);
        } catch (why) {
          handlers.failed(why, request);
          decision = { ok: false, refusal: { fault: 'relay-fault' } };
        } finally {
          underWay--;
        }
        if (res.gone) return;
        if (!decision.ok) return write(res, 'GET', problem(decision.refusal), true);
        res.gone = true;
        const held: Held = { ws: null, events: null, gone: false, closedEarly: null };
        raw.cork(() => raw.upgrade<UserData>({ held }, key, protocol, extensions, context));
        begin(held, decision.open, frames);
      };
      void decide();
    },
    open: (ws) => {
      ws.getUserData().held.ws = ws;
    },
    message: (ws, message, isBinary) => {
      const { held } = ws.getUserData();
      if (held.gone) return;
      if (isBinary !== (frames === 'bytes')) return endWith(ws, held, 'malformed-frame');
      held.events?.message(new Uint8Array(message.slice(0)));
    },
    drain: (ws) => ws.getUserData().held.events?.drained(),
    close: (ws, code) => {
      const { held } = ws.getUserData();
      held.gone = true;
      if (held.events === null) held.closedEarly = code;
      else held.events.closed(code);
    },
  });
  app.ws(rehearsal, behaviour('bytes'));
  app.ws('/sync', behaviour('bytes'));
  app.ws('/sync/*', behaviour('bytes'));
  app.ws(SIGNALS_PATH, behaviour('text'));

  const listening = await new Promise<uws.us_listen_socket | false>((resolve) => {
    // Without "exclusive" a second relay on the same port would silently share it. The addon takes the option in third place.
    (app as unknown as ExclusiveListen).listen(host, port, EXCLUSIVE_PORT, resolve);
  });
  if (listening === false)
    throw new Error(`Cannot listen on ${host}:${port}: the port is in use, or not ours to take.`);

  const ownPort = uws.us_socket_local_port(listening as unknown as uws.us_socket);
  await rehearse(host, ownPort, rehearsal);

  let open = true;
  const close = (): void => {
    if (open) uws.us_listen_socket_close(listening);
    open = false;
  };
  return {
    port: ownPort,
    close,
    async stop() {
      close();
      const until = Date.now() + DRAIN_MILLIS;
      while (underWay > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
      app.close();
    },
  };
}

/** A response and whether it can still be written to. */
interface Res {
  readonly raw: uws.HttpResponse;
  gone: boolean;
  /** Called when the other side has gone. */
  left: (() => void) | null;
}

function watched(raw: uws.HttpResponse): Res {
  const res: Res = { raw, gone: false, left: null };
  raw.onAborted(() => {
    res.gone = true;
    res.left?.();
  });
  return res;
}

type Head = Omit<Request, 'body'>;

function readHead(raw: uws.HttpResponse, req: uws.HttpRequest): Head {
  const headers = new Map<string, string>();
  req.forEach((name, value) => headers.set(name, value));
  const header = (name: string): string => headers.get(name) ?? '';
  return {
    method: req.getCaseSensitiveMethod().toUpperCase(),
    path: req.getUrl(),
    query: new URLSearchParams(req.getQuery()),
    header,
    address: clientAddress(text.decode(raw.getRemoteAddressAsText()), header('x-forwarded-for')),
  };
}

/** Gives the whole body, or null once it is known to be too large; at most once, and not at all when the sender has left. */
function readBody(res: Res, declared: string, then: (body: Uint8Array | null) => void): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let told = false;
  const tell = (body: Uint8Array | null): void => {
    if (told || res.gone) return;
    told = true;
    then(body);
  };
  res.raw.onData((chunk, isLast) => {
    if (told) return;
    size += chunk.byteLength;
    if (size <= BODY_MAX_BYTES) chunks.push(new Uint8Array(chunk.slice(0)));
    if (size > DRAINED_MAX_BYTES) return tell(null);
    if (isLast) tell(size > BODY_MAX_BYTES ? null : joined(chunks, size));
  });
  if (Number(declared) > DRAINED_MAX_BYTES) tell(null);
  // uWebSockets.js never says that an empty body has ended when the head came in pieces.
  if (/^0+$/.test(declared)) tell(new Uint8Array());
}

function joined(chunks: Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** The body may be one that is given as it is read. */
async function writeAnswer(res: Res, method: string, answer: Answer): Promise<void> {
  const { body } = answer;
  if (!isOutgoing(body) || method === 'HEAD' || body.length === 0) return write(res, method, answer);
  if (!res.gone) await pour(res, body, () => writeHead(res.raw, answer));
}

function write(res: Res, method: string, answer: Answer, closeConnection = false): void {
  if (res.gone) return;
  res.gone = true;
  const { raw } = res;
  const { body } = answer;
  raw.cork(() => {
    writeHead(raw, answer);
    if (body === null) raw.endWithoutBody(undefined, closeConnection);
    else if (isOutgoing(body)) raw.endWithoutBody(body.length, closeConnection);
    else if (method === 'HEAD') raw.endWithoutBody(Buffer.byteLength(body), closeConnection);
    else raw.end(body, closeConnection);
  });
}

function writeHead(raw: uws.HttpResponse, { status, headers }: Answer): void {
  raw.writeStatus(`${status} ${STATUS_TEXT[status] ?? ''}`);
  for (const [name, value] of Object.entries(headers)) raw.writeHeader(name, value);
}

const isOutgoing = (body: Answer['body']): body is Outgoing =>
  body !== null && typeof body === 'object' && 'open' in body;

const STATUS_TEXT: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

function doorSocket(ws: uws.WebSocket<UserData>, held: Held, isBinary: boolean): DoorSocket {
  return {
    send(bytes) {
      if (!held.gone) ws.send(bytes, isBinary, bytes.length >= COMPRESSED_FROM_BYTES);
    },
    together(sends) {
      if (!held.gone) ws.cork(sends);
    },
    close(code, reason) {
      if (held.gone) return;
      held.gone = true;
      ws.end(code, reason);
    },
    bufferedBytes: () => (held.gone ? 0 : ws.getBufferedAmount()),
  };
}

const nothing = (): undefined => undefined;
/** Nobody is there. */
const REHEARSED: UpgradeDecision = { ok: true, open: () => ({ message: nothing, drained: nothing, closed: nothing }) };

function endWith(ws: uws.WebSocket<UserData>, held: Held, fault: Fault): void {
  held.gone = true;
  ws.end(FAULTS[fault].close, fault);
}
