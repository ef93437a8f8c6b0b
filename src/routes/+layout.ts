/** Everything is drawn on the device: there is nothing a server could draw ahead. */
export const ssr = false;
export const prerender = false;
export const trailingSlash = 'never';

/** Beside everything else that has to be there before something can be drawn. */
export { loadWords as load } from '$lib/words/words.ts';
