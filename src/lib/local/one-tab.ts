/** Work that one tab of the person's does for all of them. Where there are no Web Locks (plain http in a home network), every tab does it: whatever comes here has to be harmless when it is done twice. */

const locksHere = (): LockManager | null =>
  typeof navigator === 'undefined' ? null : ((navigator.locks as LockManager | undefined) ?? null);

/** Does the work unless another tab is at it. */
export async function inOneTab(name: string, work: () => Promise<void>): Promise<void> {
  const locks = locksHere();
  if (!locks) return await work();
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await work();
  });
}

/** Does the work when the other tabs that want to have done theirs. */
export async function oneTabAfterTheOther(name: string, work: () => Promise<void>): Promise<void> {
  const locks = locksHere();
  await (locks ? locks.request(name, work) : work());
}

/** Shows the other tabs that this one is there, until the answer is called or it is closed. */
export function showPresence(name: string): () => void {
  const leaving = Promise.withResolvers<void>();
  void locksHere()?.request(name, () => leaving.promise);
  return leaving.resolve;
}

/** Whether a tab shows that it is there; false where tabs cannot tell. */
export async function isPresent(name: string): Promise<boolean> {
  const now = await locksHere()?.query();
  return now?.held?.some((lock) => lock.name === name) ?? false;
}
