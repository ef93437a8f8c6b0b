import { expect, test } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import { createSignInPace } from './http/sign-in-pace.ts';

test('a burst is let through, then one at a time', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 3, secondsPerToken: 2 }, () => now);
  expect([1, 2, 3].map(() => limit.take('an'))).toEqual([0, 0, 0]);
  expect(limit.take('an')).toBeCloseTo(2);
  expect(limit.take('binh')).toBe(0);
  now += 1_000;
  expect(limit.take('an')).toBeCloseTo(1);
  now += 1_000;
  expect(limit.take('an')).toBe(0);
  expect(limit.take('an')).toBeGreaterThan(0);
});

test('what costs more takes more', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 10, secondsPerToken: 1 }, () => now);
  expect(limit.take('an', 8)).toBe(0);
  expect(limit.take('an', 5)).toBe(3);
  expect(limit.take('an', 2)).toBe(0);
  now += 5_000;
  expect(limit.take('an', 5)).toBe(0);
});

test('asking while there is none does not put off the next', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 1, secondsPerToken: 10 }, () => now);
  limit.take('an');
  for (; now < 10_000; now += 100) expect(limit.take('an')).toBeGreaterThan(0);
  now += 1;
  expect(limit.take('an')).toBe(0);
});

test('what is given back can be taken again', () => {
  const limit = new RateLimit({ burst: 1, secondsPerToken: 10 }, () => 0);
  limit.take('an');
  limit.giveBack('an');
  expect(limit.take('an')).toBe(0);
  limit.giveBack('nobody');
});

test('a flood of keys does not fill the memory', () => {
  const limit = new RateLimit({ burst: 5, secondsPerToken: 60 }, () => 0);
  for (let i = 0; i < 200_000; i++) limit.take(`address ${i}`);
  expect(limit.size).toBeLessThanOrEqual(50_000);
});

test('[H5] sixty people sign up behind one address; a guesser is stopped; the owner of the account still gets in elsewhere', () => {
  const pace = createSignInPace(() => 0);
  for (let i = 0; i < 60; i++) expect(pace.signUp('10.0.0.1')).toBe(0);
  for (let i = 0; i < 10; i++) expect(pace.signIn('6.6.6.6', 'an').waitSeconds).toBe(0);
  expect(pace.signIn('6.6.6.6', 'an').waitSeconds).toBeGreaterThan(0);
  expect(pace.signIn('10.0.0.1', 'an').waitSeconds).toBe(0);
});

test('[H5] signing in rightly, however often, is not slowed', () => {
  const pace = createSignInPace(() => 0);
  for (let i = 0; i < 500; i++) {
    const attempt = pace.signIn('10.0.0.1', 'an');
    expect(attempt.waitSeconds).toBe(0);
    attempt.succeeded();
  }
});
