/**
 * How to get through firewalls (C10). coturn's shared secret (use-auth-secret): the name says until when it holds and whose it is, the password is
 * its HMAC, so that relay and TURN server need not talk to each other (draft-uberti-behave-turn-rest-00).
 */
import { createHmac } from 'node:crypto';
import type { UserId } from '#shared/ids.ts';
import type { AnswerOf } from '#shared/protocol/api.ts';
import type { TurnConfig } from '../config.ts';

/** Longer than people talk: who is in a call keeps what they began with. */
const TTL_SECONDS = 6 * 60 * 60;

export function iceServersFor({ urls, secret }: TurnConfig, person: UserId, now: number): AnswerOf<'iceServers'> {
  const turn = urls.filter((url) => !url.startsWith('stun:'));
  // A TURN server tells people their own address as well.
  const told = turn
    .filter((url) => url.startsWith('turn:'))
    .map((url) => url.replace(/^turn:/, 'stun:').split('?')[0] ?? '');
  const stun = [...new Set([...urls.filter((url) => url.startsWith('stun:')), ...told])];
  const username = `${Math.floor(now / 1000) + TTL_SECONDS}:${person}`;
  const credential = createHmac('sha1', secret ?? '')
    .update(username)
    .digest('base64');
  return {
    iceServers: [
      ...(stun.length > 0 ? [{ urls: stun }] : []),
      ...(turn.length > 0 ? [{ urls: turn, username, credential }] : []),
    ],
    ttlSeconds: TTL_SECONDS,
  };
}
