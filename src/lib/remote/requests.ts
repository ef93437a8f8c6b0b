/** What waits in the outbox, as calls to the relay; but pictures, which have bytes (tell-picture.ts). */
import type { Performed } from '../local/outbox.ts';
import type { OutboxRequest } from '../local/tables.ts';
import type { Ask, Asked } from './api.ts';

type Told = Exclude<OutboxRequest, { is: 'picture' }>;

export async function perform(ask: Ask, request: Told): Promise<Performed> {
  switch (request.is) {
    case 'create': {
      const { conversation: id, kind, title, people } = request;
      const members = people.map((person) => person.id);
      const asked = await ask('createConversation', {
        body: { id, kind, ...(title === null ? {} : { title }), members },
      });
      return asked.ok ? { ok: true, row: asked.answer.conversation } : asked;
    }
    case 'add-member':
      return await ask('putMember', {
        params: { id: request.conversation, user: request.person.id },
        body: { role: 'member' },
      });
    case 'change-role':
      return await ask('putMember', {
        params: { id: request.conversation, user: request.user },
        body: { role: request.role },
      });
    case 'remove-member':
      return await ask('removeMember', { params: { id: request.conversation, user: request.user } });
    case 'leave':
      return await leave(ask, request.conversation);
    case 'change-history':
      return await ask('updateConversation', {
        params: { id: request.conversation },
        body: { history: request.history },
      });
    case 'delete-group':
      return await ask('deleteConversation', { params: { id: request.conversation } });
    case 'profile':
      return await ask('updateMe', { body: request.change });
  }
}

/** To leave is to remove oneself, and who that is the session says. */
async function leave(ask: Ask, conversation: string): Promise<Asked<'removeMember'> | Asked<'session'>> {
  const session = await ask('session');
  return session.ok
    ? await ask('removeMember', { params: { id: conversation, user: session.answer.user.id } })
    : session;
}
