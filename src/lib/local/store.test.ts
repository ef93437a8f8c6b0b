import 'fake-indexeddb/auto';
import { describe, expect, test, vi } from 'vitest';
import { newConversationId, newMessageId, newUserId } from '#shared/ids.ts';
import { MemoryStore } from './memory-store.ts';
import { openStore, readSignedIn, type Store, writeSignedIn, isLogoutOwed } from './store.ts';
import type { WaitingMessage } from './tables.ts';

const blocked = () => {
  throw new Error('not blocked');
};

const waiting = (text: string): WaitingMessage => ({
  conversation: newConversationId(),
  page: 0,
  message: { by: newUserId(), at: 1, text },
});

const stores: [string, () => Promise<Store>][] = [
  ['in IndexedDB', () => openStore(newUserId(), blocked)],
  ['in memory', () => Promise.resolve(new MemoryStore())],
];

describe.each(stores)('a store %s', (_, open) => {
  test('gives back what was put, sorted by key', async () => {
    const store = await open();
    await store.put('fetched', 'b', 2);
    await store.put('fetched', 'a', 1);
    await store.put('fetched', 'a', 3);
    expect([...(await store.all('fetched'))]).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
    expect([...(await store.all('waiting'))]).toEqual([]);
  });

  test('knows what it has, and forgets what is removed', async () => {
    const store = await open();
    const id = newMessageId();
    await store.put('waiting', id, waiting('một'));
    expect(await store.has('waiting', id)).toBe(true);
    await store.remove('waiting', id);
    await store.remove('waiting', 'nothing');
    expect(await store.has('waiting', id)).toBe(false);
  });

  test('replaces a table as a whole', async () => {
    const store = await open();
    await store.put('fetched', 'old', 1);
    await store.replace('fetched', new Map([['new', 2]]));
    expect([...(await store.all('fetched'))]).toEqual([['new', 2]]);
  });

  test('keeps values, not references', async () => {
    const store = await open();
    const value = { is: 'refused' };
    await store.put('kv', 'notice', value);
    value.is = 'changed';
    expect((await store.all('kv')).get('notice')).toEqual({ is: 'refused' });
  });
});

test('[L1] what was put is there when the database is opened again', async () => {
  const me = newUserId();
  const before = await openStore(me, blocked);
  const id = newMessageId();
  const one = waiting('trước khi tắt');
  await before.put('waiting', id, one);
  before.close();
  expect((await (await openStore(me, blocked)).all('waiting')).get(id)).toEqual(one);
});

test('a browser that blocks IndexedDB gets a store in memory, and is told', async () => {
  const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('blocked', 'SecurityError');
  });
  const told = vi.fn();
  const store = await openStore(newUserId(), told);
  expect(told).toHaveBeenCalledOnce();
  await store.put('fetched', 'a', 1);
  expect((await store.all('fetched')).get('a')).toBe(1);
  open.mockRestore();
});

test('the device knows who is signed in, and that the relay has yet to hear of a sign-out', async () => {
  const me = { id: newUserId(), name: 'An', avatar: null, email: 'an@example.org', about: '', createdAt: 1 };
  expect(await readSignedIn()).toBe(null);
  await writeSignedIn(me);
  expect(await readSignedIn()).toEqual(me);
  await writeSignedIn(null, { logoutOwed: true });
  expect(await readSignedIn()).toBe(null);
  expect(await isLogoutOwed()).toBe(true);
});
