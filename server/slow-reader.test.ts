/** Somebody who stops reading, over a real socket with the machine's own buffers in between. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newMessageId } from '#shared/ids.ts';
import { MESSAGE_MAX_CHARS } from '#shared/limits.ts';
import { pageDoc } from '#shared/model/doc-names.ts';
import { messagesOf } from '#shared/model/page.ts';
import { startRelay, type Relay } from './relay.ts';
import { testDatabase, type TestDatabase } from './storage/test-database.ts';
import { Actor, ask, testConfig } from './test-actor.ts';
import { TestDevice } from './test-device.ts';

/** Far more than the relay keeps for a socket and the machine for a connection, at the largest that Linux gives. */
const FLOOD_MAX_BYTES = 40 * 1024 * 1024;
const AT_ONCE = 20;
/** Nothing that could be compressed: what waits would be little. */
const noise = (): string => randomBytes((MESSAGE_MAX_CHARS / 4) * 3).toString('base64');

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never happened: ${what}`);
}

async function sockets(): Promise<number> {
  const text = await (await fetch(`${relay.url}/metrics`)).text();
  return Number(/^tingting_sockets(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]);
}

test('[S16] who reads too slowly is let go, the others do not wait for them, and they have it all when they are back', async () => {
  const [an, binh, chi] = await Promise.all(['An', 'Bình', 'Chi'].map((name) => Actor.signUp(relay.url, name)));
  const group = await an!.group('Nhóm', binh!, chi!);
  const device = (who: Actor) => new TestDevice({ url: who.url, cookie: who.cookie, person: who.id }, group);
  const [writer, reader] = [device(an!), device(binh!)];
  await Promise.all([writer.connect(), reader.connect()]);
  await until('both are there', () => writer.isSettled && reader.isSettled);

  const slow = chi!.socket(`/sync/${pageDoc(group, 0)}`);
  const ended = new Promise((resolve) => slow.once('close', resolve));
  slow.on('error', () => undefined);
  await new Promise((resolve) => slow.once('message', resolve));
  slow.pause();
  const before = await sockets();

  let written = 0;
  while ((await sockets()) === before && written * MESSAGE_MAX_CHARS < FLOOD_MAX_BYTES) {
    const page = writer.pages.at(-1)!;
    page.transact(() => {
      for (let i = 0; i < AT_ONCE; i++)
        messagesOf(page).set(newMessageId(), { by: an!.id, at: Date.now(), text: noise() });
    });
    written += AT_ONCE;
    // The others have it although one does not read.
    await until('the reader has it', () => reader.stamps.length === written);
  }
  expect(await sockets()).toBe(before - 1);

  slow.resume();
  await ended;
  const back = device(chi!);
  await back.connect();
  await until('all of it is there', () => back.isSettled && back.stamps.length === written);
  expect(back.stamps).toEqual(writer.stamps);
  expect((await ask(relay.url, 'GET', '/readyz')).status).toBe(200);
  for (const each of [writer, reader, back]) each.disconnect();
});
