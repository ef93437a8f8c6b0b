/**
 * Notices that the disk is full or blocked. y-indexeddb writes without catching, so its failures show up only as unhandled rejections:
 * they are listened for here, once per failure kind. After the first message sent the browser is asked to keep the data for good.
 */
export type StorageFailure = 'full' | 'blocked';

/** What an error says about the disk; null when it is about something else. */
export function storageFailure(why: unknown): StorageFailure | null {
  if (!(why instanceof Error || (typeof DOMException !== 'undefined' && why instanceof DOMException))) return null;
  if (why.name === 'QuotaExceededError' || /quota|disk.*full/i.test(why.message)) return 'full';
  // A document that was closed while it was being read.
  if (/connection is clos/i.test(why.message)) return null;
  const aboutTheDisk = /indexeddb|idb|backing store|database/i.test(why.message);
  const failed = [
    'UnknownError',
    'InvalidStateError',
    'SecurityError',
    'AbortError',
    'NotReadableError',
    'VersionError',
  ];
  return aboutTheDisk && failed.includes(why.name) ? 'blocked' : null;
}

export class Quota {
  readonly #failed: (reason: StorageFailure) => void;
  readonly #stop = new AbortController();
  readonly #told = new Set<StorageFailure>();
  #asked = false;

  constructor(failed: (reason: StorageFailure) => void) {
    this.#failed = failed;
  }

  start(): void {
    if (typeof addEventListener !== 'function') return;
    addEventListener('unhandledrejection', (event) => void (this.notice(event.reason) && event.preventDefault()), {
      signal: this.#stop.signal,
    });
  }

  /** Answers whether the error was about the disk. */
  notice(why: unknown): boolean {
    const reason = storageFailure(why);
    if (reason === null) return false;
    if (!this.#told.has(reason)) {
      this.#told.add(reason);
      this.#failed(reason);
    }
    return true;
  }

  /** It is over; the next time is told again. */
  over(reason: StorageFailure): void {
    this.#told.delete(reason);
  }

  /** Browsers grant it more willingly to somebody who has used the app. Asked once per start; a refusal changes nothing. */
  async askToPersist(): Promise<void> {
    if (this.#asked || typeof navigator === 'undefined' || !('storage' in navigator)) return;
    this.#asked = true;
    try {
      if (!(await navigator.storage.persisted())) await navigator.storage.persist();
    } catch {
      // Not every browser has it, and none needs it to go on.
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** Bytes kept on this device, as far as the browser says, and whether it promised to keep them. */
export async function storageUse(): Promise<{ bytes: number; persisted: boolean }> {
  try {
    const [{ usage = 0 }, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
    return { bytes: usage, persisted };
  } catch {
    return { bytes: 0, persisted: false };
  }
}
