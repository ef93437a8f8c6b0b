/** Work that nobody waits for, except a stop: a failure is told, and nothing is cut off in the middle. */
export class Background {
  readonly #failed: (why: unknown) => void;
  #underWay = new Set<Promise<void>>();

  constructor(failed: (why: unknown) => void) {
    this.#failed = failed;
  }

  run(work: () => Promise<unknown>): void {
    const running: Promise<void> = work()
      .then(
        () => undefined,
        (why: unknown) => this.#failed(why),
      )
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  /** What it started meanwhile is waited for too. */
  async stop(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
