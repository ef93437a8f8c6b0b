/** A short part of each trial, with a seed of its own that is printed; the long ones are scripts (CONTRIBUTING.md). */
import { expect, test } from 'vitest';
import { chosenSeed } from '../test-random.ts';
import { cutsTrial } from './cuts.ts';
import { killTrial } from './kill.ts';
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
