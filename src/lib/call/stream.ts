/** What an element shows or plays while it is on the page: a stream, which no attribute can say. */
import type { Attachment } from 'svelte/attachments';

/** `onblocked`: the browser wants a press before there is sound. */
export const plays =
  (stream: MediaStream | null, onblocked?: () => void): Attachment<HTMLMediaElement> =>
  (element) => {
    element.srcObject = stream;
    if (stream !== null)
      element.play().catch((why: unknown) => {
        if (why instanceof DOMException && why.name === 'NotAllowedError') onblocked?.();
      });
    return () => {
      element.srcObject = null;
    };
  };
