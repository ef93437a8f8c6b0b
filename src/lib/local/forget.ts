/** Forgetting: a person who signs out, or a conversation that is no longer theirs. Everything of theirs here has a name that begins with them. */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import { storeName } from './store.ts';

/** How long a database that another tab holds open may delay the sign-out; the browser deletes it when that tab lets go. */
const DELETE_AT_MOST_MS = 3_000;

/** Deletes all databases, caches and local copies of this person. `documents` are names known to the app, for browsers that cannot list databases. */
export async function forgetPerson(person: UserId, documents: readonly string[]): Promise<void> {
  const scope = storeName(person);
  const listed = await databaseNames();
  const known = listed ?? [scope, ...documents.map((name) => `${scope}:${name}`)];
  forgetLocalCopies(scope);
  await Promise.all([
    ...known.filter((name) => name === scope || name.startsWith(`${scope}:`)).map(deleteDatabase),
    forgetCaches(scope),
  ]);
}

/** Deletes the documents of one conversation: its root and whichever pages are here (`pages`: how many there may be, for browsers that cannot list databases). */
export async function forgetConversation(scope: string, conversation: ConversationId, pages: number): Promise<void> {
  const root = `${scope}:${conversationDoc(conversation)}`;
  const listed = (await databaseNames())?.filter((name) => name === root || name.startsWith(`${root}:`));
  const guessed = [root, ...Array.from({ length: pages }, (_, page) => `${root}:${String(page)}`)];
  await Promise.all((listed ?? guessed).map(deleteDatabase));
}

async function databaseNames(): Promise<string[] | null> {
  try {
    return (await indexedDB.databases()).flatMap(({ name }) => (name === undefined ? [] : [name]));
  } catch {
    return null;
  }
}

/** Resolves when it is gone, when it cannot be deleted, or when another tab holds on to it for too long. */
function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, DELETE_AT_MOST_MS);
    try {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = request.onerror = () => resolve();
    } catch {
      resolve();
    }
  });
}

async function forgetCaches(scope: string): Promise<void> {
  if (typeof caches === 'undefined') return;
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(scope)).map((name) => caches.delete(name)));
}

function forgetLocalCopies(scope: string): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(`${scope}:`)) localStorage.removeItem(key);
  } catch {
    // No localStorage, nothing in it.
  }
}
