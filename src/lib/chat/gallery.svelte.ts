/**
 * Pictures and films over the whole window: zoom, swipe, arrows, and back to where one came from. PhotoSwipe moves them; what they are and whether
 * they are here is the app's. Loaded when the first is opened.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- nothing on screen reads what is counted here */
import PhotoSwipe, { type SlideData } from 'photoswipe';
import 'photoswipe/style.css';
import type { BlobsView, HeldBlob } from '$lib/state/views.ts';
import { clock } from '$lib/words/clock.ts';
import { language } from '$lib/words/language.ts';
import { clockTime, dateName } from '$lib/words/times.ts';
import { m } from '$lib/words/words.ts';
import './gallery.css';
import type { GalleryItem } from './pictures.ts';
import { saveAttachment } from './save-attachment.ts';

interface Opening {
  /** Oldest first. */
  items: readonly GalleryItem[];
  /** Which of them. */
  at: number;
  /** What was pressed: it grows from there, and the focus returns there. */
  from: HTMLElement;
  blobs: BlobsView;
  /** The first is reached: answers those before it, or none. */
  onolder?: (first: GalleryItem) => Promise<readonly GalleryItem[]>;
}

type Slide = SlideData & { item: GalleryItem };

/** Where the sender did not say how large it is. */
const UNKNOWN_SIDE = 1024;
/** In the app's own line; what stands upright in the lens goes when it is zoomed. */
const drawing = (paths: string, side = 24): string =>
  `<svg aria-hidden="true" class="pswp__icn gallery-line" viewBox="0 0 ${side} ${side}">${paths}</svg>`;
const DOWNLOAD = drawing('<path d="M12 4v11m-4.500-4.500L12 15l4.500-4.500M5 19.500h14"/>');
const CLOSE = drawing('<path d="M6 6l12 12M18 6 6 18"/>');
const ZOOM = drawing(
  '<path d="M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0m2 9-3.500-3.500M8 11h6"/><path class="pswp__zoom-icn-bar-v" d="M11 8v6"/>',
);
/** PhotoSwipe turns it round for the way forward. */
const ARROW = drawing('<path d="M35 18 23 30l12 12"/>', 60);

const slideOf = (item: GalleryItem): Slide => ({
  item,
  type: item.attachment.kind === 'video' ? 'film' : 'image',
  width: item.attachment.width ?? UNKNOWN_SIDE,
  height: item.attachment.height ?? UNKNOWN_SIDE,
  alt: item.attachment.name,
  thumbCropped: true,
});

export function openGallery({ items, at, from, blobs, onolder }: Opening): void {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let slides = items.map(slideOf);
  const gallery = new PhotoSwipe({
    dataSource: slides,
    index: at,
    loop: false,
    bgOpacity: 1,
    showHideAnimationType: still ? 'none' : 'zoom',
    ...(still ? { zoomAnimationDuration: false } : {}),
    showAnimationDuration: 180,
    hideAnimationDuration: 180,
    // Focus goes back by hand: what was pressed, not what had the focus.
    returnFocus: false,
    closeTitle: m.close(),
    zoomTitle: m.gallery_zoom(),
    arrowPrevTitle: m.gallery_previous(),
    arrowNextTitle: m.gallery_next(),
    indexIndicatorSep: ' / ',
    errorMsg: m.media_broken(),
    ...{ closeSVG: CLOSE, zoomSVG: ZOOM, arrowPrevSVG: ARROW, arrowNextSVG: ARROW },
  });
  const itemOf = (data: SlideData | undefined): GalleryItem | undefined => (data as Slide | undefined)?.item;
  /** What is shown, or soon will be, by the content that shows it. */
  const shown = new Map<object, () => void>();

  gallery.addFilter('thumbEl', (element, data) => (itemOf(data) === items[at] ? from : element) as HTMLElement);
  // It grows out of what is there already.
  const preview = from.parentElement?.querySelector('img')?.src;
  gallery.addFilter('placeholderSrc', (source, { data }) => (itemOf(data) === items[at] && preview) || source);

  gallery.on('contentLoad', (event) => {
    const { content } = event;
    const item = itemOf(content.data);
    if (content.type !== 'film' || item === undefined) return;
    event.preventDefault();
    const film = filmOf(item, blobs);
    // PhotoSwipe only sizes and places it.
    content.element = film.element as HTMLElement as HTMLDivElement;
    content.state = 'loaded';
    shown.set(content, film.end);
  });
  gallery.on('contentLoadImage', (event) => {
    const { content } = event;
    const { element } = content;
    const item = itemOf(content.data);
    if (item === undefined || !(element instanceof HTMLImageElement)) return;
    event.preventDefault();
    content.state = 'loading';
    element.alt = item.attachment.name;
    element.onload = () => content.onLoaded();
    element.onerror = () => content.onError();
    shown.get(content)?.();
    const end = watched(blobs.hold(item.attachment.sha256), ({ url, state }) => {
      if (url !== null) element.src = url;
      else if (state === 'away' || state === 'gone') {
        gallery.options.errorMsg = state === 'away' ? m.media_away() : m.picture_gone();
        content.onError();
        gallery.options.errorMsg = m.media_broken();
      }
    });
    shown.set(content, end);
  });
  gallery.on('contentDeactivate', ({ content }) => {
    if (content.element instanceof HTMLVideoElement) content.element.pause();
  });
  gallery.on('contentDestroy', ({ content }) => {
    shown.get(content)?.();
    shown.delete(content);
  });

  gallery.on('uiRegister', () => {
    gallery.ui?.registerElement({
      name: 'download',
      order: 8,
      isButton: true,
      title: m.download(),
      html: DOWNLOAD,
      onClick: () => {
        const item = itemOf(gallery.currSlide?.data);
        if (item !== undefined) void saveAttachment(item.attachment, blobs);
      },
    });
    gallery.ui?.registerElement({
      name: 'caption',
      order: 9,
      isButton: false,
      appendTo: 'root',
      onInit: (element) => {
        element.setAttribute('role', 'status');
        gallery.on('change', () => {
          const item = itemOf(gallery.currSlide?.data);
          if (item !== undefined) element.replaceChildren(...captionOf(item));
        });
      },
    });
  });
  gallery.on('bindEvents', () => {
    gallery.element?.setAttribute('aria-label', m.gallery());
    gallery.element?.setAttribute('aria-modal', 'true');
  });

  gallery.on('keydown', ({ originalEvent: event }) => {
    const to = { Home: 0, End: slides.length - 1 }[event.key];
    // A film's own controls have these keys, too.
    if (to === undefined || event.target instanceof HTMLVideoElement) return;
    event.preventDefault();
    gallery.goTo(to);
  });

  let isAsking = false;
  const askForOlder = async (): Promise<void> => {
    if (onolder === undefined || isAsking || gallery.currIndex > 0) return;
    isAsking = true;
    const [first] = slides;
    const older = first === undefined ? [] : (await onolder(first.item)).map(slideOf);
    isAsking = older.length === 0;
    if (older.length === 0 || gallery.isDestroying) return;
    slides = [...older, ...slides];
    putInFront(gallery, slides, older.length);
  };
  gallery.on('change', () => void askForOlder());

  gallery.on('destroy', () => {
    for (const end of shown.values()) end();
    shown.clear();
    from.focus({ preventScroll: true });
  });
  gallery.init();
}

/** PhotoSwipe counts from the first: everything that it has moves up, and the place before the one that is shown is filled. */
function putInFront(gallery: PhotoSwipe, slides: Slide[], count: number): void {
  gallery.options.dataSource = slides;
  gallery.currIndex += count;
  gallery.potentialIndex += count;
  const contents = new Set(gallery.contentLoader._cachedItems);
  for (const { slide } of gallery.mainScroll.itemHolders) {
    if (slide === undefined) continue;
    slide.index += count;
    contents.add(slide.content);
  }
  for (const content of contents) content.index += count;
  const [before] = gallery.mainScroll.itemHolders;
  if (before !== undefined) gallery.setContent(before, gallery.currIndex - 1);
  gallery.dispatch('change');
}

/** Tells how the blob stands, at once and whenever that changes; returns what ends it. */
function watched(held: HeldBlob, tell: (held: Pick<HeldBlob, 'url' | 'state'>) => void): () => void {
  const unwatch = $effect.root(() => {
    $effect(() => tell({ url: held.url, state: held.state }));
  });
  return () => {
    unwatch();
    held.release();
  };
}

/** Films come in parts from where they are; those that are kept are played from the device. */
function filmOf({ attachment }: GalleryItem, blobs: BlobsView): { element: HTMLElement; end: () => void } {
  const element = document.createElement('video');
  element.className = 'gallery-film';
  element.controls = true;
  element.playsInline = true;
  element.preload = 'metadata';
  element.ariaLabel = attachment.name;
  const letGo: (() => void)[] = [];
  if (attachment.poster !== null)
    letGo.push(
      watched(blobs.hold(attachment.poster), ({ url }) => {
        if (url !== null) element.poster = url;
      }),
    );
  let isOver = false;
  void blobs.isHere(attachment.sha256).then((isHere) => {
    if (isOver) return;
    if (!isHere) element.src = blobs.address(attachment.sha256);
    else
      letGo.push(
        watched(blobs.hold(attachment.sha256), ({ url }) => {
          if (url !== null) element.src = url;
        }),
      );
  });
  const end = (): void => {
    isOver = true;
    element.pause();
    for (const one of letGo) one();
  };
  return { element, end };
}

function captionOf({ by, at, attachment }: GalleryItem): HTMLElement[] {
  const who = document.createElement('b');
  who.textContent = by;
  const when = document.createElement('span');
  when.textContent = `${dateName(at, clock.now, language())}, ${clockTime(at, language())}`;
  who.title = attachment.name;
  return [who, when];
}
