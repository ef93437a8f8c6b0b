/** Installs the servers that are measured beside ours, when they are missing or of other versions: only for whoever measures. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Lock {
  packages: Record<string, { version?: string; optional?: boolean }>;
}

const read = (file: string): Lock => JSON.parse(readFileSync(file, 'utf8')) as Lock;

export function ensurePeersInstalled(): void {
  const folder = join(import.meta.dirname, 'servers');
  if (isInstalled(folder)) return;
  process.stderr.write('Installing the servers to measure beside …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('The servers to measure beside could not be installed.');
}

function isInstalled(folder: string): boolean {
  const record = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const present = read(record).packages;
  return Object.entries(read(join(folder, 'package-lock.json')).packages).every(
    ([path, { version, optional }]) =>
      path === '' || (present[path] === undefined ? optional === true : present[path].version === version),
  );
}
