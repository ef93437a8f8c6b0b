/** Refusals as RFC 9457 problem+json. `code` is the stable word programs switch on; `detail` is for people. */
import { FAULTS } from '#shared/faults.ts';
import type { Problem } from '#shared/protocol/api.ts';
import type { Answer, Refusal } from '../exchange.ts';

export function problem(refusal: Refusal, now: number = Date.now()): Answer {
  const { status, title } = FAULTS[refusal.fault];
  const body: Problem = {
    type: `urn:ting-ting:fault:${refusal.fault}`,
    title,
    status,
    code: refusal.fault,
    detail: refusal.detail ?? title,
    timestamp: now,
    ...(refusal.fields === undefined ? {} : { fields: refusal.fields }),
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(refusal.retryAfterSeconds === undefined
        ? {}
        : { 'retry-after': String(Math.max(1, Math.ceil(refusal.retryAfterSeconds))) }),
    },
    body: JSON.stringify(body),
  };
}
