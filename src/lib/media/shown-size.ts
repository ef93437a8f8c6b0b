/** How large a picture is shown, which way up included, in pixels, as the browser reads it from its beginning: nothing is decoded. Null when it is none. */
export function shownSize(bytes: Blob): Promise<{ width: number; height: number } | null> {
  return new Promise((resolve) => {
    const image = new Image();
    const tell = (size: { width: number; height: number } | null): void => {
      URL.revokeObjectURL(image.src);
      resolve(size);
    };
    image.onload = () => tell({ width: image.naturalWidth, height: image.naturalHeight });
    image.onerror = () => tell(null);
    image.src = URL.createObjectURL(bytes);
  });
}
