/** How far one's own message got, by what the others have told (R5). Pure. */
import type { UserId } from '#shared/ids.ts';
import type { OverviewRow, Reach } from '#shared/protocol/overview.ts';
import type { MessageState } from './views.ts';

/** How far everybody else in the conversation is; null when there is nobody else. */
export function othersReach(row: Pick<OverviewRow, 'members' | 'memberCount' | 'others'>, me: UserId): Reach | null {
  if (row.others !== undefined) return row.memberCount > 1 ? row.others : null;
  const others = row.members.flatMap(({ id, reach }) => (id === me ? [] : [reach ?? NOWHERE]));
  if (others.length === 0) return null;
  return {
    delivered: Math.min(...others.map(({ delivered }) => delivered)),
    read: Math.min(...others.map(({ read }) => read)),
  };
}

const NOWHERE: Reach = { delivered: 0, read: 0 };

/** Of an own message with this number; `others` is null when it is for nobody else. */
export function tickOf(seq: number | null, others: Reach | null): MessageState {
  if (seq === null) return 'waiting';
  if (others === null || seq > others.delivered) return 'sent';
  return seq > others.read ? 'delivered' : 'read';
}
