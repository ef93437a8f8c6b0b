/**
 * The programs that the deployment is tried with where there is no Docker: what reads docker-compose.yml, and a PostgreSQL, a Caddy and a coturn in
 * place of the images' own. They come from the distribution, where we may install them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installDebianPackages } from './debian.mjs';
import { say } from './run.mjs';

const POSTGRES_VERSIONS = '/usr/lib/postgresql';

const isInstalled = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));

/** The newest PostgreSQL of the distribution: the folder of its programs. */
function postgresFolder() {
  if (!existsSync(POSTGRES_VERSIONS)) return undefined;
  const versions = readdirSync(POSTGRES_VERSIONS).sort((a, b) => Number(b) - Number(a));
  return versions.map((one) => join(POSTGRES_VERSIONS, one, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Its first edition is a program, its second one also comes as a part of Docker's own. */
function composeCommand() {
  if (isInstalled('docker-compose')) return ['docker-compose'];
  const plugin = ['docker', 'compose'];
  return spawnSync(plugin[0], [plugin[1], 'version'], { stdio: 'ignore' }).status === 0 ? plugin : undefined;
}

/**
 * @returns {{ compose?: string[], postgres?: string, caddy?: string, turn?: string, missing: string[] }} `missing` are names of Debian packages
 */
export function findServices() {
  const found = {
    compose: composeCommand(),
    postgres: postgresFolder(),
    caddy: isInstalled('caddy') ? 'caddy' : undefined,
    turn: isInstalled('turnserver') ? 'turnserver' : undefined,
  };
  const packages = { compose: 'docker-compose', postgres: 'postgresql', caddy: 'caddy', turn: 'coturn' };
  return { ...found, missing: Object.keys(packages).flatMap((one) => (found[one] ? [] : [packages[one]])) };
}

/** Says why when they are not to be had; the plays that want them are skipped then. */
export async function ensureServices() {
  const { missing } = findServices();
  if (missing.length === 0) return;
  // Where services are started at once, the packages would leave a database, a web server and a TURN server running that nobody asked for.
  const startsServices = existsSync('/run/systemd/system');
  if (!startsServices) await installDebianPackages('to try the deployment', ...missing);
  const still = findServices().missing;
  if (still.length > 0) say(`The plays of the deployment are skipped, for want of ${still.join(', ')}: install them.`);
}
