import { expect, test } from 'vitest';
import { add, fromPlaywright, fromVitest, NOTHING, one, sentence } from './counts.mjs';

test('the last line', () => {
  expect(sentence({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
  expect(sentence({ passed: 1, failed: 2, skipped: 3 })).toBe('1 passed, 2 failed, 3 skipped');
  expect(add(one(true), add(one(false), NOTHING))).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test('a runner that crashed, wrote no report or found no tests counts as a failure', () => {
  expect(fromVitest(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(fromVitest({ numPassedTests: 3 }, 1)).toEqual({ passed: 3, failed: 1, skipped: 0 });
  expect(fromPlaywright({ stats: { skipped: 4 } }, 0)).toEqual({ passed: 0, failed: 1, skipped: 4 });
});

test('the reports', () => {
  const vitest = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
  expect(fromVitest(vitest, 1)).toEqual({ passed: 3, failed: 1, skipped: 3 });
  const playwright = { stats: { expected: 5, flaky: 1, unexpected: 0, skipped: 0 } };
  expect(fromPlaywright(playwright, 0)).toEqual({ passed: 6, failed: 0, skipped: 0 });
});
