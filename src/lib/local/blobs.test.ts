import 'fake-indexeddb/auto';
import { Blob as NodeBlob } from 'node:buffer';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { Sha256 } from '#shared/ids.ts';
import { BlobShelf } from './blobs.ts';

const name = (letter: string): Sha256 => v.parse(Sha256, letter.repeat(64));
// The test's pretended browser has a Blob of its own that cannot be copied into a database.
const bytes = (size: number): Blob => new NodeBlob([new Uint8Array(size)]) as unknown as Blob;
let count = 0;
const fresh = (): string => `shelf${String(++count)}`;

test('[B12] what was put on the shelf is there after a restart, whole', async () => {
  const scope = fresh();
  const before = new BlobShelf(scope);
  await before.put(name('a'), new NodeBlob(['xin chào'], { type: 'text/plain' }) as unknown as Blob, 'own');
  before.close();
  const after = new BlobShelf(scope);
  const found = await after.get(name('a'));
  expect(await found?.text()).toBe('xin chào');
  expect(await after.has(name('a'))).toBe(true);
  expect(await after.get(name('b'))).toBeNull();
});

test('[B12] beyond the budget the longest unused goes first, and what has not been sent never', async () => {
  const shelf = new BlobShelf(fresh());
  await shelf.put(name('0'), bytes(100), 'own');
  for (const letter of ['1', '2', '3']) {
    await shelf.put(name(letter), bytes(100), 'kept');
    await later();
  }
  expect(await shelf.use()).toEqual({ own: 100, kept: 300 });
  expect(await shelf.shrink(200)).toBe(100);
  expect(await shelf.has(name('1'))).toBe(false);
  expect(await shelf.has(name('3'))).toBe(true);
  expect(await shelf.shrink(0)).toBe(200);
  expect(await shelf.use()).toEqual({ own: 100, kept: 0 });
});

test('[B12] what is own is kept like the rest once it was sent', async () => {
  const shelf = new BlobShelf(fresh());
  await shelf.put(name('a'), bytes(10), 'own');
  await shelf.put(name('a'), bytes(10), 'kept');
  expect(await shelf.use()).toEqual({ own: 10, kept: 0 });
  await shelf.sent(name('a'));
  expect(await shelf.use()).toEqual({ own: 0, kept: 10 });
  await shelf.remove(name('a'));
  expect(await shelf.get(name('a'))).toBeNull();
});

/** Entries are told apart by the millisecond in which they were used. */
async function later(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise((resolve) => setTimeout(resolve, 1));
}
