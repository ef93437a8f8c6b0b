/**
 * What no service worker keeps yet, and a network that is gone just then: loaded when it is back. Never rejects; for what a page needs once in
 * its life and nobody waits for.
 */
export async function whenOnline<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    const loaded = await load().then(
      (is) => ({ is }),
      () => null,
    );
    if (loaded !== null) return loaded.is;
    await new Promise<void>((resolve) => {
      const over = new AbortController();
      const again = (): void => {
        if (document.visibilityState === 'hidden') return;
        over.abort();
        resolve();
      };
      addEventListener('online', again, { signal: over.signal });
      document.addEventListener('visibilitychange', again, { signal: over.signal });
    });
  }
}
