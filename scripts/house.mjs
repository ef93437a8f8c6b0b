/** Where things are: the project's folder, the Node it brings along, and the environment in which its tools run. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../', import.meta.url)).replace(/[\\/]$/, '');
const BIN = join(ROOT, 'node_modules/.bin');

/** Node 24, whatever started us: the relay is TypeScript that Node runs as it is. */
export const NODE = join(BIN, process.platform === 'win32' ? 'node.exe' : 'node');

/** The script behind a package's command, to be run by NODE. */
export function tool(name, command = name) {
  const folder = join(ROOT, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

const otherFolders = () => (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== BIN);

/** Our tools first. */
export const withOurTools = () => ({ ...process.env, PATH: [BIN, ...otherFolders()].join(delimiter) });

/** The machine's own Node and npm: what replaces node_modules must not run from inside it. */
export const withoutOurTools = () => ({
  ...process.env,
  PATH: otherFolders()
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')) || !existsSync(join(folder, 'node')))
    .join(delimiter),
});
