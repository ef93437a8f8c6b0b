/** Tells whether an element is on screen, or about to be: one observer for all of them. */
import type { Attachment } from 'svelte/attachments';

const NEAR = '200px';
const watched = new WeakMap<Element, (isInSight: boolean) => void>();
let observer: IntersectionObserver | undefined;

export const inSight =
  (tell: (isInSight: boolean) => void): Attachment =>
  (element) => {
    const seen = (observer ??= new IntersectionObserver(
      (changes) => {
        for (const { target, isIntersecting } of changes) watched.get(target)?.(isIntersecting);
      },
      { rootMargin: NEAR },
    ));
    watched.set(element, tell);
    seen.observe(element);
    return () => {
      seen.unobserve(element);
      watched.delete(element);
    };
  };
