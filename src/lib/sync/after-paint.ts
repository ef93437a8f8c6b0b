/**
 * What the device has is painted before the others are asked: to tell other tabs, and then the relay, of a page of a thousand messages takes as long as to
 * draw it. Where nobody paints (a tab in the background, a test) it is done at once.
 */

/** Long enough for any frame; browsers may hold frames back without saying that the page is hidden. */
const AT_MOST_MS = 200;

/** Answers how to cancel it. */
export function afterPaint(run: () => void): () => void {
  if (typeof requestAnimationFrame !== 'function' || document.visibilityState !== 'visible') {
    run();
    return () => undefined;
  }
  const once = () => {
    cancel();
    run();
  };
  const late = setTimeout(once, AT_MOST_MS);
  let soon: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => (soon = setTimeout(once)));
  const cancel = () => {
    clearTimeout(late);
    clearTimeout(soon);
    cancelAnimationFrame(frame);
  };
  return cancel;
}
