/** The credentials as coturn reads them; e2e/turn.spec.ts shows them to one. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { newUserId } from '#shared/ids.ts';
import { startRelay } from '../relay.ts';
import { testDatabase } from '../storage/test-database.ts';
import { Actor, testConfig } from '../test-actor.ts';
import { iceServersFor } from './ice.ts';

const person = newUserId();
const NOW = 1_800_000_000_000;

test('[C10] nothing set, nothing offered', () => {
  expect(iceServersFor({ urls: [], secret: null }, person, NOW).iceServers).toEqual([]);
});

test('[C10] a TURN server comes with a name that says until when it holds, and its HMAC', () => {
  const urls = ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:5349'];
  const { iceServers, ttlSeconds } = iceServersFor({ urls, secret: 'bí mật' }, person, NOW);
  const [stun, turn, ...more] = iceServers;
  expect(more).toEqual([]);
  expect(stun).toEqual({ urls: ['stun:turn.example.org:3478'] });
  expect(turn).toMatchObject({ urls, username: `${NOW / 1000 + ttlSeconds}:${person}` });
  expect(turn?.credential).toBe(
    createHmac('sha1', 'bí mật')
      .update(turn?.username ?? '')
      .digest('base64'),
  );
  expect(ttlSeconds).toBeLessThanOrEqual(12 * 60 * 60);
});

test('[C10] a STUN server needs no credentials', () => {
  const urls = ['stun:stun.example.org'];
  expect(iceServersFor({ urls, secret: null }, person, NOW).iceServers).toEqual([{ urls }]);
});

test('[C10] they are for people who are signed in, and are kept nowhere', async () => {
  const database = await testDatabase();
  const turn = { urls: ['turn:127.0.0.1:3478'], secret: 'secret' };
  const relay = await startRelay(testConfig(database.url, { turn }));
  try {
    expect((await fetch(`${relay.url}/api/calls/ice`)).status).toBe(401);
    const an = await Actor.signUp(relay.url, 'An');
    const { status, body, headers } = await an.ask('GET', '/api/calls/ice');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(JSON.stringify(body)).toContain(`:${an.id}`);
    expect(JSON.stringify(body)).not.toContain('"secret"');
  } finally {
    await relay.stop();
    await database.stop();
  }
});
