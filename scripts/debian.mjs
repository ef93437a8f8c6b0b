/** Packages of the distribution, where we may install them: as root, with apt. */
import { existsSync } from 'node:fs';
import { runQuietly, say } from './run.mjs';

const canInstall = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
const quiet = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
const NETWORK = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300'];
let isUpdated = false;

/** @returns {Promise<boolean>} */
export async function installDebianPackages(why, ...names) {
  if (!canInstall()) return false;
  say(`Installing ${names.join(', ')} (${why}) …`);
  isUpdated ||= (await runQuietly('reading package lists', 'apt-get', [...NETWORK, 'update'], { env: quiet })).ok;
  const args = [...NETWORK, 'install', '-y', '--no-install-recommends', ...names];
  return (await runQuietly('installing', 'apt-get', args, { env: quiet })).ok;
}
