/** `npm run test:kill -- --count 100 --seed 7` and its siblings: one of the trials, as long as one likes. Exit code 1 when it found something. */
import { parseArgs } from 'node:util';
import { compactionsTrial } from './compactions.ts';
import { cutsTrial } from './cuts.ts';
import { failingWritesTrial } from './failing-writes.ts';
import { forgeriesTrial } from './forgeries.ts';
import { killTrial } from './kill.ts';
import { rubbishTrial } from './rubbish.ts';
import { inWords, type Outcome, type Trial } from './trial.ts';

/** A trial, and how much of it is the whole. */
const TRIALS: Record<string, { run: (trial: Trial) => Promise<Outcome>; count: number }> = {
  compactions: { run: compactionsTrial, count: 32 },
  cuts: { run: cutsTrial, count: 1_000 },
  'failing-writes': { run: failingWritesTrial, count: 40 },
  forgeries: { run: forgeriesTrial, count: 100_000 },
  kill: { run: killTrial, count: 100 },
  rubbish: { run: rubbishTrial, count: 100_000 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    quiet: { type: 'boolean' },
  },
});
const trial = TRIALS[positionals[0] ?? ''];
if (trial === undefined) {
  console.error(`Which trial? One of ${Object.keys(TRIALS).join(', ')}.`);
  process.exit(2);
}
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(values.count ?? trial.count);
console.log(`${positionals[0]}: --count ${count} --seed ${seed}`);
const began = Date.now();
const { counts, faults } = await trial.run({ seed, count, say: values.quiet === true ? () => undefined : console.log });
for (const fault of faults) console.log(fault);
console.log(
  `${inWords(counts)}; ${faults.length} faults, in ${Math.round((Date.now() - began) / 1_000)} s with seed ${seed}.`,
);
process.exit(faults.length === 0 ? 0 : 1);
