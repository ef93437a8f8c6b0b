/**
 * `npm run bench:photos`: from pressing Enter with a photo of about four megabytes to the photo in the sender's conversation, and in the receiver's. Once
 * with the photo made ready while its caption was typed, and once with Enter as soon as it was chosen. README.md says how.
 */
import { type Browser, chromium, type Page } from 'playwright';
import { parseArgs } from 'node:util';
import { BROWSER_ARGS, installedBrowser } from '../e2e/fixtures/browser.ts';
import { photo } from '../e2e/fixtures/photo.ts';
import { RelayProcess } from '../e2e/fixtures/relay.ts';
import { ensureBuilt } from '../scripts/build.mjs';
import { median, to } from './figures.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } });
const rounds = Number(values.rounds);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const summary = (all: readonly number[]): string =>
  `median ${to(median(all))} ms (${to(Math.min(...all))} to ${to(Math.max(...all))})`;

/** In the page: when the photo with this caption is shown, as it is and not blurred, in milliseconds since 1970. */
function shown(caption: string): Promise<number> {
  return new Promise((resolve) => {
    const look = (): void => {
      const one = [...document.querySelectorAll('[role=log] article')].find((each) =>
        each.textContent.includes(caption),
      );
      const photo = one?.querySelector<HTMLImageElement>('.picture img');
      if (photo?.complete === true && photo.naturalWidth > 64) resolve(Date.now());
      else requestAnimationFrame(look);
    };
    look();
  });
}

/** In the page, from its beginning: notes when Enter was pressed last. */
function noteEnter(): void {
  const note = ({ key }: KeyboardEvent): void => {
    if (key === 'Enter') document.documentElement.dataset['enter'] = String(Date.now());
  };
  addEventListener('keydown', note, { capture: true });
}
const pressedAt = (page: Page): Promise<number> =>
  page.evaluate(() => Number(document.documentElement.dataset['enter']));

async function somebody(browser: Browser, relay: RelayProcess, name: string): Promise<{ page: Page; id: string }> {
  const context = await browser.newContext({ locale: 'en-US' });
  const answer = await context.request.post(`${relay.url}/api/auth/signup`, {
    data: { email: `${name}@example.org`, name, password: 'a long enough password' },
  });
  const { user } = (await answer.json()) as { user: { id: string } };
  const page = await context.newPage();
  await page.addInitScript(noteEnter);
  return { page, id: user.id };
}

async function measure(browser: Browser, relay: RelayProcess, isReady: boolean): Promise<void> {
  const names = isReady ? ['an', 'binh'] : ['chi', 'dung'];
  const [an, binh] = [
    await somebody(browser, relay, names[0] ?? ''),
    await somebody(browser, relay, names[1] ?? ''),
  ] as const;
  const made = await an.page.context().request.post(`${relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.id] },
  });
  const { conversation } = (await made.json()) as { conversation: { id: string } };
  for (const { page } of [an, binh]) await page.goto(`${relay.url}/c/${conversation.id}`);
  const [own, theirs]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 1; round <= rounds; round++) {
    // Another size each time, so that none is there already.
    const buffer = await photo(an.page, { width: 3_250 + round, height: 2_167, noisy: true });
    bytes = buffer.length;
    const choosing = an.page.waitForEvent('filechooser');
    await an.page.getByRole('button', { name: 'Attach file' }).click();
    await (await choosing).setFiles({ name: `IMG_${round}.jpg`, mimeType: 'image/jpeg', buffer });
    const tray = an.page.getByRole('list', { name: 'Attached' });
    await tray.getByRole('listitem').waitFor();
    if (isReady) await tray.getByText(/B$/).waitFor();
    const caption = `số ${round}.`;
    await an.page.getByRole('textbox', { name: 'Message' }).fill(caption);
    const both = Promise.all([an, binh].map(({ page }) => page.evaluate(shown, caption)));
    await an.page.keyboard.press('Enter');
    const [seen, received] = await both;
    const from = await pressedAt(an.page);
    own.push((seen ?? NaN) - from);
    theirs.push((received ?? NaN) - from);
  }
  say(`A photo of ${to(bytes / 1e6, 1)} MB, ${isReady ? 'ready' : 'sent as soon as it was chosen'}, ${rounds} times:`);
  say(`  in the sender's conversation ${summary(own)}`);
  say(`  in the receiver's ${summary(theirs)}`);
}

if (!(await ensureBuilt())) process.exit(1);
const executablePath = installedBrowser();
const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_ARGS });
const relay = await RelayProcess.start();
try {
  await measure(browser, relay, true);
  await measure(browser, relay, false);
} finally {
  await relay.remove();
  await browser.close();
}
