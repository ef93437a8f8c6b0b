import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gathered } from './gathered.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what is asked in one turn is asked together, and everybody gets their own answer', async () => {
  const rounds: number[][] = [];
  const double = gathered((numbers: readonly number[]) => {
    rounds.push([...numbers]);
    return Promise.resolve(numbers.map((n) => 2 * n));
  });
  expect(await Promise.all([1, 2, 2, 3].map(double))).toEqual([2, 4, 4, 6]);
  expect(rounds).toEqual([[1, 2, 2, 3]]);
});

test('[M1] an answer is no older than its question: what was removed before the question is not in it, whatever rounds are under way', async () => {
  const members = new Set(['an', 'binh']);
  const reading: (() => void)[] = [];
  const isMember = gathered(
    (names: readonly string[]) => {
      const then = names.map((name) => members.has(name));
      return new Promise<boolean[]>((resolve) => reading.push(() => resolve(then)));
    },
    { atOnce: 1 },
  );
  const read = async (): Promise<void> => {
    while (reading.length === 0) await turn();
    reading.shift()?.();
  };
  const before = isMember('binh');
  while (reading.length === 0) await turn();
  members.delete('binh');
  const after = isMember('binh');
  await turn();
  await read();
  expect(await before).toBe(true);
  await read();
  expect(await after).toBe(false);
});

test('one that cannot be answered takes no other with it; an answer too few is none', async () => {
  const root = gathered((numbers: readonly number[]) => {
    if (numbers.includes(-1)) return Promise.reject(new Error('negative'));
    return Promise.resolve(numbers.filter((n) => n > 0).map(Math.sqrt));
  });
  const answers = await Promise.allSettled([4, -1, 0, 9].map(root));
  expect(answers.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
    2,
    'Error: negative',
    'Error: not every question was answered',
    3,
  ]);
});

test('whatever is asked whenever, each is answered once, as of its question or later, within the limits', async () => {
  const play = fc.array(
    fc.record({
      questions: fc.integer({ min: 0, max: 7 }),
      turns: fc.integer({ min: 0, max: 3 }),
      fails: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  const limits = fc.record({ most: fc.integer({ min: 1, max: 5 }), atOnce: fc.integer({ min: 1, max: 3 }) });
  await fc.assert(
    fc.asyncProperty(play, limits, async (steps, { most, atOnce }) => {
      let now = 0;
      let next = 0;
      let underWay = 0;
      let busiest = 0;
      let fails = false;
      const ask = gathered(
        async (asked: readonly { at: number; id: number }[]) => {
          const began = now;
          // A round that failed is asked again one by one, all at once.
          if (asked.length > 1) busiest = Math.max(busiest, ++underWay);
          expect(asked.length).toBeLessThanOrEqual(most);
          const broken = fails && asked.length > 1;
          for (let n = 0; n < (asked[0]?.id ?? 0) % 3; n++) await turn();
          if (asked.length > 1) underWay -= 1;
          if (broken) throw new Error('broken');
          return asked.map(({ id }) => ({ id, began }));
        },
        { most, atOnce },
      );
      const answers: Promise<void>[] = [];
      for (const step of steps) {
        ({ fails } = step);
        for (let n = 0; n < step.questions; n++) {
          const question = { at: now, id: next++ };
          answers.push(
            ask(question).then(({ id, began }) => {
              expect(id).toBe(question.id);
              expect(began).toBeGreaterThanOrEqual(question.at);
            }),
          );
          now += 1;
        }
        for (let n = 0; n < step.turns; n++) await turn();
      }
      await Promise.all(answers);
      expect(busiest).toBeLessThanOrEqual(atOnce);
    }),
    { numRuns: 200 },
  );
});
