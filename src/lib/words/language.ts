/** The language of the app: the browser's, or the one chosen in the settings (kept on the device). */
import { getLocale, locales, setLocale, type Locale } from '$lib/paraglide/runtime.js';

export const LANGUAGES: Record<Locale, string> = { en: 'English', vi: 'Tiếng Việt' };

export const language = (): Locale => getLocale();
export const languages: readonly Locale[] = locales;

/** Starts the page anew in the other language; drafts are kept on each change. */
export const speak = (locale: Locale): void => void setLocale(locale);
