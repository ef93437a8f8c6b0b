/** How many gzipped bytes of JavaScript a browser loads on its first visit until a conversation shows its newest message. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { BROWSER_ARGS, installedBrowser } from '../e2e/fixtures/browser.ts';
import { startRelayProcess } from './relay-process.ts';

const PORT = 3979;
const TEXT = 'con về tới rồi mẹ ơi';

/** `root` is the project's folder; the app must be built. */
export async function firstJavaScriptBytes(root: string): Promise<{ bytes: number; files: number }> {
  const relay = await startRelayProcess(PORT);
  const executablePath = installedBrowser();
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_ARGS });
  try {
    const context = await browser.newContext({ locale: 'en-US' });
    const ask = async (path: string, data: object) =>
      (await (await context.request.post(relay.url + path, { data })).json()) as { conversation: { id: string } };
    await ask('/api/auth/signup', { email: 'new@example.org', password: 'a long enough password', name: 'New' });
    const { conversation } = await ask('/api/conversations', { kind: 'group', title: 'First', members: [] });
    await ask(`/api/conversations/${conversation.id}/messages`, { text: TEXT });
    const page = await context.newPage();
    const shell = await page.goto(`${relay.url}/c/${conversation.id}`, { waitUntil: 'commit' });
    const files = await page.evaluate(untilShown, TEXT);
    const within = [...((await shell?.text()) ?? '').matchAll(/<script>(.*?)<\/script>/gs)].map(([, script]) => script);
    const scripts = [within.join('\n'), ...files.map((path) => readFileSync(join(root, 'build', path)))];
    const bytes = scripts.map((script) => gzipSync(script, { level: 9 }).length);
    return { bytes: bytes.reduce((sum, size) => sum + size, 0), files: files.length };
  } finally {
    await browser.close();
    await relay.stop();
  }
}

/** In the page: the scripts that were asked for until the frame in which the message is there. */
function untilShown(text: string): Promise<string[]> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!document.querySelector('[role=log].placed article')?.textContent.includes(text)) {
        requestAnimationFrame(look);
        return;
      }
      const paths = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
      resolve([...new Set(paths.filter((path) => path.endsWith('.js')))]);
    };
    look();
  });
}
