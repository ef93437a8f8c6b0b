/**
 * The relay is killed at random moments under load, alone or together with its database, or only the database is, and sometimes once more while it
 * starts. After each killing, before anybody may come back, the disk is looked at: every document is as it should be, every number that anybody has
 * seen is there, and no device holds what is not there. Then everybody comes back, and nothing that anybody has written may be missing.
 */
import { reason } from '../log.ts';
import { seeded } from '../test-random.ts';
import { Crowd } from './crowd.ts';
import { lookAtDisk } from './on-disk.ts';
import { type Killing, RelayProcess } from './relay-process.ts';
import { Dice, inWords, type Outcome, pause, type Trial, until } from './trial.ts';

/** The longest a round works before its killing. */
const WORK_MILLIS = 500;
/** The longest that people write before they come back. */
const AWAY_MILLIS = 100;
/** Starts in a hundred that are killed too. */
const KILL_START_PERCENT = 15;
/** Messages that stand in one group beforehand, so that a page fills up under the killing. */
const STANDING_MESSAGES = 900;

export async function killTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const relay = new RelayProcess();
  const killed: Record<Killing | 'while starting', number> = {
    relay: 0,
    everything: 0,
    database: 0,
    'while starting': 0,
  };
  await relay.start();
  const crowd = await Crowd.gather(relay.url, dice);
  const { ledger } = crowd;
  try {
    await crowd.fill(STANDING_MESSAGES);
    for (let round = 1; round <= count && ledger.faults.length === 0; round++) {
      // They come back while they write, so some killings meet them catching up.
      crowd.start();
      await pause(dice.below(AWAY_MILLIS));
      crowd.goOnline();
      await pause(dice.between(20, WORK_MILLIS));
      const what = dice.pick<Killing>(['relay', 'relay', 'everything', 'everything', 'database']);
      await relay.kill(what);
      killed[what] += 1;
      await pause(dice.below(50));
      await crowd.stop();
      if (what === 'database')
        await until(
          () => relay.isReady(),
          () => 'the database is back',
        );
      // What is still in a socket's buffer is handed over first: it counts as seen.
      else
        await until(
          () => crowd.devices.every((device) => !device.isOnline),
          () => 'the sockets break',
        );
      crowd.goOffline();
      if (what !== 'database') killed['while starting'] += await startAgain(relay, dice);
      ledger.faults.push(...relay.crashes.splice(0), ...(await lookAtDisk(await relay.database(), crowd)));
      await crowd.settle();
      crowd.goOffline();
      ledger.faults.push(...(await lookAtDisk(await relay.database(), crowd)));
      say(`round ${round}: ${what} killed, ${inWords(crowd.counts)}, ${ledger.faults.length} faults`);
    }
  } catch (error) {
    ledger.faults.push(reason(error), ...relay.crashes);
  } finally {
    crowd.leave();
    if (ledger.faults.length > 0) for (const line of relay.log) say(line);
    await relay.remove();
  }
  return { counts: { rounds: count, ...killed, ...crowd.counts }, faults: ledger.faults };
}

/** @returns how often it was killed before it was ready */
async function startAgain(relay: RelayProcess, dice: Dice): Promise<number> {
  let times = 0;
  while (dice.chance(KILL_START_PERCENT)) {
    const starting = relay.start();
    await pause(dice.below(1_500));
    await relay.kill(dice.pick<Killing>(['relay', 'everything']));
    await starting;
    times += 1;
  }
  if (!(await relay.start())) throw new Error(`the relay did not start: ${relay.log.slice(-30).join('\n')}`);
  return times;
}
