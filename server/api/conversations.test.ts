import { afterAll, beforeAll, expect, test } from 'vitest';
import { directConversationId } from '#shared/direct-id.ts';
import { newConversationId, newUserId } from '#shared/ids.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';

let database: TestDatabase;
let relay: Relay;
beforeAll(async () => {
  database = await testDatabase();
  relay = await startRelay(testConfig(database.url));
});
afterAll(async () => {
  await relay?.stop();
  await database?.stop();
});

const people = (...names: string[]) => Promise.all(names.map((name) => Actor.signUp(relay.url, name)));
const role = async (of: Actor, conversation: Parameters<Actor['row']>[0], asSeenBy: Actor) =>
  (await asSeenBy.row(conversation)).members.find((member) => member.id === of.id)?.role;

test('[D3] two people have one direct conversation, whoever starts it and however often', async () => {
  const [an, binh] = await people('An', 'Bình');
  const first = await an!.ask('POST', '/api/conversations', {
    kind: 'direct',
    members: [binh!.id],
    id: newConversationId(),
  });
  expect(first.status).toBe(201);
  const second = await binh!.ask('POST', '/api/conversations', {
    kind: 'direct',
    members: [an!.id, binh!.id],
    title: 'Not taken',
  });
  expect(second.status).toBe(200);
  expect(second.body['conversation']).toMatchObject({
    id: directConversationId(an!.id, binh!.id),
    kind: 'direct',
    title: null,
  });
  expect(first.body['conversation']!['id']).toEqual(second.body['conversation']!['id']);
  const notes = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [] });
  expect(notes.body['conversation']).toMatchObject({
    id: directConversationId(an!.id, an!.id),
    members: [{ id: an!.id }],
  });
});

test('[H6] the same id again is the same conversation, and somebody else’s id is a conflict', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const asked = { kind: 'group', id: newConversationId(), title: 'Gia đình', members: [binh!.id] };
  const [one, two] = await Promise.all([
    an!.ask('POST', '/api/conversations', asked),
    an!.ask('POST', '/api/conversations', asked),
  ]);
  expect([one.status, two.status].sort()).toEqual([200, 201]);
  expect(one.body).toEqual(two.body);
  expect(one.body['conversation']).toMatchObject({
    id: asked.id,
    title: 'Gia đình',
    kind: 'group',
    lastSeq: 0,
    unread: 0,
    last: null,
  });
  expect(await chi!.ask('POST', '/api/conversations', asked)).toMatchObject({
    status: 409,
    body: { code: 'conflict' },
  });
});

test('[H1] somebody who is not here cannot be in a conversation', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const stranger = newUserId();
  const answer = await an!.ask('POST', '/api/conversations', { kind: 'group', members: [binh!.id, stranger] });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  expect(String(answer.body['fields']!['members'])).toContain(stranger);
  const three = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id, chi!.id] });
  expect(three).toMatchObject({ status: 400, body: { fields: { members: expect.any(String) } } });
});

test('[A15] [A18] who is not a member neither reads nor writes, and does not hear whether it exists', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const { body } = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const id = String(body['conversation']!['id']);
  await an!.post(id as never, 'giữa hai người');
  const unused = directConversationId(binh!.id, chi!.id);
  for (const conversation of [id, newConversationId(), directConversationId(an!.id, an!.id), unused]) {
    const path = `/api/conversations/${conversation}`;
    const answers = await Promise.all([
      chi!.ask('GET', path),
      chi!.ask('PATCH', path, { title: 'mine' }),
      chi!.ask('GET', `${path}/messages`),
      chi!.ask('POST', `${path}/messages`, { text: 'hello' }),
      chi!.ask('PUT', `${path}/read`, { seq: 1 }),
      chi!.ask('PUT', `${path}/members/${chi!.id}`, { role: 'admin' }),
      chi!.ask('DELETE', `${path}/members/${an!.id}`),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
  }
  expect((await chi!.ask('GET', '/api/search?q=hai')).body).toEqual({ messages: [] });
  expect((await chi!.ask('GET', '/api/conversations')).body).toEqual({ conversations: [] });
});

test('[A16] administrators add and remove members, nobody of their own rank or above', async () => {
  const [an, binh, chi, dung] = await people('An', 'Bình', 'Chi', 'Dũng');
  const group = await an!.group('Lớp', binh!, chi!);
  const put = (by: Actor, whom: Actor, as: string) =>
    by.ask('PUT', `/api/conversations/${group}/members/${whom.id}`, { role: as });
  const remove = (by: Actor, whom: Actor) => by.ask('DELETE', `/api/conversations/${group}/members/${whom.id}`);

  expect(await put(chi!, dung!, 'member')).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
  expect((await put(chi!, chi!, 'admin')).status).toBe(403);
  expect((await put(an!, binh!, 'admin')).status).toBe(200);
  expect((await put(binh!, dung!, 'member')).status).toBe(200);
  expect((await put(binh!, chi!, 'admin')).status).toBe(200);
  expect((await put(binh!, chi!, 'member')).status).toBe(403);
  expect((await remove(binh!, chi!)).status).toBe(403);
  expect((await remove(binh!, an!)).status).toBe(403);
  expect((await put(binh!, binh!, 'owner')).status).toBe(403);
  expect((await remove(binh!, dung!)).status).toBe(204);
  expect((await dung!.ask('GET', `/api/conversations/${group}`)).status).toBe(403);
  expect((await put(an!, chi!, 'member')).status).toBe(200);
  expect(await role(chi!, group, an!)).toBe('member');
});

test('[A16] a group keeps its owner: leaving comes after handing over', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Đội', binh!);
  const leave = (who: Actor) => who.ask('DELETE', `/api/conversations/${group}/members/${who.id}`);
  expect(await leave(an!)).toMatchObject({ status: 409, body: { code: 'last-owner' } });
  expect((await an!.ask('PUT', `/api/conversations/${group}/members/${an!.id}`, { role: 'member' })).status).toBe(409);
  expect((await an!.ask('PUT', `/api/conversations/${group}/members/${binh!.id}`, { role: 'owner' })).status).toBe(200);
  expect(await role(an!, group, binh!)).toBe('admin');
  expect((await leave(an!)).status).toBe(204);
  expect(await role(binh!, group, binh!)).toBe('owner');
  expect((await leave(binh!)).status).toBe(204);
});

test('[A16] two hand-overs at the same moment leave one owner', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const group = await an!.group('Hội', binh!, chi!);
  await Promise.all(
    [binh!, chi!].map((to) => an!.ask('PUT', `/api/conversations/${group}/members/${to.id}`, { role: 'owner' })),
  );
  const owners = (await an!.row(group)).members.filter((member) => member.role === 'owner');
  expect(owners).toHaveLength(1);
});

test('nobody joins, leaves or renames a direct conversation', async () => {
  const [an, binh, chi] = await people('An', 'Bình', 'Chi');
  const made = await an!.ask('POST', '/api/conversations', { kind: 'direct', members: [binh!.id] });
  const path = `/api/conversations/${String(made.body['conversation']!['id'])}`;
  expect((await an!.ask('PATCH', path, { title: 'Us' })).status).toBe(403);
  expect((await an!.ask('PUT', `${path}/members/${chi!.id}`, { role: 'member' })).status).toBe(403);
  expect((await an!.ask('DELETE', `${path}/members/${binh!.id}`)).status).toBe(403);
  expect((await an!.ask('DELETE', `${path}/members/${an!.id}`)).status).toBe(403);
});

test('a new name is seen in the list at once', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  await binh!.ask('PATCH', '/api/me', { name: 'Bình Minh' });
  expect((await an!.row(group)).members.map((member) => member.name)).toContain('Bình Minh');
});

test('messages are posted once, read back newest first, edited and deleted by those who may', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const id = 'm0abcdefgh0123456789abcd';
  expect(await an!.post(group, 'một', { id })).toEqual({ id, seq: 1 });
  expect(await an!.post(group, 'một', { id })).toEqual({ id, seq: 1 });
  const second = await binh!.post(group, 'hai', { replyTo: id });
  await an!.post(group, 'ba');
  const path = `/api/conversations/${group}/messages`;

  expect((await binh!.ask('PATCH', `${path}/${id}`, { text: 'not mine' })).status).toBe(403);
  expect((await an!.ask('PATCH', `${path}/${id}`, { text: 'một!' })).status).toBe(204);
  expect((await binh!.ask('DELETE', `${path}/${id}`)).status).toBe(403);
  expect((await an!.ask('DELETE', `${path}/${second.id}`)).status).toBe(204);
  expect((await an!.ask('PATCH', `${path}/${second.id}`, { text: 'back' })).status).toBe(404);
  expect((await an!.ask('POST', path, { text: '  ' })).body).toMatchObject({
    code: 'invalid-input',
    fields: { text: expect.any(String) },
  });

  const { body } = await binh!.ask('GET', `${path}?limit=2`);
  expect(body).toMatchObject({
    before: 2,
    messages: [
      { seq: 3, text: 'ba' },
      { seq: 2, deleted: true, text: '' },
    ],
  });
  const rest = await binh!.ask('GET', `${path}?limit=2&before=2`);
  expect(rest.body).toMatchObject({
    before: null,
    messages: [{ seq: 1, text: 'một!', by: an!.id, editedAt: expect.any(Number) }],
  });
});

test('search finds without case and diacritics, newest first, only what one may read', async () => {
  const [an, binh] = await people('An', 'Bình');
  const group = await an!.group('Nhóm', binh!);
  const alone = await an!.group('Riêng');
  await an!.post(group, 'Tiếng Việt đẹp');
  await an!.post(alone, 'tiếng việt riêng');
  await an!.post(group, 'TIẾNG VIỆT 100%');
  const texts = async (who: Actor, q: string) => {
    const { body } = await who.ask('GET', `/api/search?q=${encodeURIComponent(q)}`);
    return (body['messages'] as unknown as { text: string }[]).map(({ text }) => text);
  };
  expect(await texts(an!, 'tieng viet')).toEqual(['TIẾNG VIỆT 100%', 'tiếng việt riêng', 'Tiếng Việt đẹp']);
  expect(await texts(binh!, 'VIET dep')).toEqual(['Tiếng Việt đẹp']);
  expect(await texts(binh!, '0%')).toEqual(['TIẾNG VIỆT 100%']);
  expect(await texts(binh!, '%')).toHaveLength(1);
  expect(await texts(binh!, '')).toEqual([]);
});
