/** Who asks, and whether they may go on: the same for every route, whether it speaks JSON or bytes. */
import type { UserId } from '#shared/ids.ts';
import type { Answer, Refusal, Request, Who } from '../exchange.ts';

export interface Doorkeeping {
  /** Who a request comes from, by its cookie; `cookie` when the session was prolonged and the browser has to hear it. */
  who(request: Request): Promise<(Who<UserId> & { cookie?: string }) | null>;
  /** Seconds this person, or this address, has to wait; 0 when they need not. */
  wait(person: UserId | null, address: string): number;
  refused(refusal: Refusal): Answer;
}

type Visitor = Who<UserId> & { cookie?: string };

/** Somebody with a session who need not wait; or the refusal. */
export async function visitor(
  parts: Doorkeeping,
  request: Request,
): Promise<{ ok: true; who: Visitor | null } | { ok: false; refusal: Refusal }> {
  const who = await parts.who(request);
  const retryAfterSeconds = parts.wait(who?.person ?? null, request.address);
  return retryAfterSeconds > 0 ? { ok: false, refusal: { fault: 'too-fast', retryAfterSeconds } } : { ok: true, who };
}
