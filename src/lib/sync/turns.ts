/** Work in the background: a few at a time, and in one tab of the person's. */

/** Runs `work` over the items in order, at most `width` at once. An item that fails does not stop the others. */
export async function inTurns<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const line = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await work(item);
      } catch (why) {
        console.warn('sync: background work failed:', why);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, line));
}

/** Does the work unless another tab is at it. Where there are no locks (plain http), every tab does it. */
export async function inOneTab(name: string, work: () => Promise<void>): Promise<void> {
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | undefined);
  if (locks === undefined) return await work();
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await work();
  });
}
