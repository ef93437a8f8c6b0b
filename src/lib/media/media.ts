/**
 * Makes ready what is to be sent: pictures smaller, films and sounds looked at, everything hashed. In a worker, which is started with the first of
 * them; in the page where there is none, or where it cannot draw.
 */
import { lookAtFilm, lookAtSound } from './film.ts';
import type { Prepared, Task } from './prepared.ts';
import type { Answered, Asked } from './worker.ts';

/** `original`: with everything that is in it; a file is looked at whether it is a picture unless it is to go as it is. */
export interface What {
  is: 'image' | 'video' | 'audio' | 'file';
  original: boolean;
}

export type Prepare = (bytes: Blob, what: What, type: string) => Promise<Prepared>;

export class Media {
  /** Null: there is none. */
  #worker: Worker | null | undefined;
  #count = 0;
  readonly #asked = new Map<number, (done: Prepared | null) => void>();

  readonly prepare: Prepare = async (bytes, what, type) => {
    switch (what.is) {
      case 'image':
        return await this.#do({ is: 'picture', bytes, original: what.original });
      case 'video':
        return await this.#film(bytes, type, what.original);
      case 'audio':
        return await this.#also({ is: 'as-it-is', bytes, type }, lookAtSound(bytes));
      case 'file':
        return await this.#do({ is: what.original ? 'as-it-is' : 'file', bytes, type });
    }
  };

  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#giveUp();
  }

  async #film(bytes: Blob, type: string, original: boolean): Promise<Prepared> {
    const { still, ...about } = await lookAtFilm(bytes);
    const poster = still === undefined ? null : await this.#do({ is: 'picture', bytes: still, original: false });
    const seen =
      poster?.is === 'ready' ? { thumb: poster.thumb, poster: { bytes: poster.bytes, sha256: poster.sha256 } } : {};
    return await this.#also(
      { is: original ? 'as-it-is' : 'film', bytes, type },
      Promise.resolve({ ...about, ...seen }),
    );
  }

  async #also(task: Task, looking: Promise<object>): Promise<Prepared> {
    const [named, about] = await Promise.all([this.#do(task), looking]);
    return { ...named, ...about };
  }

  async #do(task: Task): Promise<Prepared> {
    const done = await this.#inWorker(task);
    if (done !== null) return done;
    const { perform } = await import('./tasks.ts');
    return await perform(task).catch(() => ({ is: 'unreadable' }));
  }

  #inWorker(task: Task): Promise<Prepared | null> {
    if (this.#worker === undefined) this.#worker = this.#start();
    const worker = this.#worker;
    if (worker === null) return Promise.resolve(null);
    const id = ++this.#count;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      worker.postMessage({ id, task } satisfies Asked);
    });
  }

  #start(): Worker | null {
    if (typeof Worker === 'undefined') return null;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Answered>) => {
      this.#asked.get(data.id)?.(data.done);
      this.#asked.delete(data.id);
    });
    // It could not be loaded, or a picture was too much for it.
    worker.addEventListener('error', () => {
      this.#worker = null;
      this.#giveUp();
    });
    return worker;
  }

  #giveUp(): void {
    for (const done of this.#asked.values()) done(null);
    this.#asked.clear();
  }
}
