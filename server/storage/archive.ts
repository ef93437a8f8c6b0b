/**
 * A backup: one tar file with the tables (dump.ts) and the files of the data folder. It is made while the relay runs: first the tables, then
 * the files, because a file that is there too early is harmless and one that is missing is not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { dump, load } from './dump.ts';
import type { Sql } from './sql.ts';

/** The two folders in the archive. */
const TABLES = 'tables';
const FILES = 'files';
/** Not kept of the data folder: what is PostgreSQL's own, who uses the folder now, uploads on their way in, and hidden files such as our own drafts. */
const NOT_KEPT = /^(postgres|owner|uploads$|\.)/;

/** @param to an open file: its number, such as 1 for what the program is asked to print */
export async function writeArchive(sql: Sql, dataDir: string, to: number): Promise<void> {
  await withDraft(dataDir, async (draft) => {
    await dump(sql, join(draft, TABLES));
    await mkdir(join(draft, FILES));
    const names = (await readdir(dataDir)).filter((name) => !NOT_KEPT.test(name));
    // tar follows the links (-h): it reads the files where they are, and calls them as we do.
    for (const name of names) await symlink(resolve(dataDir, name), join(draft, FILES, name));
    await tar(['-chf', '-', '-C', draft, TABLES, FILES], { stdout: to });
  });
}

/** Into an empty installation. Fails with a sentence, and then the database is as it was. */
export async function readArchive(sql: Sql, dataDir: string, from: number): Promise<void> {
  await withDraft(dataDir, async (draft) => {
    await tar(['-xf', '-', '--no-same-owner', '-C', draft], { stdin: from });
    const files = join(draft, FILES);
    for (const name of await readdir(files).catch(() => [])) await move(join(files, name), join(dataDir, name));
    await load(sql, join(draft, TABLES));
  });
}

/** There may be gigabytes of it, and it is on the right disk: it is copied only into a folder that is there already. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(() => cp(from, to, { recursive: true }));
}

/** In the data folder, which has room for what it holds, and nobody else may read. */
async function withDraft(dataDir: string, work: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(dataDir, '.backup-'));
  try {
    await work(draft);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function tar(args: string[], { stdin, stdout }: { stdin?: number; stdout?: number }): Promise<void> {
  const child = spawn('tar', args, { stdio: [stdin ?? 'ignore', stdout ?? 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  // 1: a file changed while it was read. None of ours does after it has its name.
  if (code !== 0) throw new Error(`tar failed: ${said.trim()}`);
}
