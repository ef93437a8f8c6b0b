/**
 * Every text of the app, as functions that the catalogues in messages/ are compiled to. A language is a module of its own, loaded before
 * anything is drawn: nobody waits for words they do not read. The service worker keeps all of them, so that the language can be changed
 * without a network.
 */
import type { m as Catalogue } from '$lib/paraglide/messages.js';
import type { Locale } from '$lib/paraglide/runtime.js';
import { language } from './language.ts';

type Words = typeof Catalogue;
/** What a language must have, text for text: one that lacks some does not compile. */
type Spoken = Record<keyof Words, (inputs: never) => string>;

const MODULES: Record<Locale, () => Promise<Spoken>> = {
  en: () => import('$lib/paraglide/messages/en.js'),
  vi: () => import('$lib/paraglide/messages/vi.js'),
};

/** Set by `loadWords`. Nothing may say a word while a module is being evaluated. */
export let m: Words;

export async function loadWords(): Promise<void> {
  m = (await MODULES[language()]()) as unknown as Words;
}
