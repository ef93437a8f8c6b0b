/**
 * For tests only: a person who uses the relay from outside, by HTTP and WebSocket, with a cookie like a browser's. Knows only an address, so
 * it can talk to whatever relay a test has started.
 */
import WebSocket from 'ws';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { BLOB_MAX_BYTES, PERSON_MAX_BYTES } from '#shared/limits.ts';
import { CALL_TIMES } from '#shared/model/call.ts';
import { CONTROL_CHANNEL, decodeChannelFrame, encodeChannelFrame } from '#shared/protocol/channels.ts';
import { type ClientControl, decodeRelayControl, encodeControl, type RelayControl } from '#shared/protocol/control.ts';
import type { OverviewRow, PersonPresence } from '#shared/protocol/overview.ts';
import { changedRow, markedRow } from '#shared/protocol/told-rows.ts';
import type { RelayConfig } from './config.ts';

export const testConfig = (databaseUrl: string, more: Partial<RelayConfig> = {}): RelayConfig => ({
  port: 0,
  host: '127.0.0.1',
  origin: null,
  dataDir: '/nowhere',
  databaseUrl,
  signup: 'open',
  s3: null,
  blobMaxBytes: BLOB_MAX_BYTES,
  personMaxBytes: PERSON_MAX_BYTES,
  turn: { urls: [], secret: null },
  callTimes: CALL_TIMES,
  logLevel: 'silent',
  buildDir: '/nowhere',
  ...more,
});

/** What a test reads of an answer's JSON, loosely: the schemas are the API's business, a wrong shape fails the expectation. */
export interface Json {
  [key: string]: Json;
}

export interface Answered {
  status: number;
  body: Json;
  headers: Headers;
}

let accounts = 0;

export async function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const sent = body === undefined ? null : raw ? (body as string) : JSON.stringify(body);
  const response = await fetch(url + path, { method, headers, body: sent });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, body: (isJson ? JSON.parse(text) : {}) as Json, headers: response.headers };
}

export class Actor {
  readonly url: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
  id = '' as UserId;
  cookie = '';

  constructor(url: string, name: string) {
    this.url = url;
    this.name = name;
    this.email = `actor${++accounts}.${Math.random().toString(36).slice(2)}@example.org`;
    this.password = 'correct horse';
  }

  static async signUp(url: string, name: string): Promise<Actor> {
    const actor = new Actor(url, name);
    const { status, body, headers } = await actor.ask('POST', '/api/auth/signup', {
      email: actor.email,
      password: actor.password,
      name,
    });
    if (status !== 201) throw new Error(`sign-up answered ${status}`);
    actor.id = body['user']?.['id'] as unknown as UserId;
    actor.cookie = cookieOf(headers);
    return actor;
  }

  /** The same person on another device. */
  async onAnotherDevice(userAgent = 'another device'): Promise<Actor> {
    const other = Object.assign(new Actor(this.url, this.name), {
      email: this.email,
      password: this.password,
      id: this.id,
    });
    const { status, headers } = await other.ask(
      'POST',
      '/api/auth/login',
      { email: this.email, password: this.password },
      { 'user-agent': userAgent },
    );
    if (status !== 200) throw new Error(`sign-in answered ${status}`);
    other.cookie = cookieOf(headers);
    return other;
  }

  ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    return ask(this.url, method, path, body, this.cookie === '' ? headers : { cookie: this.cookie, ...headers });
  }

  async group(title: string, ...others: Actor[]): Promise<ConversationId> {
    const made = await this.ask('POST', '/api/conversations', {
      kind: 'group',
      title,
      members: others.map((other) => other.id),
    });
    return made.body['conversation']?.['id'] as unknown as ConversationId;
  }

  async post(conversation: ConversationId, text: string, more: object = {}): Promise<{ id: string; seq: number }> {
    const { status, body } = await this.ask('POST', `/api/conversations/${conversation}/messages`, { text, ...more });
    if (status !== 201) throw new Error(`posting answered ${status} ${String(body['code'])}`);
    return body as unknown as { id: string; seq: number };
  }

  async row(conversation: ConversationId): Promise<OverviewRow> {
    const { body } = await this.ask('GET', `/api/conversations/${conversation}`);
    return body['conversation'] as unknown as OverviewRow;
  }

  /** A socket that carries this person's cookie. */
  socket(path: string, headers: Record<string, string> = {}): WebSocket {
    return new WebSocket(this.url.replace('http', 'ws') + path, { headers: { cookie: this.cookie, ...headers } });
  }

  async tab(): Promise<Tab> {
    const tab = new Tab(this.socket('/sync'));
    await tab.until((message) => message.is === 'overview');
    return tab;
  }
}

const cookieOf = (headers: Headers): string => (headers.get('set-cookie') ?? '').split(';')[0] ?? '';

/** What became of an upgrade: its status when it was refused, or the code it was closed with. */
export function fateOf(socket: WebSocket): Promise<{ refused: number } | { closed: number }> {
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve({ refused: response.statusCode ?? 0 }));
    socket.on('close', (code) => resolve({ closed: code }));
    socket.on('error', () => undefined);
  });
}

/** The list, and who is here, as somebody knows them by what they were told on channel 0. */
export class Known {
  readonly rows = new Map<string, OverviewRow>();
  readonly people = new Map<string, PersonPresence>();

  hear(message: RelayControl): void {
    switch (message.is) {
      case 'overview':
        this.rows.clear();
        for (const row of message.rows) this.rows.set(row.id, row);
        return;
      case 'rows':
        for (const change of message.rows) {
          const row = changedRow(this.rows.get(change.id), change);
          if (row !== undefined) this.rows.set(row.id, row);
        }
        return;
      case 'marks': {
        const row = this.rows.get(message.conversation);
        if (row !== undefined) this.rows.set(row.id, markedRow(row, message));
        return;
      }
      case 'gone':
        this.rows.delete(message.conversation);
        return;
      case 'presence':
        if (message.whole) this.people.clear();
        for (const person of message.people) this.people.set(person.id, person);
        return;
      case 'opened':
      case 'closed':
      case 'pulse':
      case 'typing':
      case 'calls':
      case 'call':
      case 'call-refused':
      case 'call-became':
        return;
    }
  }
}

/** The app's own socket: everything the relay has said on channel 0, and the frames of the others. */
export class Tab {
  readonly heard: RelayControl[] = [];
  readonly frames: { channel: number; body: Uint8Array }[] = [];
  closedWith: number | null = null;
  readonly #known: Known;
  readonly #socket: WebSocket;
  #waiting: { when: () => boolean; go: () => void }[] = [];

  constructor(socket: WebSocket, known = new Known()) {
    this.#socket = socket;
    this.#known = known;
    socket.on('message', (bytes: Buffer) => {
      const frame = decodeChannelFrame(new Uint8Array(bytes));
      if (!frame.ok) throw new Error(frame.why);
      if (frame.value.channel === CONTROL_CHANNEL) {
        const control = decodeRelayControl(frame.value.body);
        if (!control.ok) throw new Error(control.why);
        this.heard.push(control.value);
        this.#known.hear(control.value);
        this.hear(control.value);
      } else {
        this.frames.push(frame.value);
        this.receive(frame.value.channel, frame.value.body);
      }
      this.#look();
    });
    socket.on('close', (code) => {
      this.closedWith = code;
      this.#look();
    });
    socket.on('error', () => undefined);
  }

  /** For who wants to act on what comes. */
  hear: (message: RelayControl) => void = () => undefined;
  receive: (channel: number, body: Uint8Array) => void = () => undefined;

  get people(): ReadonlyMap<string, PersonPresence> {
    return this.#known.people;
  }

  tell(message: ClientControl): void {
    this.#socket.send(encodeChannelFrame(CONTROL_CHANNEL, encodeControl(message)));
  }

  send(channel: number, frame: Uint8Array): void {
    this.#socket.send(encodeChannelFrame(channel, frame));
  }

  /** Waits until such a message has been heard, now or before. */
  async until(wanted: (message: RelayControl) => boolean): Promise<void> {
    await this.#when(() => this.heard.some(wanted));
  }

  async closed(): Promise<number> {
    await this.#when(() => this.closedWith !== null);
    return this.closedWith ?? 0;
  }

  /** A conversation's row as this tab knows it. */
  row(conversation: ConversationId): OverviewRow | undefined {
    return this.#known.rows.get(conversation);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  leave(): void {
    this.#socket.close();
  }

  /** As a browser does when its page is closed. */
  closePage(): void {
    this.#socket.close(1001);
  }

  /** As when the network goes: without a word. */
  cut(): void {
    // What the machine has read already would still be handed over.
    this.#socket.removeAllListeners('message');
    this.#socket.terminate();
  }

  #when(when: () => boolean): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ when, go });
      this.#look();
    });
  }

  #look(): void {
    const ready = this.#waiting.filter(({ when }) => when());
    this.#waiting = this.#waiting.filter((each) => !ready.includes(each));
    for (const { go } of ready) go();
  }
}
