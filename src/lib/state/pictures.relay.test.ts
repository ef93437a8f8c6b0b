/** Pictures of people and groups without a screen, against a real relay: without a network, over a reload, and after one that is not wanted any more. */
import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { App } from './app.svelte.ts';
import { Browser, fileOf, RelayProcess, until } from './relay-stage.ts';

const relay = new RelayProcess();
const apps: App[] = [];

beforeAll(() => relay.start(), 60_000);
afterEach(() => {
  for (const app of apps.splice(0)) app.stop();
});
afterAll(() => relay.stop());

async function tab(browser: Browser): Promise<App> {
  const app = await browser.tab();
  apps.push(app);
  return app;
}
const picture = (what: string) => fileOf(what, 'ảnh.webp', 'image/webp');
const uploads = ({ sent }: Browser) => sent.filter((request) => request.startsWith('PUT /api/blobs/'));

test('[B22] of pictures chosen without a network the last one goes, after the group that it is of', async () => {
  const [an, binh] = [await Browser.signUp(relay, 'An'), await Browser.signUp(relay, 'Bình')];
  const app = await tab(an);
  await until(() => app.connection.state === 'online');
  an.goOffline();
  await until(() => app.connection.state === 'offline');
  const id = app.startGroup('Nhóm', [{ id: binh.me.id, name: 'Bình', avatar: null }]);
  const group = app.open(id);
  await until(() => group.status === 'ready');
  expect(await group.setPicture(picture('một'))).toBeNull();
  const first = group.picture;
  expect(await group.setPicture(picture('hai'))).toBeNull();
  expect(await app.setPicture(picture('tôi'))).toBeNull();
  const [ofGroup, mine] = [group.picture, app.me.avatar];
  expect(new Set([first, ofGroup, mine, null]).size).toBe(4);
  expect(app.rows.find((row) => row.id === id)?.picture).toBe(ofGroup);
  expect(group.members.find(({ me }) => me)?.picture).toBe(mine);
  group.close();
  apps.splice(0).forEach((each) => each.stop());

  const again = await tab(an);
  expect(again.me.avatar).toBe(mine);
  expect(again.rows.find((row) => row.id === id)?.picture).toBe(ofGroup);
  an.goOnline();
  await until(() => again.unsent === 0);
  expect(uploads(an)).toEqual([
    `PUT /api/blobs/${String(ofGroup)}?conversation=${id}`,
    `PUT /api/blobs/${String(mine)}?profile=1`,
  ]);
  expect(again.me.avatar).toBe(mine);
  expect(again.rows.find((row) => row.id === id)?.picture).toBe(ofGroup);

  const theirs = await tab(binh);
  await until(() => theirs.rows.some((row) => row.id === id && row.picture === ofGroup));
  const seen = theirs.open(id);
  await until(() => seen.pictureOf(an.me.id) === mine);
  expect(await again.setPicture(null)).toBeNull();
  await until(() => seen.pictureOf(an.me.id) === null);
  seen.close();
});
