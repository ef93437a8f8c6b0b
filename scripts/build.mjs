/** Builds the app when what it is made of has changed since the last build. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT, tool } from './house.mjs';
import { runQuietly, say } from './run.mjs';

/** What the app is made of. Tests and what paraglide generates do not count. */
const SOURCES = [
  'src',
  'static',
  'messages',
  'project.inlang/settings.json',
  'svelte.config.js',
  'vite.config.ts',
  'package-lock.json',
];
const IGNORED = /(\.test\.ts|\.md)$|^src\/lib\/paraglide\//;
const STAMP = join(ROOT, 'build/.stamp');

/** @returns {Promise<boolean>} */
export async function ensureBuilt() {
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return true;
  say('Building the app (half a minute, only when it changes) …');
  rmSync(STAMP, { force: true });
  const { ok } = await runQuietly('building', NODE, [tool('vite'), 'build']);
  if (ok) writeFileSync(STAMP, wanted);
  else say('The app could not be built: the reason is above.');
  return ok;
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((source) => [...files(source)])) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Files of a folder, or the file itself, by name, so that the order is the same everywhere. */
function* files(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return;
  const entries = readdirOrFile(full);
  if (entries === undefined) {
    if (!IGNORED.test(path)) yield path;
    return;
  }
  for (const name of entries.sort()) yield* files(`${path}/${name}`);
}

function readdirOrFile(full) {
  try {
    return readdirSync(full);
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
