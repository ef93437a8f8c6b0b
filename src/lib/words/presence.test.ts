import { beforeAll, expect, test } from 'vitest';
import { lastSeenWords, typingWords } from './presence.ts';
import { loadWords } from './words.ts';

beforeAll(() => loadWords());
const at = (day: number, hour = 9, minute = 41) => new Date(2026, 10, day, hour, minute).getTime();
const now = at(22, 12, 0);

test('last seen is said as people say it', () => {
  expect(lastSeenWords(now - 20_000, now)).toBe('Last seen just now');
  expect(lastSeenWords(now - 5 * 60_000, now)).toBe('Last seen 5 minutes ago');
  expect(lastSeenWords(at(22), now)).toMatch(/^Last seen today at 9:41\sAM$/);
  expect(lastSeenWords(at(21), now)).toMatch(/^Last seen yesterday at 9:41\sAM$/);
  expect(lastSeenWords(at(3), now)).toBe('Last seen on November 3');
  expect(lastSeenWords(new Date(2024, 1, 3).getTime(), now)).toBe('Last seen on February 3, 2024');
  // Clocks differ.
  expect(lastSeenWords(now + 60_000, now)).toBe('Last seen just now');
});

test('who types is named, up to two', () => {
  expect(typingWords(['An'], true)).toBe('typing');
  expect(typingWords(['An'], false)).toBe('An is typing');
  expect(typingWords(['An', 'Bình'], false)).toBe('An and Bình are typing');
  expect(typingWords(['An', 'Bình', 'Chi'], false)).toBe('3 people are typing');
});
