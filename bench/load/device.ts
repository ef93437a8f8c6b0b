/**
 * One person's open app, as the relay sees it: one socket, a channel for the personal document and two for the conversation that is on screen.
 * What a device would know from its own disk it knows by the relay's word from its last visit.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { numbersIn, text } from './messages.ts';
import { below, seeded, word, type Random } from './seeded.ts';
import { framed, RawSocket } from './socket.ts';
import { get, type Person } from './wires.ts';

/** Longer than anybody waits. */
const PATIENCE_MILLIS = 10_000;
const CHARS = 60;
/** So many messages has a page. */
const PAGE_STAMPS = 1_000;
const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👏'];

/** A conversation as everybody in the simulation knows it. */
export interface Chat {
  id: string;
  /** The page that takes new messages, and whether there is an older one to scroll to. */
  page: number;
  lastSeq: number;
  /** A message that lies on the current page, to react to. */
  anchor: string;
}

interface Channel {
  doc: string;
  /** What is awaited on it: answers whether these bytes are that. */
  awaited: { is: (kind: number, body: Buffer) => boolean; there: () => void; refused: (why: Error) => void } | null;
}

const STEP1 = 0;
const STEP2 = 1;
const UPDATE = 2;

export class Device {
  readonly #port: number;
  readonly #person: Person;
  readonly #chats: Chat[];
  readonly #random: Random;
  readonly #nextNumber: () => number;
  #socket: RawSocket | null = null;
  #channels = new Map<number, Channel>();
  #lastChannel = 0;
  #pageChannel = 0;
  /** What is on screen. */
  #page = '';
  #chat: Chat;
  #overview: () => void = () => undefined;
  /** The relay's state vector of a document when it was last open. */
  readonly #known = new Map<string, Uint8Array>();
  /** This device's own part of a document. */
  readonly #own = new Map<string, Y.Doc>();
  /** Read marks that were told. */
  readonly #read = new Map<string, number>();
  #lastPost: { doc: string; id: string; number: number } | null = null;
  #scrolls = 0;
  /** Sockets that the relay has closed by itself. */
  static cut = 0;

  constructor(port: number, person: Person, chats: Chat[], seed: number, nextNumber: () => number) {
    this.#port = port;
    this.#person = person;
    this.#chats = chats;
    this.#random = seeded(seed);
    this.#nextNumber = nextNumber;
    const [first] = chats;
    if (first === undefined) throw new Error('a person without conversations');
    this.#chat = first;
    this.#scrolls = below(this.#random, SCROLLS_PER_PAGE);
  }

  /** Comes (back): the list, the personal document, and the conversation that is on screen. */
  async connect(): Promise<void> {
    const before = this.#socket;
    this.#socket = null;
    before?.cut();
    this.#channels = new Map();
    this.#lastChannel = 0;
    const overview = new Promise<void>((resolve) => (this.#overview = resolve));
    const socket: RawSocket = new RawSocket(this.#port, '/sync', this.#person.cookie, {
      frame: (bytes) => this.#receive(bytes),
      closed: () => {
        if (this.#socket === socket) Device.cut += 1;
      },
    });
    this.#socket = socket;
    await withinPatience(socket.opened());
    const personal = this.#open(`u:${this.#person.id}`);
    await withinPatience(Promise.all([overview, personal.synced, this.#show(this.#chat)]));
  }

  /** Another conversation: the one on screen is closed, the other opened, brought up to date and marked as read. */
  async switchChat(): Promise<void> {
    for (const [channel, { doc }] of this.#channels) if (doc.startsWith('c:')) this.#close(channel);
    this.#chat = this.#chats[below(this.#random, this.#chats.length)] ?? this.#chat;
    await withinPatience(this.#show(this.#chat));
    this.#markRead();
  }

  /** Up by a screen or two. What lies on the page is on the device, and then it is false; only now and then an older page is needed. */
  async scroll(): Promise<boolean> {
    this.#scrolls += 1;
    if (this.#scrolls % SCROLLS_PER_PAGE !== 0 || this.#chat.page === 0) return false;
    const { channel, synced } = this.#open(`c:${this.#chat.id}:${this.#chat.page - 1}`, new Uint8Array([0]));
    await withinPatience(synced);
    this.#close(channel);
    return true;
  }

  async checkUnread(): Promise<void> {
    const body = await withinPatience(get(this.#port, `/api/conversations/${this.#chat.id}`, this.#person.cookie));
    if (!body.includes('"unread"')) throw new Error(`an unread check answered ${body.toString().slice(0, 80)}`);
  }

  /** Until its stamp is back: the message is on the relay's disk, and everybody has it. */
  async post(): Promise<void> {
    await this.#turnPage();
    const number = this.#nextNumber();
    const id = `m${Date.now().toString(36).padStart(9, '0')}${word(this.#random, 16)}`;
    const doc = this.#page;
    this.#lastPost = { doc, id, number };
    await this.#write(doc, 'messages', id, this.#message(number), number);
    const chat = this.#chat;
    chat.lastSeq += 1;
    if (chat.lastSeq % PAGE_STAMPS === 0) Object.assign(chat, { page: chat.page + 1, anchor: '' });
    else if (chat.lastSeq % PAGE_STAMPS === 1) chat.anchor = id;
  }

  /** False when this person has written nothing on this page. */
  async edit(): Promise<boolean> {
    const post = this.#lastPost;
    if (post === null || post.doc !== this.#page) return false;
    const number = this.#nextNumber();
    await this.#write(post.doc, 'messages', post.id, { ...this.#message(number), editedAt: Date.now() }, number);
    return true;
  }

  /** False when this person has nothing left to react with here: what is set again comes back without its key, and could not be recognised. */
  async react(): Promise<boolean> {
    await this.#turnPage();
    const { anchor } = this.#chat;
    const name = this.#page;
    const reactions = this.#ownDoc(name).getMap('reactions');
    const key = EMOJI.map((emoji) => `${anchor}:${this.#person.id}:${emoji}`).find((each) => !reactions.has(each));
    if (anchor === '' || key === undefined) return false;
    await this.#write(name, 'reactions', key, Date.now(), `:${this.#person.id}:`);
    return true;
  }

  leave(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.cut();
  }

  #message(number: number): Record<string, unknown> {
    return { by: this.#person.id, at: Date.now(), text: text(this.#random, number, CHARS) };
  }

  async #show(chat: Chat): Promise<void> {
    const root = this.#open(`c:${chat.id}`);
    await Promise.all([root.synced, this.#showPage(chat)]);
  }

  #showPage(chat: Chat): Promise<void> {
    this.#page = `c:${chat.id}:${chat.page}`;
    const { channel, synced } = this.#open(this.#page);
    this.#pageChannel = channel;
    return synced;
  }

  /** The page on screen is full, as the root has said. */
  async #turnPage(): Promise<void> {
    if (this.#page === `c:${this.#chat.id}:${this.#chat.page}`) return;
    this.#close(this.#pageChannel);
    await withinPatience(this.#showPage(this.#chat));
  }

  #markRead(): void {
    const { id, lastSeq } = this.#chat;
    if (this.#read.get(id) === lastSeq || lastSeq === 0) return;
    this.#read.set(id, lastSeq);
    this.#control({ is: 'read', marks: [{ conversation: id, seq: lastSeq }] });
  }

  #ownDoc(name: string): Y.Doc {
    const here = this.#own.get(name);
    if (here !== undefined) return here;
    const doc = new Y.Doc();
    doc.clientID = below(this.#random, 0xffff_ffff);
    this.#own.set(name, doc);
    return doc;
  }

  async #write(name: string, root: string, key: string, value: unknown, proof: number | string): Promise<void> {
    const doc = this.#ownDoc(name);
    const update = changeOf(doc, () => doc.getMap(root).set(key, value));
    const there = this.#await(this.#pageChannel, (kind, body) => kind === UPDATE && holds(body, proof));
    this.#send(this.#pageChannel, UPDATE, update);
    await withinPatience(there);
  }

  #open(doc: string, state = this.#known.get(doc) ?? new Uint8Array([0])): { channel: number; synced: Promise<void> } {
    const channel = ++this.#lastChannel;
    this.#channels.set(channel, { doc, awaited: null });
    const synced = this.#await(channel, (kind) => kind === STEP2);
    // Whoever waits for it hears of a refusal; nobody may be waiting any more.
    synced.catch(() => undefined);
    this.#control({ is: 'open', channel, doc });
    this.#send(channel, STEP1, state);
    return { channel, synced };
  }

  #close(channel: number): void {
    this.#channels.delete(channel);
    this.#control({ is: 'close', channel });
  }

  #await(channel: number, is: (kind: number, body: Buffer) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const open = this.#channels.get(channel);
      if (open !== undefined) open.awaited = { is, there: resolve, refused: reject };
    });
  }

  #receive(bytes: Buffer): void {
    const decoder = decoding.createDecoder(bytes);
    const channel = decoding.readVarUint(decoder);
    if (channel === 0) return this.#told(bytes);
    const open = this.#channels.get(channel);
    if (open === undefined || decoding.readVarUint(decoder) !== 0) return;
    const kind = decoding.readVarUint(decoder);
    if (kind === STEP1) this.#known.set(open.doc, decoding.readVarUint8Array(decoder).slice());
    if (open.awaited?.is(kind, bytes) !== true) return;
    const { there } = open.awaited;
    open.awaited = null;
    there();
  }

  #told(bytes: Buffer): void {
    if (bytes.indexOf('"is":"overview"') === 2) this.#overview();
    if (bytes.indexOf('"is":"closed"') !== 2) return;
    const { channel, fault } = JSON.parse(bytes.toString('utf8', 1)) as { channel: number; fault: string };
    const open = this.#channels.get(channel);
    open?.awaited?.refused(new Error(`${open.doc.slice(0, 2)}… was closed: ${fault}`));
  }

  #send(channel: number, kind: number, bytes: Uint8Array): void {
    this.#socket?.send(
      framed(
        encoding.encode((encoder) => {
          encoding.writeVarUint(encoder, channel);
          encoding.writeVarUint(encoder, 0);
          encoding.writeVarUint(encoder, kind);
          encoding.writeVarUint8Array(encoder, bytes);
        }),
      ),
    );
  }

  #control(message: unknown): void {
    this.#socket?.send(framed(Buffer.from(`\0${JSON.stringify(message)}`)));
  }
}

/** A scroll of the published mix reads 60 messages, and a page holds 1,000. */
const SCROLLS_PER_PAGE = Math.floor(PAGE_STAMPS / 60);

function changeOf(doc: Y.Doc, change: () => void): Uint8Array {
  let made = new Uint8Array();
  doc.once('update', (update: Uint8Array) => (made = new Uint8Array(update)));
  change();
  return made;
}

function holds(body: Buffer, proof: number | string): boolean {
  if (typeof proof === 'string') return body.includes(proof);
  let found = false;
  numbersIn(body, (number) => (found ||= number === proof));
  return found;
}

async function withinPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, PATIENCE_MILLIS, new Error('nothing came for ten seconds'));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
