/** Bodies that are given as they are read. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { expect, test } from 'vitest';
import { openDoor } from './uws.ts';

/** More than what the door lets pass before it looks after those who do not read. */
const STALL_MILLIS = 6_000;
const PIECE = new Uint8Array(256 * 1024);
const PIECES_COUNT = 160;

test('[B18] who does not read for a while gets the rest when they go on', async () => {
  const door = await openDoor('127.0.0.1', 0, {
    answer: () => Promise.resolve({ status: 200, headers: {}, body: { length: PIECES_COUNT * PIECE.length, open } }),
    uploadsInto: () => null,
    upgrade: () => Promise.reject(new Error('nobody upgrades here')),
    failed: (why) => expect.unreachable(String(why)),
  });
  async function* open() {
    for (let count = 0; count < PIECES_COUNT; count++) yield await Promise.resolve(PIECE.fill(count));
  }
  const asked = request({ host: '127.0.0.1', port: door.port }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await new Promise((resolve) => setTimeout(resolve, STALL_MILLIS));
  const got: Buffer[] = [];
  for await (const chunk of response) got.push(chunk as Buffer);
  const wanted = Array.from({ length: PIECES_COUNT }, (_, count) => new Uint8Array(PIECE.length).fill(count));
  expect(Buffer.concat(got).equals(Buffer.concat(wanted))).toBe(true);
  await door.stop();
}, 90_000);
