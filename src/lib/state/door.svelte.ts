/**
 * Who is signed in on this device. A person known here starts at once, with or without a network; whether their session still holds is asked
 * in the background. Usage: `const app = await door.enter()`, null means "show the sign-in page"; after `login` or `signup` enter again.
 */
import type { Me } from '#shared/protocol/api.ts';
import { isLogoutOwed, readSignedIn, writeSignedIn } from '../local/store.ts';
import { type Ask, ask as askRelay } from '../remote/api.ts';
import { type App, startApp } from './app.svelte.ts';
import type { DeviceWorld } from './device.svelte.ts';
import type { DoorView, Refusal } from './views.ts';

export class Door implements DoorView {
  readonly #ask: Ask;
  readonly #world: Partial<DeviceWorld>;
  #app: App | null = null;
  /** Known since this page was loaded, also where nothing can be kept. */
  #me: Me | null = null;

  constructor(world: Partial<DeviceWorld> = {}) {
    this.#ask = world.ask ?? askRelay;
    this.#world = world;
  }

  /** The app of whoever is signed in; null when nobody is. The same app again while the same person is. */
  async enter(): Promise<App | null> {
    const known = this.#me ?? (await this.#known());
    if (known === null) return null;
    this.#me = null;
    const running = this.#app;
    if (running !== null && running.me.id === known.id && !running.signedOut) return running;
    running?.stop();
    const app = await startApp(known, this.#world);
    this.#app = app;
    void app.checkSession();
    return app;
  }

  async signup(input: { email: string; password: string; name: string }): Promise<Refusal | null> {
    const asked = await this.#ask('signup', { body: input });
    return asked.ok ? await this.#welcome(asked.answer.user) : asked.refusal;
  }

  async login(input: { email: string; password: string }): Promise<Refusal | null> {
    const asked = await this.#ask('login', { body: input });
    return asked.ok ? await this.#welcome(asked.answer.user) : asked.refusal;
  }

  async #welcome(me: Me): Promise<null> {
    this.#me = me;
    await writeSignedIn(me);
    return null;
  }

  async #known(): Promise<Me | null> {
    const kept = await readSignedIn();
    if (kept !== null) return kept;
    // Signed out without a network: the relay has yet to hear of it, or the cookie would sign the person in again.
    if (await isLogoutOwed()) {
      if (!(await this.#ask('logout')).ok) return null;
      await writeSignedIn(null);
      return null;
    }
    const asked = await this.#ask('session');
    if (!asked.ok) return null;
    await writeSignedIn(asked.answer.user);
    return asked.answer.user;
  }
}
