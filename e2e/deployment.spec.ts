/**
 * What `docker compose up` promises, tried without Docker: the services of docker-compose.yml as processes, behind their public address.
 * In the order of an installation's life, on one and the same.
 */
import { once } from 'node:events';
import { expect, test, type BrowserContext } from '@playwright/test';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { findServices } from '../scripts/services.mjs';
import { CallerPage } from '../server/calls/test-caller.ts';
import { Actor } from '../server/test-actor.ts';
import { newMessageId, type ConversationId } from '../src/shared/ids.ts';
import { pageDoc } from '../src/shared/model/doc-names.ts';
import { messagesOf, orderOf } from '../src/shared/model/page.ts';
import type { AnswerOf } from '../src/shared/protocol/api.ts';
import { Actor as Visitor } from './fixtures/actor.ts';
import { Deployment } from './fixtures/deployment.ts';
import { RelayProcess } from './fixtures/relay.ts';
import { allocate } from './fixtures/turn-client.ts';

const { missing } = findServices();
test.skip(missing.length > 0, `needs the packages ${missing.join(', ')}`);
test.describe.configure({ mode: 'default' });

let deployment: Deployment;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  deployment = await Deployment.start();
});
test.afterAll(() => deployment?.remove());

const people = (...names: string[]) => Promise.all(names.map((name) => Actor.signUp(deployment.url, name)));

/** The stock client, with the cookie that a browser would send by itself. */
function openDoc(actor: Actor, name: string): { doc: Y.Doc; provider: WebsocketProvider; synced: Promise<void> } {
  const Polyfill = class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { headers: { cookie: actor.cookie, origin: actor.url } });
    }
  };
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(`${actor.url.replace('https', 'wss')}/sync`, name, doc, {
    WebSocketPolyfill: Polyfill as never,
    disableBc: true,
  });
  return { doc, provider, synced: new Promise((resolve) => provider.once('sync', () => resolve())) };
}

test('the health check of the image succeeds, and the app comes with one set of headers', async () => {
  expect(deployment.relayIsHealthy()).toBe(true);
  const page = await fetch(`${deployment.url}/`, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<title>');
  expect(page.headers.get('strict-transport-security')).toBe('max-age=31536000');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
});

test('the session is a cookie that only this host gets back, over TLS', async () => {
  const an = new Actor(deployment.url, 'An');
  const { status, headers } = await an.ask('POST', '/api/auth/signup', {
    email: an.email,
    password: an.password,
    name: an.name,
  });
  expect(status).toBe(201);
  const [value = '', ...attributes] = (headers.get('set-cookie') ?? '').split('; ');
  expect(value).toMatch(/^__Host-/);
  expect(attributes).toEqual(expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']));
  expect(attributes.join()).not.toContain('Domain');
  const session = await an.ask('GET', '/api/auth/session', undefined, { cookie: value });
  expect(session.status).toBe(200);
});

test('[C10] the TURN server takes what the relay gives, and relays to nobody on a private network', async () => {
  const [an] = (await people('An')) as [Actor];
  const { body } = await an.ask('GET', '/api/calls/ice');
  const turn = (body as unknown as AnswerOf<'iceServers'>).iceServers.find(({ username }) => username !== undefined);
  expect(turn?.urls).toEqual([`turn:127.0.0.1:${deployment.turnPort}`]);
  const given = { username: turn?.username ?? '', credential: turn?.credential ?? '' };
  const inside = ['127.0.0.1', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1'];
  const { error, peers } = await allocate(deployment.turnPort, given, [...inside, '8.8.8.8']);
  expect(error).toBe(0);
  expect(peers).toEqual([...inside.map(() => 403), 0]);
  expect((await allocate(deployment.turnPort, { ...given, credential: 'x' })).error).toBe(401);
});

test('calls are signalled through the proxy', async () => {
  const [an, binh] = (await people('An', 'Bình')) as [Actor, Actor];
  const group = await an.group('Nhóm', binh);
  const [anPage, binhPage] = await Promise.all([CallerPage.open(an), CallerPage.open(binh)]);
  const call = anPage.start(group);
  await binhPage.seesAt(call, binh, 'ringing');
  binhPage.accept(call);
  const [here, there] = await Promise.all([anPage.signals(call), binhPage.signals(call)]);
  here.say({ type: 'OFFER', dst: there.peer, payload: 'xin chào' });
  await there.until(({ payload }) => payload === 'xin chào');
  for (const page of [anPage, binhPage]) page.leave(call);
  await binhPage.seesOver(call);
});

test('a message goes from one person to another with the stock client', async () => {
  const [an, binh] = (await people('An', 'Bình')) as [Actor, Actor];
  const page = pageDoc(await an.group('Nhóm', binh), 0);
  const [here, there] = [openDoc(an, page), openDoc(binh, page)];
  try {
    await Promise.all([here.synced, there.synced]);
    const id = newMessageId();
    const came = new Promise<void>((resolve) =>
      orderOf(there.doc).observe(() => orderOf(there.doc).get(0)[1] === id && resolve()),
    );
    messagesOf(here.doc).set(id, { by: an.id, at: Date.now(), text: 'chào Bình' });
    await came;
    expect(messagesOf(there.doc).get(id)?.text).toBe('chào Bình');
  } finally {
    here.provider.destroy();
    there.provider.destroy();
  }
});

test('a socket from another site is refused', async () => {
  const [an] = (await people('An')) as [Actor];
  const socket = an.socket('/sync', { origin: 'https://evil.example' });
  socket.on('error', () => undefined);
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(answer.statusCode).toBe(403);
});

test('what is for whoever runs it is not to be had from outside', async () => {
  const inside = `http://127.0.0.1:${deployment.relayPort}`;
  expect(await (await fetch(`${inside}/metrics`)).text()).toContain('tingting_http_requests_total');
  expect(await (await fetch(`${inside}/readyz`)).text()).toBe('ready\n');
  for (const path of [
    '/metrics',
    '/metrics/',
    '//metrics',
    '/METRICS',
    '/%6detrics',
    '/a/../metrics',
    '/metrics?a=b',
    '/readyz',
  ]) {
    const answer = await fetch(deployment.url + path);
    const text = await answer.text();
    expect(text, path).not.toContain('tingting_');
    expect(text, path).not.toContain('ready\n');
  }
  expect((await fetch(`${deployment.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${deployment.url}/readyz`)).status).toBe(404);
});

test('in a browser: an account, and a message that is sent', async ({ browser }) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const an = await signsUpInTheBrowser(context);
  const [binh] = (await people('Bình')) as [Actor];
  await binh.group('Nhà', { id: an.id } as Actor);
  await an.opens('Nhà');
  await an.writes('từ trình duyệt');
  await an.seesState('từ trình duyệt', 'Sent');
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', domain: 'localhost' });
  expect(cookie?.name).toMatch(/^__Host-/);
  await context.close();
});

async function signsUpInTheBrowser(context: BrowserContext): Promise<Visitor> {
  const page = await context.newPage();
  const who = { name: 'An ở nhà', email: 'an.o.nha@example.org', url: deployment.url, cookie: '' };
  await page.goto(`${deployment.url}/signup`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(who.name);
  await page.getByRole('textbox', { name: 'Email' }).fill(who.email);
  await page.getByLabel('Password', { exact: true }).fill('một mật khẩu đủ dài');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('navigation', { name: 'Conversations' })).toBeVisible();
  const session = await context.request.get(`${deployment.url}/api/auth/session`);
  const { user } = (await session.json()) as { user: { id: string } };
  const visitor = new Visitor({ ...who, id: user.id }, context, page);
  await visitor.isOnline();
  return visitor;
}

test('a stop loses nothing that was answered, callers wait for the next start, and everything is still there', async () => {
  const [an, binh] = (await people('An', 'Bình')) as [Actor, Actor];
  const group = await an.group('Qua đêm', binh);
  const tab = await binh.tab();
  const answered: string[] = [];
  const refused = new Set<number>();
  let isMorning = false;
  // One after another without a pause, so that the stop comes in the middle of one.
  const writing = (async () => {
    for (let n = 1; !isMorning; n++) {
      const { status } = await an.ask('POST', `/api/conversations/${group}/messages`, { text: `câu ${n}` });
      if (status === 201) answered.push(`câu ${n}`);
      else refused.add(status);
    }
  })();
  await expect.poll(() => answered.length).toBeGreaterThan(20);
  expect(await deployment.stopRelay()).toBe(0);
  expect(await tab.closed()).toBe(4503);
  expect(deployment.relayIsHealthy()).toBe(false);

  const waiting = binh.row(group);
  await deployment.startRelay();
  expect((await waiting).title).toBe('Qua đêm');
  isMorning = true;
  await writing;
  // The relay's own "try again", or Caddy's for what arrived in the moment in which the door fell shut.
  expect([503, 502]).toEqual(expect.arrayContaining([...refused]));
  const kept = await textsOf(binh, group);
  expect(kept.filter((text) => answered.includes(text))).toEqual(answered);
});

test('a backup of it, taken while it runs, is restored on a laptop with another PostgreSQL', async () => {
  const [an, binh] = (await people('An', 'Bình')) as [Actor, Actor];
  const group = await an.group('Dọn nhà', binh);
  await an.post(group, 'mang theo nhé');
  const laptop = await RelayProcess.restore(deployment.run('node', 'server/backup.ts', 'backup'));
  try {
    const there = Object.assign(new Actor(laptop.url, binh.name), { email: binh.email });
    const phone = await there.onAnotherDevice();
    expect(await textsOf(phone, group)).toEqual(['mang theo nhé']);
    expect(await phone.post(group, 'đến nơi rồi')).toMatchObject({ seq: 2 });
  } finally {
    await laptop.remove();
  }
});

async function textsOf(reader: Actor, group: ConversationId): Promise<string[]> {
  const texts: string[] = [];
  let before = '';
  do {
    const { body } = await reader.ask('GET', `/api/conversations/${group}/messages?limit=100${before}`);
    texts.unshift(...(body['messages'] as unknown as { text: string }[]).map((one) => one.text).reverse());
    before = typeof body['before'] === 'number' ? `&before=${String(body['before'])}` : '';
  } while (before !== '');
  return texts;
}
