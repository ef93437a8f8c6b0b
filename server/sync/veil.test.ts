/** What is hidden is not in what is told, whatever the history was, and everything else is as it is for the others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { type MessageId, newMessageId, newUserId } from '#shared/ids.ts';
import {
  deletedOf,
  messagesOf,
  orderOf,
  PAGE_ROOTS,
  reactionKey,
  reactionsOf,
  type Stamp,
} from '#shared/model/page.ts';
import { contentOf } from './test-stage.ts';
import { bareRemovals, messagesIn, type Veil, veiled, without } from './veil.ts';

const SECRET = 'bí mật';
const EMOJI = '🤫';

/** A page with devices that write into it and a relay that stamps, and somebody who joins in the middle of it. */
class Play {
  readonly relay = new Y.Doc();
  readonly devices: Y.Doc[];
  readonly ids: MessageId[] = [];
  readonly seqs = new Map<MessageId, number>();
  readonly people = [newUserId(), newUserId()];
  /** From when on: null until somebody joins. */
  veil: Veil | null = null;
  readonly joined = new Y.Doc();
  /** All bytes that the one who joined was told. */
  readonly told: Uint8Array[] = [];

  constructor(devices: number) {
    for (const root of PAGE_ROOTS) void (root === 'order' ? this.relay.getArray(root) : this.relay.getMap(root));
    this.devices = Array.from({ length: devices }, () => new Y.Doc());
    this.relay.on('update', (update: Uint8Array) => {
      if (this.veil !== null) this.tell(veiled(update, this.relay, this.veil));
    });
  }

  tell(update: Uint8Array): void {
    this.told.push(update);
    Y.applyUpdate(this.joined, update);
  }

  join(): void {
    const seq = orderOf(this.relay).length;
    this.veil = { seq, hides: (id) => (this.seqs.get(id) ?? Infinity) <= seq };
    this.tell(veiled(Y.encodeStateAsUpdate(this.relay), this.relay, this.veil));
  }

  sync(device: Y.Doc): void {
    Y.applyUpdate(this.relay, Y.encodeStateAsUpdate(device, Y.encodeStateVector(this.relay)));
    // As the relay does: in a transaction of its own, one stamp or several in a row.
    const fresh = [...messagesOf(this.relay).keys()].filter((id) => !this.seqs.has(id as MessageId)) as MessageId[];
    if (fresh.length > 0) {
      const order = orderOf(this.relay);
      const stamps = fresh.map((id, i): Stamp => [order.length + i + 1, id, 1]);
      order.insert(order.length, stamps);
      for (const [seq, id] of stamps) this.seqs.set(id, seq);
    }
    Y.applyUpdate(device, Y.encodeStateAsUpdate(this.relay, Y.encodeStateVector(device)));
  }

  hides(id: string): boolean {
    return this.veil?.hides(id as MessageId) ?? false;
  }

  act(action: number, which: number, what: number): void {
    const device = this.devices[which % this.devices.length]!;
    const by = this.people[which % this.people.length]!;
    const id = this.ids[what % Math.max(1, this.ids.length)];
    // Whoever writes about a hidden message writes something that must not be told.
    const text = (about: MessageId | null) =>
      `${this.veil === null || (about !== null && this.hides(about)) ? SECRET : 'công khai'} ${what}`;
    switch (action % 7) {
      case 0:
      case 1: {
        const fresh = newMessageId();
        this.ids.push(fresh);
        messagesOf(device).set(fresh, { by, at: 1, text: text(null) });
        return action % 7 === 0 ? this.sync(device) : undefined;
      }
      case 2:
        if (id !== undefined && messagesOf(device).has(id))
          messagesOf(device).set(id, { by, at: 1, text: text(id), editedAt: what });
        return;
      case 3:
        if (id === undefined || !messagesOf(device).has(id)) return;
        messagesOf(device).delete(id);
        deletedOf(device).set(id, { by, at: 1 });
        return;
      case 4: {
        if (id === undefined) return;
        // What was deleted before it was ever sent has no number, and was never there.
        const emoji = (this.veil === null && this.seqs.has(id)) || this.hides(id) ? EMOJI : '👍';
        const key = reactionKey({ message: id, user: by, emoji });
        if (reactionsOf(device).has(key)) reactionsOf(device).delete(key);
        else reactionsOf(device).set(key, what);
        return;
      }
      case 5:
        return this.sync(device);
      case 6:
        // A device that comes with a life of its own: another Yjs client.
        this.devices[which % this.devices.length] = new Y.Doc();
        return this.sync(this.devices[which % this.devices.length]!);
    }
  }
}

const steps = fc.array(fc.tuple(fc.nat(100), fc.nat(5), fc.nat(40)), { maxLength: 60 });
const has = (bytes: Uint8Array, word: string): boolean => Buffer.from(bytes).includes(Buffer.from(word));

test('[M7] what is hidden is in no byte that is told, and all else is as it is for the others', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const play = new Play(3);
      for (const step of before) play.act(...step);
      // What the devices have not sent yet was not there when the other joined.
      for (const device of play.devices) play.sync(device);
      play.join();
      for (const step of after) play.act(...step);
      for (const device of play.devices) play.sync(device);

      for (const bytes of play.told) {
        expect(has(bytes, SECRET)).toBe(false);
        expect(has(bytes, EMOJI)).toBe(false);
        for (const [id] of play.seqs) if (play.hides(id)) expect(has(bytes, id), 'a hidden id').toBe(false);
      }
      expect(play.joined.store.pendingStructs).toBeNull();
      expect(play.joined.store.pendingDs).toBeNull();
      expect(Y.decodeStateVector(Y.encodeStateVector(play.joined))).toEqual(
        Y.decodeStateVector(Y.encodeStateVector(play.relay)),
      );
      const whole = contentOf(play.relay, PAGE_ROOTS);
      const visible = Object.fromEntries(
        Object.entries(whole).map(([root, value]) => [
          root,
          root === 'order'
            ? (value as Stamp[]).filter(([seq]) => seq > (play.veil?.seq ?? 0))
            : Object.fromEntries(
                Object.entries(value as object).filter(([key]) => !play.hides(key.split(':')[0] ?? '')),
              ),
        ]),
      );
      expect(contentOf(play.joined, PAGE_ROOTS)).toEqual(visible);

      // Told all of it at once it is the same.
      const late = new Y.Doc();
      Y.applyUpdate(late, veiled(Y.encodeStateAsUpdate(play.relay), play.relay, play.veil!));
      expect(contentOf(late, PAGE_ROOTS)).toEqual(visible);
    }),
    { numRuns: 150 },
  );
});

test('[M7] a copy in which things are hidden takes nothing away from the others', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const play = new Play(3);
      for (const step of before) play.act(...step);
      for (const device of play.devices) play.sync(device);
      play.join();
      for (const step of after) play.act(...step);
      for (const device of play.devices) play.sync(device);

      const mine = newMessageId();
      messagesOf(play.joined).set(mine, { by: play.people[0]!, at: 1, text: 'của tôi' });
      const whole = contentOf(play.relay, PAGE_ROOTS);
      const said = Y.encodeStateAsUpdate(play.joined, Y.encodeStateVector(play.relay));
      const seq = play.veil!.seq;
      const removals = bareRemovals(said, play.relay) ?? [];
      const hidden = removals.filter((one) => (one.id === null ? one.seq <= seq : play.hides(one.id)));
      expect(hidden).toEqual(removals);
      const passed = without(said, hidden);
      expect(bareRemovals(passed, play.relay)).toEqual([]);
      play.veil = null;
      Y.applyUpdate(play.relay, passed);
      expect(messagesIn(passed, play.relay)).toContain(mine);
      expect(messagesOf(play.relay).get(mine)?.text).toBe('của tôi');
      messagesOf(play.relay).delete(mine);
      expect(contentOf(play.relay, PAGE_ROOTS)).toEqual(whole);
    }),
    { numRuns: 100 },
  );
});

test('[M7] who deletes on purpose what is hidden from them is heard: it has a trace', () => {
  const doc = new Y.Doc();
  const [id, by] = [newMessageId(), newUserId()];
  messagesOf(doc).set(id, { by, at: 1, text: 'a' });
  const device = new Y.Doc();
  Y.applyUpdate(device, Y.encodeStateAsUpdate(doc));
  messagesOf(device).delete(id);
  expect(bareRemovals(Y.encodeStateAsUpdate(device, Y.encodeStateVector(doc)), doc)).toMatchObject([{ id }]);
  deletedOf(device).set(id, { by, at: 1 });
  expect(bareRemovals(Y.encodeStateAsUpdate(device, Y.encodeStateVector(doc)), doc)).toEqual([]);
  expect(bareRemovals(Uint8Array.of(9, 9, 9), doc)).toBeNull();
});
