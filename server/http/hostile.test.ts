/** Whatever comes in, the relay answers with a clean refusal, or hangs up on what is not HTTP, and goes on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API } from '#shared/protocol/api.ts';
import { BODY_MAX_BYTES, FRAME_MAX_BYTES } from '#shared/limits.ts';
import { startRelay, type Relay } from '../relay.ts';
import { testDatabase, type TestDatabase } from '../storage/test-database.ts';
import { Actor, ask, fateOf, testConfig } from '../test-actor.ts';
import { chosenSeed, seeded } from '../test-random.ts';

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

const isAlive = async () => expect((await ask(relay.url, 'GET', '/healthz')).status).toBe(200);

test('[H8] a body that is too large, or is not JSON, is refused', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const tooLarge = await an.ask('PATCH', '/api/me', JSON.stringify({ about: 'x'.repeat(BODY_MAX_BYTES) }));
  expect(tooLarge).toMatchObject({ status: 413, body: { code: 'too-large' } });
  for (const body of [
    '{',
    'nothing',
    '{"name":"a\\u0000b"}',
    '"',
    '[1,]',
    '\u0000',
    new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
  ]) {
    expect(await an.ask('PATCH', '/api/me', body), String(body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-input' },
    });
  }
  const halves = await an.ask('PATCH', '/api/me', '{"name":"half \\ud83d"}');
  expect(halves).toMatchObject({ status: 200, body: { user: { name: 'half \ufffd' } } });
  await isAlive();
});

test('[H11] who asks without end is told to wait, and others are not', async () => {
  const [an, binh] = [await Actor.signUp(relay.url, 'An'), await Actor.signUp(relay.url, 'Bình')];
  let refused: Awaited<ReturnType<typeof an.ask>> | undefined;
  for (let asked = 0; asked < 5_000 && refused === undefined; asked += 100) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => an.ask('GET', '/api/auth/session')));
    refused = answers.find(({ status }) => status !== 200);
  }
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-fast' } });
  expect((await binh.ask('GET', '/api/auth/session')).status).toBe(200);
  await isAlive();
});

test('[H8] every route takes rubbish of every shape without a mistake of its own', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const group = await an.group('Nhóm');
  const bodies = [
    '',
    'null',
    '[]',
    '0',
    '"x"',
    '{}',
    '{"__proto__":{"a":1}}',
    '{"kind":"group","members":[null]}',
    `{"text":"${'y'.repeat(20_000)}"}`,
    '{"seq":-1}',
    '{"seq":1e99}',
    '{"role":"king"}',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  ];
  const ids = ['%00', '%', '..', "' or 1=1 --", 'c', group, an.id, 'x'.repeat(5_000), '%F0%9F%98%80'];
  let asked = 0;
  for (const { method, path } of Object.values(API)) {
    if (path === '/api/auth/logout' || path === '/api/auth/signup' || path === '/api/auth/login') continue;
    for (let i = 0; i < Math.max(bodies.length, ids.length); i++) {
      const filled = path.replace(/:[a-z]+/g, () => encodeURI(ids[(i + asked++) % ids.length]!).replaceAll('%25', '%'));
      const query = [
        '',
        '?q=%00',
        '?limit=0',
        '?limit=9e9',
        '?before=-1',
        '?q=%F0%28',
        '?limit=2&limit=x',
        `?q=${'q'.repeat(20_000)}`,
      ][i % 8];
      const body = method === 'GET' ? undefined : bodies[i % bodies.length];
      const answer = await an.ask(method, filled + query, body);
      expect(answer.status, `${method} ${filled.slice(0, 80)}${query} ${body?.slice(0, 40)}`).toBeLessThan(500);
      // 431, headers too long, is uWebSockets.js's own answer.
      if (answer.status >= 400 && answer.status !== 431)
        expect(answer.body).toMatchObject({ status: answer.status, code: expect.any(String) });
    }
  }
  await isAlive();
});

test('[H1] an unknown address and a wrong method are told apart', async () => {
  expect(await ask(relay.url, 'GET', '/api/nothing')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  const wrong = await ask(relay.url, 'DELETE', '/api/me');
  expect(wrong).toMatchObject({ status: 405, body: { code: 'wrong-method' } });
  expect(wrong.headers.get('allow')).toBe('PATCH');
  expect((await ask(relay.url, 'POST', '/anything')).status).toBe(405);
  expect((await ask(relay.url, 'GET', '/sync')).status).toBe(404);
  expect((await ask(relay.url, 'HEAD', '/healthz')).status).toBe(200);
});

test('a browser may bring ten kilobytes of other people’s cookies', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const answer = await an.ask('GET', '/api/auth/session', undefined, {
    cookie: `other=${'x'.repeat(10_000)}; ${an.cookie}`,
  });
  expect(answer.status).toBe(200);
});

test('the measurements are for this machine, not for those a proxy speaks for', async () => {
  expect((await ask(relay.url, 'GET', '/metrics')).status).toBe(200);
  expect((await ask(relay.url, 'GET', '/metrics', undefined, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(404);
  expect((await ask(relay.url, 'GET', '/readyz')).status).toBe(200);
});

/** Sends bytes as they are, and gives what comes back until the other side hangs up, or at most its first words. */
function said(bytes: string | Uint8Array, patienceMillis = 300): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(relay.port, '127.0.0.1');
    const done = (heard: string) => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(patienceMillis, () => done(''));
    socket.on('data', (answer) => done(answer.toString('latin1')));
    socket.on('error', () => done(''));
    socket.on('close', () => done(''));
    socket.write(bytes);
  });
}

test('[H8] what is hardly HTTP does no harm', async () => {
  const rubbish: (string | Uint8Array)[] = [
    'GET / HTTP/9.9\r\n\r\n',
    '\r\n\r\n\r\n',
    'GET',
    new Uint8Array(4_096).map((_, i) => i % 256),
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /healthz HTTP/1.1\r\nHost: x\r\n${'X-Many: y\r\n'.repeat(5_000)}\r\n`,
    'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}',
    'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n{}',
    'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"cut": ',
    'GET /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'GET /api/auth/session HTTP/1.1\r\nHost: x\r\nCookie: session=\xff\xfe; ;;=; __proto__=1\r\n\r\n',
    'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
  ];
  for (const bytes of rubbish) {
    const heard = await said(bytes);
    expect(heard).not.toMatch(/^HTTP\/1\.1 500/);
    expect(heard).not.toContain('node:internal');
  }
  await isAlive();
});

test('a request without a body whose head comes in pieces is answered', async () => {
  for (const length of ['Content-Length: 0\r\n', '', 'Transfer-Encoding: chunked\r\n']) {
    const socket = connect(relay.port, '127.0.0.1').setNoDelay(true);
    const answered = once(socket, 'data');
    socket.write('POST /api/auth/logout HTTP/1.1\r\nHo');
    // A piece by itself: the relay has read it when it answers somebody who came later.
    await isAlive();
    socket.write(`st: x\r\n${length}\r\n${length.startsWith('T') ? '0\r\n\r\n' : ''}`);
    expect(String(await answered)).toMatch(/^HTTP\/1\.1 204/);
    socket.destroy();
  }
});

test('[H8] two thousand mutated requests later it still serves', async () => {
  const seed = chosenSeed();
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const lines = [
    'PATCH /api/me HTTP/1.1',
    'Host: 127.0.0.1',
    'Cookie: session=abc',
    'Content-Type: application/json',
    'Content-Length: 15',
    '',
    '{"name":"Anne"}',
  ];
  const answers = new Map<string, number>();
  for (let round = 0; round < 50; round++) {
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const bytes = Buffer.from(lines.join('\r\n'));
        for (let i = below(6) + 1; i > 0; i--) bytes[below(bytes.length)] = below(256);
        const [status = ''] = (await said(bytes.subarray(0, bytes.length - below(3)), 80)).split('\r\n');
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }),
    );
  }
  // 505 is uWebSockets.js's word for a version that is none; 500 would be a mistake of ours.
  expect(
    [...answers.keys()].filter((status) => / 500| undefined/.test(status)),
    `seed ${seed}`,
  ).toEqual([]);
  expect(answers.size, `seed ${seed}`).toBeGreaterThan(3);
  await isAlive();
});

test('[H8] frames that are text, empty, or too large end the socket, and nothing else', async () => {
  const an = await Actor.signUp(relay.url, 'An');
  const other = await an.tab();
  const send = async (data: string | Uint8Array) => {
    const socket = an.socket('/sync');
    await new Promise((resolve) => socket.once('open', resolve));
    const fate = fateOf(socket);
    socket.send(data);
    return fate;
  };
  expect(await send('hello')).toEqual({ closed: 4400 });
  expect(await send(new Uint8Array())).toEqual({ closed: 4400 });
  expect(await send(new Uint8Array([0, 1, 2, 3]))).toEqual({ closed: 4400 });
  expect(await send(new Uint8Array(2 * FRAME_MAX_BYTES + 100))).toMatchObject({ closed: expect.any(Number) });
  expect(other.closedWith).toBeNull();
  other.leave();
  await isAlive();
});
