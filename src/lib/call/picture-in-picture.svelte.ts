/** A small window of the browser's own that stays above everything else and shows who is talked to. Its element is on no page: what is drawn there may come and go. */
export class PictureInPicture {
  #element: HTMLVideoElement | null = null;
  #stream: MediaStream | null = null;
  #isOn = $state(false);

  static get isHere(): boolean {
    return 'pictureInPictureEnabled' in document && document.pictureInPictureEnabled;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whom it shows; null closes it. */
  show(stream: MediaStream | null): void {
    this.#stream = stream;
    if (!this.#isOn || this.#element === null) return;
    if (stream === null) return this.close();
    this.#element.srcObject = stream;
    void this.#element.play().catch(() => {});
  }

  toggle(): void {
    if (this.#isOn) this.close();
    else void this.#open();
  }

  close(): void {
    this.#isOn = false;
    if (this.#element !== null && document.pictureInPictureElement === this.#element)
      void document.exitPictureInPicture().catch(() => {});
    if (this.#element !== null) this.#element.srcObject = null;
  }

  async #open(): Promise<void> {
    const element = (this.#element ??= this.#make());
    element.srcObject = this.#stream;
    try {
      await element.play();
      await element.requestPictureInPicture();
      this.#isOn = true;
    } catch {
      // The browser does not want to now: the picture stays where it is.
      element.srcObject = null;
    }
  }

  #make(): HTMLVideoElement {
    const element = document.createElement('video');
    element.muted = true;
    element.playsInline = true;
    element.addEventListener('leavepictureinpicture', () => {
      this.#isOn = false;
      element.srcObject = null;
    });
    return element;
  }
}
