/** Where PeerJS's server listens. It is started when somebody calls for the first time, and again should it ever end. */
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { SIGNAL_MAX_BYTES } from '#shared/limits.ts';

export interface ThreadData {
  key: string;
  maxBytes: number;
}

interface Running {
  worker: Worker;
  address: Promise<string>;
}

export class PeerServerThread {
  readonly #key = randomBytes(24).toString('base64url');
  readonly #failed: (why: unknown) => void;
  #running: Running | null = null;
  #stopped = false;

  constructor(failed: (why: unknown) => void) {
    this.#failed = failed;
  }

  /** Of its socket, for whoever says this. */
  async address(id: string, token: string): Promise<string> {
    if (this.#stopped) throw new Error('the call broker has been stopped');
    const { address } = (this.#running ??= this.#start());
    const query = new URLSearchParams({ key: this.#key, id, token });
    return `${await address}?${query.toString()}`;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.worker.terminate();
  }

  #start(): Running {
    // A little larger than what the relay lets through: PeerJS's server never is the one to refuse.
    const workerData: ThreadData = { key: this.#key, maxBytes: 2 * SIGNAL_MAX_BYTES };
    const worker = new Worker(new URL('./peer-server-thread.ts', import.meta.url), { workerData });
    const address = new Promise<string>((resolve, reject) => {
      worker.once('message', ({ port }: { port: number }) => resolve(`ws://127.0.0.1:${port}/peerjs`));
      worker.on('error', (why) => {
        this.#failed(why);
        reject(why);
      });
      worker.once('exit', () => {
        this.#running = null;
        reject(new Error('the call broker has ended'));
      });
    });
    address.catch(() => undefined);
    return { worker, address };
  }
}
