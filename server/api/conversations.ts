/** Conversations: making them, listing them, what they are called. */
import { may } from '#shared/access.ts';
import { directConversationId } from '#shared/direct-id.ts';
import { isConversationId, newConversationId, type UserId } from '#shared/ids.ts';
import { GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { broughtTo } from '../storage/blobs.ts';
import { insertConversation, type NewConversation, setHistory } from '../storage/conversations.ts';
import { deleteGroup, wasDeleted } from '../storage/deletion.ts';
import { membershipOf } from '../storage/members.ts';
import { existingUsers } from '../storage/users.ts';
import type { Sql } from '../storage/sql.ts';
import { created, done, type Handlers, ok, refuse } from './handler.ts';
import type { Living } from './living.ts';
import { mirrorConversation, writeTitle } from './mirror.ts';

type ConversationRoutes =
  'createConversation' | 'listConversations' | 'getConversation' | 'updateConversation' | 'deleteConversation';

export function conversationHandlers(sql: Sql, living: Living): Pick<Handlers, ConversationRoutes> {
  return {
    async createConversation({ who, body }) {
      const others = [...new Set(body.members)].filter((member) => member !== who.person);
      if (body.kind === 'direct' && others.length > 1) {
        return refuse('invalid-input', { fields: { members: 'A direct conversation has one other person.' } });
      }
      if (others.length >= GROUP_MAX_MEMBERS) {
        return refuse('too-many', { fields: { members: `A group has at most ${GROUP_MAX_MEMBERS} people.` } });
      }
      const known = new Set(await existingUsers(sql, others));
      const unknown = others.filter((member) => !known.has(member));
      if (unknown.length > 0)
        return refuse('invalid-input', { fields: { members: `Nobody here is ${unknown.join(', ')}.` } });

      const wanted = newConversation(who.person, others, body);
      const isNew = await insertConversation(sql, wanted);
      // Sent twice (by an outbox that did not hear the answer), or somebody else's: only its members hear that it exists.
      if (!isNew && (await membershipOf(sql, who.person, wanted.id)) === null)
        return refuse((await wasDeleted(sql, wanted.id)) ? 'conversation-deleted' : 'conflict');
      await mirrorConversation(sql, living.mirror, wanted.id);
      if (isNew) {
        await living.membershipChanged(wanted.id);
        living.changed(wanted.id);
      }
      const conversation = await living.row(who.person, wanted.id);
      if (conversation === null) return refuse('not-a-member');
      return isNew ? created({ conversation }) : ok({ conversation });
    },

    async listConversations({ who }) {
      return ok({ conversations: await living.list(who.person) });
    },

    async getConversation({ who, params }) {
      if (!isConversationId(params.id)) return refuse('not-found');
      const conversation = await living.row(who.person, params.id);
      // Also for one that does not exist: the ids of direct conversations can be computed, and who talks to whom is nobody's business.
      return conversation === null ? refuse('not-a-member') : ok({ conversation });
    },

    async updateConversation({ who, params: { id }, body }) {
      if (!isConversationId(id)) return refuse('not-found');
      const membership = await membershipOf(sql, who.person, id);
      if (membership === null) return refuse('not-a-member');
      const { history, avatar, ...named } = body;
      const { role, kind } = membership;
      if (!may(role, 'rename', kind) || (history !== undefined && !may(role, 'change-history', kind)))
        return refuse('not-allowed');
      if (avatar != null && !(await broughtTo(sql, id, [avatar])).has(avatar))
        return refuse('invalid-input', {
          fields: { avatar: 'Bring the picture first: PUT /api/blobs/…?conversation=….' },
        });
      if (history !== undefined) await setHistory(sql, id, history);
      await writeTitle(living.mirror, id, avatar === undefined ? named : { ...named, avatar: avatar ?? '' });
      await mirrorConversation(sql, living.mirror, id);
      living.changed(id);
      const conversation = await living.row(who.person, id);
      return conversation === null ? refuse('not-a-member') : ok({ conversation });
    },

    async deleteConversation({ who, params: { id } }) {
      if (!isConversationId(id)) return refuse('not-found');
      const membership = await membershipOf(sql, who.person, id);
      if (membership === null) return refuse('not-a-member');
      if (!may(membership.role, 'delete-group', membership.kind)) return refuse('not-allowed');
      if (await living.end(id, () => deleteGroup(sql, id, who.person, Date.now()))) return done();
      // Deleted, or handed over, a moment before.
      return refuse((await membershipOf(sql, who.person, id)) === null ? 'not-a-member' : 'not-allowed');
    },
  };
}

function newConversation(
  creator: UserId,
  others: UserId[],
  asked: { id?: NewConversation['id'] | undefined; kind: NewConversation['kind']; title?: string | undefined },
): NewConversation {
  const made = { kind: asked.kind, createdBy: creator, createdAt: Date.now() };
  if (asked.kind === 'group') {
    const members = [
      { user: creator, role: 'owner' as const },
      ...others.map((user) => ({ user, role: 'member' as const })),
    ];
    return { ...made, id: asked.id ?? newConversationId(), title: asked.title ?? null, members };
  }
  // A pair has one conversation, and its id follows from the pair: another id that was asked for is passed over. Nobody: notes to oneself.
  const other = others[0] ?? creator;
  const members = [...new Set([creator, other])].map((user) => ({ user, role: 'member' as const }));
  return { ...made, id: directConversationId(creator, other), title: null, members };
}
