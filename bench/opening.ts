/** Opening a conversation in the real app, offline, cold: a short one against a long one. bench/README.md says how. */
import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright';
import type { ConversationId, UserId } from '#shared/ids.ts';
import { writeHistory } from '../e2e/fixtures/history.ts';
import { startRelayProcess } from './relay-process.ts';

const PORT = 3978;
const SMALL = 100;
const LARGE = 20_000;
const ROUNDS = 15;

export interface OpeningFigures {
  smallMs: number;
  largeMs: number;
}

export async function measureOpening(): Promise<OpeningFigures> {
  const relay = await startRelayProcess(PORT);
  const browser = await chromium.launch({
    ...browserPath(),
    args: ['--no-sandbox', '--disable-background-networking', '--disable-quic'],
  });
  try {
    const context = await browser.newContext({ locale: 'en-US' });
    const answer = await context.request.post(`${relay.url}/api/auth/signup`, {
      data: { email: 'reader@example.org', password: 'a long enough password', name: 'Reader' },
    });
    const { user } = (await answer.json()) as { user: { id: UserId } };
    const cookie = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
    for (const [title, count] of [
      ['Short', SMALL],
      ['Long', LARGE],
    ] as const) {
      const made = await context.request.post(`${relay.url}/api/conversations`, {
        data: { kind: 'group', title, members: [] },
      });
      const { conversation } = (await made.json()) as { conversation: { id: ConversationId } };
      await writeHistory(
        { id: user.id, url: relay.url, cookie },
        conversation.id,
        count,
        (n) => `${title} ${n} của ${count}`,
      );
    }
    const page = await context.newPage();
    await page.goto(relay.url);
    await page.evaluate(() => navigator.serviceWorker.ready);
    // Seen once while online, so that the device has what it shows.
    for (const [title, count] of [
      ['Short', SMALL],
      ['Long', LARGE],
    ] as const) {
      await row(page, title).click();
      await page.getByRole('log', { name: 'Messages' }).getByText(newest(title, count)).waitFor();
    }
    await context.setOffline(true);
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      small.push(await openCold(page, relay.url, 'Short', newest('Short', SMALL)));
      large.push(await openCold(page, relay.url, 'Long', newest('Long', LARGE)));
    }
    return { smallMs: median(small), largeMs: median(large) };
  } finally {
    await browser.close();
    await relay.stop();
  }
}

const newest = (title: string, count: number): string => `${title} ${count} của ${count}`;
const row = (page: Page, title: string) =>
  page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: title });

async function openCold(page: Page, url: string, title: string, text: string): Promise<number> {
  await page.goto(url);
  const link = row(page, title);
  await link.waitFor();
  return link.evaluate(
    (element, wanted) =>
      new Promise<number>((resolve) => {
        const started = performance.now();
        const look = () => {
          if (document.querySelector('[role=log]')?.textContent.includes(wanted) === true)
            resolve(performance.now() - started);
          else requestAnimationFrame(look);
        };
        (element as HTMLElement).click();
        look();
      }),
    text,
  );
}

const browserPath = (): { executablePath?: string } => {
  const path = process.env.TING_BROWSER ?? '/usr/bin/chromium';
  return existsSync(path) ? { executablePath: path } : {};
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
