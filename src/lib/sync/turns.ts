/** Work in the background, a few at a time. */

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
