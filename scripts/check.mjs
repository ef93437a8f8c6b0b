/** `npm run check`: format, rules, types, lint, unused code, unit tests. Stops at the first that is not content. */
import { CHECKS, generate, runCheck } from './checks.mjs';
import { tool } from './house.mjs';
import { ensureInstalled } from './install.mjs';

const TESTS = { heading: 'Tests: vitest', programs: () => [[tool('vitest'), 'run']] };

if (!(await ensureInstalled()) || !(await generate())) process.exit(1);
for (const check of [...CHECKS, TESTS]) if (!(await runCheck(check))) process.exit(1);
