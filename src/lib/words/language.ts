/** The language of the app: the one chosen in the settings (kept on the device), else the first of the browser's that the app has. */
import type { Locale } from '$lib/paraglide/runtime.js';

export const LANGUAGES: readonly { value: Locale; label: string; lang: Locale }[] = [
  { value: 'en', label: 'English', lang: 'en' },
  { value: 'vi', label: 'Tiếng Việt', lang: 'vi' },
];

const KEY = 'language';
const BASE: Locale = 'en';

const isLocale = (tag: unknown): tag is Locale => LANGUAGES.some(({ value }) => value === tag);

/** The same while the page lives: another one begins anew. */
let spoken: Locale | undefined;

export const language = (): Locale => (spoken ??= wanted());

function wanted(): Locale {
  const chosen = localStorage.getItem(KEY);
  if (isLocale(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.split('-')[0]).find(isLocale) ?? BASE;
}

/** Starts the page anew in the other language; drafts are kept on each change. */
export function speak(locale: Locale): void {
  if (locale === language()) return;
  localStorage.setItem(KEY, locale);
  location.reload();
}
