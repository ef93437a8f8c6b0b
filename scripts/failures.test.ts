import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failuresOfPlaywright, failuresOfVitest, toldAgain } from './failures.mjs';
import { ROOT } from './house.mjs';

test('of vitest: each test that failed, and each file that did not even begin', () => {
  const report = {
    testResults: [
      {
        name: join(ROOT, 'server/a.test.ts'),
        status: 'failed',
        assertionResults: [
          { fullName: 'works', status: 'passed' },
          { fullName: 'fails', status: 'failed', failureMessages: ['\u001b[31mone is not two\u001b[39m\n at x'] },
        ],
      },
      { name: join(ROOT, 'server/b.test.ts'), status: 'failed', message: 'no such module', assertionResults: [] },
      { name: join(ROOT, 'server/c.test.ts'), status: 'passed', assertionResults: [] },
    ],
  };
  expect(failuresOfVitest(report)).toEqual([
    { name: 'server/a.test.ts › fails', why: 'one is not two\n at x' },
    { name: 'server/b.test.ts', why: 'no such module' },
  ]);
  expect(failuresOfVitest(undefined)).toEqual([]);
});

test('of playwright: each play that failed, however deep it lies, and what kept all of them from running', () => {
  const spec = (title: string, ok: boolean) => ({
    title,
    ok,
    file: 'a.spec.ts',
    tests: [{ results: [{ errors: ok ? [] : [{ message: `not ${title}` }] }] }],
  });
  const report = {
    suites: [{ specs: [spec('one', true)], suites: [{ specs: [spec('two', false)] }] }],
    errors: [{ message: 'no browser' }],
  };
  expect(failuresOfPlaywright(report)).toEqual([
    { name: 'playwright', why: 'no browser' },
    { name: 'e2e/a.spec.ts › two', why: 'not two' },
  ]);
  expect(failuresOfPlaywright(undefined)).toEqual([]);
});

test('told again, each with its reason', () => {
  expect(toldAgain([])).toBe('');
  expect(toldAgain([{ name: 'a', why: 'b\nc' }])).toBe('\n✗ a\n    b\n    c');
});
