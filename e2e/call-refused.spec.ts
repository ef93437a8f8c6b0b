/** A browser that does not let the app listen: what a call says then. */
import { findings } from './fixtures/axe.ts';
import { BROWSER_ARGS, installedBrowser } from './fixtures/browser.ts';
import { expect, test } from './fixtures/stage.ts';

const executablePath = installedBrowser();
test.use({
  launchOptions: {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...BROWSER_ARGS, '--use-fake-device-for-media-stream', '--deny-permission-prompts'],
  },
});

test('who may not use the microphone is told where to allow it, and nobody rings', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await an.context.request.post(`${stage.relay.url}/api/conversations`, {
    data: { kind: 'direct', members: [binh.id] },
  });
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens(binh.name);
  await an.page.getByRole('button', { name: 'Voice call', exact: true }).click();
  const call = an.page.getByRole('dialog', { name: /^Call with/ });
  await expect(call.getByRole('alert')).toContainText('The microphone is blocked for this site.');
  await expect(call.getByRole('button', { name: 'Call again' })).toBeVisible();
  expect(await findings(an.page)).toEqual([]);
  await call.getByRole('button', { name: 'Close' }).first().click();
  await expect(call).toHaveCount(0);
  await expect(binh.page.getByRole('dialog', { name: 'Incoming call' })).toHaveCount(0);
});
