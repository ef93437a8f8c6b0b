/** Everything is drawn on the device: there is nothing a server could draw ahead. */
export const ssr = false;
export const prerender = false;
export const trailingSlash = 'never';
