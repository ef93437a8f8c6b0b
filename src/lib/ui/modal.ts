/**
 * Opens a dialog above everything; what is returned closes it, and gives the focus back to what had it. The browser does so by itself only while the
 * dialog is still in the page, which it is not any more when its component has gone.
 */
export function openModal(element: HTMLDialogElement): () => void {
  const before = document.activeElement;
  element.showModal();
  return () => {
    element.close();
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (isLost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  };
}
