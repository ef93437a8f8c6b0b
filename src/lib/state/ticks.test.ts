import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { newUserId } from '#shared/ids.ts';
import type { OverviewMember } from '#shared/protocol/overview.ts';
import { othersReach, tickOf } from './ticks.ts';

const [me, binh, chi] = [newUserId(), newUserId(), newUserId()];
const member = (id: OverviewMember['id'], delivered: number, read: number): OverviewMember => ({
  id,
  name: '',
  role: 'member',
  reach: { delivered, read },
});

test('[R5] all the others count, and nobody but them', () => {
  const members = [member(me, 9, 9), member(binh, 5, 2), member(chi, 4, 3)];
  expect(othersReach({ members, memberCount: 3 }, me)).toEqual({ delivered: 4, read: 2 });
  expect(othersReach({ members: [member(me, 9, 9)], memberCount: 1 }, me)).toBeNull();
  // Kept by a version of the app that did not know of marks.
  expect(othersReach({ members: [{ id: binh, name: '', role: 'member' }], memberCount: 1 }, me)).toEqual({
    delivered: 0,
    read: 0,
  });
});

test('[R4] [R5] in a large group the relay says how far the others are', () => {
  const row = { members: [member(me, 9, 9)], memberCount: 80, others: { delivered: 3, read: 1 } };
  expect(othersReach(row, me)).toEqual({ delivered: 3, read: 1 });
  expect(othersReach({ ...row, memberCount: 1 }, me)).toBeNull();
});

test('[R5] a tick only ever goes on, with the number of the others’ marks', () => {
  expect(tickOf(null, { delivered: 9, read: 9 })).toBe('waiting');
  expect(tickOf(1, null)).toBe('sent');
  const order = ['sent', 'delivered', 'read'];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(60), fc.nat(60), fc.nat(10), (seq, delivered, read, more) => {
      const marks = { delivered: Math.max(delivered, read), read };
      const later = { delivered: marks.delivered + more, read: marks.read + more };
      const [now, then] = [tickOf(seq, marks), tickOf(seq, later)];
      expect(now).toBe(read >= seq ? 'read' : marks.delivered >= seq ? 'delivered' : 'sent');
      expect(order.indexOf(then)).toBeGreaterThanOrEqual(order.indexOf(now));
    }),
  );
});
