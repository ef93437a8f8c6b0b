/**
 * `npm run backup -- file`: everything into one file, while the relay runs. `npm run restore -- file`: back, into an empty installation, while
 * no relay runs. Without a file they write to where the output goes, or read from where the input comes.
 *
 * They use the database that the environment names, as the relay does; else the one of the data folder.
 */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readConfig } from './config.ts';
import { reason } from './log.ts';
import { readArchive, writeArchive } from './storage/archive.ts';
import { type EmbeddedPostgres, reachEmbeddedPostgres, startEmbeddedPostgres } from './storage/embedded-postgres.ts';
import { connect, type Sql } from './storage/sql.ts';

const STDIN = 0;
const STDOUT = 1;

const [command, file] = process.argv.slice(2);
const read = readConfig(process.env, fileURLToPath(new URL('..', import.meta.url)));
try {
  if (!read.ok) throw new Error(read.why);
  const { databaseUrl, dataDir } = read.config;
  if (command === 'backup') await backup(databaseUrl, dataDir);
  else if (command === 'restore') await restore(databaseUrl, dataDir);
  else throw new Error('Say `backup` or `restore`, and the name of a file.');
} catch (error) {
  process.stderr.write(`${reason(error)}\n`);
  process.exitCode = 1;
}

async function backup(databaseUrl: string | null, dataDir: string): Promise<void> {
  const postgres = databaseUrl === null ? await reachEmbeddedPostgres({ dataDir, log }) : named(databaseUrl);
  if (file === undefined) return using(postgres, (sql) => writeArchive(sql, dataDir, STDOUT));
  // Under its name only when it is whole, so that a failed backup never takes the place of a good one.
  const draft = `${file}.unfinished`;
  const to = openSync(draft, 'w', 0o600);
  try {
    await using(postgres, (sql) => writeArchive(sql, dataDir, to));
    renameSync(draft, file);
  } finally {
    closeSync(to);
    rmSync(draft, { force: true });
  }
  log(`Everything is in ${file}. It holds what people wrote: keep it as you would keep that.`);
}

async function restore(databaseUrl: string | null, dataDir: string): Promise<void> {
  const from = file === undefined ? STDIN : openSync(file, 'r');
  // Not one that a relay has started: it would not notice what comes in.
  const postgres = databaseUrl === null ? await startEmbeddedPostgres({ dataDir, log }) : named(databaseUrl);
  await using(postgres, (sql) => readArchive(sql, dataDir, from));
  log('Everything is back.');
}

async function using(postgres: EmbeddedPostgres, work: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = connect(postgres.url, { max: 2 });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
    await postgres.stop();
  }
}

/** Somebody else's, who also stops it. */
function named(url: string): EmbeddedPostgres {
  return { url, stop: () => Promise.resolve() };
}

/** Not where the backup may go. */
function log(line: string): void {
  process.stderr.write(`${line}\n`);
}
