/** Plays in a real browser, against the production entry. Never retried: a play that failed once found something. */
import { defineConfig } from '@playwright/test';
import { BROWSER_ARGS, installedBrowser } from './e2e/fixtures/browser.ts';

const browser = installedBrowser();

export default defineConfig({
  testDir: 'e2e',
  workers: 2,
  fullyParallel: true,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    locale: 'en-US',
    timezoneId: 'Asia/Ho_Chi_Minh',
    viewport: { width: 1440, height: 900 },
    // Below the play's own, so that a failure names the step that waits.
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    trace: 'off',
    launchOptions: {
      ...(browser === undefined ? {} : { executablePath: browser }),
      args: BROWSER_ARGS,
    },
  },
});
