/**
 * Token buckets: each key may do `burst` things at once and then one every `secondsPerToken`. Memory is bounded: a bucket that has filled
 * up again says nothing and is dropped, and beyond KEYS_MAX_COUNT the oldest go first, which forgives an attacker rather than refusing
 * everybody.
 */
const KEYS_MAX_COUNT = 50_000;

export interface Pace {
  burst: number;
  secondsPerToken: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export class RateLimit {
  #buckets = new Map<string, Bucket>();
  readonly #pace: Pace;
  readonly #now: () => number;

  constructor(pace: Pace, now: () => number = Date.now) {
    this.#pace = pace;
    this.#now = now;
  }

  /** Takes a token, or several, and answers 0, or answers how many seconds until there are as many. */
  take(key: string, count = 1): number {
    const { burst, secondsPerToken } = this.#pace;
    const now = this.#now();
    const bucket = this.#buckets.get(key);
    const tokens =
      bucket === undefined ? burst : Math.min(burst, bucket.tokens + (now - bucket.at) / 1000 / secondsPerToken);
    // Set again at the end of the map's order, so that the first keys are those not seen for longest.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= count ? tokens - count : tokens, at: now });
    if (this.#buckets.size > KEYS_MAX_COUNT) this.#forgetOldest();
    return tokens >= count ? 0 : (count - tokens) * secondsPerToken;
  }

  /** For what turned out not to be worth counting: a sign-in that succeeded. */
  giveBack(key: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return;
    bucket.tokens = Math.min(this.#pace.burst, bucket.tokens + 1);
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forgetOldest(): void {
    const full = this.#now() - this.#pace.burst * this.#pace.secondsPerToken * 1000;
    for (const [key, bucket] of this.#buckets) {
      if (this.#buckets.size <= KEYS_MAX_COUNT / 2 && bucket.at > full) break;
      this.#buckets.delete(key);
    }
  }
}
