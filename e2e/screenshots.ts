/**
 * Pictures of the app for looking at, not a test: `node_modules/.bin/node e2e/screenshots.ts <folder> [word in the name …]`.
 * A family and its chats are made on a relay of their own; each scene is shown on phone and desktop, light and dark, in English and
 * Vietnamese, as `<scene>-<phone|desktop>-<light|dark>-<en|vi>.png`. The app must be built.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { catalogue, type Words } from './fixtures/catalogue.ts';
import { BROWSER_ARGS, installedBrowser } from './fixtures/browser.ts';
import { RelayProcess } from './fixtures/relay.ts';
import { moveIn, PASSWORD, type Family } from './fixtures/family.ts';

const [folder = 'screenshots', ...wanted] = process.argv.slice(2);
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } } as const;
type Size = keyof typeof SIZES;

interface Scene {
  page: Page;
  context: BrowserContext;
  words: Words;
  family: Family;
  url: string;
  size: Size;
}
interface Picture {
  name: string;
  /** The door is shown to strangers. */
  door?: boolean;
  /** Shows what is unread, which it no longer is once it was shown. */
  unread?: boolean;
  set(scene: Scene): Promise<void>;
}

const open = async ({ page, words }: Scene, title: string): Promise<void> => {
  await page
    .getByRole('navigation', { name: words('conversations') })
    .getByRole('link', { name: new RegExp(`^${title}`) })
    .click();
  await page
    .getByRole('log', { name: words('messages') })
    .getByRole('article')
    .last()
    .waitFor();
};
const menuOf = async ({ page, words, size }: Scene, text: string): Promise<void> => {
  const message = page
    .getByRole('log', { name: words('messages') })
    .getByRole('article')
    .filter({ hasText: text })
    .last();
  if (size === 'desktop') {
    await message.hover();
    await message.getByRole('button', { name: words('message_actions') }).click();
  } else {
    await message.focus();
    await page.keyboard.press('Enter');
  }
  await page.getByRole('menuitem', { name: words('reply') }).waitFor();
};
const newConversation = ({ page, words }: Scene): Promise<void> =>
  page
    .getByRole('button', { name: words('new_conversation') })
    .first()
    .click();

const PICTURES: readonly Picture[] = [
  { name: 'login', door: true, set: async ({ page, url }) => void (await page.goto(`${url}/login`)) },
  {
    name: 'signup-refused',
    door: true,
    async set({ page, url, words, family }) {
      await page.goto(`${url}/signup`);
      await page.getByRole('textbox', { name: words('name'), exact: true }).fill('Nguyễn Thị Thuỳ Dương');
      await page.getByRole('textbox', { name: words('email') }).fill(family.me.email);
      await page.getByLabel(words('password'), { exact: true }).fill('ngắn');
      await page.getByRole('button', { name: words('create_account') }).click();
      await page.getByRole('alert').first().waitFor();
    },
  },
  { name: 'list', unread: true, set: async () => undefined },
  { name: 'family', unread: true, set: (scene) => open(scene, 'Gia đình mình') },
  { name: 'direct', set: (scene) => open(scene, 'Bình Trần') },
  { name: 'long-name', set: (scene) => open(scene, 'Lớp học tiếng Anh') },
  {
    name: 'menu',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      await menuOf(scene, 'chắc 7 giờ có mặt');
    },
  },
  {
    name: 'reply',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      await menuOf(scene, 'con về tới rồi');
      await scene.page.getByRole('menuitem', { name: scene.words('reply') }).click();
      await scene.page
        .getByRole('textbox', { name: scene.words('message'), exact: true })
        .fill('Nhanh vậy!\nMẹ để phần cá trong bếp nha');
    },
  },
  {
    name: 'emoji',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      await scene.page.getByRole('button', { name: scene.words('emoji'), exact: true }).click();
      await scene.page.getByText('😀').first().waitFor();
    },
  },
  {
    name: 'details',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      if (scene.size === 'desktop')
        await scene.page.getByRole('button', { name: scene.words('details'), exact: true }).click();
      else await scene.page.getByRole('heading', { name: 'Gia đình mình' }).click();
      await scene.page.getByRole('button', { name: scene.words('leave_group') }).waitFor();
    },
  },
  {
    name: 'new-group',
    async set(scene) {
      await newConversation(scene);
      const dialog = scene.page.getByRole('dialog');
      for (const name of ['Bình Trần', 'Hương', 'Cô Mai tầng 5']) await dialog.getByRole('checkbox', { name }).check();
    },
  },
  {
    name: 'delete',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      await menuOf(scene, 'chắc 7 giờ có mặt');
      await scene.page.getByRole('menuitem', { name: scene.words('delete_message') }).click();
      await scene.page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'settings',
    async set({ page, words }) {
      await page.getByRole('link', { name: words('settings') }).click();
      await page.getByRole('button', { name: words('sign_out'), exact: true }).waitFor();
      await page.getByText(words('session_here'), { exact: true }).waitFor();
    },
  },
  {
    name: 'offline',
    async set(scene) {
      await open(scene, 'Gia đình mình');
      await scene.context.setOffline(true);
      await scene.page
        .getByRole('status', { name: scene.words('connection') })
        .getByText(scene.words('connection_offline'))
        .waitFor();
      const composer = scene.page.getByRole('textbox', { name: scene.words('message'), exact: true });
      for (const text of ['Anh đang trên tàu, mạng chập chờn', 'Để phần anh hai con cá nha']) {
        await composer.fill(text);
        await scene.page.getByRole('button', { name: scene.words('send') }).click();
      }
      await scene.page.getByText('Để phần anh hai con cá nha').last().waitFor();
    },
  },
];

async function show(
  browser: Browser,
  picture: Picture,
  family: Family,
  url: string,
  look: { size: Size; colorScheme: 'light' | 'dark'; lang: 'en' | 'vi' },
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
    const file = join(folder, `${picture.name}-${size}-${colorScheme}-${lang}.png`);
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
  args: BROWSER_ARGS,
});
let missed = 0;
try {
  const family = await moveIn(relay.url);
  const chosen = PICTURES.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
  // Those that need a family each come last: the others show the one that lives alone.
  for (const picture of chosen.toSorted((a, b) => Number(a.unread ?? false) - Number(b.unread ?? false))) {
    for (const size of Object.keys(SIZES) as Size[]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const lang of ['en', 'vi'] as const) {
          try {
            await show(browser, picture, picture.unread === true ? await moveIn(relay.url) : family, relay.url, {
              size,
              colorScheme,
              lang,
            });
          } catch (error) {
            missed += 1;
            console.error(
              `${picture.name} ${size} ${colorScheme} ${lang}: ${error instanceof Error ? error.message : String(error)}`,
            );
          }
        }
      }
    }
  }
} finally {
  await browser.close();
  await relay.remove();
}
if (missed > 0) process.exitCode = 1;
