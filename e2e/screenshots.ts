/**
 * Pictures of the app for looking at, not a test: `node_modules/.bin/node e2e/screenshots.ts <folder> [word in the name …]`.
 * A family and its chats are made on a relay of their own; each scene is shown in three sizes, light and dark, in English and
 * Vietnamese, as `<scene>-<size>-<light|dark>-<en|vi>.png`. The app must be built.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { catalogue } from './fixtures/catalogue.ts';
import { BROWSER_ARGS, installedBrowser } from './fixtures/browser.ts';
import { RelayProcess } from './fixtures/relay.ts';
import { moveIn, PASSWORD, type Family } from './fixtures/family.ts';
import { MEDIA_PICTURES } from './fixtures/media-scenes.ts';
import { PICTURES, SIZES, type Picture, type Size } from './fixtures/scenes.ts';

const [folder = 'screenshots', ...wanted] = process.argv.slice(2);

interface Look {
  size: Size;
  colorScheme: 'light' | 'dark';
  lang: 'en' | 'vi';
}
const LOOKS: readonly Look[] = (Object.keys(SIZES) as Size[]).flatMap((size) =>
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    (['en', 'vi'] as const).map((lang) => ({ size, colorScheme, lang })),
  ),
);

async function show(
  browser: Browser,
  picture: Picture,
  family: Family,
  url: string,
  look: Look,
  file: string,
): Promise<void> {
  const { size, colorScheme, lang } = look;
  const context = await browser.newContext({
    viewport: SIZES[size],
    deviceScaleFactor: size === 'phone' ? 2 : 1,
    isMobile: size === 'phone',
    hasTouch: size === 'phone',
    colorScheme,
    locale: lang === 'vi' ? 'vi-VN' : 'en-US',
    timezoneId: 'Asia/Ho_Chi_Minh',
    // What moves is in the way of a still.
    reducedMotion: 'reduce',
  });
  const words = catalogue(lang);
  try {
    if (picture.door !== true)
      await context.request.post(`${url}/api/auth/login`, { data: { email: family.me.email, password: PASSWORD } });
    const page = await context.newPage();
    if (picture.door !== true) {
      await page.goto(url);
      await page
        .getByRole('status', { name: words('connection') })
        .getByText(words('connection_online'))
        .waitFor();
      await page
        .getByRole('navigation', { name: words('conversations') })
        .getByRole('link')
        .nth(5)
        .waitFor();
    }
    await picture.set({ page, context, words, family, url, size });
    // What follows a change of size follows it by a frame.
    await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))),
    );
    await page.screenshot({ path: file });
    console.log(file);
  } finally {
    await context.close();
  }
}

mkdirSync(folder, { recursive: true });
const relay = await RelayProcess.start();
const executablePath = installedBrowser();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: [...BROWSER_ARGS, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
});
let missed = 0;
try {
  const family = await moveIn(relay.url);
  // Those that need a family each come last: the others show the one that lives alone.
  for (const picture of [...PICTURES, ...MEDIA_PICTURES].toSorted(
    (a, b) => Number(a.unread ?? false) - Number(b.unread ?? false),
  )) {
    for (const look of LOOKS) {
      const name = [picture.name, look.size, look.colorScheme, look.lang].join('-');
      if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
      try {
        const shown = picture.unread === true ? await moveIn(relay.url) : family;
        await show(browser, picture, shown, relay.url, look, join(folder, `${name}.png`));
      } catch (error) {
        missed += 1;
        console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
} finally {
  await browser.close();
  await relay.remove();
}
if (missed > 0) process.exitCode = 1;
