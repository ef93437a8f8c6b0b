/** What the relay gives people for the TURN server, shown to a TURN server. */
import { expect, test } from '@playwright/test';
import { createHmac } from 'node:crypto';
import { findServices } from '../scripts/services.mjs';
import { Actor } from '../server/test-actor.ts';
import type { AnswerOf } from '../src/shared/protocol/api.ts';
import { Coturn } from './fixtures/coturn.ts';
import { RelayProcess } from './fixtures/relay.ts';
import { allocate, type TurnCredentials } from './fixtures/turn-client.ts';

test.skip(findServices().turn === undefined, 'needs the package coturn');

test('[C10] a TURN server takes what the relay gives to somebody who is signed in, and nothing else', async () => {
  const coturn = await Coturn.start();
  if (coturn === null) throw new Error('there is no coturn');
  const relay = await RelayProcess.start({ TURN_URL: coturn.url, TURN_SECRET: coturn.secret });
  try {
    const an = await Actor.signUp(relay.url, 'An');
    const { body } = await an.ask('GET', '/api/calls/ice');
    const { iceServers } = body as unknown as AnswerOf<'iceServers'>;
    const [stun, turn] = iceServers;
    expect(stun?.urls).toEqual([coturn.url.replace('turn:', 'stun:')]);
    expect(turn?.urls).toEqual([coturn.url]);
    const given: TurnCredentials = { username: turn?.username ?? '', credential: turn?.credential ?? '' };
    expect((await allocate(coturn.port, given)).error).toBe(0);

    const signedWith = (secret: string, username: string): TurnCredentials => ({
      username,
      credential: createHmac('sha1', secret).update(username).digest('base64'),
    });
    const past = `${Math.floor(Date.now() / 1000) - 60}:${an.id}`;
    const refused: Record<string, TurnCredentials> = {
      'another password': { ...given, credential: 'x' },
      'a name that holds longer': { ...given, username: `${Math.floor(Date.now() / 1000) + 999_999}:${an.id}` },
      'another secret': signedWith('another', given.username),
      'run out': signedWith(coturn.secret, past),
    };
    for (const [what, credentials] of Object.entries(refused))
      expect((await allocate(coturn.port, credentials)).error, what).toBe(401);

    coturn.pause();
    expect((await allocate(coturn.port, given)).error).toBeNull();
    coturn.resume();
    expect((await allocate(coturn.port, given)).error).toBe(0);
  } finally {
    await relay.remove();
    await coturn.stop();
  }
});
