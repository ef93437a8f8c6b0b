/** What a device knows of its list once it was told a change: rows come whole or in part, marks by themselves, and marks never move back. */
import type { MemberReach, OverviewMember, OverviewRow, Reach, RowChange } from './overview.ts';

/** The row after the change; undefined when it is a part of a row that is not known (which the whole list will bring). */
export function changedRow(known: OverviewRow | undefined, change: RowChange): OverviewRow | undefined {
  const { members, memberCount, others, ...rest } = change;
  if (members !== undefined && memberCount !== undefined) {
    const before = new Map(known?.members.map((member) => [member.id, member.reach]));
    const furthest = members.map((member) => reached(member, before.get(member.id)));
    return { ...rest, members: furthest, memberCount, ...(others && { others: further(others, known?.others) }) };
  }
  if (known === undefined) return undefined;
  return {
    ...rest,
    members: known.members,
    memberCount: known.memberCount,
    ...(known.others && { others: known.others }),
  };
}

/** The row after members have moved on. */
export function markedRow(known: OverviewRow, told: { marks: readonly MemberReach[]; others?: Reach }): OverviewRow {
  const moved = new Map(told.marks.map(({ user, ...reach }) => [user, reach]));
  const members = known.members.map((member) => reached(member, moved.get(member.id)));
  return { ...known, members, ...(told.others && { others: further(told.others, known.others) }) };
}

const reached = (member: OverviewMember, reach: Reach | undefined): OverviewMember =>
  reach === undefined ? member : { ...member, reach: further(reach, member.reach) };

const further = (a: Reach, b: Reach | undefined): Reach =>
  b === undefined ? a : { delivered: Math.max(a.delivered, b.delivered), read: Math.max(a.read, b.read) };
