/** What another app shares with this one: it comes as the browser would post it from a share sheet. */
import { landscape as photo } from './fixtures/photo.ts';
import { expect, test } from './fixtures/stage.ts';

test('[B16] what another app shares waits until a conversation is chosen, and is in its composer', async ({
  stage,
}) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Nhóm ảnh', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.hasTheApp();
  const { buffer } = await photo(an.page, 'thu.jpg', { width: 800, height: 600, hue: 30 });
  await an.page.evaluate((base64) => {
    const form = document.createElement('form');
    Object.assign(form, { action: '/share', method: 'POST', enctype: 'multipart/form-data' });
    const words = Object.assign(document.createElement('input'), { name: 'text', value: 'Mùa thu Hà Nội' });
    const files = Object.assign(document.createElement('input'), { type: 'file', name: 'files' });
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const chosen = new DataTransfer();
    chosen.items.add(new File([bytes], 'thu.jpg', { type: 'image/jpeg' }));
    files.files = chosen.files;
    form.append(words, files);
    document.body.append(form);
    form.submit();
  }, buffer.toString('base64'));
  await expect(an.page.getByRole('heading', { name: 'Send to …' })).toBeVisible();
  await expect(an.page.getByText('thu.jpg · Mùa thu Hà Nội')).toBeVisible();
  await an.reloads();
  await an.page.getByRole('button', { name: 'Nhóm ảnh' }).click();
  await expect(an.composer).toHaveValue('Mùa thu Hà Nội');
  await expect(an.page.getByRole('list', { name: 'Attached' })).toContainText('thu');
  await an.page.getByRole('button', { name: 'Send', exact: true }).click();
  await binh.opens('Nhóm ảnh');
  await binh.sees('Mùa thu Hà Nội');
  await expect(binh.log.getByRole('button', { name: /^Photo from An/ })).toBeVisible();
  // Taken once.
  await an.page.goto(`${an.url}/share`);
  await expect(an.page.getByText('There is nothing to send')).toBeVisible();
});
