/** Keeps the screen on until the answer is called. Browsers let go of it when the page is hidden, so it is asked for again. */
export function stayAwake(): () => void {
  if (!('wakeLock' in navigator)) return () => {};
  const stop = new AbortController();
  let lock: WakeLockSentinel | null = null;
  const ask = async (): Promise<void> => {
    if (document.visibilityState !== 'visible') return;
    // Refused when the battery is low: then the screen goes off as always.
    const asked = await navigator.wakeLock.request('screen').catch(() => null);
    if (stop.signal.aborted) await asked?.release();
    else lock = asked;
  };
  document.addEventListener('visibilitychange', () => void ask(), { signal: stop.signal });
  void ask();
  return () => {
    stop.abort();
    void lock?.release();
  };
}
