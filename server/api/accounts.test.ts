import { afterAll, beforeAll, expect, test } from 'vitest';
import { PEOPLE_FOUND_MAX_COUNT } from '#shared/limits.ts';
import { createSessions } from '../auth/sessions.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, ask, testConfig } from '../test-actor.ts';

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

test('an account is made, signed in to, and signed out of', async () => {
  const an = await Actor.signUp(relay.url, '  An Nguyễn ');
  const { body } = await an.ask('GET', '/api/auth/session');
  expect(body['user']).toMatchObject({ id: an.id, name: 'An Nguyễn', email: an.email });

  const out = await an.ask('POST', '/api/auth/logout');
  expect(out.status).toBe(204);
  expect(out.headers.get('set-cookie')).toMatch(/^session=; Max-Age=0/);
  expect(await an.ask('GET', '/api/auth/session')).toMatchObject({ status: 401, body: { code: 'signed-out' } });
});

test('the cookie is strict, for thirty days, and not for scripts', async () => {
  const binh = new Actor(relay.url, 'Bình');
  const { headers } = await binh.ask('POST', '/api/auth/signup', {
    email: binh.email,
    password: binh.password,
    name: 'Bình',
  });
  expect(headers.get('set-cookie')).toMatch(
    /^session=[0-9a-z]{40}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
  );
});

test('[H1] a refusal is a problem that names its fields', async () => {
  const answer = await ask(relay.url, 'POST', '/api/auth/signup', {
    email: 'no address',
    password: 'short',
    name: ' ',
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({ code: 'invalid-input', status: 400 });
  expect(Object.keys(answer.body['fields'] ?? {}).sort()).toEqual(['email', 'name', 'password']);
  expect(answer.body['timestamp']).toBeTypeOf('number');
});

test('an address has one account, however it is written', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const again = await ask(relay.url, 'POST', '/api/auth/signup', {
    email: ` ${an.email.toUpperCase()}`,
    password: 'another one',
    name: 'An',
  });
  expect(again).toMatchObject({ status: 409, body: { code: 'email-taken' } });
});

test('[H2] another origin changes nothing, ours and none at all may', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const rename = (headers: Record<string, string>) => an.ask('PATCH', '/api/me', { name: 'Ann' }, headers);
  for (const origin of ['http://evil.example', 'null', `${relay.url}.evil.example`, 'http://127.0.0.1:1']) {
    expect(await rename({ origin })).toMatchObject({ status: 403, body: { code: 'wrong-origin' } });
  }
  expect((await an.ask('GET', '/api/auth/session', undefined, { origin: 'http://evil.example' })).status).toBe(200);
  expect((await rename({ origin: relay.url })).status).toBe(200);
  expect((await rename({})).status).toBe(200);
});

test('[H3] an unknown address and a wrong password get the same answer', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const wrong = await ask(relay.url, 'POST', '/api/auth/login', { email: an.email, password: 'not it' });
  const unknown = await ask(relay.url, 'POST', '/api/auth/login', { email: 'nobody@example.org', password: 'not it' });
  expect(wrong.status).toBe(401);
  const { timestamp: _one, ...wrongBody } = wrong.body;
  const { timestamp: _other, ...unknownBody } = unknown.body;
  expect(unknownBody).toEqual(wrongBody);
  expect(unknown.status).toBe(wrong.status);
});

test('[H4] the table knows no session by its id', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const id = an.cookie.split('=')[1] ?? '';
  const { body } = await an.ask('GET', '/api/auth/sessions');
  const rows = await database.sql<{ everything: string }[]>`select sessions::text as everything from sessions`;
  expect(rows.length).toBeGreaterThan(0);
  for (const { everything } of rows) expect(everything).not.toContain(id);
  expect(JSON.stringify(body)).not.toContain(id);
});

test('[H5] failing to sign in gets slow, for that account, from that address', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const binh = await Actor.signUp(relay.url, 'Bình');
  const tries = [];
  for (let i = 0; i < 15; i++)
    tries.push(await ask(relay.url, 'POST', '/api/auth/login', { email: an.email, password: 'guess' }));
  expect(tries[0]?.status).toBe(401);
  const last = tries.at(-1);
  expect(last).toMatchObject({ status: 429, body: { code: 'too-fast' } });
  expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
  await expect(binh.onAnotherDevice()).resolves.toBeDefined();
});

test('a person sees their devices and ends one', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const phone = await an.onAnotherDevice(
    'Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Mobile Safari/537.36',
  );
  const { body } = await an.ask('GET', '/api/auth/sessions');
  const sessions = body['sessions'] as unknown as { id: string; device: string; current: boolean }[];
  expect(sessions.map(({ device, current }) => ({ device, current }))).toEqual(
    expect.arrayContaining([
      { device: 'Chrome, Android', current: false },
      { device: 'node', current: true },
    ]),
  );
  const other = sessions.find((session) => !session.current)?.id ?? '';
  const stranger = await Actor.signUp(relay.url, 'Chi');
  expect((await stranger.ask('DELETE', `/api/auth/sessions/${other}`)).status).toBe(404);
  expect((await phone.ask('GET', '/api/auth/session')).status).toBe(200);
  expect((await an.ask('DELETE', `/api/auth/sessions/${other}`)).status).toBe(204);
  expect((await phone.ask('GET', '/api/auth/session')).status).toBe(401);
});

test('[S14] of the sessions with open sockets, those that ran out are known', async () => {
  const sessions = createSessions(database.sql, false);
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  const [first, second] = await Promise.all(
    [an, binh].map(async ({ cookie }) => (await sessions.of(cookie))?.session ?? ''),
  );
  expect(await sessions.livingOf([first!, second!, 'nobody'])).toEqual(new Set([first, second]));
  await database.sql`update sessions set expires_at = now() - interval '1 second' where user_id = ${an.id}`;
  expect(await sessions.livingOf([first!, second!])).toEqual(new Set([second]));
  expect(await sessions.livingOf([])).toEqual(new Set());
});

test('[H7] a new password ends the other sessions, not this one', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const phone = await an.onAnotherDevice();
  expect(await an.ask('POST', '/api/auth/password', { current: 'wrong', next: 'a new password' })).toMatchObject({
    status: 401,
    body: { code: 'wrong-credentials' },
  });
  expect((await phone.ask('GET', '/api/auth/session')).status).toBe(200);
  expect((await an.ask('POST', '/api/auth/password', { current: an.password, next: 'a new password' })).status).toBe(
    204,
  );
  expect((await phone.ask('GET', '/api/auth/session')).status).toBe(401);
  expect((await an.ask('GET', '/api/auth/session')).status).toBe(200);
  expect(
    (await ask(relay.url, 'POST', '/api/auth/login', { email: an.email, password: 'a new password' })).status,
  ).toBe(200);
});

test('[H10] a session that ran out is none, and one that is used goes on', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  await database.sql`update sessions set expires_at = now() + interval '3 days' where user_id = ${an.id}`;
  const prolonged = await an.ask('GET', '/api/auth/session');
  expect(prolonged.headers.get('set-cookie')).toContain(an.cookie);
  const [row] = await database.sql<{ days: number }[]>`
    select extract(day from expires_at - now())::int as days from sessions where user_id = ${an.id}`;
  expect(row?.days).toBeGreaterThanOrEqual(29);
  await database.sql`update sessions set expires_at = now() - interval '1 second' where user_id = ${an.id}`;
  expect((await an.ask('GET', '/api/auth/session')).status).toBe(401);
});

test('people are found by the beginning of a word of their name or of their address, without diacritics', async () => {
  const an = await Actor.signUp(relay.url, 'Trần Đặng Quỳnh');
  const found = async (q: string) => {
    const { body } = await an.ask('GET', `/api/users?q=${encodeURIComponent(q)}`);
    return (body['users'] as unknown as { id: string }[]).some(({ id }) => id === an.id);
  };
  expect(await found('dang qu')).toBe(true);
  expect(await found('QUỲNH')).toBe(true);
  expect(await found(an.email.slice(0, 20))).toBe(true);
  expect(await found('ang')).toBe(false);
  expect(await found('%')).toBe(false);
});

test('a search for people names no more than a screenful or two, also before anything is typed', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  await database.sql`
    insert into users (id, email, name, name_folded, password_hash, created_at)
    select 'u' || md5(n::text), 'crowd' || n || '@example.org', 'Người ' || n, 'nguoi ' || n, '', 0
    from generate_series(1, 120) n`;
  for (const q of ['', 'nguoi']) {
    const { body } = await an.ask('GET', `/api/users?q=${q}`);
    expect(body['users']).toHaveLength(PEOPLE_FOUND_MAX_COUNT);
  }
  await database.sql`delete from users where email like 'crowd%'`;
});

test('a server that takes nobody new says so', async () => {
  const closed = await startRelay(testConfig(database.url, { signup: 'closed' }));
  const answer = await ask(closed.url, 'POST', '/api/auth/signup', {
    email: 'x@example.org',
    password: 'correct horse',
    name: 'X',
  });
  await closed.stop();
  expect(answer).toMatchObject({ status: 403, body: { code: 'signup-closed' } });
});

test('behind https the cookie is bound to the host, and only that origin may write', async () => {
  const secure = await startRelay(testConfig(database.url, { origin: 'https://chat.example.org' }));
  const url = `http://127.0.0.1:${secure.port}`;
  const signUp = (origin: string) =>
    ask(
      url,
      'POST',
      '/api/auth/signup',
      { email: `${Math.random()}@example.org`, password: 'correct horse', name: 'X' },
      { origin },
    );
  const ours = await signUp('https://chat.example.org');
  const byHost = await signUp(url);
  await secure.stop();
  expect(ours.headers.get('set-cookie')).toMatch(/^__Host-session=.*; HttpOnly; Secure; SameSite=Strict$/);
  expect(byHost.status).toBe(403);
});
