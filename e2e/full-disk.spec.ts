/** A disk that is really full: the browser refuses each write of the app. */
import { fillsDisk } from './fixtures/disk.ts';
import { expect, test } from './fixtures/stage.ts';

test('[L10] with a full disk nothing disappears, the person is told, and with room again all of it is kept', async ({
  stage,
}) => {
  test.setTimeout(180_000);
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Chuyển nhà', an, [binh]);
  await stage.group('Hàng xóm', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Hàng xóm');
  await an.opens('Chuyển nhà');
  await an.writes('trước khi đầy');
  await an.seesState('trước khi đầy', 'Sent');
  await an.goesOffline();
  const freesDisk = await fillsDisk(an);
  const told = an.page.getByText('The device is full');

  await an.writes('viết khi máy đầy');
  await expect(told).toBeVisible();
  await an.seesState('viết khi máy đầy', 'Waiting');
  await an.chooses('trước khi đầy', 'Edit');
  await an.writes('trước khi đầy, đã sửa');
  await an.composer.fill('đang viết dở');
  await an.sees('trước khi đầy, đã sửa');
  // Elsewhere and back.
  await an.opens('Hàng xóm');
  await an.writes('cũng lúc đầy');
  await an.opens('Chuyển nhà');
  await an.sees('viết khi máy đầy');
  await expect(an.composer).toHaveValue('đang viết dở');

  await freesDisk();
  await expect(told).toHaveCount(0, { timeout: 30_000 });
  await an.reloads();
  await an.seesState('viết khi máy đầy', 'Waiting');
  await an.sees('trước khi đầy, đã sửa');
  await expect(an.composer).toHaveValue('đang viết dở');
  await an.opens('Hàng xóm');
  await an.seesState('cũng lúc đầy', 'Waiting');
  await an.comesBack();
  await binh.opens('Chuyển nhà');
  await binh.sees('viết khi máy đầy');
  await binh.sees('trước khi đầy, đã sửa');
  await binh.opens('Hàng xóm');
  await binh.sees('cũng lúc đầy');
});

test('[L11] a message that was written while the disk was full is not lost with its tab', async ({ stage }) => {
  test.setTimeout(180_000);
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  await stage.group('Chuyển nhà', an, [binh]);
  await Promise.all([an.comesIn(), binh.comesIn()]);
  await an.opens('Chuyển nhà');
  await an.writes('trước khi đầy');
  await an.seesState('trước khi đầy', 'Sent');
  await an.goesOffline();
  const freesDisk = await fillsDisk(an);
  await an.writes('viết khi máy đầy');
  await expect(an.page.getByText('The device is full')).toBeVisible();

  await an.reloads();
  await an.seesState('viết khi máy đầy', 'Waiting');
  await freesDisk();
  await an.comesBack();
  await an.seesState('viết khi máy đầy', 'Sent');
  await binh.opens('Chuyển nhà');
  await binh.sees('viết khi máy đầy');
  await an.reloads();
  await expect(an.log.getByText('viết khi máy đầy')).toHaveCount(1);
  await expect(binh.log.getByText('viết khi máy đầy')).toHaveCount(1);
});
