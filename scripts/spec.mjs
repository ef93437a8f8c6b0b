/**
 * The rules in src/shared/SPEC.md and the tests that cite them as `[O3]`: no rule without a test, no test that cites an unknown rule.
 * `node scripts/spec.mjs` prints a sentence for each that is missing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './house.mjs';

const TEST = /(\.test\.(ts|mjs)|^e2e\/.*\.spec\.ts)$/;

/** @returns {Map<string, string>} the number of each rule and its sentence */
export function rulesOf(spec) {
  return new Map([...spec.matchAll(/^- \*\*([A-Z]+\d+)\*\* (.+)$/gm)].map(([, rule, sentence]) => [rule, sentence]));
}

/** Rules that a test's titles cite. A quote, a space or another citation stands before the bracket, so `list[A1]` is none. */
export function citationsOf(test) {
  return new Set([...test.matchAll(/(?<=['"`\s\]])\[([A-Z]+\d+)\]/g)].map(([, rule]) => rule));
}

/** @param {Map<string, string>} tests path → text @returns {string[]} a sentence for each fault */
export function faultsOf(spec, tests) {
  const rules = rulesOf(spec);
  const cited = new Set();
  const faults = [];
  if (rules.size === 0) faults.push('src/shared/SPEC.md holds no rules that look like "- **O3** sentence".');
  for (const [path, text] of tests) {
    for (const rule of citationsOf(text)) {
      cited.add(rule);
      if (!rules.has(rule)) faults.push(`${path} cites ${rule}, which src/shared/SPEC.md does not have.`);
    }
  }
  for (const [rule, sentence] of rules) if (!cited.has(rule)) faults.push(`No test cites [${rule}]: ${sentence}`);
  return faults;
}

function readTests() {
  const folders = ['src', 'server', 'scripts', 'e2e'].filter((folder) => existsSync(join(ROOT, folder)));
  const paths = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
  );
  const tests = paths.filter((path) => TEST.test(path) && path !== 'scripts/spec.test.ts').sort();
  return new Map(tests.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const spec = readFileSync(join(ROOT, 'src/shared/SPEC.md'), 'utf8');
  const faults = faultsOf(spec, readTests());
  for (const fault of faults) console.log(fault);
  console.log(faults.length === 0 ? `All ${rulesOf(spec).size} rules have tests.` : `${faults.length} to mend.`);
  process.exit(faults.length === 0 ? 0 : 1);
}
