/**
 * `npm test`: everything that can be checked, on a machine that has nothing yet but Node and npm. Goes on after a failure, so that the last
 * line counts everything: `N passed, N failed`. Each check counts as one, each test as one. What failed is told again before that line.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser } from './browser.mjs';
import { ensureBuilt } from './build.mjs';
import { CHECKS, generate, runCheck } from './checks.mjs';
import { add, fromPlaywright, fromVitest, NOTHING, one, sentence } from './counts.mjs';
import { NODE, tool, withOurTools } from './house.mjs';
import { failuresOfPlaywright, failuresOfVitest, toldAgain } from './failures.mjs';
import { ensureInstalled } from './install.mjs';
import { runAloud, say } from './run.mjs';
import { ensureServices } from './services.mjs';

const reports = mkdtempSync(join(tmpdir(), 'ting-ting-reports-'));
const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);

const failures = [];
let total = NOTHING;
if (await ensureInstalled()) {
  total = add(total, await checks());
  total = add(total, await units());
  total = add(total, await plays());
} else {
  total = add(total, one(false));
}
rmSync(reports, { recursive: true, force: true });
say(toldAgain(failures));
say(`\n${sentence(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function checks() {
  let counts = NOTHING;
  if (!(await generate())) counts = add(counts, one(false));
  for (const check of CHECKS) {
    const ok = await runCheck(check);
    say(ok ? `${check.name}: fine` : `${check.name}: FAILED`);
    if (!ok) failures.push({ name: check.heading, why: '' });
    counts = add(counts, one(ok));
  }
  return counts;
}

async function units() {
  say('\n── Tests: vitest');
  const file = join(reports, 'vitest.json');
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await runAloud(NODE, [tool('vitest'), ...args]);
  const report = read(file);
  failures.push(...failuresOfVitest(report));
  return fromVitest(report, code);
}

/** In a real browser, against what `npm start` starts. Without a build or a browser none of them can run: that is one failure each. */
async function plays() {
  say('\n── Build');
  const isBuilt = await ensureBuilt();
  say('\n── Plays in a browser: playwright');
  const browser = await ensureBrowser();
  const counts = add(one(isBuilt), browser === undefined ? one(false) : NOTHING);
  if (!isBuilt || browser === undefined) return counts;
  await ensureServices();
  const file = join(reports, 'playwright.json');
  const env = { ...withOurTools(), TING_BROWSER: browser, PLAYWRIGHT_JSON_OUTPUT_FILE: file };
  const code = await runAloud(NODE, [tool('@playwright/test', 'playwright'), 'test', '--reporter=list,json'], { env });
  const report = read(file);
  failures.push(...failuresOfPlaywright(report));
  return add(counts, fromPlaywright(report, code));
}
