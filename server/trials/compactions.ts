/**
 * A compaction is interrupted at a place of its transaction that is chosen: a trigger holds it there until the relay, its database, both, or only the
 * connection between them is gone. Half of the time people write on meanwhile. Nothing may be lost, doubled or left half done.
 */
import { reason } from '../log.ts';
import { connect, type Sql } from '../storage/sql.ts';
import { seeded } from '../test-random.ts';
import { Crowd } from './crowd.ts';
import { lookAtDisk } from './on-disk.ts';
import { RelayProcess } from './relay-process.ts';
import { Dice, inWords, type Outcome, pause, type Trial, until } from './trial.ts';

const PLACES = [
  'before insert on snapshots',
  'after insert on snapshots',
  'before delete on updates',
  'after delete on updates',
] as const;
const ENDS = ['relay', 'everything', 'database', 'connection'] as const;
/** Held by whoever wants compactions to wait. */
const LOCK = 20_261_122;
/** A log of which nobody doubts that it is compacted when its room closes. */
const LONG_LOG = 40;
const WRITE_ON_MILLIS = 200;

export async function compactionsTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const relay = new RelayProcess();
  await relay.start();
  const crowd = await Crowd.gather(relay.url, dice);
  const faults = crowd.ledger.faults;
  const ended = { relay: 0, everything: 0, database: 0, connection: 0 };
  try {
    for (let round = 0; round < count && faults.length === 0; round++) {
      // Each place meets each end.
      const place = PLACES[round % PLACES.length] ?? PLACES[0];
      const end = ENDS[Math.floor(round / PLACES.length + round) % ENDS.length] ?? 'relay';
      await interrupt(relay, crowd, { place, end, writeOn: dice.chance(50) });
      ended[end] += 1;
      faults.push(...relay.crashes.splice(0), ...(await lookAtDisk(await relay.database(), crowd)));
      await crowd.settle();
      crowd.goOffline();
      faults.push(...(await lookAtDisk(await relay.database(), crowd)));
      say(`round ${round + 1}: ${end} gone ${place}, ${inWords(crowd.counts)}, ${faults.length} faults`);
    }
  } catch (error) {
    faults.push(reason(error), ...relay.crashes);
  } finally {
    crowd.leave();
    if (faults.length > 0) for (const line of relay.log) say(line);
    await relay.remove();
  }
  return { counts: { rounds: count, ...ended, ...crowd.counts }, faults };
}

interface Interruption {
  place: (typeof PLACES)[number];
  end: (typeof ENDS)[number];
  writeOn: boolean;
}

async function interrupt(relay: RelayProcess, crowd: Crowd, { place, end, writeOn }: Interruption): Promise<void> {
  const url = await relay.database();
  const holder = connect(url, { max: 1 });
  const watcher = connect(url, { max: 1 });
  try {
    await holdAt(holder, place);
    crowd.goOnline();
    crowd.start();
    await until(
      () => hasLongLog(watcher),
      () => 'a log is long',
    );
    // The last who leaves closes the room.
    crowd.goOffline();
    await until(
      async () => (await waiting(watcher)).length > 0,
      () => 'a compaction is held',
    );
    if (writeOn) crowd.goOnline();
    await pause(writeOn ? WRITE_ON_MILLIS : 0);
    if (end === 'connection')
      for (const pid of await waiting(watcher)) await watcher`select pg_terminate_backend(${pid})`;
    else await relay.kill(end);
    await crowd.stop();
  } finally {
    await Promise.all([holder, watcher].map((sql) => sql.end({ timeout: 0 }).catch(() => undefined)));
  }
  if (end === 'database')
    await until(
      () => relay.isReady(),
      () => 'the database is back',
    );
  crowd.goOffline();
  if (!relay.isRunning && !(await relay.start())) throw new Error('the relay did not start');
  const sql = connect(await relay.database(), { max: 1 });
  await sql.unsafe('drop function hold cascade');
  await sql.end({ timeout: 1 });
}

async function holdAt(sql: Sql, place: string): Promise<void> {
  await sql`select pg_advisory_lock(${LOCK})`;
  await sql.unsafe(`
    create or replace function hold() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${LOCK});
      return null;
    end $$;
    create trigger holds ${place} for each statement execute function hold();`);
}

/** The backends that are held. */
async function waiting(sql: Sql): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`
    select pid from pg_locks where locktype = 'advisory' and not granted and objid = ${LOCK}::bigint::oid`;
  return rows.map(({ pid }) => pid);
}

async function hasLongLog(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ count: number }[]>`
    select count(*) as count from updates group by document order by count(*) desc limit 1`;
  return (row?.count ?? 0) >= LONG_LOG;
}
