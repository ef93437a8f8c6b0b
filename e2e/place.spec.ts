/** The place where somebody reads is theirs: a long history opens at its end, and what is put in front moves nothing. */
import { expect, test } from './fixtures/stage.ts';
import { writeHistory } from './fixtures/history.ts';

test('while older messages come in front, the one that is read stays where it is', async ({ stage }) => {
  const an = await stage.actor('An');
  const id = await stage.group('Giữ chỗ', an, []);
  await writeHistory(an, id, 4_500, (n) => `câu ${n}.${' dài thêm một chút cho đủ hai dòng'.repeat(n % 7)}`);
  await an.comesIn();
  await an.opens('Giữ chỗ');
  await an.sees('câu 4500.');
  // The newest is at the foot, and nobody had to scroll.
  await expect(an.log.getByText('câu 4500.')).toBeInViewport();
  await an.log.hover();

  const loads: number[] = [];
  for (let round = 0; round < 6 && loads.length < 3; round++) {
    // Scrolling by hand, so that the place counts as somebody's.
    await an.page.mouse.wheel(0, -20);
    const { moved, grew } = await an.log.evaluate(async (log) => {
      const frames = async (count: number) => {
        for (let n = 0; n < count; n++) await new Promise(requestAnimationFrame);
      };
      // Near the top, but not so near that older messages are asked for; and none that were asked for before are still on their way.
      for (let height = 0; height !== log.scrollHeight;) {
        height = log.scrollHeight;
        log.scrollTop = 1_800;
        await frames(30);
      }
      const middle = log.getBoundingClientRect().top + log.clientHeight / 2;
      const anchor = [...log.querySelectorAll('article')].find(
        (article) => article.getBoundingClientRect().bottom > middle,
      );
      const id = anchor?.getAttribute('data-message');
      const topOf = () => log.querySelector(`article[data-message="${id}"]`)?.getBoundingClientRect().top ?? Infinity;
      const height = log.scrollHeight;
      const step = 400;
      const expected = topOf() + step;
      log.scrollTop -= step;
      let moved = 0;
      for (let n = 0; n < 60; n++) {
        await frames(1);
        moved = Math.max(moved, Math.abs(topOf() - expected));
      }
      return { moved, grew: log.scrollHeight - height };
    });
    if (grew > 1_000) loads.push(grew);
    expect(moved).toBeLessThanOrEqual(2);
  }
  expect(loads.length).toBeGreaterThan(0);
});

test('on a phone the newest message stays in sight while the composer grows', async ({ stage }) => {
  const an = await stage.actor('An', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const id = await stage.group('Ô nhập lớn dần', an, []);
  await writeHistory(an, id, 60);
  await an.comesIn();
  await an.opens('Ô nhập lớn dần');
  await expect(an.log.getByText('dòng số 60.')).toBeInViewport({ ratio: 1 });
  await an.composer.fill('một\nhai\nba\nbốn\nnăm');
  await expect
    .poll(() => an.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight))
    .toBeLessThanOrEqual(2);
  await expect(an.log.getByText('dòng số 60.')).toBeInViewport({ ratio: 1 });
  // Replaced as by pasting over it: it is empty for a moment in which nothing is drawn.
  await an.composer.fill('sáu\nbảy\ntám\nchín\nmười');
  await an.page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  expect(await an.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight)).toBeLessThanOrEqual(2);
});

test('who begins at the new messages keeps what is above the composer while it grows and shrinks', async ({
  stage,
}) => {
  const an = await stage.actor('An', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const binh = await stage.actor('Bình');
  const left = () => an.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
  // From a log that just fits to one that stands at its line of new messages, a little above its end.
  for (const count of [15, 17, 19, 21]) {
    const title = `Chưa đọc ${count}`;
    await writeHistory(binh, await stage.group(title, binh, [an]), count);
    await an.comesIn();
    await an.opens(title);
    await expect(an.log.getByText(/new messages/)).toBeInViewport();
    const before = await left();
    const atFoot = an.message(`dòng số ${count - Math.round(before / 37)}.`);
    await expect(atFoot).toBeInViewport({ ratio: 1 });
    await an.composer.fill('một\nhai\nba\nbốn\nnăm');
    await expect.poll(left).toBe(before);
    await expect(atFoot).toBeInViewport({ ratio: 1 });
    await an.composer.fill('');
    await expect.poll(left).toBe(before);
  }
});

test('on a phone without a network, what is sent stands clear of the line that says so', async ({ stage }) => {
  const an = await stage.actor('An', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await writeHistory(an, await stage.group('Trên tàu', an, []), 60);
  await an.comesIn();
  await an.opens('Trên tàu');
  await an.goesOffline();
  for (const text of ['Anh đang trên tàu, mạng chập chờn', 'Để phần anh hai con cá nha']) {
    await an.composer.fill(text);
    await an.page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect(an.message(text)).toBeVisible();
    await expect
      .poll(() => an.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight))
      .toBeLessThanOrEqual(2);
  }
});
