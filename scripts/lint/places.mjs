/**
 * Who may import whom, as data: each file of the project has a place, and each place says what it may import and why not more.
 * `may` answers with nothing, or with the sentence that the linter shows.
 *
 * The direction is always down, towards src/shared, which knows nothing above it:
 *   shared ← server/<place> ← server/main.ts, server/relay.ts
 *   shared ← lib/local ← lib/{sync,remote,media,calls,search} ← lib/state ← lib/{chat,people,…} ← routes
 */

/** Height of the places of src/lib. A place imports what is as high as itself or lower; what is not listed is a place of the product. */
const HEIGHTS = { local: 1, sync: 2, remote: 2, media: 2, calls: 2, search: 2, words: 2, paraglide: 2, state: 3 };
const PRODUCT_HEIGHT = 4;

/** Foreign APIs that exactly one file may import, so that each can be understood, replaced and tested in one place. */
const ONE_IMPORTER = {
  'uWebSockets.js': 'server/http/uws.ts',
  lucia: 'server/auth/sessions.ts',
  '@lucia-auth/adapter-postgresql': 'server/auth/sessions.ts',
  '@aws-sdk/client-s3': 'server/blobs/s3-store.ts',
  '@aws-sdk/lib-storage': 'server/blobs/s3-store.ts',
  'file-type': 'server/blobs/blob-type.ts',
  postgres: 'server/storage/sql.ts',
  peer: 'server/calls/peer-server-thread.ts',
  'y-websocket': 'src/lib/sync/provider.ts',
  'y-indexeddb': 'src/lib/local/disk-copy.ts',
  photoswipe: 'src/lib/chat/gallery.svelte.ts',
  peerjs: 'src/lib/calls/broker.ts',
  'tus-js-client': 'src/lib/remote/tus.ts',
  '@noble/hashes': 'src/lib/media/names.ts',
  'image-dimensions': 'src/lib/media/picture.ts',
  thumbhash: 'src/lib/media/thumb-hash.ts',
};

/** The files that put the parts together; they import every place, and no place imports them. */
const WIRING = new Set(['server/main.ts', 'server/check.ts', 'server/backup.ts', 'server/relay.ts']);

/** @param {string} path a file's path from the project's root */
const placeOf = (path) => {
  const [top, second, third] = path.split('/');
  if (top === 'server') {
    if (WIRING.has(path)) return { side: 'server', at: 'wiring' };
    return third === undefined ? { side: 'server', at: 'floor' } : { side: 'server', at: 'place', name: second };
  }
  if (top !== 'src') return { side: 'outside' };
  if (second === 'shared') return { side: 'shared' };
  if (second === 'lib' && third === 'ui') return { side: 'client', at: 'ui' };
  if (second === 'lib' && third !== undefined)
    return { side: 'client', at: 'lib', name: third, height: HEIGHTS[third] ?? PRODUCT_HEIGHT };
  return { side: 'client', at: 'routes' };
};

/** Tests, plays, trials, benchmarks and tools may take everything apart. */
export const isExempt = (path) =>
  /\.test\.\w+$/.test(path) || /^(e2e|bench|scripts|server\/trials)\//.test(path) || !path.includes('/');

/**
 * May the file `from` import the file `to` (both from the project's root)?
 * @returns {string | undefined} the sentence why not
 */
export function mayImport(from, to, { typeOnly = false } = {}) {
  const a = placeOf(from);
  const b = placeOf(to);
  if (a.side === 'outside' || b.side === 'outside') return undefined;
  if (a.side === 'shared')
    return b.side === 'shared' ? undefined : 'src/shared is the floor: it imports nothing of ours outside src/shared.';
  if (a.at === 'ui' && b.at !== 'ui')
    return 'src/lib/ui is buttons and dialogs without a domain: it imports nothing of ours; hand words and data in as props.';
  if (b.side === 'shared') return undefined;
  if (a.side !== b.side) return 'The relay and the app never meet except in src/shared.';
  return a.side === 'server' ? withinServer(a, b, to, typeOnly) : withinClient(a, b);
}

function withinServer(a, b, to, typeOnly) {
  if (a.at === 'wiring') return undefined;
  if (b.at === 'wiring') return `${to} wires the places together: none of them imports it.`;
  if (to === 'server/config.ts')
    return typeOnly
      ? undefined
      : 'Only server/main.ts reads the configuration: import its types and take the values as parameters.';
  if (b.at === 'floor' || b.name === 'storage') return undefined;
  if (a.name === b.name) return undefined;
  return `server/${a.name ?? '*.ts'} does not import server/${b.name}: places announce what happened, and relay.ts passes it on.`;
}

function withinClient(a, b) {
  if (b.at === 'routes') return a.at === 'routes' ? undefined : 'Routes are the top: nothing in src/lib imports them.';
  if (a.at === 'routes' || a.name === b.name) return undefined;
  if (b.at === 'ui')
    return a.height >= PRODUCT_HEIGHT
      ? undefined
      : `src/lib/${a.name} shows nothing: only components and routes import src/lib/ui.`;
  if (b.height <= a.height) return undefined;
  return `src/lib/${a.name} lies below src/lib/${b.name}: imports go down, local ← sync, remote, media, calls, search ← state ← components ← routes.`;
}

/**
 * May the file `from` import the package `name`? Types may be used throughout the importer's folder: they bind nobody at run time.
 * @returns {string | undefined} the sentence why not
 */
export function mayImportPackage(from, name, { typeOnly = false } = {}) {
  const owner = Object.hasOwn(ONE_IMPORTER, name) ? ONE_IMPORTER[name] : undefined;
  if (owner === undefined || owner === from || (typeOnly && folder(owner) === folder(from))) return undefined;
  return `${name} has one importer, ${owner}: use what that file offers, or widen it.`;
}

const folder = (path) => path.slice(0, path.lastIndexOf('/'));
