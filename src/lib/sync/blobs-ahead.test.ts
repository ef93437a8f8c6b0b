import { expect, test } from 'vitest';
import * as v from 'valibot';
import * as Y from 'yjs';
import { newMessageId, newUserId, Sha256 } from '#shared/ids.ts';
import type { Attachment } from '#shared/model/message.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { bringBlobs } from './blobs-ahead.ts';

const by = newUserId();
const name = (n: number): Sha256 => v.parse(Sha256, n.toString(16).padStart(64, '0'));
const picture = (n: number, size = 1_000): Attachment => ({
  sha256: name(n),
  name: 'a.webp',
  type: 'image/webp',
  size,
});

/** A page with one message a stamp, from seq 1 on. */
function pageOf(...said: Attachment[][]): Y.Doc {
  const page = new Y.Doc();
  said.forEach((attachments, at) => {
    const id = newMessageId(1_000 + at);
    messagesOf(page).set(id, { by, at: 1_000 + at, text: '', attachments });
    orderOf(page).push([[at + 1, id, 1_000 + at]]);
  });
  return page;
}

function shelf({ room = 1_000_000, here = [] as Sha256[], breaksAt = Infinity } = {}) {
  const brought: Sha256[] = [];
  return {
    brought,
    isHere: (sha256: Sha256) => Promise.resolve(here.includes(sha256)),
    room: () => Promise.resolve(room),
    bring(sha256: Sha256) {
      if (brought.length >= breaksAt) return Promise.resolve(false);
      brought.push(sha256);
      return Promise.resolve(true);
    },
  };
}

test('[B15] pictures come along, the newest first, those that were looked at before or are here do not', async () => {
  const parts = shelf({ here: [name(3)] });
  const page = pageOf([picture(1)], [picture(2)], [picture(3)], [picture(4), picture(5)]);
  expect(await bringBlobs(parts, [page], 1)).toBe(true);
  expect(parts.brought).toEqual([name(4), name(5), name(2)]);
});

test('[B15] what has no room in the budget, and all that is older, waits until it is asked for', async () => {
  const parts = shelf({ room: 2_500 });
  expect(await bringBlobs(parts, [pageOf([picture(1)], [picture(2)], [picture(3)])], 0)).toBe(true);
  expect(parts.brought).toEqual([name(3), name(2)]);
});

test('[B15] of a film its still comes, of a large file nothing', async () => {
  const parts = shelf();
  const film = { ...picture(1, 50_000_000), type: 'video/mp4', poster: name(2) };
  const file = { ...picture(3, 50_000_000), type: 'application/pdf' };
  await bringBlobs(parts, [pageOf([film, file])], 0);
  expect(parts.brought).toEqual([name(2)]);
});

test('[B15] a relay that goes away in the middle is asked again later', async () => {
  const parts = shelf({ breaksAt: 1 });
  expect(await bringBlobs(parts, [pageOf([picture(1)], [picture(2)])], 0)).toBe(false);
  expect(parts.brought).toEqual([name(2)]);
});
