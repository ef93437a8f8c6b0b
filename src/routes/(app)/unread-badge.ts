/** How many messages wait, and whether they name this person, where it is seen without looking at the page: title, favicon, the app's icon. */
const PLAIN = '/favicon.svg';
const CALM = '#008277';
const CALLS = '#d1342b';

const upTo = (count: number, most: number): string => (count > most ? `${most}+` : String(count));

/** `call`: what the title says while somebody calls. */
export function showUnread(count: number, mentions: number, call: string | null): void {
  const waiting = [...(count > 0 ? [upTo(count, 99)] : []), ...(mentions > 0 ? [`@${upTo(mentions, 99)}`] : [])];
  const name = waiting.length > 0 ? `(${waiting.join(' · ')}) Ting Ting` : 'Ting Ting';
  document.title = call === null ? name : `${call}… ${name}`;
  const picture = count > 0 ? drawn(upTo(count, 9), mentions > 0 ? CALLS : CALM) : PLAIN;
  document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute('href', picture);
  if ('setAppBadge' in navigator) {
    // Refused where the app is not installed: nothing to do about it.
    void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
  }
}

/** The app's own picture, small, with the number on a disc: coral when somebody is named, as in the list. */
const drawn = (words: string, colour: string): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path fill="${CALM}" d="M32 5c15.500 0 27 10.300 27 24S47.500 53 32 53c-2.600 0-5.100-.3-7.500-.8-3.300 2.900-8.100 5.300-13.500 5.800-1 .1-1.600-1-1-1.800 1.900-2.500 3-5.300 3.300-8C8.200 43.700 5 36.800 5 29 5 15.300 16.500 5 32 5Z"/><circle cx="43" cy="21" r="21" fill="#fff"/><circle cx="43" cy="21" r="18" fill="${colour}"/><text x="43" y="30" font-family="system-ui,sans-serif" font-size="${words.length > 1 ? 22 : 28}" font-weight="700" fill="#fff" text-anchor="middle">${words}</text></svg>`,
  )}`;
