/**
 * Connections of devices and programs are cut at random under load: while they are made, before a frame, in the middle of one, after one whose answer
 * never comes, or all at once. Now and then everybody gets through, and then nothing may be missing, nothing there twice, and the order the same
 * everywhere.
 */
import { seeded } from '../test-random.ts';
import { Crowd } from './crowd.ts';
import { lookAtDisk } from './on-disk.ts';
import { RelayProcess } from './relay-process.ts';
import { Dice, inWords, type Outcome, type Trial, until } from './trial.ts';
import { type Cut, targetOf, Wire } from './wire.ts';

/** Chunks in a thousand that are where a line ends. */
const CUT_PER_THOUSAND = 12;
/** Every so often a line that may be silent is cut, and every so many times all of them. */
const CUT_EVERY_MILLIS = 150;
const ALL_PERCENT = 10;
/** So many cuts between two times of peace. */
const BETWEEN_CUTS = 50;
/** A person who has no patience looks at the tab so often: it tries again at once. */
const HURRY_EVERY_MILLIS = 40;

export async function cutsTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const relay = new RelayProcess();
  await relay.start();
  const wire = await Wire.to(targetOf(relay.url));
  const crowd = await Crowd.gather(`http://127.0.0.1:${wire.port}`, dice);
  const { ledger } = crowd;
  try {
    while (wire.cuts < count && ledger.faults.length === 0) {
      crowd.goOnline();
      crowd.start();
      await cutUntil(wire, Math.min(count, wire.cuts + BETWEEN_CUTS), crowd, dice);
      await crowd.stop();
      await crowd.settle();
      crowd.goOffline();
      ledger.faults.push(...relay.crashes, ...(await lookAtDisk(await relay.database(), crowd)));
      say(`${wire.cuts} cuts, ${inWords(crowd.counts)}, ${ledger.faults.length} faults`);
    }
  } finally {
    crowd.leave();
    if (ledger.faults.length > 0) for (const line of relay.log) say(line);
    await wire.stop();
    await relay.remove();
  }
  return { counts: { cuts: wire.cuts, ...crowd.counts }, faults: ledger.faults };
}

async function cutUntil(wire: Wire, cuts: number, crowd: Crowd, dice: Dice): Promise<void> {
  wire.decide = () => (dice.below(1_000) < CUT_PER_THOUSAND ? dice.pick<Cut>(['before', 'amid', 'after']) : null);
  const cutting = setInterval(() => {
    if (dice.chance(ALL_PERCENT)) wire.cutAll();
    else wire.cut(dice.below(100));
  }, CUT_EVERY_MILLIS);
  const hurrying = setInterval(() => crowd.hurry(), HURRY_EVERY_MILLIS);
  try {
    await until(
      () => wire.cuts >= cuts,
      () => `${wire.cuts} of ${cuts} cuts`,
      120_000,
    );
  } finally {
    clearInterval(cutting);
    clearInterval(hurrying);
    wire.decide = () => null;
  }
}
