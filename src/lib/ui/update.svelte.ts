/**
 * Whether a newer version of the app has arrived and waits. It takes over only when the person agrees; then every open tab starts anew.
 * Drafts survive because they are kept on each change, not on leaving.
 */
import { Workbox } from 'workbox-window';

export class Update {
  #waiting = $state(false);
  #workbox: Workbox | null = null;
  #stop = new AbortController();

  /** True once a new version is ready to take over. */
  get ready(): boolean {
    return this.#waiting;
  }

  /** Registers the service worker: all of the app is fetched then, to be kept. Does nothing where there are none (private windows of some browsers, plain http). */
  async start(script = '/service-worker.js', type: WorkerType = 'classic'): Promise<void> {
    if (!('serviceWorker' in navigator)) return;
    const workbox = new Workbox(script, { scope: '/', type });
    // A page that no worker served is as new as the first worker that takes it over; only an exchange of workers is a new version.
    let served = navigator.serviceWorker.controller !== null;
    workbox.addEventListener('waiting', () => (this.#waiting = true));
    workbox.addEventListener('controlling', (event) => {
      if (served && (event.isUpdate || event.isExternal)) location.reload();
      served = true;
    });
    this.#workbox = workbox;
    try {
      await workbox.register();
    } catch (why) {
      // The app works without; it just cannot start without a network.
      console.warn('no service worker:', why);
    }
    // A tab that stays open for days looks for a new version when somebody comes back to it.
    document.addEventListener('visibilitychange', () => this.#look(), { signal: this.#stop.signal });
  }

  /** Lets the new version take over; the page reloads. */
  accept(): void {
    this.#workbox?.messageSkipWaiting();
  }

  stop(): void {
    this.#stop.abort();
  }

  #look(): void {
    if (document.visibilityState === 'visible' && navigator.onLine) this.#workbox?.update().catch(() => {});
  }
}
