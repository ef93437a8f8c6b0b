/** One person opens a conversation, as a browser does: offering compression, and with the documents built at the end. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { numbersIn } from './messages.ts';
import type { OpenPlan, OpenResult } from './plans.ts';
import { get, type Wire } from './wires.ts';

const PATIENCE_MILLIS = 60_000;

export const open = (plan: OpenPlan): Promise<OpenResult> =>
  plan.wire === 'usual' ? openRows(plan) : openDocuments(plan);

async function openRows({ port, conversation, after, limit }: OpenPlan): Promise<OpenResult> {
  const started = performance.now();
  const body = await get(port, `/${conversation}?limit=${limit}${after === null ? '' : `&after=${after}`}`);
  const rows = JSON.parse(body.toString()) as unknown[];
  return { millis: performance.now() - started, bytes: body.length, messages: rows.length };
}

async function openDocuments(plan: OpenPlan): Promise<OpenResult> {
  const docs = plan.documents.map(({ base }) => {
    const doc = new Y.Doc();
    if (base !== null) Y.applyUpdate(doc, base);
    return doc;
  });
  const count = (): number => docs.reduce((sum, doc) => sum + doc.getMap('messages').size, 0);
  const before = count();
  const states = docs.map((doc) => Y.encodeStateVector(doc));
  const started = performance.now();
  const { updates, bytes } = await fetchAll(plan, states);
  for (const [index, doc] of docs.entries()) Y.applyUpdate(doc, updates.get(index) ?? new Uint8Array());
  return { millis: performance.now() - started, bytes, messages: count() - before };
}

interface Fetched {
  updates: Map<number, Uint8Array>;
  bytes: number;
}

/** The app has one socket for all documents, everybody else one for each. */
function fetchAll(plan: OpenPlan, states: Uint8Array[]): Promise<Fetched> {
  const { wire, port, person, documents, expect } = plan;
  const updates = new Map<number, Uint8Array>();
  const sockets: { socket: WebSocket; upgrade: number }[] = [];
  return new Promise((resolve, reject) => {
    const patience = setTimeout(reject, PATIENCE_MILLIS, new Error(`${wire} did not open the conversation`));
    let messages = 0;
    const arrived = (index: number, update: Uint8Array): void => {
      const before = updates.get(index);
      updates.set(index, before === undefined ? update : Y.mergeUpdates([before, update]));
      numbersIn(Buffer.from(update.buffer, update.byteOffset, update.length), () => (messages += 1));
      // One server answers with what it has in memory, and sends what it still reads from disk afterwards.
      if (updates.size < documents.length || messages < expect) return;
      clearTimeout(patience);
      const bytes = sockets.reduce((sum, { socket, upgrade }) => sum + bytesRead(socket) - upgrade, 0);
      for (const { socket } of sockets) socket.terminate();
      resolve({ updates, bytes });
    };
    const paths = wire === 'ting-app' ? ['/sync'] : documents.map(({ name }) => pathTo(wire, name));
    for (const [at, path] of paths.entries()) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { cookie: person.cookie } });
      const entry = { socket, upgrade: 0 };
      sockets.push(entry);
      socket.once('error', reject);
      socket.once('upgrade', () => (entry.upgrade = bytesRead(socket)));
      socket.once('open', () => {
        for (const frame of hello(plan, states, at)) socket.send(frame);
      });
      socket.on('message', (data: Buffer) => {
        const answer = updateIn(wire, data);
        if (answer !== null) arrived(answer.channel === null ? at : answer.channel - 1, answer.update);
      });
    }
  });
}

/** As they were on the wire, so compressed when they were. */
const bytesRead = (socket: WebSocket): number =>
  (socket as unknown as { _socket: { bytesRead: number } | null })._socket?.bytesRead ?? 0;

const pathTo = (wire: Wire, name: string): string =>
  wire === 'ting' ? `/sync/${encodeURIComponent(name)}` : wire === 'hocuspocus' ? '/' : `/${name}`;

/** What a client says first on its socket. */
function hello({ wire, documents }: OpenPlan, states: Uint8Array[], at: number): Uint8Array[] {
  if (wire === 'ting-app')
    return documents.flatMap(({ name }, index) => {
      const open = JSON.stringify({ is: 'open', channel: index + 1, doc: name });
      return [
        Buffer.concat([Buffer.from([0]), Buffer.from(open)]),
        frame(states[index], (encoder) => encoding.writeVarUint(encoder, index + 1)),
      ];
    });
  const name = documents[at]?.name ?? '';
  if (wire !== 'hocuspocus') return [frame(states[at], () => undefined)];
  const token = encoding.encode((encoder) => {
    encoding.writeVarString(encoder, name);
    encoding.writeVarUint(encoder, 2);
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarString(encoder, 'token');
  });
  return [token, frame(states[at], (encoder) => encoding.writeVarString(encoder, name))];
}

const frame = (state: Uint8Array | undefined, prefix: (encoder: encoding.Encoder) => void): Uint8Array =>
  encoding.encode((encoder) => {
    prefix(encoder);
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint8Array(encoder, state ?? new Uint8Array([0]));
  });

/** Of a sync answer or of an update. */
function updateIn(wire: Wire, data: Uint8Array): { channel: number | null; update: Uint8Array } | null {
  const decoder = decoding.createDecoder(data);
  const channel = wire === 'ting-app' ? decoding.readVarUint(decoder) : null;
  if (channel === 0) return null;
  if (wire === 'hocuspocus') decoding.readVarString(decoder);
  if (decoding.readVarUint(decoder) !== 0 || decoding.readVarUint(decoder) === 0) return null;
  return { channel, update: decoding.readVarUint8Array(decoder).slice() };
}
