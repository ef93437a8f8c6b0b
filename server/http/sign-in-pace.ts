/**
 * How fast somebody may try to get in (rule H5). Only failures cost: whoever signs in gets the token back. The pair of address and account
 * is paced most strictly; an account by itself far more loosely, or anybody could lock its owner out by failing on purpose.
 */
import { RateLimit } from '../rate-limit.ts';

export interface SignInPace {
  /** Seconds to wait, or 0. A household, a class or a test behind one address signs up in a burst. */
  signUp(address: string): number;
  signIn(address: string, account: string): { waitSeconds: number; succeeded(): void };
}

export function createSignInPace(now: () => number = Date.now): SignInPace {
  const signUps = new RateLimit({ burst: 150, secondsPerToken: 2 }, now);
  const byAddress = new RateLimit({ burst: 100, secondsPerToken: 2 }, now);
  const byAccount = new RateLimit({ burst: 60, secondsPerToken: 10 }, now);
  const byPair = new RateLimit({ burst: 10, secondsPerToken: 10 }, now);
  return {
    signUp: (address) => signUps.take(address),
    signIn(address, account) {
      const taken: [RateLimit, string][] = [
        [byPair, `${address} ${account}`],
        [byAddress, address],
        [byAccount, account],
      ];
      let waitSeconds = 0;
      for (const [limit, key] of taken) {
        waitSeconds = limit.take(key);
        if (waitSeconds > 0) break;
      }
      return {
        waitSeconds,
        succeeded: () => taken.forEach(([limit, key]) => limit.giveBack(key)),
      };
    },
  };
}
