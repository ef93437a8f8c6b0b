/** Where something that floats goes: at a point, inside the window, growing away from the nearest edge. */
export interface Anchor {
  x: number;
  y: number;
  /** The height of what was pressed, so that the menu may open above it instead. 0 for a pointer. */
  height: number;
}

const EDGE = 8;

export function anchorOf(element: Element): Anchor {
  const box = element.getBoundingClientRect();
  return { x: box.left, y: box.bottom + 4, height: box.height + 8 };
}

/** Moves a shown popover to its anchor. The transform origin is the corner it grows from. */
export function placeAt(element: HTMLElement, anchor: Anchor): void {
  const { offsetWidth: width, offsetHeight: height } = element;
  const left =
    anchor.x + width + EDGE > innerWidth ? Math.max(EDGE, Math.min(anchor.x, innerWidth - EDGE) - width) : anchor.x;
  const above = anchor.y + height + EDGE > innerHeight;
  const top = above ? Math.max(EDGE, anchor.y - anchor.height - height) : anchor.y;
  element.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  element.style.top = `${Math.min(top, Math.max(EDGE, innerHeight - height - EDGE))}px`;
  element.style.transformOrigin = `${left < anchor.x ? 'right' : 'left'} ${above ? 'bottom' : 'top'}`;
}
