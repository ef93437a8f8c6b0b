/** What films and sounds say of themselves. A page can play them, a worker cannot. Never throws: what cannot be played is sent without it. */

const AT_MOST_MS = 10_000;
/** The very first frame is often black. */
const STILL_AT_S = 0.5;

export interface Film {
  width?: number;
  height?: number;
  seconds?: number;
  still?: Blob;
}

export async function lookAtFilm(bytes: Blob): Promise<Film> {
  return await playing(document.createElement('video'), bytes, async (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0 || height === 0) return lengthOf(video);
    const still = await stillOf(video).catch(() => null);
    return { ...lengthOf(video), width, height, ...(still && { still }) };
  });
}

export async function lookAtSound(bytes: Blob): Promise<{ seconds?: number }> {
  return await playing(document.createElement('audio'), bytes, (audio) => Promise.resolve(lengthOf(audio)));
}

async function playing<M extends HTMLMediaElement, T extends object>(
  media: M,
  bytes: Blob,
  look: (media: M) => Promise<T>,
): Promise<Partial<T>> {
  const url = URL.createObjectURL(bytes);
  try {
    media.muted = true;
    media.preload = 'auto';
    const ready = happens(media, 'loadeddata');
    media.src = url;
    await ready;
    return await look(media);
  } catch {
    return {};
  } finally {
    media.removeAttribute('src');
    media.load();
    URL.revokeObjectURL(url);
  }
}

/** What was recorded a moment ago does not know its length. */
const lengthOf = ({ duration }: HTMLMediaElement): { seconds?: number } =>
  Number.isFinite(duration) && duration >= 0 ? { seconds: duration } : {};

async function stillOf(video: HTMLVideoElement): Promise<Blob | null> {
  if (video.duration > STILL_AT_S * 2) {
    const sought = happens(video, 'seeked');
    video.currentTime = STILL_AT_S;
    await sought;
  }
  const canvas = Object.assign(document.createElement('canvas'), {
    width: video.videoWidth,
    height: video.videoHeight,
  });
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  // Without loss: it is made smaller, and encoded for good, like any picture.
  return await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

function happens(media: HTMLMediaElement, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('It does not play.')), AT_MOST_MS);
    const failed = (): void => reject(new Error('It does not decode.'));
    media.addEventListener('error', failed, { once: true });
    media.addEventListener(event, () => (clearTimeout(timer), resolve()), { once: true });
  });
}
