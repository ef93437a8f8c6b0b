/** Bodies that are taken as they come: who is slow is waited for, who is silent is not, and who is fast does not fill the memory. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, expect, test } from 'vitest';
import { appendTo } from '../blobs/staging.ts';
import { CutOff, type Incoming } from '../exchange.ts';
import { heldBytes } from '../test-memory.ts';
import { type Door, openDoor } from './uws.ts';

const folder = mkdtempSync(join(tmpdir(), 'ting-incoming-'));
afterAll(() => rmSync(folder, { recursive: true }));
let door: Door;
afterEach(() => door?.stop());

/** With uploads to `/…`, each taken as `takes` takes it. */
async function doorThat(takes: (incoming: Incoming, path: string) => Promise<void>, silenceMillis?: number) {
  door = await openDoor(
    '127.0.0.1',
    0,
    {
      async answer({ incoming, path }) {
        if (incoming !== undefined) await takes(incoming, path);
        return { status: 200, headers: {}, body: 'taken' };
      },
      uploadsInto: () => folder,
      upgrade: () => Promise.reject(new Error('nobody upgrades here')),
      failed: (why) => expect.unreachable(String(why)),
    },
    silenceMillis,
  );
}

function called(path: string, announced: number): Socket {
  const socket = connect(door.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${announced}\r\n\r\n`);
  return socket;
}
/** The first line of the answer, or that there was none. */
const answerOf = (socket: Socket) =>
  new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString().split('\r\n')[0] ?? ''));
    socket.once('close', () => resolve('cut off'));
  });
const gate = () => {
  let open: () => void = () => undefined;
  return { opened: new Promise<void>((resolve) => (open = resolve)), open: () => open() };
};
async function everything(incoming: Incoming): Promise<number> {
  let bytes = 0;
  for await (const piece of incoming.chunks) bytes += piece.byteLength;
  return bytes;
}

test('[B18] whose bytes wait for the disk, or have all come and are being kept, is not cut off', async () => {
  const [sent, disk, whole] = [gate(), gate(), gate()];
  await doorThat(async (incoming, path) => {
    if (path === '/waiting') await disk.opened;
    // As slow as a disk: the last piece comes along with one that is still being taken.
    await sent.opened;
    for await (const piece of incoming.chunks)
      if (piece.byteLength > 0) await new Promise((resolve) => setImmediate(resolve));
    whole.open();
    await disk.opened;
  });
  const bytes = Buffer.alloc(1_000_000);
  const [waiting, keeping] = [called('/waiting', bytes.length), called('/keeping', bytes.length)];
  const answers = Promise.all([answerOf(waiting), answerOf(keeping)]);
  waiting.write(bytes);
  keeping.write(bytes, sent.open);
  await whole.opened;
  // uWebSockets.js has no clock that could be advanced: whoever says nothing to it at all shows when its patience is over, begun after the others'.
  const silent = connect(door.port, '127.0.0.1');
  silent.resume();
  await once(silent, 'close');
  disk.open();
  expect(await answers).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK']);
}, 180_000);

test('[B18] who goes on, however slowly, is not cut off, and who has gone silent is', async () => {
  const fates: string[] = [];
  await doorThat(async (incoming, path) => {
    try {
      fates.push(`${path} ${await everything(incoming)}`);
    } catch (why) {
      fates.push(`${path} ${why instanceof CutOff ? 'cut off' : String(why)}`);
      throw why;
    }
  }, 3_000);
  const [slow, silent] = [called('/slow', 1_000_000), called('/silent', 1_000_000)];
  silent.write(Buffer.alloc(1_000));
  let sent = 0;
  const dripping = setInterval(() => slow.write(Buffer.alloc(10), () => (sent += 10)), 20);
  expect(await answerOf(silent)).toBe('cut off');
  clearInterval(dripping);
  const answered = answerOf(slow);
  await new Promise<void>((resolve) => slow.write('', () => resolve()));
  slow.write(Buffer.alloc(1_000_000 - sent));
  expect(await answered).toBe('HTTP/1.1 200 OK');
  expect(fates).toEqual(['/silent cut off', '/slow 1000000']);
}, 60_000);

test('[B18] many who are faster than the disk do not fill the memory, and every byte of theirs is there', async () => {
  const size = 48 * 1024 ** 2;
  const before = heldBytes();
  let [most, writes, begun] = [0, 0, 0];
  const everybody = gate();
  await doorThat(async (incoming, path) => {
    // As it is before it is known who they are.
    if (++begun === 8) everybody.open();
    await everybody.opened;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    // Now and then: collecting takes longer than writing.
    const written = (): void => void (writes++ % 50 === 0 && (most = Math.max(most, heldBytes() - before)));
    await appendTo(join(folder, path), incoming.chunks, { offset: 0, size, hash: createHash('sha256'), written });
  });
  // From a thread of their own: nobody is as fast as whoever is on this machine.
  const senders = new Worker(SENDERS, { eval: true, workerData: { port: door.port, size, people: 8 } });
  const [answers, sha256] = await new Promise<[string[], string]>((resolve, reject) => {
    senders.once('message', resolve);
    senders.once('error', reject);
  });
  expect(answers).toEqual(Array.from({ length: 8 }, () => 'HTTP/1.1 200 OK'));
  for (let person = 0; person < 8; person++)
    expect(
      createHash('sha256')
        .update(readFileSync(join(folder, String(person))))
        .digest('hex'),
    ).toBe(sha256);
  expect(most).toBeLessThan(24 * 1024 ** 2);
}, 120_000);

const SENDERS = `
  const { connect } = require('node:net');
  const { createHash, randomBytes } = require('node:crypto');
  const { parentPort, workerData: { port, size, people } } = require('node:worker_threads');
  const film = randomBytes(size);
  const send = (person) => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /' + person + ' HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: ' + size + '\\r\\n\\r\\n');
    socket.write(film);
    socket.on('data', (bytes) => { resolve(bytes.toString().split('\\r\\n')[0]); socket.destroy(); });
    socket.on('error', (why) => resolve(why.code));
  });
  Promise.all(Array.from({ length: people }, (_, person) => send(person)))
    .then((answers) => parentPort.postMessage([answers, createHash('sha256').update(film).digest('hex')]));
`;
