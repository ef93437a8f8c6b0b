import { expect, test } from 'vitest';
import { citationsOf, faultsOf, rulesOf } from './spec.mjs';

const spec = '# Rules\n\n- **O1** First things first.\n- **O2** Twice is once.\n';
const play = (title: string) => new Map([['a.test.ts', `test('${title}', () => {});`]]);

test('a rule is a line with a number and a sentence', () => {
  expect([...rulesOf(spec)]).toEqual([
    ['O1', 'First things first.'],
    ['O2', 'Twice is once.'],
  ]);
});

test('a citation stands in a title, alone or with others; an index is none', () => {
  expect([...citationsOf(`test('[O1] [O2] both', () => list[A1])`)]).toEqual(['O1', 'O2']);
});

test('a rule without a test and a citation without a rule are named', () => {
  expect(faultsOf(spec, play('[O1] [O2] all is well'))).toEqual([]);
  expect(faultsOf(spec, play('[O1] and [O9]'))).toEqual([
    'a.test.ts cites O9, which src/shared/SPEC.md does not have.',
    'No test cites [O2]: Twice is once.',
  ]);
});
