/** How many messages wait, where it is seen without looking at the page: the tab's title, its little picture, the app's icon. */
const PLAIN = '/favicon.svg';

export function showUnread(count: number): void {
  document.title = count > 0 ? `(${count > 99 ? '99+' : count}) Ting Ting` : 'Ting Ting';
  document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute('href', count > 0 ? dotted() : PLAIN);
  if ('setAppBadge' in navigator) {
    // Refused where the app is not installed: nothing to do about it.
    void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
  }
}

const dotted = (): string =>
  `data:image/svg+xml,${encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="#008277" d="M32 5c15.500 0 27 10.300 27 24S47.500 53 32 53c-2.600 0-5.100-.3-7.500-.8-3.300 2.900-8.100 5.300-13.500 5.800-1 .1-1.600-1-1-1.800 1.900-2.500 3-5.300 3.300-8C8.200 43.700 5 36.800 5 29 5 15.300 16.500 5 32 5Z"/><circle cx="49" cy="15" r="15" fill="#fff"/><circle cx="49" cy="15" r="12" fill="#d1342b"/></svg>',
  )}`;
