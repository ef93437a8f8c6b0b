/** Who may do what in a conversation. The relay decides with it, the app shows with it. */
import * as v from 'valibot';

export const Role = v.picklist(['owner', 'admin', 'member']);
export type Role = v.InferOutput<typeof Role>;

export const ConversationKind = v.picklist(['direct', 'group']);
export type ConversationKind = v.InferOutput<typeof ConversationKind>;

/** What members who are added see of a group: everything, or what is written from their joining on. */
export const History = v.picklist(['all', 'joined']);
export type History = v.InferOutput<typeof History>;

export const ACTIONS = [
  'write',
  'delete-any',
  'rename',
  'pin',
  'add-member',
  'remove-member',
  'change-role',
  'mention-all',
  'change-history',
  'leave',
  'delete-group',
] as const;
export type Action = (typeof ACTIONS)[number];

const RANK: Record<Role, number> = { member: 0, admin: 1, owner: 2 };

const NEEDS: Record<ConversationKind, Record<Action, Role | 'nobody'>> = {
  direct: {
    write: 'member',
    'delete-any': 'nobody',
    rename: 'nobody',
    pin: 'member',
    'add-member': 'nobody',
    'remove-member': 'nobody',
    'change-role': 'nobody',
    'mention-all': 'nobody',
    'change-history': 'nobody',
    leave: 'nobody',
    'delete-group': 'nobody',
  },
  group: {
    write: 'member',
    'delete-any': 'admin',
    rename: 'admin',
    pin: 'admin',
    'add-member': 'admin',
    'remove-member': 'admin',
    'change-role': 'admin',
    'mention-all': 'admin',
    'change-history': 'admin',
    leave: 'member',
    'delete-group': 'owner',
  },
};

export function may(role: Role, action: Action, kind: ConversationKind): boolean {
  const needed = NEEDS[kind][action];
  return needed !== 'nobody' && RANK[role] >= RANK[needed];
}

/** Nobody acts on a person of their own rank or above, except the owner on admins. */
export const outranks = (actor: Role, other: Role): boolean => RANK[actor] > RANK[other];
