/**
 * `npm run bench:calls`: how long it takes from accepting a call to the first picture on both sides, how long until pictures come again after five
 * seconds without a network, and what a call costs the relay while it goes on. README.md says how.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/build.mjs';
import { BROWSER_ARGS, installedBrowser } from '../e2e/fixtures/browser.ts';
import { Coturn } from '../e2e/fixtures/coturn.ts';
import { RelayProcess } from '../e2e/fixtures/relay.ts';
import { cpuMicros } from './cpu.ts';
import { median, to } from './figures.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, seconds: { type: 'string', default: '30' } },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const CUT_MILLIS = 5_000;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const wait = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));
const summary = (all: readonly number[]): string =>
  `median ${to(median(all))} ms (${to(Math.min(...all))} to ${to(Math.max(...all))})`;

async function somebody(browser: Browser, relay: RelayProcess, name: string, script?: () => void) {
  const context = await browser.newContext({ locale: 'en-US' });
  const answer = await context.request.post(`${relay.url}/api/auth/signup`, {
    data: { email: `${name}@example.org`, name, password: 'a long enough password' },
  });
  const { user } = (await answer.json()) as { user: { id: string } };
  const page = await context.newPage();
  if (script !== undefined) await page.addInitScript(script);
  return { context, page, id: user.id };
}
type Somebody = Awaited<ReturnType<typeof somebody>>;

async function two(browser: Browser, relay: RelayProcess, script?: () => void): Promise<[Somebody, Somebody]> {
  const [an, binh] = [await somebody(browser, relay, 'an', script), await somebody(browser, relay, 'binh', script)];
  const made = await an.context.request.post(`${relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.id] },
  });
  const { conversation } = (await made.json()) as { conversation: { id: string } };
  for (const { page } of [an, binh]) await page.goto(`${relay.url}/c/${conversation.id}`);
  return [an, binh];
}

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click({ timeout: 60_000 });

/** In the page: when the next frame from elsewhere is shown, in milliseconds since 1970. */
function nextFrame(): Promise<number> {
  return new Promise((resolve) => {
    const look = (): void => {
      const film = [...document.querySelectorAll('video')].find((element) => {
        const [track] = element.srcObject instanceof MediaStream ? element.srcObject.getVideoTracks() : [];
        return track !== undefined && !/^fake/i.test(track.label) && element.videoWidth > 2;
      });
      if (film === undefined) requestAnimationFrame(look);
      else film.requestVideoFrameCallback((now) => resolve(performance.timeOrigin + now));
    };
    look();
  });
}

async function call(an: Somebody, binh: Somebody): Promise<number> {
  await press(an.page, 'Video call');
  const accept = binh.page
    .getByRole('dialog', { name: 'Incoming call' })
    .getByRole('button', { name: 'Accept', exact: true });
  await accept.waitFor({ timeout: 60_000 });
  const frames = Promise.all([an.page.evaluate(nextFrame), binh.page.evaluate(nextFrame)]);
  const pressed = binh.page.evaluate(
    () =>
      new Promise<number>((resolve) =>
        addEventListener('pointerdown', () => resolve(Date.now()), { capture: true, once: true }),
      ),
  );
  await accept.click();
  return Math.max(...(await frames)) - (await pressed);
}

async function hangUp({ page: one }: Somebody, { page: other }: Somebody): Promise<void> {
  await press(one, 'Hang up');
  for (const page of [one, other])
    await page.getByRole('button', { name: 'Hang up', exact: true }).waitFor({ state: 'detached', timeout: 60_000 });
}

async function measureAnswers(browser: Browser, relay: RelayProcess): Promise<void> {
  const [an, binh] = await two(browser, relay);
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    took.push(await call(an, binh));
    if (round === rounds - 1) break;
    await hangUp(an, binh);
    // Nobody calls more often than the relay allows.
    if (round >= 4) await wait(11_000);
  }
  say(`From accepting to the first picture on both sides, ${rounds} calls: ${summary(took)}.`);
  await measureRelay(relay);
  await hangUp(an, binh);
  await Promise.all([an.context.close(), binh.context.close()]);
}

/** While the call of the last round goes on. */
async function measureRelay(relay: RelayProcess): Promise<void> {
  const spent = async (): Promise<number> => {
    const before = cpuMicros(relay.pid);
    await wait(seconds * 1000);
    return ((cpuMicros(relay.pid) - before) / 1e6 / seconds) * 100;
  };
  say(`The relay during a call: ${to(await spent(), 2)} % of a core, over ${seconds} s.`);
}

function throughTurnOnly(): void {
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
    }
  };
}

async function measureCuts(browser: Browser): Promise<void> {
  const coturn = await Coturn.start();
  if (coturn === null) return say('Cuts were not measured: they need the package coturn.');
  const relay = await RelayProcess.start({ TURN_URL: coturn.url, TURN_SECRET: coturn.secret });
  const contexts: BrowserContext[] = [];
  try {
    const [an, binh] = await two(browser, relay, throughTurnOnly);
    contexts.push(an.context, binh.context);
    await call(an, binh);
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await wait(2_000);
      coturn.pause();
      await wait(CUT_MILLIS);
      // What was on its way is shown by now; the next frame is a new one.
      const frames = Promise.all([an.page.evaluate(nextFrame), binh.page.evaluate(nextFrame)]);
      const back = Date.now();
      coturn.resume();
      took.push(Math.max(...(await frames)) - back);
    }
    say(
      `Until pictures come again on both sides after ${CUT_MILLIS / 1000} s without a network, ${rounds} cuts: ${summary(took)}.`,
    );
  } finally {
    for (const context of contexts) await context.close();
    await relay.remove();
    await coturn.stop();
  }
}

if (!(await ensureBuilt())) process.exit(1);
const executablePath = installedBrowser();
const browser = await chromium.launch({
  ...(executablePath && { executablePath }),
  args: [
    ...BROWSER_ARGS,
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
  ],
});
const relay = await RelayProcess.start();
try {
  await measureAnswers(browser, relay);
} finally {
  await relay.remove();
}
await measureCuts(browser);
await browser.close();
