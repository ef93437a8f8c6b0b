/** What is in a file reaches nobody but those it was sent to, and does nothing. */
import { expect, test } from './fixtures/stage.ts';

/** Renames whoever's browser runs it. */
const DEED = `fetch('/api/me',{method:'PATCH',headers:{'content-type':'application/json'},body:'{"name":"somebody else"}'})`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="${DEED.replaceAll('"', '&quot;')}"><script>${DEED}</script></svg>`;
const PAGE = `<!doctype html><script>${DEED}</script>`;

test('[B3] [B6] a drawing or page with a script in it is downloaded and not run, and a stranger does not get it', async ({
  stage,
}) => {
  const [an, binh, chi] = [await stage.actor('An'), await stage.actor('Bình'), await stage.actor('Chi')];
  const id = await stage.group('Tài liệu', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Tài liệu');
  const choosing = an.page.waitForEvent('filechooser');
  await an.page.getByRole('button', { name: 'Attach file' }).click();
  await (
    await choosing
  ).setFiles([
    { name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(SVG) },
    { name: 'anh.png', mimeType: 'image/png', buffer: Buffer.from(PAGE) },
  ]);
  // It says that it is a picture and is none.
  const picture = an.page.getByRole('list', { name: 'Attached' }).getByRole('listitem').filter({ hasText: 'anh.png' });
  await picture.getByRole('button', { name: 'As a file' }).click();
  await an.writes('xem nhé');
  await an.seesState('xem nhé', 'Sent');
  const answer = await binh.context.request.get(`${binh.url}/api/conversations/${id}/messages`);
  const { messages } = (await answer.json()) as { messages: { attachments: { sha256: string }[] }[] };
  const addresses = (messages[0]?.attachments ?? []).map(({ sha256 }) => `${binh.url}/api/blobs/${sha256}`);
  expect(addresses).toHaveLength(2);
  await binh.opens('Tài liệu');
  await binh.sees('xem nhé');
  for (const address of addresses) {
    expect((await chi.context.request.get(address)).status()).toBe(403);
    const tab = await binh.context.newPage();
    const downloading = tab.waitForEvent('download');
    await tab.goto(address).catch(() => undefined);
    await (await downloading).path();
    // As a picture, and as a page within a page.
    await tab.goto(binh.url);
    await tab.evaluate(
      (src) =>
        new Promise<void>((resolve) => {
          const image = new Image();
          image.onload = image.onerror = () => resolve();
          image.src = src;
        }),
      address,
    );
    await tab.close();
  }
  const session = await binh.context.request.get(`${binh.url}/api/auth/session`);
  expect(((await session.json()) as { user: { name: string } }).user.name).toBe(binh.name);
});
