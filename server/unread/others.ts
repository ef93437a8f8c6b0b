/** How far everybody else is: what the tick of one's own message says (R5), from the members who are the furthest behind. */
import type { UserId } from '#shared/ids.ts';
import type { Reach } from '#shared/protocol/overview.ts';
import type { MemberMarks } from '../storage/members.ts';

/** `least` holds at least the two who are the furthest behind, in each of the marks: without the person, the other is. */
export function othersThan(person: UserId, least: readonly MemberMarks[]): Reach {
  const others = least.filter((member) => member.person !== person);
  if (others.length === 0) return { delivered: 0, read: 0 };
  return {
    delivered: Math.min(...others.map(({ delivered }) => delivered)),
    read: Math.min(...others.map(({ read }) => read)),
  };
}
