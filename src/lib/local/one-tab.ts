/** Work that one tab of the person's does for all of them. */

/**
 * Does the work unless another tab is at it. Where there are no Web Locks (plain http in a home network), every tab does it: whatever comes
 * here has to be harmless when it is done twice.
 */
export async function inOneTab(name: string, work: () => Promise<void>): Promise<void> {
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | null | undefined);
  if (!locks) return await work();
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await work();
  });
}
