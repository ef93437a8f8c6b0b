/**
 * Rubbish over real sockets at a real relay: requests that are none, requests with anything in them, frames of any bytes on sockets of all kinds. Each gets
 * a refusal that says what it is, or is hung up on; the relay does not end, and afterwards an honest pair talks as before.
 *
 * Strangers are slowed by address, so they come from many, as a proxy on the same machine says; people are slowed too, so there are many of them.
 */
import { Agent, request } from 'node:http';
import { connect as dial } from 'node:net';
import WebSocket from 'ws';
import { FAULTS } from '#shared/faults.ts';
import { newMessageId } from '#shared/ids.ts';
import { BODY_MAX_BYTES, FRAME_MAX_BYTES } from '#shared/limits.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { API } from '#shared/protocol/api.ts';
import { CONTROL_CHANNEL, encodeChannelFrame } from '#shared/protocol/channels.ts';
import { encodeFrame } from '#shared/protocol/frames.ts';
import { reason } from '../log.ts';
import { connect } from '../storage/sql.ts';
import { seeded } from '../test-random.ts';
import { Crowd } from './crowd.ts';
import { lookAtDisk } from './on-disk.ts';
import { makePeople, type Somebody } from './people.ts';
import { RelayProcess } from './relay-process.ts';
import { Dice, inWords, type Outcome, type Trial } from './trial.ts';

const AT_ONCE = 40;
const SAY_EVERY = 10_000;
/** One person may open so many sockets at once, and use them up. */
const PIECES_PER_PERSON = 400;
/** Those among them who may open the documents. */
const MEMBERS_COUNT = 20;
/** Frames on one socket, which is closed after the first that is no frame at all. */
const FRAMES_MAX_COUNT = 4;
/** How long something is listened to that may never be answered: half a request, a frame for a channel that is closed. */
const PATIENCE_MILLIS = 60;
/** Of a request that is one. */
const ANSWER_MILLIS = 30_000;
/** Paths that would end a session or cost the work of hashing a password. */
const LEFT_OUT = new Set(['/api/auth/logout', '/api/auth/signup', '/api/auth/login', '/api/auth/password']);
const CLOSE_CODES = new Set<number>([
  ...Object.values(FAULTS).map(({ close }) => close),
  // No closing handshake: what is no WebSocket frame, or too large for one, is hung up on. 1005: closed by us.
  ...[1000, 1005, 1006, 1009],
]);

/** What was sent, and null or what is wrong with the answer. */
type Piece = () => Promise<string | null>;

export async function rubbishTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const relay = new RelayProcess();
  await relay.start();
  const crowd = await Crowd.gather(relay.url, dice);
  const { ledger } = crowd;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const counts: Record<string, number> = { requests: 0, 'broken requests': 0, sockets: 0 };
  const faults = ledger.faults;
  try {
    await crowd.fill(3);
    const sql = connect(await relay.database(), { max: 1 });
    const people = await makePeople(sql, MEMBERS_COUNT + Math.ceil(count / PIECES_PER_PERSON));
    await sql.end();
    await crowd.invite(people.slice(0, MEMBERS_COUNT).map(({ id }) => id));
    const thrower = new Thrower(relay, agent, people, crowd.groups, dice);
    let thrown = 0;
    let done = 0;
    const throwSome = async (): Promise<void> => {
      while (thrown < count && faults.length < 10 && relay.isRunning) {
        thrown += 1;
        const what = dice.pick(['requests', 'requests', 'broken requests', 'sockets', 'sockets'] as const);
        const wrong = await thrower.piece(what)();
        counts[what] = (counts[what] ?? 0) + 1;
        if (wrong !== null) faults.push(wrong);
        done += 1;
        if (done % SAY_EVERY === 0) say(inWords(counts));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, throwSome));
    await honestly(crowd);
    faults.push(...relay.crashes, ...(await lookAtDisk(await relay.database(), crowd)));
  } catch (error) {
    faults.push(reason(error), ...relay.crashes);
  } finally {
    agent.destroy();
    crowd.leave();
    if (faults.length > 0) for (const line of relay.log) say(line);
    await relay.remove();
  }
  return { counts, faults };
}

/** A pair that writes and is answered. */
async function honestly(crowd: Crowd): Promise<void> {
  crowd.goOnline();
  for (const device of crowd.devices) for (const group of crowd.groups) device.post(group, 'vẫn ổn');
  await crowd.settle();
  crowd.goOffline();
}

class Thrower {
  readonly #relay: RelayProcess;
  readonly #agent: Agent;
  readonly #people: readonly Somebody[];
  readonly #groups: Crowd['groups'];
  readonly #dice: Dice;

  constructor(relay: RelayProcess, agent: Agent, people: readonly Somebody[], groups: Crowd['groups'], dice: Dice) {
    this.#relay = relay;
    this.#agent = agent;
    this.#people = people;
    this.#groups = groups;
    this.#dice = dice;
  }

  piece(what: 'requests' | 'broken requests' | 'sockets'): Piece {
    switch (what) {
      case 'requests':
        return () => this.#request();
      case 'broken requests':
        return () => this.#brokenRequest();
      case 'sockets':
        return () => this.#socket();
    }
  }

  /** Of a proxy on this machine, for one of a million strangers. */
  #headers(): Record<string, string> {
    const dice = this.#dice;
    return {
      'x-forwarded-for': `11.${dice.below(256)}.${dice.below(256)}.${dice.below(256)}`,
      ...(dice.chance(50) && { cookie: dice.pick(this.#people).cookie }),
      ...(dice.chance(5) && { cookie: `session=${this.#text()}; ;;=; __proto__=1` }),
      ...(dice.chance(5) && { origin: dice.pick(['null', 'https://evil.example', 'x']) }),
      ...(dice.chance(5) && { 'content-type': dice.pick(['text/html', 'multipart/form-data', '']) }),
    };
  }

  #somebody(): Somebody {
    return this.#dice.pick(this.#dice.chance(30) ? this.#people.slice(0, MEMBERS_COUNT) : this.#people);
  }

  #request(): Promise<string | null> {
    const dice = this.#dice;
    const routes = Object.values(API).filter(({ path }) => !LEFT_OUT.has(path));
    const route = dice.pick(routes);
    const method = dice.chance(90)
      ? route.method
      : dice.pick(['PUT', 'DELETE', 'PATCH', 'POST', 'OPTIONS', 'PROPFIND']);
    const path = dice.chance(5) ? `/${this.#text()}` : route.path.replace(/:[a-z]+/gi, () => this.#id());
    const query = dice.pick([
      '',
      '',
      `?q=${this.#text()}`,
      `?limit=${this.#text()}&before=-1`,
      '?%',
      `?${'a=1&'.repeat(200)}`,
    ]);
    const body = method === 'GET' || method === 'OPTIONS' ? undefined : this.#body();
    // Node says nothing of the body of a DELETE, which would make it the head of the next request; those are made elsewhere.
    const headers = { ...this.#headers(), ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) };
    return new Promise((resolve) => {
      const about = `${method} ${path.slice(0, 60)}${query.slice(0, 40)} ${String(body).slice(0, 40)}`;
      const asking = request(this.#relay.url + path + query, { method, agent: this.#agent, headers });
      asking.setTimeout(ANSWER_MILLIS, () => {
        resolve(`${about}: no answer`);
        asking.destroy();
      });
      // Hung up on, with or without a word before.
      asking.on('error', () => resolve(null));
      asking.on('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', () => resolve(null));
        answer.on('end', () => {
          const wrong = wrongWith(answer.statusCode ?? 0, answer.headers['content-type'], Buffer.concat(chunks));
          resolve(wrong === null ? null : `${about}: ${wrong}`);
        });
      });
      asking.end(body);
    });
  }

  #brokenRequest(): Promise<string | null> {
    const dice = this.#dice;
    const head = [
      `${dice.pick(['PATCH /api/me', 'GET /healthz', 'POST /api/conversations', 'GET /sync'])} HTTP/1.1`,
      'Host: 127.0.0.1',
      `X-Forwarded-For: 11.0.${dice.below(256)}.${dice.below(256)}`,
      `Cookie: ${dice.pick(this.#people).cookie}`,
      dice.pick([
        'Content-Length: 15',
        'Content-Length: -5',
        'Content-Length: 99999999999',
        'Transfer-Encoding: chunked',
      ]),
      ...(dice.chance(20) ? Array.from({ length: 300 }, () => 'X-Many: y') : []),
      ...(dice.chance(30) ? ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'] : []),
      '',
      '{"name":"Anne"}',
    ].join('\r\n');
    const bytes = this.#mutated(Buffer.from(head));
    return new Promise((resolve) => {
      const socket = dial(Number(new URL(this.#relay.url).port), '127.0.0.1');
      const done = (heard: string): void => {
        socket.destroy();
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1] ?? 400);
        resolve(status === 500 ? `${JSON.stringify(bytes.toString('latin1'))} was answered ${status}` : null);
      };
      socket.setTimeout(PATIENCE_MILLIS, () => done(''));
      socket.on('data', (answer) => done(answer.toString('latin1')));
      socket.on('error', () => done(''));
      socket.on('close', () => done(''));
      socket.write(bytes);
    });
  }

  /** One socket, of one document or of many, and some frames on it. */
  #socket(): Promise<string | null> {
    const dice = this.#dice;
    const isOfMany = dice.chance(60);
    const path = isOfMany ? '/sync' : `/sync/${dice.chance(80) ? this.#doc() : this.#text()}`;
    const headers = { ...this.#headers(), cookie: this.#somebody().cookie };
    return new Promise((resolve) => {
      const socket = new WebSocket(this.#relay.url.replace('http', 'ws') + path, { headers, perMessageDeflate: false });
      const patience = setTimeout(() => socket.terminate(), ANSWER_MILLIS);
      const done = (wrong: string | null): void => {
        clearTimeout(patience);
        socket.terminate();
        resolve(wrong === null ? null : `a socket at ${path.slice(0, 60)}: ${wrong}`);
      };
      socket.on('unexpected-response', (_request, answer) => {
        const status = answer.statusCode ?? 0;
        done(status < 400 || status === 500 ? `its upgrade was answered ${status}` : null);
      });
      socket.on('error', () => done(null));
      socket.on('close', (code) => done(CLOSE_CODES.has(code) ? null : `it was closed with ${code}`));
      socket.on('open', () => {
        for (let i = dice.between(1, FRAMES_MAX_COUNT); i > 0; i--)
          socket.send(isOfMany ? this.#manyFrame() : this.#frame());
        if (dice.chance(20)) breakInto(socket, this.#bytes(20));
        setTimeout(() => socket.close(), dice.below(PATIENCE_MILLIS));
      });
    });
  }

  #manyFrame(): Uint8Array | string {
    const dice = this.#dice;
    const control = (value: unknown): Uint8Array =>
      encodeChannelFrame(CONTROL_CHANNEL, Buffer.from(JSON.stringify(value)));
    const frame = dice.pick<() => Uint8Array | string>([
      () => this.#text(),
      () => this.#bytes(50),
      () => encodeChannelFrame(dice.below(5), this.#frame()),
      () => encodeChannelFrame(1, this.#frame()),
      () =>
        control({
          is: 'open',
          channel: dice.pick([1, 1, 2, 0, -1, 2 ** 40]),
          doc: dice.chance(70) ? this.#doc() : this.#text(),
        }),
      () => control({ is: dice.pick(['close', 'here', 'delivered', '__proto__']), channel: 1, active: 1, marks: [{}] }),
      () => control({ is: 'delivered', marks: [{ conversation: dice.pick(this.#groups), seq: 2 ** 52 }] }),
      () => encodeChannelFrame(CONTROL_CHANNEL, Buffer.from(this.#body())),
    ])();
    return typeof frame !== 'string' && dice.chance(30) ? this.#mutated(Buffer.from(frame)) : frame;
  }

  #frame(): Uint8Array {
    const dice = this.#dice;
    const bytes = this.#bytes(dice.pick([0, 5, 60, 5_000]));
    const frame = dice.pick<() => Uint8Array>([
      () => bytes,
      () => encodeFrame({ is: 'step1', stateVector: bytes }),
      () => encodeFrame({ is: 'step2', update: bytes }),
      () => encodeFrame({ is: 'update', update: bytes }),
      () => encodeFrame({ is: 'awareness', update: bytes }),
      () => encodeFrame({ is: 'query-awareness' }),
      () => encodeFrame({ is: 'denied', reason: this.#text() }),
      () => (dice.chance(1) ? new Uint8Array(FRAME_MAX_BYTES + 10) : bytes),
    ])();
    return dice.chance(30) ? this.#mutated(Buffer.from(frame)) : frame;
  }

  #doc(): string {
    const group = this.#dice.pick(this.#groups);
    return this.#dice.pick([
      conversationDoc(group),
      pageDoc(group, 0),
      pageDoc(group, 7),
      `u:${this.#dice.pick(this.#people).id}`,
    ]);
  }

  #id(): string {
    const dice = this.#dice;
    return dice.pick<() => string>([
      () => dice.pick(this.#groups),
      () => dice.pick(this.#people).id,
      () => newMessageId(),
      () => this.#text(),
      () => dice.pick(['%00', '%', '..', '%F0%9F', `c${'0'.repeat(5_000)}`, "'%20or%201=1--"]),
    ])();
  }

  #body(): string {
    const dice = this.#dice;
    return dice.pick<() => string>([
      () => JSON.stringify(this.#value(3)),
      () =>
        JSON.stringify({
          kind: this.#value(1),
          members: this.#value(2),
          text: this.#value(1),
          seq: this.#value(0),
          name: this.#value(0),
        }),
      () =>
        JSON.stringify({ text: this.#text(), id: newMessageId(), mentions: this.#value(1), replyTo: this.#value(0) }),
      () => this.#mutated(Buffer.from('{"kind":"group","title":"Nhóm","members":[]}')).toString('latin1'),
      () => `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      () => (dice.chance(5) ? 'x'.repeat(BODY_MAX_BYTES + 10) : ''),
      () => '{"__proto__":{"a":1},"constructor":{"prototype":{}}}',
    ])();
  }

  #value(depth: number): unknown {
    const dice = this.#dice;
    if (depth > 0 && dice.chance(40)) return Array.from({ length: dice.below(4) }, () => this.#value(depth - 1));
    if (depth > 0 && dice.chance(40)) return { [this.#text()]: this.#value(depth - 1), kind: this.#value(depth - 1) };
    return dice.pick<() => unknown>([
      () => this.#text(),
      () => dice.pick([null, true, -1, 0, 1e99, 0.5, 2 ** 53]),
      () => dice.pick(this.#people).id,
      () => dice.pick(['group', 'direct', 'admin', 'owner', 'all']),
    ])();
  }

  /** For a path too: what a client would not send as it is, is escaped there. */
  #text(): string {
    return this.#dice.pick([
      '',
      'x',
      '%20',
      'a%2Fb',
      '%ED%A0%80',
      'NaN',
      '9'.repeat(400),
      '__proto__',
      '%C3%A0%CC%80',
      '%27%3B--',
    ]);
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length: this.#dice.below(length + 1) }, () => this.#dice.below(256)));
  }

  #mutated(bytes: Buffer): Buffer {
    const dice = this.#dice;
    for (let i = dice.below(5); i > 0 && bytes.length > 0; i--) bytes[dice.below(bytes.length)] = dice.below(256);
    return bytes.subarray(0, bytes.length - dice.below(3));
  }
}

/** Bytes between two frames, where a header should be. */
function breakInto(socket: WebSocket, bytes: Uint8Array): void {
  (socket as unknown as { _socket?: { write(bytes: Uint8Array): void } })._socket?.write(bytes);
}

/** Null for an answer as it should be: no mistake of the relay's own, and a refusal as a problem that says what it is. */
function wrongWith(status: number, type: string | undefined, body: Buffer): string | null {
  if (status === 500 || status < 200) return `it was answered ${status}`;
  // Beyond what uWebSockets.js itself refuses: headers that are too long, a method that it does not know.
  if (status < 400 || body.length === 0 || !(type ?? '').includes('json'))
    return status < 400 || status === 431 || status >= 501 ? null : `${status} without a problem`;
  if (!(type ?? '').startsWith('application/problem+json')) return `${status} came as ${type}`;
  const problem = JSON.parse(body.toString()) as { status: unknown; code: string };
  return problem.status === status && Object.hasOwn(FAULTS, problem.code)
    ? null
    : `${status} says ${body.toString().slice(0, 100)}`;
}
