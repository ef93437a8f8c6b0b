/**
 * How fast requests may come (rule H11): a person's whatever device they come from, a stranger's by their address. Far beyond what the app, a bot or a
 * household behind one address needs, and far below what would keep others waiting.
 */
import type { UserId } from '#shared/ids.ts';
import { RateLimit } from '../rate-limit.ts';

export interface RequestPace {
  /** Seconds to wait, or 0. */
  request(person: UserId | null, address: string): number;
  /** Seconds until this person may open one more socket, or 0. */
  socket(person: UserId): number;
}

export function createRequestPace(now: () => number = Date.now): RequestPace {
  const people = new RateLimit({ burst: 1_000, secondsPerToken: 0.02 }, now);
  const strangers = new RateLimit({ burst: 2_000, secondsPerToken: 0.05 }, now);
  const sockets = new RateLimit({ burst: 1_000, secondsPerToken: 0.1 }, now);
  return {
    request: (person, address) => (person === null ? strangers.take(address) : people.take(person)),
    socket: (person) => sockets.take(person),
  };
}
