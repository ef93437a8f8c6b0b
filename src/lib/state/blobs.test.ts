import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import type { Sha256 } from '#shared/ids.ts';
import { Blobs } from './blobs.svelte.ts';

const KEY = 'a'.repeat(64) as Sha256;

test('[B10] what was chosen here shows at once, whatever the disk is busy with, and where it has no room', async () => {
  const inHand = new Map([[KEY, new Blob(['ảnh'])]]);
  const blobs = new Blobs({
    scope: 'ting-ting:blobs-test',
    fetch: () => Promise.resolve({ is: 'gone' }),
    isOnline: () => true,
    inHand: (sha256) => inHand.get(sha256),
    budget: () => undefined,
    setBudget: () => undefined,
  });
  const held = blobs.hold(KEY);
  expect([held.state, held.url?.startsWith('blob:')]).toEqual(['here', true]);
  expect(await blobs.isHere(KEY)).toBe(true);
  expect(await (await blobs.read(KEY))?.text()).toBe('ảnh');
  held.release();
  blobs.stop();
});
