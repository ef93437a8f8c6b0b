/** The microphones, cameras and speakers of this device, and which of them a call uses. */
import { chosenDevices, chooseDevice } from '../calls/chosen-devices.ts';
import type { OwnMedia } from '../calls/own-media.ts';
import type { Beat } from './beat.svelte.ts';
import type { CallDevicesView, DeviceChoice } from './call-views.ts';

export class CallDevices implements CallDevicesView {
  readonly #media: OwnMedia;
  /** Beats when they change. */
  readonly #beat: Beat;
  #level = $state(0);
  #speaker = $state.raw<string | null>(chosenDevices().speaker ?? null);

  constructor(media: OwnMedia, beat: Beat) {
    this.#media = media;
    this.#beat = beat;
  }

  get microphones(): readonly DeviceChoice[] {
    return this.#of('audioinput');
  }

  get cameras(): readonly DeviceChoice[] {
    return this.#of('videoinput');
  }

  get speakers(): readonly DeviceChoice[] {
    return 'setSinkId' in HTMLMediaElement.prototype ? this.#of('audiooutput') : [];
  }

  get microphone(): string | null {
    this.#beat.feel();
    return this.#media.chosen('microphone');
  }

  get camera(): string | null {
    this.#beat.feel();
    return this.#media.chosen('camera');
  }

  get speaker(): string | null {
    return this.#speaker;
  }

  get level(): number {
    return this.#level;
  }

  listen(): void {
    this.#level = this.#media.level;
  }

  chooseMicrophone(id: string): void {
    void this.#media.choose('microphone', id);
  }

  chooseCamera(id: string): void {
    void this.#media.choose('camera', id);
  }

  chooseSpeaker(id: string): void {
    chooseDevice('speaker', id);
    this.#speaker = id;
  }

  #of(kind: MediaDeviceKind): readonly DeviceChoice[] {
    this.#beat.feel();
    return this.#media.devices
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  }
}
