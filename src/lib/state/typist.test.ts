import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Typist } from './typist.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('[N5] typing is said when it begins, again while it lasts, and taken back after a pause', () => {
  const said: boolean[] = [];
  const typist = new Typist((typing) => said.push(typing));
  for (let i = 0; i < 20; i++) {
    typist.typed();
    vi.advanceTimersByTime(500);
  }
  // Ten seconds of typing.
  expect(said).toEqual([true, true, true, true]);
  vi.advanceTimersByTime(4_000);
  expect(said).toEqual([true, true, true, true, false]);
  vi.advanceTimersByTime(60_000);
  expect(said).toHaveLength(5);
});

test('[N5] who sends or leaves types no more, at once and once', () => {
  const said: boolean[] = [];
  const typist = new Typist((typing) => said.push(typing));
  typist.rest();
  typist.typed();
  typist.rest();
  typist.rest();
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual([true, false]);
  typist.typed();
  expect(said).toEqual([true, false, true]);
});
