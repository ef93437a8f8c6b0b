/** A right click or a long press, told with the place of the pointer. Moving or lifting the finger before the time is up cancels it. */
import type { Attachment } from 'svelte/attachments';
import type { Anchor } from './place.ts';

const LONG_PRESS_MS = 420;
/** A finger is never quite still. */
const SLACK_PX = 10;

export const onMenuPress =
  (open: (anchor: Anchor) => void): Attachment<HTMLElement> =>
  (element) => {
    const stop = new AbortController();
    const { signal } = stop;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let start = { x: 0, y: 0 };
    let opened = false;
    const cancel = () => clearTimeout(timer);

    element.addEventListener(
      'contextmenu',
      (event) => {
        // A link and selected text keep the browser's own menu; the keyboard's menu key is handled by the list.
        if (event.button !== 2 && !opened) return;
        if (!opened && ((event.target as Element).closest('a') || String(getSelection()) !== '')) return;
        event.preventDefault();
        cancel();
        if (!opened) open({ x: event.clientX, y: event.clientY, height: 0 });
      },
      { signal },
    );
    element.addEventListener(
      'pointerdown',
      (event) => {
        opened = false;
        if (event.pointerType === 'mouse' || !event.isPrimary) return;
        start = { x: event.clientX, y: event.clientY };
        cancel();
        timer = setTimeout(() => {
          opened = true;
          navigator.vibrate?.(8);
          open({ ...start, height: 0 });
        }, LONG_PRESS_MS);
      },
      { signal },
    );
    element.addEventListener(
      'pointermove',
      (event) => {
        if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > SLACK_PX) cancel();
      },
      { signal },
    );
    for (const end of ['pointerup', 'pointercancel', 'pointerleave'] as const)
      element.addEventListener(end, cancel, { signal });
    // The click that ends a long press must not press what lies under the finger.
    element.addEventListener(
      'click',
      (event) => {
        if (!opened) return;
        opened = false;
        event.preventDefault();
        event.stopPropagation();
      },
      { signal, capture: true },
    );
    return () => {
      cancel();
      stop.abort();
    };
  };
