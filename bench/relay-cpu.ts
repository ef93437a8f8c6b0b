/** What one accepted message costs the relay, and how long it takes to be seen: bench/README.md says how. */
import WebSocket from 'ws';
import * as Y from 'yjs';
import { newMessageId, type ConversationId, type MessageId, type UserId } from '#shared/ids.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { decodeFrame, encodeFrame } from '#shared/protocol/frames.ts';
import { cpuMicros } from './processes.ts';
import { startRelayProcess } from './relay-process.ts';

const PAIRS = 100;
const MESSAGES_PER_PAIR = 20;
const MESSAGES_PER_SECOND = 500;
const PORT = 3977;

interface Person {
  id: UserId;
  cookie: string;
}

export interface RelayFigures {
  messages: number;
  relayMicros: number;
  postgresMicros: number;
  p50Ms: number;
  p99Ms: number;
}

export async function measureRelay(): Promise<RelayFigures> {
  const relay = await startRelayProcess(PORT);
  try {
    const pairs: Pair[] = [];
    for (let i = 0; i < PAIRS; i++) pairs.push(await Pair.connect(relay.url, i));
    const before = cpuMicros(relay.pid);
    const started = performance.now();
    const total = PAIRS * MESSAGES_PER_PAIR;
    for (let n = 0; n < total; n++) {
      const due = started + (n * 1000) / MESSAGES_PER_SECOND;
      const early = due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      pairs[n % PAIRS]?.send();
    }
    await Promise.all(pairs.map((pair) => pair.allSeen()));
    const after = cpuMicros(relay.pid);
    const latencies = pairs.flatMap((pair) => pair.latencies).sort((a, b) => a - b);
    for (const pair of pairs) pair.close();
    return {
      messages: total,
      relayMicros: (after.own - before.own) / total,
      postgresMicros: (after.descendants - before.descendants) / total,
      p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? NaN,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
    };
  } finally {
    await relay.stop();
  }
}

/** Two people in one conversation; the first writes, the second watches. */
class Pair {
  readonly latencies: number[] = [];
  readonly #doc = new Y.Doc();
  readonly #watching = new Y.Doc();
  readonly #author: UserId;
  readonly #sentAt = new Map<MessageId, number>();
  readonly #sockets: WebSocket[] = [];
  #sent = 0;
  #seen: () => void = () => undefined;

  private constructor(author: UserId) {
    this.#author = author;
  }

  static async connect(url: string, index: number): Promise<Pair> {
    const a = await signUp(url, `bench-a${index}`);
    const b = await signUp(url, `bench-b${index}`);
    const answer = await fetch(`${url}/api/conversations`, {
      method: 'POST',
      headers: { cookie: a.cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'direct', members: [b.id] }),
    });
    const { conversation } = (await answer.json()) as { conversation: { id: ConversationId } };
    const pair = new Pair(a.id);
    const name = pageDoc(conversation.id, 0);
    await pair.#open(url, a, name, pair.#doc);
    await pair.#open(url, b, name, pair.#watching);
    const order = orderOf(pair.#watching);
    order.observe((event) => {
      for (const change of event.changes.delta) {
        for (const stamp of (change.insert ?? []) as [number, MessageId, number][]) pair.#stamped(stamp[1]);
      }
    });
    return pair;
  }

  async #open(url: string, person: Person, name: string, doc: Y.Doc): Promise<void> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/sync/${encodeURIComponent(name)}`, {
      headers: { cookie: person.cookie },
    });
    socket.binaryType = 'arraybuffer';
    this.#sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.on('message', (data: ArrayBuffer) => {
        const frame = decodeFrame(new Uint8Array(data));
        if (!frame.ok) return;
        if (frame.value.is === 'step2' || frame.value.is === 'update') Y.applyUpdate(doc, frame.value.update, 'relay');
        if (frame.value.is === 'step2') resolve();
      });
      socket.once('open', () => socket.send(encodeFrame({ is: 'step1', stateVector: Y.encodeStateVector(doc) })));
    });
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'relay') socket.send(encodeFrame({ is: 'update', update }));
    });
  }

  send(): void {
    const id = newMessageId();
    this.#sent++;
    this.#sentAt.set(id, performance.now());
    messagesOf(this.#doc).set(id, {
      by: this.#author,
      at: Date.now(),
      text: `Message ${this.#sent}: con về tới rồi mẹ ơi, để phần con hai con cá nha`,
    });
  }

  #stamped(id: MessageId): void {
    const at = this.#sentAt.get(id);
    if (at === undefined) return;
    this.latencies.push(performance.now() - at);
    if (this.latencies.length === MESSAGES_PER_PAIR) this.#seen();
  }

  allSeen(): Promise<void> {
    return new Promise((resolve) => {
      this.#seen = resolve;
      if (this.latencies.length === MESSAGES_PER_PAIR) resolve();
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

async function signUp(url: string, name: string): Promise<Person> {
  for (;;) {
    const answer = await fetch(`${url}/api/auth/signup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: `${name}@example.org`, password: 'a long enough password', name }),
    });
    if (answer.status === 429) {
      // The relay slows sign-ups from one address; a benchmark of messages can wait for it.
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get('retry-after') ?? '1')));
      continue;
    }
    if (!answer.ok) throw new Error(`sign-up answered ${answer.status}: ${await answer.text()}`);
    const { user } = (await answer.json()) as { user: { id: UserId } };
    return {
      id: user.id,
      cookie: answer.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';')[0])
        .join('; '),
    };
  }
}
