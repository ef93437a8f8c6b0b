/**
 * Who is in a group, and as what (rules A16, M1–M5). The decision and the change are one transaction that holds the members' rows, so that two
 * administrators who act at the same moment act one after the other.
 */
import { may, outranks, type Role } from '#shared/access.ts';
import type { Fault } from '#shared/faults.ts';
import { type ConversationId, isConversationId, isUserId, type UserId } from '#shared/ids.ts';
import { GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { addMember, lockMembers, markLeft, membershipOf, setRole } from '../storage/members.ts';
import { markDue } from '../storage/mirrors-due.ts';
import type { Sql, Transaction } from '../storage/sql.ts';
import { existingUsers } from '../storage/users.ts';
import { done, type Handlers, ok, refuse } from './handler.ts';
import type { Living } from './living.ts';
import { mirrorConversation } from './mirror.ts';

/** One change that is allowed; several make up a hand-over. */
type Change = { is: 'add' | 'set'; person: UserId; role: Role } | { is: 'leave'; person: UserId };
type Decision = { ok: true; changes: Change[] } | { ok: false; fault: Fault };

const no = (fault: Fault): Decision => ({ ok: false, fault });

export function memberHandlers(sql: Sql, living: Living): Pick<Handlers, 'putMember' | 'removeMember'> {
  return {
    async putMember({ who, params, body }) {
      if (!isConversationId(params.id) || !isUserId(params.user)) return refuse('not-found');
      const { id, user } = params;
      const [exists] = await existingUsers(sql, [user]);
      const decision = await change(who.person, id, (members, actor) => {
        if (exists === undefined) return no('not-found');
        return decidePut(members, { person: who.person, role: actor }, user, body.role);
      });
      if (!decision.ok) return refuse(decision.fault);
      await spread(id, decision.changes);
      const conversation = await living.row(who.person, id);
      return conversation === null ? refuse('not-a-member') : ok({ conversation });
    },

    async removeMember({ who, params }) {
      if (!isConversationId(params.id) || !isUserId(params.user)) return refuse('not-found');
      const { id, user } = params;
      const decision = await change(who.person, id, (members, actor) =>
        decideRemove(members, { person: who.person, role: actor }, user),
      );
      if (!decision.ok) return refuse(decision.fault);
      await spread(id, decision.changes);
      return done();
    },
  };

  async function change(
    person: UserId,
    conversation: ConversationId,
    decide: (members: Map<UserId, Role>, actor: Role) => Decision,
  ): Promise<Decision> {
    const membership = await membershipOf(sql, person, conversation);
    if (membership === null) return no('not-a-member');
    if (membership.kind === 'direct') return no('not-allowed');
    return sql.begin(async (tx) => {
      const members = await lockMembers(tx, conversation);
      const actor = members.get(person);
      const decision = actor === undefined ? no('not-a-member') : decide(members, actor);
      if (!decision.ok || decision.changes.length === 0) return decision;
      for (const each of decision.changes) await apply(tx, conversation, each);
      await markDue(tx, conversation);
      return decision;
    });
  }

  /** Tells everybody who has to know. The rooms first: from then on nothing by somebody who was removed is accepted. */
  async function spread(conversation: ConversationId, changes: Change[]): Promise<void> {
    if (changes.length === 0) return;
    const taken = living.membershipChanged(conversation);
    for (const { is, person } of changes) {
      if (is === 'leave') living.removed(person, conversation);
      if (is === 'add') living.added(person, conversation);
    }
    await taken;
    await mirrorConversation(sql, living.mirror, conversation);
    living.changed(conversation);
  }
}

interface Actor {
  person: UserId;
  role: Role;
}

function decidePut(members: Map<UserId, Role>, actor: Actor, person: UserId, wanted: Role): Decision {
  const now = members.get(person);
  if (wanted === 'owner') {
    if (actor.role !== 'owner') return no('not-allowed');
    if (now === undefined) return no('not-found');
    if (person === actor.person) return { ok: true, changes: [] };
    return {
      ok: true,
      changes: [
        { is: 'set', person: actor.person, role: 'admin' },
        { is: 'set', person, role: 'owner' },
      ],
    };
  }
  if (!may(actor.role, now === undefined ? 'add-member' : 'change-role', 'group')) return no('not-allowed');
  // Nobody gives a role above their own.
  if (outranks(wanted, actor.role)) return no('not-allowed');
  if (now === undefined) {
    if (members.size >= GROUP_MAX_MEMBERS) return no('too-many');
    return { ok: true, changes: [{ is: 'add', person, role: wanted }] };
  }
  if (now === wanted) return { ok: true, changes: [] };
  // An owner who steps down would leave a group without one.
  if (now === 'owner' && person === actor.person) return no('last-owner');
  if (!outranks(actor.role, now)) return no('not-allowed');
  return { ok: true, changes: [{ is: 'set', person, role: wanted }] };
}

function decideRemove(members: Map<UserId, Role>, actor: Actor, person: UserId): Decision {
  if (person === actor.person) {
    if (actor.role === 'owner' && members.size > 1) return no('last-owner');
    return { ok: true, changes: [{ is: 'leave', person }] };
  }
  if (!may(actor.role, 'remove-member', 'group')) return no('not-allowed');
  const role = members.get(person);
  if (role === undefined) return no('not-found');
  if (!outranks(actor.role, role)) return no('not-allowed');
  return { ok: true, changes: [{ is: 'leave', person }] };
}

async function apply(tx: Transaction, conversation: ConversationId, change: Change): Promise<void> {
  switch (change.is) {
    case 'add':
      return addMember(tx, conversation, change.person, change.role, Date.now());
    case 'set':
      return setRole(tx, conversation, change.person, change.role);
    case 'leave':
      return markLeft(tx, conversation, change.person, Date.now());
  }
}
