/**
 * How it stands with the relay, calmly: a socket that is lost and back within a second is not worth a word, and while tries go on failing it
 * stays "offline" instead of flickering.
 */
import type { SocketState } from '../sync/socket.ts';
import type { Device } from './device.svelte.ts';
import type { ConnectionState, ConnectionView } from './views.ts';

const BLIP_MS = 1_000;

export class Connection implements ConnectionView {
  readonly #device: Device;
  #state = $state<ConnectionState>('connecting');
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #follow = (socket: SocketState) => this.#became(socket);
  readonly #failed = () => this.#show('offline');

  constructor(device: Device) {
    this.#device = device;
    if (typeof navigator !== 'undefined' && navigator.onLine === false) this.#state = 'offline';
    device.link.on('state', this.#follow);
    device.link.on('failed', this.#failed);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get waiting(): number {
    return this.#device.table('waiting').size + this.#device.table('outbox').size;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #became(socket: SocketState): void {
    switch (socket) {
      case 'open':
        return this.#show('online');
      case 'no-network':
      case 'stopped':
        return this.#show('offline');
      case 'waiting':
        if (this.#state === 'online') this.#timer ??= setTimeout(() => this.#show('connecting'), BLIP_MS);
        return;
      case 'connecting':
        if (this.#state === 'offline') return;
        if (this.#state === 'online') this.#timer ??= setTimeout(() => this.#show('connecting'), BLIP_MS);
        return;
    }
  }

  #show(state: ConnectionState): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = state;
  }
}
