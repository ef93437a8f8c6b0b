/**
 * The browser that the plays run in: one that is installed, else Playwright's own, else the distribution's. Each is asked for its version
 * before it counts, because a downloaded browser may lack libraries of the system.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { installDebianPackages } from './debian.mjs';
import { NODE, ROOT, tool } from './house.mjs';
import { runQuietly, say } from './run.mjs';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
/** A network that does not let the download through often says nothing at all. */
const DOWNLOAD_MILLIS = 5 * 60_000;
const EMOJI_FONTS = [
  '/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf',
  '/System/Library/Fonts/Apple Color Emoji.ttc',
];

/** @returns {Promise<string | undefined>} the path of a browser that runs */
export async function ensureBrowser() {
  const found = installed() ?? (await downloaded()) ?? (await fromDebian());
  if (found === undefined)
    say('No Chromium or Chrome was found or could be had: install one, or set CHROMIUM to its path.');
  else await ensureEmoji();
  return found;
}

const runs = (path) =>
  path !== undefined &&
  existsSync(path) &&
  spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0;

const installed = () => [process.env.CHROMIUM, process.env.TING_BROWSER, ...USUAL_PLACES, playwrights()].find(runs);

/** Where Playwright would keep its own. */
function playwrights() {
  const ask = `import('playwright').then(({ chromium }) => console.log(chromium.executablePath()))`;
  return spawnSync(NODE, ['-e', ask], { cwd: ROOT, encoding: 'utf8' }).stdout?.trim();
}

async function downloaded() {
  say('Fetching a browser (170 MB, once) …');
  const install = [tool('playwright'), 'install', 'chromium'];
  await runQuietly('fetching', NODE, install, { timeoutMillis: DOWNLOAD_MILLIS });
  return installed();
}

async function fromDebian() {
  await installDebianPackages('the browser that the tests use', 'chromium');
  return installed();
}

/** Without a font for them emoji are boxes, and screenshots show nothing. Not worth failing for. */
async function ensureEmoji() {
  if (EMOJI_FONTS.some((path) => existsSync(path))) return;
  await installDebianPackages('so that emoji can be seen', 'fonts-noto-color-emoji');
}
