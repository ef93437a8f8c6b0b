/**
 * What the device has is painted before the others are asked: to tell other tabs, and then the relay, of a page of a thousand messages takes as long as to
 * draw it. Where nobody paints (a tab in the background, a test) it is done at once.
 */

/** A conversation is drawn in several: its log, the messages once the log has a size, and where it stands once they have. */
const FRAMES = 3;
/** Long enough for those on any device; browsers may hold frames back without saying that the page is hidden. */
const AT_MOST_MS = 500;

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
  let left = FRAMES;
  const next = () => {
    left -= 1;
    if (left > 0) frame = requestAnimationFrame(next);
    else soon = setTimeout(once);
  };
  let frame = requestAnimationFrame(next);
  const cancel = () => {
    clearTimeout(late);
    clearTimeout(soon);
    cancelAnimationFrame(frame);
  };
  return cancel;
}
