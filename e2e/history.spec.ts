/** A long history: on a new device, and by scrolling. */
import { expect, test } from './fixtures/stage.ts';
import { writeHistory } from './fixtures/history.ts';

test('a new device sees the full history', async ({ stage }) => {
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Kỷ niệm', an, [binh]);
  await writeHistory(binh, id, 40);
  const phone = await stage.anotherDevice(an, { viewport: { width: 390, height: 844 } });
  await phone.comesIn();
  await phone.opens('Kỷ niệm');
  // Nothing was read yet: it opens where the reading begins.
  await phone.sees('dòng số 1.');
  const seen = new Set<string>();
  await expect(async () => {
    for (const text of await phone.textsWith('dòng số')) seen.add(text);
    await phone.log.hover();
    await phone.page.mouse.wheel(0, 300);
    expect(seen.size).toBe(40);
  }).toPass({ intervals: [100] });
  await phone.sees('dòng số 40.');
});

test('3,000 messages scroll up across their pages, and the place is held', async ({ stage }) => {
  test.setTimeout(150_000);
  const an = await stage.actor('An');
  const id = await stage.group('Ba nghìn', an, []);
  await writeHistory(an, id, 3_000);
  await an.comesIn();
  await an.opens('Ba nghìn');
  await an.sees('dòng số 3000.');
  // Only what is near the screen is in the page.
  expect(await an.log.getByRole('article').count()).toBeLessThan(150);
  await expect(async () => {
    await an.log.hover();
    await an.page.mouse.wheel(0, -12_000);
    const shown = (await an.textsWith('dòng số')).map((text) => Number(/số (\d+)\./.exec(text)?.[1]));
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    expect(shown[0]).toBe(1);
  }).toPass({ intervals: [50], timeout: 100_000 });
  await an.sees('dòng số 1.');
  await an.page.getByRole('button', { name: /Jump to the newest/ }).click();
  await an.sees('dòng số 3000.');
});

test('a reply quotes what lies on a page that is not on screen, with and without a network, and a jump lands on it', async ({
  stage,
}) => {
  test.setTimeout(150_000);
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Nhắc chuyện cũ', an, [binh]);
  await writeHistory(binh, id, 2_300);
  const quotedSeq = 641;
  const api = `${stage.relay.url}/api/conversations/${id}/messages`;
  const answer = await an.context.request.get(`${api}?before=${quotedSeq + 1}&limit=1`);
  const { messages } = (await answer.json()) as { messages: { id: string; text: string }[] };
  expect(messages[0]?.text).toBe(`dòng số ${quotedSeq}.`);
  await an.context.request.post(api, { data: { text: 'còn nhớ không?', replyTo: messages[0]!.id } });
  await an.context.request.put(`${stage.relay.url}/api/conversations/${id}/read`, { data: { seq: 2_301 } });

  await an.comesIn();
  await an.opens('Nhắc chuyện cũ');
  const quote = an.message('còn nhớ không?').getByRole('button', { name: `dòng số ${quotedSeq}.` });
  await expect(quote).toContainText(binh.name);
  // Its author edits it while it is looked at, and takes that back.
  for (const text of ['Sửa lại cho đúng', `dòng số ${quotedSeq}.`]) {
    expect((await binh.context.request.patch(`${api}/${messages[0]!.id}`, { data: { text } })).status()).toBe(204);
    await expect(an.message('còn nhớ không?').getByRole('button', { name: text })).toBeVisible();
  }
  // Not by opening its page.
  await expect(an.log.getByRole('article').filter({ hasText: `dòng số ${quotedSeq}.` })).toHaveCount(1);

  await an.goesOffline();
  await an.reloads();
  await expect(quote).toContainText(binh.name);
  await quote.click();
  const original = an.log.getByRole('article').filter({ hasText: `dòng số ${quotedSeq}.`, hasNotText: 'còn nhớ' });
  await expect(original).toBeInViewport();
  await expect(original).toBeFocused();
});

test('without a network, a jump over pages that the device does not have says so, and lands when it has them', async ({
  stage,
}) => {
  test.setTimeout(150_000);
  const [an, binh] = [await stage.actor('An'), await stage.actor('Bình')];
  const id = await stage.group('Xa lắm', an, [binh]);
  await writeHistory(binh, id, 4_300);
  const api = `${stage.relay.url}/api/conversations/${id}/messages`;
  const answer = await an.context.request.get(`${api}?before=642&limit=1`);
  const { messages } = (await answer.json()) as { messages: { id: string }[] };
  await an.context.request.post(api, { data: { text: 'còn nhớ không?', replyTo: messages[0]!.id } });
  await an.context.request.put(`${stage.relay.url}/api/conversations/${id}/read`, { data: { seq: 4_301 } });
  await an.comesIn();
  await an.opens('Xa lắm');
  const quote = an.message('còn nhớ không?').getByRole('button', { name: 'dòng số 641.' });
  await expect(quote).toContainText(binh.name);

  await an.goesOffline();
  await quote.click();
  await expect(an.page.getByText('The messages up to there are not on this device.')).toBeVisible();
  // Nothing moved.
  await expect(an.message('còn nhớ không?')).toBeInViewport();
  await an.comesBack();
  await quote.click();
  const original = an.log.getByRole('article').filter({ hasText: 'dòng số 641.', hasNotText: 'còn nhớ' });
  await expect(original).toBeInViewport({ timeout: 30_000 });
});
