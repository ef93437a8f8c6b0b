import { expect, test } from 'vitest';
import { changedInFront } from './scroll.svelte.ts';

const keys = (text: string) => text.split(' ').map((key) => ({ key }));

test('older messages in front, with and without the day line staying', () => {
  expect(changedInFront(keys('d2 c d e'), keys('d1 a b d2 c d e'))).toBe(true);
  expect(changedInFront(keys('d2 c d e'), keys('d2 a b c d e'))).toBe(true);
  expect(changedInFront(keys('d1 a b d2 c d e'), keys('d2 c d e'))).toBe(true);
});

test('a new message at the end, one in the middle, nothing', () => {
  expect(changedInFront(keys('d a b'), keys('d a b c'))).toBe(false);
  expect(changedInFront(keys('d a b c d'), keys('d a b x c d'))).toBe(false);
  expect(changedInFront(keys('d a b'), keys('d a b'))).toBe(false);
  expect(changedInFront([], keys('d a b'))).toBe(false);
});
