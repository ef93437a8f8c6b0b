/** A short part of each trial, with a seed of its own that is printed; the long ones are scripts (CONTRIBUTING.md). */
import { expect, test } from 'vitest';
import { chosenSeed } from '../test-random.ts';
import { compactionsTrial } from './compactions.ts';
import { cutsTrial } from './cuts.ts';
import { failingWritesTrial } from './failing-writes.ts';
import { forgeriesTrial } from './forgeries.ts';
import { killTrial } from './kill.ts';
import { rubbishTrial } from './rubbish.ts';
import type { Outcome, Trial } from './trial.ts';

async function hold(trial: (trial: Trial) => Promise<Outcome>, count: number): Promise<void> {
  const seed = chosenSeed();
  console.log(`${trial.name} with seed ${seed}`);
  const lines: string[] = [];
  const { faults } = await trial({ seed, count, say: (line) => lines.push(line) });
  expect(faults, `seed ${seed}\n${lines.join('\n')}`).toEqual([]);
}
const LONG = { timeout: 300_000 };

test('[S15] [S3] [S6] a relay that is killed at random moments loses nothing', LONG, () => hold(killTrial, 10));
test('[S11] [O2] [O6] cut connections lose nothing, double nothing and mix nothing up', LONG, () =>
  hold(cutsTrial, 60),
);
test('[S5] [S3] a database that refuses or has no room loses nothing', LONG, () => hold(failingWritesTrial, 3));
test('[S7] [S15] a compaction that is interrupted loses nothing', LONG, () => hold(compactionsTrial, 4));
test('[A2] [A5] [A6] [A7] [A8] [A9] [A11] [A13] [A14] nothing forged gets through', LONG, () =>
  hold(forgeriesTrial, 6_000),
);
test('[S2] [H1] [H8] rubbish is refused, and honest people go on', LONG, () => hold(rubbishTrial, 3_000));
