/**
 * Installs the packages when they are missing or are not those that package-lock.json names, and makes the native ones loadable.
 * A stamp in node_modules says for which lock file that was done; without a fitting stamp npm's own record decides, so that somebody who
 * has just run `npm install` does not wait for it again.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT, withoutOurTools } from './house.mjs';
import { runQuietly, say } from './run.mjs';
import { makeAddonLoadable } from './uws-glibc.mjs';

const LOCK = join(ROOT, 'package-lock.json');
const STAMP = join(ROOT, 'node_modules/.ting-ting-installed');
/** npm writes it when an installation is complete. */
const RECORD = join(ROOT, 'node_modules/.package-lock.json');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** @returns {Promise<boolean>} false when something is missing and could not be had; the reason is on the screen */
export async function ensureInstalled() {
  if (!isInstalled() && !(await install())) return false;
  if (!(await ensureNode())) return false;
  if (!makeAddonLoadable({ root: ROOT, say })) return false;
  writeFileSync(STAMP, fingerprint());
  return true;
}

/** A node_modules that was made on another kind of machine does not fit. */
const fingerprint = () =>
  `${createHash('sha256').update(readFileSync(LOCK)).digest('hex')} ${process.platform} ${process.arch}\n`;

function isInstalled() {
  if (existsSync(STAMP)) {
    const stamp = readFileSync(STAMP, 'utf8');
    if (stamp === fingerprint()) return true;
    if (!stamp.endsWith(fingerprint().slice(64))) return false;
  }
  return existsSync(RECORD) && fitsTheLock();
}

function fitsTheLock() {
  const wanted = JSON.parse(readFileSync(LOCK, 'utf8')).packages;
  const present = JSON.parse(readFileSync(RECORD, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return present[path] === undefined ? optional === true : present[path].version === version;
  });
}

/**
 * `npm install --no-save` takes the versions of the lock file and leaves it as it is, like `npm ci`, but does not refuse a lock file that
 * lacks some other platform's optional binary, and does not begin by deleting what somebody may be using.
 */
async function install() {
  say('Installing packages (one to three minutes, only when they change) …');
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--include=dev', '--include=optional'];
  const { ok } = await runQuietly('installing', NPM, args, { env: withoutOurTools() });
  if (!ok) say('The packages could not be installed: npm says why above. Start again when that is mended.');
  return ok;
}

/** The package `node` fetches its program in an install script, which npm may have been told not to run. */
async function ensureNode() {
  if (nodeWorks()) return true;
  say('Fetching Node 24 …');
  await runQuietly('fetching Node', NPM, ['rebuild', 'node', '--ignore-scripts=false'], { env: withoutOurTools() });
  if (nodeWorks()) return true;
  say('Node 24 is missing in node_modules/.bin: run `npm rebuild node` and start again.');
  return false;
}

const nodeWorks = () => spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v24.') === true;
