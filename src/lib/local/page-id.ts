/**
 * A name for this page of the app that stays when it is loaded anew, so that a call finds it again. A tab that was duplicated has its original's name
 * in its storage too; the lock says whose it is.
 */
import { isDeviceId, newDeviceId, type DeviceId } from '#shared/ids.ts';

const KEY = 'page';
/** A page that is being loaded anew lets its lock go within this. */
const LET_GO_AT_MOST_MS = 1_500;

/** What the page was called before it was loaded anew; null for one that is new. */
export function pageIdBefore(): DeviceId | null {
  try {
    const kept = sessionStorage.getItem(KEY);
    return isDeviceId(kept) ? kept : null;
  } catch {
    return null;
  }
}

export async function claimPageId(): Promise<DeviceId> {
  const before = pageIdBefore();
  if (before !== null && (await lock(before))) return before;
  const id = newDeviceId();
  await lock(id);
  try {
    sessionStorage.setItem(KEY, id);
  } catch {
    // Blocked storage: a page that is loaded anew is another one.
  }
  return id;
}

/** Holds the lock until the page is closed. True where there are no locks: two such pages are rarer than one that is loaded anew. */
function lock(id: DeviceId): Promise<boolean> {
  const locks = (navigator.locks as LockManager | undefined) ?? null;
  if (locks === null) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true);
      return new Promise(() => {});
    };
    locks.request(`page:${id}`, { signal: AbortSignal.timeout(LET_GO_AT_MOST_MS) }, held).catch(() => resolve(false));
  });
}
