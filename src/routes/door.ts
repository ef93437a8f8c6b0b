/** The one door of this page: who is in, and whether they still may be. Routes ask it before they show anything. */
import type { App } from '$lib/state/app.svelte.ts';
import { Door } from '$lib/state/door.svelte.ts';

export const door = new Door();
let inside: App | null = null;

/** The app of whoever is signed in on this device; null when nobody is. */
export async function enter(): Promise<App | null> {
  inside = await door.enter();
  return inside;
}

/** Somebody is here whose session ended elsewhere: they may sign in again, and keep what they wrote until they do. */
export const endedElsewhere = (): boolean => inside?.signedOut ?? false;
