/**
 * Devices that write, edit, delete and react, lose their connection at any moment, have frames delivered late or cut off, and load again; while the
 * relay's database refuses some commits. In the end all hold the same, each message is stamped once, and the index says what the documents say.
 * A failing seed is kept as a case of its own.
 */
import * as Y from 'yjs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#shared/ids.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { messagesOf, PAGE_ROOTS, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { historyPage } from '../storage/messages.ts';
import { buildDocument, loadDocuments } from '../storage/documents.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { contentOf, Device, makeConversation, makePerson, startRelay, until, type Relay } from './test-stage.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.stop());

type Step =
  | {
      do: 'post' | 'edit' | 'remove' | 'react' | 'unreact' | 'connect' | 'cut' | 'reload' | 'deliver' | 'resend';
      device: number;
      pick: number;
    }
  | { do: 'relay restarts' | 'a commit fails' | 'time passes' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'post',
        'post',
        'post',
        'edit',
        'edit',
        'remove',
        'react',
        'unreact',
        'connect',
        'connect',
        'cut',
        'reload',
        'deliver',
        'deliver',
        'resend',
      ),
      device: fc.nat(3),
      pick: fc.nat(20),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('relay restarts', 'a commit fails', 'time passes', 'time passes'),
    }) as fc.Arbitrary<Step>,
  },
);

class Play {
  relay: Relay;
  readonly devices: Device[];
  readonly conversation: ConversationId;
  readonly page: string;
  readonly written = new Set<MessageId>();
  /** Messages that some device has lost before it could send them: a reload of a device whose disk we do not play. */
  constructor(relay: Relay, devices: Device[], conversation: ConversationId) {
    this.relay = relay;
    this.devices = devices;
    this.conversation = conversation;
    this.page = pageDoc(conversation, 0);
  }

  async act(step: Step): Promise<void> {
    switch (step.do) {
      case 'relay restarts':
        await this.relay.stop();
        this.relay = startRelay(db.sql);
        return;
      case 'a commit fails':
        await db.sql`alter table updates rename to updates_away`;
        await new Promise((resolve) => setTimeout(resolve, 8));
        await db.sql`alter table updates_away rename to updates`;
        return;
      case 'time passes':
        return void (await new Promise((resolve) => setTimeout(resolve, 8)));
      default:
        return this.#actOn(step);
    }
  }

  #actOn({ do: what, device: index, pick }: Extract<Step, { device: number }>): void {
    const device = this.devices[index];
    if (device === undefined) return;
    const doc = device.page(this.conversation);
    const all = [...messagesOf(doc).keys()] as MessageId[];
    const any = all[pick % Math.max(1, all.length)];
    const mine = all.filter((id) => messagesOf(doc).get(id)?.by === device.person);
    const own = mine[pick % Math.max(1, mine.length)];
    const key = any === undefined ? null : reactionKey({ message: any, user: device.person, emoji: '👍' });
    switch (what) {
      case 'post':
        return void this.written.add(device.post(this.conversation, `${index} ${pick}`));
      case 'edit':
        return own === undefined ? undefined : device.edit(this.conversation, own, `sửa ${pick}`);
      case 'remove':
        return own === undefined ? undefined : device.remove(this.conversation, own);
      case 'react':
        return key === null ? undefined : void reactionsOf(doc).set(key, pick);
      case 'unreact':
        return key === null ? undefined : reactionsOf(doc).delete(key);
      case 'connect':
        return device.connect(this.relay);
      case 'cut':
        return device.disconnect();
      case 'reload':
        return this.#reload(index, device);
      case 'deliver':
        device.deliverIn(pick);
        return device.deliverOut(pick);
      case 'resend':
        return device.sendOn(this.page, { is: 'update', update: Y.encodeStateAsUpdate(doc) });
    }
  }

  /** The tab is closed and opened again: what was on its disk comes back under a fresh client id. */
  #reload(index: number, device: Device): void {
    device.disconnect();
    const next = new Device(device.person);
    for (const [name, doc] of device.docs) Y.applyUpdate(next.doc(name), Y.encodeStateAsUpdate(doc), next);
    next.manual = device.manual;
    this.devices[index] = next;
  }

  /** Everybody comes back and everything is delivered. */
  async end(): Promise<void> {
    for (const device of this.devices) {
      device.manual = false;
      device.disconnect();
      device.connect(this.relay);
    }
    for (let round = 0; round < 3; round++) for (const device of this.devices) await device.settle(this.page);
    await until('all pages say the same', () => {
      const [first, ...others] = this.devices.map((device) =>
        JSON.stringify(sorted(contentOf(device.page(this.conversation), PAGE_ROOTS))),
      );
      return others.every((other) => other === first);
    });
  }
}

const sorted = (content: Record<string, unknown>): unknown =>
  Object.entries(content).map(([root, value]) => [
    root,
    Array.isArray(value) ? value : Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);

async function play(steps: Step[], manual: boolean[]): Promise<void> {
  const [an, binh, chi] = [await makePerson(db.sql), await makePerson(db.sql), await makePerson(db.sql)];
  const conversation = await makeConversation(db.sql, [
    { person: an, role: 'owner' },
    { person: binh, role: 'member' },
    { person: chi, role: 'member' },
  ]);
  const devices = [new Device(an), new Device(an), new Device(binh), new Device(chi)];
  const play = new Play(startRelay(db.sql), devices, conversation);
  devices.forEach((device, i) => {
    device.manual = manual[i] ?? false;
    device.page(conversation);
    device.doc(conversationDoc(conversation));
    device.connect(play.relay);
  });
  try {
    for (const step of steps) {
      await play.act(step);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await play.end();
    const [device] = play.devices;
    const doc = device?.page(conversation) ?? new Y.Doc();
    expect(
      play.devices.flatMap((d) => d.control).filter((c) => c.is === 'closed' && c.code < 4500),
      'no honest device is refused',
    ).toEqual([]);
    const stamps = device?.stamps(conversation) ?? [];
    expect(
      stamps.map(([seq]) => seq),
      'numbers without a gap',
    ).toEqual(stamps.map((_, i) => i + 1));
    expect(new Set(stamps.map(([, id]) => id)).size, 'each stamped once').toBe(stamps.length);
    const stamped = new Set(stamps.map(([, id]) => id));
    for (const id of messagesOf(doc).keys()) expect(stamped.has(id), 'what is there is stamped').toBe(true);
    for (const id of stamped) expect(play.written.has(id as MessageId)).toBe(true);
    const rows = (await historyPage(db.sql, conversation, { limit: 1_000 })).reverse();
    expect(rows.map((row) => [row.seq, row.id, row.deleted, row.value])).toEqual(
      stamps.map(([seq, id]) => [seq, id, !messagesOf(doc).has(id), messagesOf(doc).get(id) ?? null]),
    );
    await play.relay.stop();
    const stored = (await loadDocuments(db.sql, [play.page]))[0];
    expect(sorted(contentOf(buildDocument(stored ?? { updates: [] }), PAGE_ROOTS))).toEqual(
      sorted(contentOf(doc, PAGE_ROOTS)),
    );
  } finally {
    await play.relay.stop();
  }
}

test('[S11] [S5] [O2] [O6] devices that write, disconnect and come back in any order end with equal documents, each message once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      play,
    ),
    {
      numRuns: Number(process.env['FUZZ_RUNS'] ?? 25),
      seed: Number(process.env['FUZZ_SEED'] ?? 20261122),
      endOnFailure: false,
    },
  );
}, 240_000);
