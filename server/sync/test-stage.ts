/**
 * For tests only: the living room on a real Postgres, and actors with devices. A device is plain Y.Docs that speak frames over a fake socket; it
 * can go offline, and be made to deliver only some of what waits in either direction.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import type { ConversationKind, Role } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import {
  newConversationId,
  newMessageId,
  newUserId,
  type ConversationId,
  type MessageId,
  type UserId,
} from '#shared/ids.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, orderOf } from '#shared/model/page.ts';
import { CONTROL_CHANNEL, decodeChannelFrame, encodeChannelFrame } from '#shared/protocol/channels.ts';
import { decodeRelayControl, encodeControl, type RelayControl } from '#shared/protocol/control.ts';
import { decodeFrame, encodeFrame, type Frame } from '#shared/protocol/frames.ts';
import { createLog } from '../log.ts';
import { wasDeleted } from '../storage/deletion.ts';
import { Journal } from '../storage/journal.ts';
import type { Sql } from '../storage/sql.ts';
import { Connections, type Connection } from './connections.ts';
import type { PostedMessage, RelayEvents, Standing } from './events.ts';
import { Rooms } from './rooms.ts';
import type { Socket } from './socket.ts';

export interface Heard {
  posted: { conversation: ConversationId; messages: PostedMessage[] }[];
  changed: { conversation: ConversationId }[];
  read: { person: UserId; conversation: ConversationId; seq: number }[];
  titled: { conversation: ConversationId; title?: string; topic?: string }[];
  connected: UserId[];
  here: { person: UserId; active: boolean }[];
  delivered: { person: UserId; marks: readonly { conversation: ConversationId; seq: number }[] }[];
  typing: { person: UserId; conversation: ConversationId; typing: boolean }[];
  refused: Fault[];
}

export interface Relay {
  journal: Journal;
  rooms: Rooms;
  connections: Connections;
  heard: Heard;
  stop(): Promise<void>;
}

/** The living room over a database whose `members` table says who is in what. */
export function startRelay(sql: Sql, log = createLog({ level: 'silent' })): Relay {
  const heard: Heard = {
    posted: [],
    changed: [],
    read: [],
    titled: [],
    connected: [],
    here: [],
    delivered: [],
    typing: [],
    refused: [],
  };
  const events: RelayEvents = {
    posted: (event) => heard.posted.push(event),
    changed: (event) => heard.changed.push(event),
    read: (event) => heard.read.push(event),
    titled: (event) => heard.titled.push(event),
    connected: ({ person }) => heard.connected.push(person),
    here: (event) => heard.here.push(event),
    delivered: (event) => heard.delivered.push(event),
    typing: (event) => heard.typing.push(event),
    refused: ({ fault }) => heard.refused.push(fault),
    called: () => undefined,
    hungUp: () => undefined,
  };
  const membership = {
    async of(person: UserId, conversation: ConversationId): Promise<Standing | null> {
      const [row] = await sql<Standing[]>`
        select role, kind, hidden_seq as "hiddenSeq" from members join conversations on id = conversation
        where conversation = ${conversation} and user_id = ${person} and left_at is null`;
      return row ?? null;
    },
    wasDeleted: (conversation: ConversationId) => wasDeleted(sql, conversation),
  };
  const journal = new Journal(sql, log);
  const rooms = new Rooms({ sql, journal, membership, events, log, now: () => Date.now() });
  const connections = new Connections({ rooms, membership, events, log, now: () => Date.now() });
  return {
    journal,
    rooms,
    connections,
    heard,
    async stop() {
      await connections.stop();
      await journal.stop();
    },
  };
}

export async function makePerson(sql: Sql): Promise<UserId> {
  const id = newUserId();
  await sql`insert into users (id, email, name, name_folded, password_hash, created_at) values (${id}, ${`${id}@example.org`}, 'A', 'a', '', 0)`;
  return id;
}

export async function makeConversation(
  sql: Sql,
  members: { person: UserId; role: Role }[],
  kind: ConversationKind = 'group',
): Promise<ConversationId> {
  const id = newConversationId();
  const [first] = members;
  await sql`insert into conversations (id, kind, created_by, created_at) values (${id}, ${kind}, ${first?.person ?? ''}, 0)`;
  for (const { person, role } of members) {
    await sql`insert into members (conversation, user_id, role, joined_at) values (${id}, ${person}, ${role}, 0)`;
  }
  return id;
}

export const message = (by: UserId, text: string, more: Partial<Message> = {}): Message => ({
  by,
  at: Date.now(),
  text,
  ...more,
});

/** Resolves when `condition` holds; fails after a few seconds, saying what was waited for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface FakeSocket extends Socket {
  sent: Uint8Array[];
  closedWith: number | null;
  buffered: number;
}

export function fakeSocket(
  onSend: (bytes: Uint8Array) => void = () => undefined,
  onClose: (code: number) => void = () => undefined,
): FakeSocket {
  const socket: FakeSocket = {
    sent: [],
    closedWith: null,
    buffered: 0,
    send(bytes) {
      // As on a wire: what is sent stays as it was.
      socket.sent.push(bytes.slice());
      onSend(bytes.slice());
    },
    together: (sends) => sends(),
    close(code) {
      socket.closedWith = code;
      onClose(code);
    },
    bufferedBytes: () => socket.buffered,
  };
  return socket;
}

interface Line {
  connection: Connection;
  socket: FakeSocket;
  channels: Map<number, string>;
  numbers: Map<string, number>;
  next: number;
}

export class Device {
  readonly person: UserId;
  readonly session: string;
  readonly docs = new Map<string, Y.Doc>();
  /** What the relay said on control, in all connections. */
  readonly control: RelayControl[] = [];
  /** Sync steps that answered one of ours, by document. */
  readonly answers = new Map<string, number>();
  /** When true, frames wait in `inbox` and `outbox` until `deliver`. */
  manual = false;
  heardAwareness: (entries: AwarenessEntry[]) => void = () => undefined;
  inbox: Uint8Array[] = [];
  outbox: Uint8Array[] = [];
  /** Sync steps that were asked for, by document. */
  readonly #asked = new Map<string, number>();
  #line: Line | null = null;

  constructor(person: UserId, session: string = crypto.randomUUID()) {
    this.person = person;
    this.session = session;
  }

  get online(): boolean {
    return this.#line !== null;
  }

  doc(name: string): Y.Doc {
    const here = this.docs.get(name);
    if (here !== undefined) return here;
    const doc = new Y.Doc();
    this.docs.set(name, doc);
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.sendOn(name, { is: 'update', update });
    });
    if (this.#line !== null) this.#openChannel(this.#line, name);
    return doc;
  }

  page(conversation: ConversationId, page = 0): Y.Doc {
    return this.doc(pageDoc(conversation, page));
  }

  post(
    conversation: ConversationId,
    text: string,
    { page = 0, id = newMessageId() }: { page?: number; id?: MessageId } = {},
  ): MessageId {
    messagesOf(this.page(conversation, page)).set(id, message(this.person, text));
    return id;
  }

  edit(conversation: ConversationId, id: MessageId, text: string, page = 0): void {
    const messages = messagesOf(this.page(conversation, page));
    const before = messages.get(id);
    if (before !== undefined) messages.set(id, { ...before, text, editedAt: Date.now() });
  }

  remove(conversation: ConversationId, id: MessageId, page = 0): void {
    const doc = this.page(conversation, page);
    doc.transact(() => {
      messagesOf(doc).delete(id);
      deletedOf(doc).set(id, { by: this.person, at: Date.now() });
    });
  }

  stamps(conversation: ConversationId, page = 0): (readonly [number, string, ...unknown[]])[] {
    return orderOf(this.page(conversation, page)).toArray();
  }

  connect(relay: Relay): void {
    if (this.#line !== null) return;
    const socket = fakeSocket(
      (bytes) => {
        if (this.#line?.socket !== socket && this.#line !== null) return;
        this.inbox.push(bytes);
        if (!this.manual) queueMicrotask(() => this.deliverIn());
      },
      () => {
        if (this.#line?.socket === socket) this.#drop();
      },
    );
    const connection = relay.connections.open(socket, { person: this.person, session: this.session }, { is: 'mux' });
    if (socket.closedWith !== null) return;
    const line: Line = { connection, socket, channels: new Map(), numbers: new Map(), next: 1 };
    this.#line = line;
    for (const name of this.docs.keys()) this.#openChannel(line, name);
  }

  disconnect(): void {
    const line = this.#line;
    this.#drop();
    line?.connection.closed(1006);
  }

  /** Hands over some of what waits; all of it without a number. */
  deliverIn(count = Infinity): void {
    while (this.inbox.length > 0 && count-- > 0) this.#receive(this.inbox.shift() ?? new Uint8Array());
  }

  deliverOut(count = Infinity): void {
    while (this.outbox.length > 0 && count-- > 0)
      this.#line?.connection.receive(this.outbox.shift() ?? new Uint8Array());
  }

  sendOn(name: string, frame: Frame): void {
    this.sendBytes(name, encodeFrame(frame));
  }

  sendBytes(name: string, bytes: Uint8Array): void {
    const channel = this.#line?.numbers.get(name);
    if (channel !== undefined) this.#send(encodeChannelFrame(channel, bytes));
  }

  sendAwareness(name: string, state: unknown, clock = 1, client = this.doc(name).clientID): void {
    this.sendOn(name, { is: 'awareness', update: awarenessUpdate([{ client, clock, state }]) });
  }

  isOpen(name: string): boolean {
    return this.#line?.numbers.has(name) ?? false;
  }

  /** Asks as decision 3 describes; resolves when the answer proves that all before it is on disk. */
  async settle(name: string): Promise<void> {
    this.#ask(name);
    const asked = this.#asked.get(name) ?? 0;
    await until(`${name} settles`, () => (this.answers.get(name) ?? 0) >= asked);
  }

  #ask(name: string): void {
    this.#asked.set(name, (this.#asked.get(name) ?? 0) + 1);
    this.sendOn(name, { is: 'step1', stateVector: Y.encodeStateVector(this.doc(name)) });
  }

  /** Asks again for a document whose channel the relay has closed. */
  reopen(name: string): void {
    if (this.#line !== null && !this.#line.numbers.has(name)) this.#openChannel(this.#line, name);
  }

  #drop(): void {
    this.#line = null;
    this.inbox = [];
    this.outbox = [];
  }

  #send(bytes: Uint8Array): void {
    if (this.manual) this.outbox.push(bytes);
    else this.#line?.connection.receive(bytes);
  }

  #openChannel(line: Line, name: string): void {
    const channel = line.next++;
    line.channels.set(channel, name);
    line.numbers.set(name, channel);
    this.#send(encodeChannelFrame(CONTROL_CHANNEL, encodeControl({ is: 'open', channel, doc: name })));
    // What an earlier connection did not answer will not be.
    this.#asked.set(name, this.answers.get(name) ?? 0);
    this.#ask(name);
  }

  #receive(bytes: Uint8Array): void {
    const line = this.#line;
    if (line === null) return;
    const decoded = decodeChannelFrame(bytes);
    if (!decoded.ok) throw new Error(decoded.why);
    const { channel, body } = decoded.value;
    if (channel === CONTROL_CHANNEL) return this.#control(line, body);
    const name = line.channels.get(channel);
    const frame = decodeFrame(body);
    if (!frame.ok) throw new Error(frame.why);
    if (name !== undefined) this.#frame(name, frame.value);
  }

  #control(line: Line, body: Uint8Array): void {
    const decoded = decodeRelayControl(body);
    if (!decoded.ok) throw new Error(decoded.why);
    this.control.push(decoded.value);
    if (decoded.value.is !== 'closed') return;
    const name = line.channels.get(decoded.value.channel);
    line.channels.delete(decoded.value.channel);
    if (name === undefined) return;
    line.numbers.delete(name);
    // As the provider does: codes that are not final mean "come back".
    if (decoded.value.code >= 4500) setTimeout(() => this.#line === line && this.reopen(name), 10);
  }

  #frame(name: string, frame: Frame): void {
    const doc = this.doc(name);
    switch (frame.is) {
      case 'step1':
        return this.sendOn(name, { is: 'step2', update: Y.encodeStateAsUpdate(doc, frame.stateVector) });
      case 'step2':
        Y.applyUpdate(doc, frame.update, this);
        this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
        return;
      case 'update':
        return Y.applyUpdate(doc, frame.update, this);
      case 'awareness':
        return this.heardAwareness(awarenessEntries(frame.update));
      default:
        return;
    }
  }
}

export interface AwarenessEntry {
  client: number;
  clock: number;
  state: unknown;
}

function awarenessEntries(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  return Array.from({ length: decoding.readVarUint(decoder) }, () => ({
    client: decoding.readVarUint(decoder),
    clock: decoding.readVarUint(decoder),
    state: JSON.parse(decoding.readVarString(decoder)) as unknown,
  }));
}

export function awarenessUpdate(entries: AwarenessEntry[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entries.length);
  for (const { client, clock, state } of entries) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, JSON.stringify(state));
  }
  return encoding.toUint8Array(encoder);
}

/** What a document says, in a form that two of them can be compared by. */
export function contentOf(doc: Y.Doc, roots: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    roots.map((root) => [root, root === 'order' ? doc.getArray(root).toJSON() : doc.getMap(root).toJSON()]),
  );
}
