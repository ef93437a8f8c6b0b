import { expect, test, vi } from 'vitest';
import { Quota, storageFailure } from './quota.ts';

test('a full disk is told from a blocked one, and from what has nothing to do with it', () => {
  expect(storageFailure(new DOMException('The quota has been exceeded.', 'QuotaExceededError'))).toBe('full');
  expect(
    storageFailure(new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError')),
  ).toBe('blocked');
  expect(storageFailure(new TypeError('x is not a function'))).toBe(null);
  expect(storageFailure('a text')).toBe(null);
});

test('each failure is told once', () => {
  const told = vi.fn();
  const quota = new Quota(told);
  const full = new DOMException('full', 'QuotaExceededError');
  expect(quota.notice(full)).toBe(true);
  expect(quota.notice(full)).toBe(true);
  expect(quota.notice(new Error('else'))).toBe(false);
  expect(told.mock.calls).toEqual([['full']]);
});
