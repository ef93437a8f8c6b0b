/**
 * The database refuses what the relay writes: one commit in twenty, or all of them for a while; its connections break, in the middle of a commit too; its
 * disk is full. Meanwhile nobody may be told that something was sent which is not on the disk, and afterwards everything is there that was written,
 * because the devices send it again by themselves.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reason } from '../log.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../storage/embedded-postgres.ts';
import { connect, type Sql } from '../storage/sql.ts';
import { seeded } from '../test-random.ts';
import { Crowd } from './crowd.ts';
import { lookAtDisk } from './on-disk.ts';
import { RelayProcess } from './relay-process.ts';
import { Dice, inWords, type Outcome, pause, type Trial } from './trial.ts';
import { type Cut, targetOf, throughPort, Wire } from './wire.ts';

/** Before it begins to fail, and for how long it does: a minute in small. */
const WELL_MILLIS = 200;
const FAILING_MILLIS = 3_000;
/** What is free within the database's own files is used up first, when its disk is full. */
const FULL_AT_MOST_MILLIS = 60_000;
const SOME_PERCENT = 5;
/** Of the chunks between relay and database. */
const CUT_PERCENT = 5;
/** A disk that is soon full: a new database takes a quarter of it. */
const DISK_MEGABYTES = 320;

const WAYS = ['some', 'all', 'full', 'cut'] as const;
type Way = (typeof WAYS)[number];

export async function failingWritesTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const disk = new SmallDisk(say);
  const postgres = await startEmbeddedPostgres({ dataDir: disk.folder, log: say });
  const wire = await Wire.to(targetOf(postgres.url));
  const relay = new RelayProcess({ databaseUrl: throughPort(postgres.url, wire.port) });
  await relay.start();
  const crowd = await Crowd.gather(relay.url, dice);
  const faults = crowd.ledger.faults;
  let rounds = 0;
  const failed: Record<Way, number> = { some: 0, all: 0, cut: 0, full: 0 };
  let commits = 0;
  try {
    for (let round = 0; round < count && faults.length === 0; round++) {
      const way = WAYS[round % WAYS.length] ?? 'all';
      relay.failedCommits = 0;
      crowd.goOnline();
      crowd.start();
      await pause(WELL_MILLIS);
      faults.push(...(await fail(way, { postgres, wire, relay, crowd, dice, disk })));
      failed[way] += 1;
      rounds += 1;
      await crowd.stop();
      await crowd.settle();
      crowd.goOffline();
      faults.push(...relay.crashes.splice(0), ...(await lookAtDisk(postgres.url, crowd)));
      if (relay.failedCommits === 0 && (way === 'all' || way === 'full'))
        faults.push(`round ${round + 1}, ${way}: no commit failed`);
      commits += relay.failedCommits;
      say(
        `round ${round + 1}: ${way}, ${relay.failedCommits} failed commits, ${inWords(crowd.counts)}, ${faults.length} faults`,
      );
    }
  } catch (error) {
    faults.push(reason(error), ...relay.crashes);
  } finally {
    crowd.leave();
    if (faults.length > 0) for (const line of relay.log) say(line);
    await relay.remove();
    await wire.stop();
    await postgres.stop();
    disk.remove();
  }
  return { counts: { rounds, ...failed, 'failed commits': commits, ...crowd.counts }, faults };
}

interface Scene {
  postgres: EmbeddedPostgres;
  wire: Wire;
  relay: RelayProcess;
  crowd: Crowd;
  dice: Dice;
  disk: SmallDisk;
}

/** @returns what was told to be sent and was not, as sentences */
async function fail(way: Way, { postgres, wire, relay, crowd, dice, disk }: Scene): Promise<string[]> {
  if (way === 'cut') {
    wire.decide = () => (dice.chance(CUT_PERCENT) ? dice.pick<Cut>(['before', 'amid', 'after']) : null);
    await pause(FAILING_MILLIS);
    wire.decide = () => null;
    return [];
  }
  if (way === 'full' && disk.isSmall) {
    const begun = Date.now();
    const isEnough = (): boolean => relay.failedCommits > 0 && Date.now() > begun + FAILING_MILLIS;
    while (!isEnough() && Date.now() < begun + FULL_AT_MOST_MILLIS) {
      disk.fill();
      await pause(WELL_MILLIS);
    }
    disk.free();
    return [];
  }
  const sql = connect(postgres.url, { max: 1 });
  try {
    await refuse(sql, way === 'some' ? SOME_PERCENT : 100);
    const before = new Set(crowd.ledger.written.keys());
    await pause(FAILING_MILLIS);
    const dishonest = way === 'some' ? [] : toldAsSent(crowd, before);
    await sql`drop trigger refuses on updates`;
    return dishonest;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** So many commits in a hundred fail, as they do when the disk is full. */
async function refuse(sql: Sql, percent: number): Promise<void> {
  await sql.unsafe(`
    create or replace function refuse() returns trigger language plpgsql as $$
    begin
      if random() * 100 < ${percent} then raise exception 'no space left, for a trial' using errcode = '53100'; end if;
      return null;
    end $$;
    create trigger refuses before insert on updates for each statement execute function refuse();`);
}

/** Nothing that was written since is sent, and whoever wrote it knows that. */
function toldAsSent({ ledger, devices }: Crowd, before: ReadonlySet<string>): string[] {
  const since = [...ledger.written.keys()].filter((id) => !before.has(id));
  const seen = since.filter((id) => ledger.hasSeen(id)).map((id) => `${id} has a number, and no commit went through`);
  const waiting = devices.filter((device) => !device.isSettled);
  if (since.length === 0) seen.push('nothing was written meanwhile');
  return waiting.length === 0 ? [...seen, 'no device waits, and no commit went through'] : seen;
}

/** A file system in memory, of its own, where that is allowed; otherwise a folder like any other. */
class SmallDisk {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'ting-disk-')));
  readonly isSmall: boolean;
  readonly #filler = join(this.folder, 'filler');

  constructor(say: (line: string) => void) {
    this.isSmall = this.#mount();
    if (!this.isSmall) say('No file system may be mounted here: a full disk is what a trigger says.');
  }

  /** To the last block. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    for (let bytes = bavail * bsize; bytes >= bsize; bytes = Math.floor(bytes / 2)) {
      try {
        writeFileSync(this.#filler, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        // Somebody else has written meanwhile; a smaller piece fits.
      }
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  remove(): void {
    if (this.isSmall) execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #mount(): boolean {
    try {
      const options = `size=${DISK_MEGABYTES}m,mode=700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.folder], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }
}
