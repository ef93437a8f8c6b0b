/**
 * For tests only: a device of somebody, over a real socket: its documents, what it was told of the list, both kept while it is offline. It says what
 * it has, as the app does. Knows only an address and a cookie.
 */
import WebSocket from 'ws';
import * as Y from 'yjs';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { currentPage } from '#shared/model/conversation.ts';
import { conversationDoc, pageDoc, personalDoc } from '#shared/model/doc-names.ts';
import { orderOf, type Stamp } from '#shared/model/page.ts';
import type { RelayControl } from '#shared/protocol/control.ts';
import { decodeFrame, encodeFrame, type Frame } from '#shared/protocol/frames.ts';
import { Known, Tab } from './test-actor.ts';

interface Line {
  tab: Tab;
  names: Map<number, string>;
  numbers: Map<string, number>;
  next: number;
}

export class TestDevice {
  readonly url: string;
  readonly cookie: string;
  readonly person: UserId;
  readonly conversation: ConversationId;
  readonly docs = new Map<string, Y.Doc>();
  readonly known = new Known();
  /** The furthest it ever said to have, and the furthest that was read on it: whatever becomes of its documents. */
  claimed = 0;
  hasRead = 0;
  #told = 0;
  #line: Line | null = null;
  /** Sync steps that were asked for on this line, and those that were answered. */
  #asked = new Map<string, number>();
  #answered = new Map<string, number>();

  constructor(who: { url: string; cookie: string; person: UserId }, conversation: ConversationId) {
    this.url = who.url;
    this.cookie = who.cookie;
    this.person = who.person;
    this.conversation = conversation;
    this.doc(personalDoc(this.person));
    this.doc(conversationDoc(conversation));
    this.page(0);
  }

  get root(): Y.Doc {
    return this.doc(conversationDoc(this.conversation));
  }
  get mine(): Y.Doc {
    return this.doc(personalDoc(this.person));
  }
  page(page: number): Y.Doc {
    return this.doc(pageDoc(this.conversation, page));
  }
  /** All it has, from the first page to the one the root names. */
  get pages(): Y.Doc[] {
    return Array.from({ length: currentPage(this.root) + 1 }, (_, page) => this.page(page));
  }
  get stamps(): Stamp[] {
    return this.pages.flatMap((page) => orderOf(page).toArray()).sort((a, b) => a[0] - b[0]);
  }
  get online(): boolean {
    return this.#line !== null;
  }

  read(seq: number): void {
    if (seq <= this.hasRead) return;
    this.hasRead = seq;
    if (this.#line?.tab.isOpen === true) this.#tellRead();
  }

  doc(name: string): Y.Doc {
    const here = this.docs.get(name);
    if (here !== undefined) return here;
    const doc = new Y.Doc();
    this.docs.set(name, doc);
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#send(name, { is: 'update', update });
      else this.#tellDelivered();
    });
    this.#open(name);
    return doc;
  }

  /** The device after its tab was closed and opened again: what was on its disk, under fresh client ids. */
  reloaded(): TestDevice {
    this.disconnect();
    const next = new TestDevice(this, this.conversation);
    for (const [name, doc] of this.docs) Y.applyUpdate(next.doc(name), Y.encodeStateAsUpdate(doc), next);
    for (const [id, row] of this.known.rows) next.known.rows.set(id, row);
    next.claimed = this.claimed;
    next.hasRead = this.hasRead;
    return next;
  }

  connect(): Promise<void> {
    if (this.#line !== null) return Promise.resolve();
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/sync`, { headers: { cookie: this.cookie } });
    const line: Line = { tab: new Tab(socket, this.known), names: new Map(), numbers: new Map(), next: 1 };
    this.#line = line;
    this.#asked = new Map();
    this.#answered = new Map();
    this.#told = 0;
    line.tab.hear = (message) => this.#line === line && this.#control(line, message);
    line.tab.receive = (channel, body) => this.#line === line && this.#receive(line, channel, body);
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        if (this.#line === line) for (const name of this.docs.keys()) this.#open(name);
        resolve();
      });
      socket.once('close', () => {
        if (this.#line === line) this.#line = null;
        resolve();
      });
      socket.once('unexpected-response', (_request, answer) => reject(new Error(`refused with ${answer.statusCode}`)));
    });
  }

  /** At once: what was on its way in either direction is lost, as far as the machine has not sent it. */
  disconnect(): void {
    const line = this.#line;
    this.#line = null;
    line?.tab.cut();
  }

  /** Whether all that was asked on this line has been answered: then nothing that was written before is on its way any more. */
  get isSettled(): boolean {
    return (
      this.#line !== null &&
      [...this.docs.keys()].every((name) => (this.#answered.get(name) ?? 0) > 0 && !this.#isWaited(name))
    );
  }

  /** Asks once more for each document, as decision 3 describes. */
  ask(): void {
    for (const name of this.docs.keys()) this.#ask(name);
  }

  #isWaited(name: string): boolean {
    return (this.#asked.get(name) ?? 0) > (this.#answered.get(name) ?? 0);
  }

  #ask(name: string): void {
    if (this.#line?.numbers.has(name) !== true) return;
    this.#asked.set(name, (this.#asked.get(name) ?? 0) + 1);
    this.#send(name, { is: 'step1', stateVector: Y.encodeStateVector(this.doc(name)) });
  }

  #open(name: string): void {
    const line = this.#line;
    if (line === null || !line.tab.isOpen || line.numbers.has(name)) return;
    const channel = line.next++;
    line.names.set(channel, name);
    line.numbers.set(name, channel);
    line.tab.tell({ is: 'open', channel, doc: name });
    this.#asked.delete(name);
    this.#answered.delete(name);
    this.#ask(name);
  }

  #send(name: string, frame: Frame): void {
    const channel = this.#line?.numbers.get(name);
    if (channel !== undefined) this.#line?.tab.send(channel, encodeFrame(frame));
  }

  #control(line: Line, message: RelayControl): void {
    if (message.is === 'overview' || message.is === 'rows' || message.is === 'marks') {
      this.#tellDelivered();
      if (message.is === 'overview') this.#tellRead();
      // Was removed and is back: the channels that were closed are opened again.
      if (this.known.rows.has(this.conversation)) for (const name of this.docs.keys()) this.#open(name);
    }
    if (message.is !== 'closed') return;
    const name = line.names.get(message.channel);
    line.names.delete(message.channel);
    if (name === undefined) return;
    line.numbers.delete(name);
    this.#asked.delete(name);
    if (message.code >= 4500) setTimeout(() => this.#line === line && this.#open(name), 10);
  }

  #receive(line: Line, channel: number, body: Uint8Array): void {
    const name = line.names.get(channel);
    const frame = decodeFrame(body);
    if (!frame.ok) throw new Error(frame.why);
    if (name === undefined) return;
    const doc = this.doc(name);
    switch (frame.value.is) {
      case 'step1':
        return this.#send(name, { is: 'step2', update: Y.encodeStateAsUpdate(doc, frame.value.stateVector) });
      case 'step2':
        Y.applyUpdate(doc, frame.value.update, this);
        this.#answered.set(name, (this.#answered.get(name) ?? 0) + 1);
        return;
      case 'update':
        return Y.applyUpdate(doc, frame.value.update, this);
      case 'awareness':
      case 'denied':
      case 'query-awareness':
        return;
    }
  }

  #tellRead(): void {
    const row = this.known.rows.get(this.conversation);
    const seq = Math.min(this.hasRead, row?.lastSeq ?? 0);
    if (row === undefined || seq <= row.readSeq) return;
    this.#line?.tab.tell({ is: 'read', marks: [{ conversation: this.conversation, seq }] });
  }

  /** What it has without a gap, from where the relay knows it to be. */
  #tellDelivered(): void {
    const row = this.known.rows.get(this.conversation);
    if (row === undefined || this.#line?.tab.isOpen !== true) return;
    const known = row.members.find((member) => member.id === this.person)?.reach?.delivered ?? 0;
    let has = known;
    for (const [seq] of this.stamps) if (seq === has + 1) has = seq;
    if (has <= Math.max(known, this.#told)) return;
    this.#told = has;
    this.claimed = Math.max(this.claimed, has);
    this.#line.tab.tell({ is: 'delivered', marks: [{ conversation: this.conversation, seq: has }] });
  }
}
