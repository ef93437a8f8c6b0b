/** Rings, and shakes where something can shake, until it is told to stop. Of several tabs one rings; when that is closed, another takes over. */
import { oneTabAfterTheOther } from '$lib/local/one-tab.ts';
import { ring } from './tones.ts';

const LOCK = 'ring';
const SHAKE_MS = [400, 200, 400];
const SHAKE_EVERY_MS = 3_000;

export function startRinging(besidesACall: boolean): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStopped = false;
  void oneTabAfterTheOther(LOCK, async () => {
    // It was answered while another tab rang.
    if (isStopped) return;
    const quiet = [ring(besidesACall), ...(besidesACall ? [] : [shake()])];
    await promise;
    for (const stop of quiet) stop();
  });
  return () => {
    isStopped = true;
    resolve();
  };
}

function shake(): () => void {
  // Browsers shake only for somebody who has touched the page, and complain about everything else.
  const once = (): void => {
    if ('vibrate' in navigator && navigator.userActivation.hasBeenActive) navigator.vibrate(SHAKE_MS);
  };
  once();
  const timer = setInterval(once, SHAKE_EVERY_MS);
  return () => {
    clearInterval(timer);
    if ('vibrate' in navigator && navigator.userActivation.hasBeenActive) navigator.vibrate(0);
  };
}
