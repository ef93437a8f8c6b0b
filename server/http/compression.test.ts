/** Large frames are compressed on the wire, for those who can read that; and what is compressed is as large as what comes out of it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { FRAME_MAX_BYTES } from '#shared/limits.ts';
import { type Door, type DoorSocket, openDoor } from './uws.ts';

let door: Door;
let inside: DoorSocket | null = null;
const heard: number[] = [];
beforeAll(async () => {
  door = await openDoor('127.0.0.1', 0, {
    answer: () => Promise.resolve({ status: 204, headers: {}, body: null }),
    uploadsInto: () => null,
    upgrade: () =>
      Promise.resolve({
        ok: true,
        open: (socket) => {
          inside = socket;
          return { message: (bytes) => void heard.push(bytes.length), drained: () => {}, closed: () => {} };
        },
      }),
    failed: (why) => {
      throw why;
    },
  });
});
afterAll(() => door?.stop());
beforeEach(() => void heard.splice(0));

async function connected(perMessageDeflate: boolean | { threshold: number }): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${door.port}/sync`, { perMessageDeflate });
  await once(socket, 'open');
  return socket;
}

const bytesRead = (socket: WebSocket): number =>
  (socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;

/** What a frame takes on the wire. It must arrive as it is. */
async function onTheWire(socket: WebSocket, frame: Uint8Array): Promise<number> {
  const before = bytesRead(socket);
  const arrived = once(socket, 'message');
  inside?.send(frame);
  expect(Buffer.compare((await arrived)[0] as Buffer, frame)).toBe(0);
  return bytesRead(socket) - before;
}

const history = Buffer.from(Array.from({ length: 1_000 }, (_, n) => `tin nhắn số ${n} của nhóm`).join());
const message = history.subarray(0, 300);

test('a large frame is compressed, a small one is not', async () => {
  const socket = await connected(true);
  expect(await onTheWire(socket, history)).toBeLessThan(history.length / 3);
  expect(await onTheWire(socket, message)).toBeGreaterThan(message.length);
  const noise = randomBytes(100_000);
  expect(await onTheWire(socket, noise)).toBeGreaterThan(noise.length);
  socket.terminate();
});

test('who cannot read it gets everything as it is', async () => {
  const socket = await connected(false);
  expect(socket.extensions).toBe('');
  expect(await onTheWire(socket, history)).toBeGreaterThan(history.length);
  socket.terminate();
});

test('a small frame that would become a large one is cut off before anybody sees it', async () => {
  const socket = await connected({ threshold: 0 });
  const largest = Buffer.alloc(2 * FRAME_MAX_BYTES);
  socket.send(largest);
  await expect.poll(() => heard).toEqual([largest.length]);
  socket.send(Buffer.alloc(largest.length + 1));
  expect((await once(socket, 'close'))[0]).toBe(1006);
  expect(heard).toEqual([largest.length]);
  const another = await connected({ threshold: 0 });
  another.send(Buffer.alloc(64 * FRAME_MAX_BYTES));
  expect((await once(another, 'close'))[0]).toBe(1006);
  expect(heard).toEqual([largest.length]);
});
