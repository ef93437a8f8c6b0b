/** What `npm run check` looks at before the tests run, in the order of how quickly each answers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT, tool } from './house.mjs';
import { runAloud, runQuietly, say } from './run.mjs';

/** Each is a heading, what failing it means, and one or more programs that all have to succeed. */
export const CHECKS = [
  {
    name: 'format',
    heading: 'Format: prettier',
    programs: () => [[tool('prettier'), '--check', '--log-level', 'warn', '.']],
  },
  { name: 'spec', heading: 'Rules: each has a test', programs: () => [[join(ROOT, 'scripts/spec.mjs')]] },
  { name: 'types', heading: 'Types: tsc and svelte-check', programs: typePrograms },
  { name: 'lint', heading: 'Lint: eslint', programs: () => [[tool('eslint'), '.', '--max-warnings', '0']] },
  { name: 'knip', heading: 'Unused: knip', programs: () => [[tool('knip')]] },
];

function typePrograms() {
  return [
    [tool('typescript', 'tsc'), '-p', 'tsconfig.json'],
    ...(existsSync(join(ROOT, 'src/service-worker.ts'))
      ? [[tool('typescript', 'tsc'), '-p', 'tsconfig.worker.json']]
      : []),
    [tool('svelte-check'), '--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human'],
  ];
}

/** What the checks read and nobody keeps in git: SvelteKit's types, and the words of the catalogues as functions. */
export async function generate() {
  const words = [
    'compile',
    '--project',
    './project.inlang',
    '--outdir',
    './src/lib/paraglide',
    '--output-structure',
    'locale-modules',
    '--emit-readme',
    'false',
  ];
  const made = [
    await runQuietly('preparing', NODE, [tool('@inlang/paraglide-js', 'paraglide-js'), ...words]),
    await runQuietly('preparing', NODE, [tool('@sveltejs/kit', 'svelte-kit'), 'sync']),
  ];
  return made.every((one) => one.ok);
}

/** @returns {Promise<boolean>} whether everything it runs was content */
export async function runCheck({ heading, programs }) {
  say(`\n── ${heading}`);
  let ok = true;
  for (const args of programs()) ok = (await runAloud(NODE, args)) === 0 && ok;
  return ok;
}
