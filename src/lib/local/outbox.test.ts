import { beforeEach, expect, test, vi } from 'vitest';
import { newConversationId, newUserId } from '#shared/ids.ts';
import { Kept } from './kept.ts';
import { MemoryStore } from './memory-store.ts';
import { type Declined, Outbox, type Performed } from './outbox.ts';
import type { Store } from './store.ts';
import type { OutboxRequest } from './tables.ts';

const conversation = newConversationId();
const leave: OutboxRequest = { is: 'leave', conversation };
const rename = (name: string): OutboxRequest => ({ is: 'profile', change: { name } });
const remove: OutboxRequest = { is: 'remove-member', conversation, user: newUserId() };
const no = (code: Declined['code']): Performed => ({ ok: false, refusal: { code, fields: {}, detail: '' } });

let store: Store;
beforeEach(() => {
  store = new MemoryStore();
});

/** One tab's outbox, and a relay that answers by script (and yes when the script has ended). */
async function tab(...script: (Performed | Promise<Performed>)[]) {
  const kept = await Kept.read(store, `test${String(Math.random())}`);
  const asked: OutboxRequest[] = [];
  const refused = vi.fn();
  const outbox = new Outbox({
    kept,
    scope: 'test',
    perform: async (request) => {
      asked.push(request);
      return (await script.shift()) ?? { ok: true };
    },
    refused: (_key, request, refusal) => refused(request.is, refusal.code),
    learnt: () => {},
  });
  const settled = () => expect.poll(() => kept.table('outbox').size).toBe(0);
  return { kept, outbox, asked, refused, settled, script };
}

test('[L2] requests run in the order they were made, each once', async () => {
  const { outbox, asked, settled } = await tab();
  for (const name of ['một', 'hai', 'ba']) outbox.add(rename(name));
  await settled();
  await outbox.run();
  expect(asked).toEqual(['một', 'hai', 'ba'].map(rename));
});

test('[L2] a request without an answer stays, with those behind it, and is asked again', async () => {
  const away = Array.from({ length: 20 }, (_, at) => no(at % 2 === 0 ? 'offline' : 'not-ready'));
  const { outbox, asked, kept, settled, script } = await tab(...away);
  outbox.add(rename('một'));
  outbox.add(rename('hai'));
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  await outbox.run();
  expect(new Set(asked.map((request) => JSON.stringify(request)))).toEqual(new Set([JSON.stringify(rename('một'))]));
  expect(kept.table('outbox').size).toBe(2);
  script.length = 0;
  await vi.waitFor(() => outbox.run());
  await settled();
  expect(asked.slice(-2)).toEqual([rename('một'), rename('hai')]);
});

test('[L2] what another tab had answered a moment ago is not repeated', async () => {
  const other = await Kept.read(store, 'elsewhere');
  const key = other.append('outbox', rename('một'));
  const { outbox, asked } = await tab();
  await store.remove('outbox', key);
  await outbox.run();
  expect(asked).toEqual([]);
});

test('[L2] requests are there after a restart', async () => {
  const before = await tab(no('offline'));
  before.outbox.add(rename('một'));
  await expect.poll(() => before.asked).toHaveLength(1);
  before.outbox.stop();
  const after = await tab();
  await after.outbox.run();
  expect(after.asked).toEqual([rename('một')]);
  await after.settled();
});

test('[L3] a refused request leaves and is told, and those behind it go on', async () => {
  const { outbox, asked, refused, settled } = await tab(no('not-allowed'));
  outbox.add(remove);
  outbox.add(rename('hai'));
  await settled();
  expect(asked).toEqual([remove, rename('hai')]);
  expect(refused.mock.calls).toEqual([['remove-member', 'not-allowed']]);
});

test('leaving what is gone already is done', async () => {
  const { outbox, refused, settled } = await tab(no('not-found'));
  outbox.add(leave);
  await settled();
  expect(refused).not.toHaveBeenCalled();
});

test('a session that ended keeps the requests for the next one', async () => {
  const { outbox, asked, kept, refused } = await tab(no('signed-out'));
  outbox.add(leave);
  await expect.poll(() => asked).toHaveLength(1);
  outbox.stop();
  expect(kept.table('outbox').size).toBe(1);
  expect(refused).not.toHaveBeenCalled();
});
