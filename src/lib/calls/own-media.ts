/**
 * What this device sends in a call: always one audio and one video track, which are silence and nothing where there is no microphone, camera or
 * screen to send. Asking the browser, choosing and losing devices happens here; what goes wrong is told as a word.
 */
import { ObservableV2 } from 'lib0/observable';
import { type ChosenDevices, chosenDevices, chooseDevice } from './chosen-devices.ts';
import type { Sent } from './line.ts';
import { Loudness } from './loudness.ts';

export type DeviceTrouble =
  `${'microphone' | 'camera'}-${'refused' | 'missing' | 'busy'}` | 'not-here' | 'screen-failed';

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SCREEN: DisplayMediaStreamOptions = { video: { frameRate: { ideal: 15, max: 30 } }, audio: false };

interface OwnMediaEvents {
  /** Another track is sent, or one is switched on or off. */
  changed: () => void;
  trouble: (trouble: DeviceTrouble) => void;
}

export class OwnMedia extends ObservableV2<OwnMediaEvents> {
  #microphone: MediaStreamTrack | null = null;
  #camera: MediaStreamTrack | null = null;
  #screen: MediaStreamTrack | null = null;
  #muted = false;
  #silence: Silence | null = null;
  #blank: MediaStreamTrack | null = null;
  #loudness: Loudness | null = null;
  #devices: readonly MediaDeviceInfo[] = [];
  #isStopped = false;
  readonly #listening = new AbortController();

  constructor() {
    super();
    mediaDevices()?.addEventListener('devicechange', () => void this.#look(), { signal: this.#listening.signal });
  }

  get sent(): Sent {
    return {
      audio: this.#microphone ?? (this.#silence ??= silence()).track,
      video: this.#screen ?? this.#camera ?? (this.#blank ??= blankTrack()),
    };
  }

  get microphone(): boolean {
    return this.#microphone !== null && !this.#muted;
  }

  get camera(): boolean {
    return this.#camera !== null;
  }

  get screen(): boolean {
    return this.#screen !== null;
  }

  /** What is shown of oneself. */
  get shown(): MediaStreamTrack | null {
    return this.#screen ?? this.#camera;
  }

  get devices(): readonly MediaDeviceInfo[] {
    return this.#devices;
  }

  /** The device whose track is sent, or that would be taken. */
  chosen(kind: keyof ChosenDevices): string | null {
    const track = kind === 'microphone' ? this.#microphone : kind === 'camera' ? this.#camera : null;
    return track?.getSettings().deviceId ?? chosenDevices()[kind] ?? null;
  }

  /** How loud the microphone is now, 0 to 1. */
  get level(): number {
    return this.microphone ? (this.#loudness?.now ?? 0) : 0;
  }

  /** Asks the browser for what a call needs: the microphone, and with `video` the camera. Whether there is a microphone. */
  async open(wanted: { video: boolean }): Promise<boolean> {
    const devices = mediaDevices();
    if (devices === undefined) {
      this.#tell('not-here');
      return false;
    }
    // One question for both, where the browser asks; when that fails each is asked for alone, to know which it was.
    if (wanted.video) {
      const both = await devices.getUserMedia({ audio: audioFrom(), video: videoFrom() }).catch(() => null);
      if (both !== null) {
        this.#take(both);
        return this.#microphone !== null;
      }
    }
    await this.#openMicrophone();
    if (wanted.video) await this.setCamera(true);
    return this.#microphone !== null;
  }

  /** Without a microphone it is asked for again. */
  async setMicrophone(on: boolean): Promise<void> {
    if (on && this.#microphone === null) await this.#openMicrophone();
    this.#muted = !on;
    if (this.#microphone !== null) this.#microphone.enabled = on;
    this.emit('changed', []);
  }

  async setCamera(on: boolean, device?: ConstrainDOMString): Promise<void> {
    const before = this.#camera;
    if (!on) {
      this.#camera = null;
      before?.stop();
      return this.emit('changed', []);
    }
    // Most phones open no second camera before the first is closed.
    before?.stop();
    this.#camera = null;
    const stream = await this.#ask('camera', { video: videoFrom(device) });
    if (stream !== null) this.#take(stream);
    else this.emit('changed', []);
  }

  /** The next one in the browser's list. */
  async switchCamera(): Promise<void> {
    const cameras = this.#devices.filter(({ kind }) => kind === 'videoinput');
    const at = cameras.findIndex(({ deviceId }) => deviceId === this.chosen('camera'));
    const next = cameras[(at + 1) % Math.max(1, cameras.length)];
    if (next !== undefined) await this.choose('camera', next.deviceId);
  }

  async setScreen(on: boolean): Promise<void> {
    if (!on) {
      this.#screen?.stop();
      this.#screen = null;
      return this.emit('changed', []);
    }
    try {
      const stream = await mediaDevices()?.getDisplayMedia(SCREEN);
      const track = stream?.getVideoTracks()[0];
      if (track === undefined) return this.#tell('screen-failed');
      if (this.#isStopped) return track.stop();
      track.contentHint = 'detail';
      // The browser's own button "Stop sharing".
      track.addEventListener('ended', () => this.#screen === track && void this.setScreen(false));
      this.#screen?.stop();
      this.#screen = track;
      this.emit('changed', []);
    } catch (why) {
      // Who closes the browser's window has changed their mind.
      if (!isRefused(why)) this.#tell('screen-failed');
    }
  }

  async choose(kind: keyof ChosenDevices, id: string): Promise<void> {
    chooseDevice(kind, id);
    if (kind === 'microphone') await this.#openMicrophone();
    if (kind === 'camera') await this.setCamera(true, { exact: id });
    this.emit('changed', []);
  }

  stop(): void {
    this.#isStopped = true;
    this.#listening.abort();
    this.#loudness?.stop();
    for (const track of [this.#microphone, this.#camera, this.#screen, this.#blank]) track?.stop();
    void this.#silence?.context.close();
    this.#microphone = this.#camera = this.#screen = null;
    this.destroy();
  }

  async #openMicrophone(): Promise<void> {
    const stream = await this.#ask('microphone', { audio: audioFrom() });
    if (stream !== null) this.#take(stream);
  }

  async #ask(what: 'microphone' | 'camera', constraints: MediaStreamConstraints): Promise<MediaStream | null> {
    try {
      return (await mediaDevices()?.getUserMedia(constraints)) ?? null;
    } catch (why) {
      this.#tell(`${what}-${reasonOf(why)}`);
      return null;
    }
  }

  #take(stream: MediaStream): void {
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (this.#isStopped) return stream.getTracks().forEach((track) => track.stop());
    if (audio !== undefined) {
      this.#microphone?.stop();
      this.#microphone = audio;
      audio.enabled = !this.#muted;
      audio.addEventListener('ended', () => this.#microphone === audio && void this.#unplugged());
      this.#loudness?.stop();
      this.#loudness = new Loudness(audio);
    }
    if (video !== undefined) {
      this.#camera?.stop();
      this.#camera = video;
      video.contentHint = 'motion';
      video.addEventListener('ended', () => this.#camera === video && void this.setCamera(false));
    }
    this.emit('changed', []);
    void this.#look();
  }

  /** Another one is taken, if there is one. */
  async #unplugged(): Promise<void> {
    this.#microphone = null;
    this.emit('changed', []);
    await this.#openMicrophone();
  }

  /** Labels are told only once a device was allowed. */
  async #look(): Promise<void> {
    this.#devices = (await mediaDevices()?.enumerateDevices()) ?? [];
    if (!this.#isStopped) this.emit('changed', []);
  }

  #tell(trouble: DeviceTrouble): void {
    if (!this.#isStopped) this.emit('trouble', [trouble]);
  }
}

/** Missing on pages that are not served safely. */
const mediaDevices = (): MediaDevices | undefined => navigator.mediaDevices as MediaDevices | undefined;

const audioFrom = (): MediaTrackConstraints => {
  const { microphone } = chosenDevices();
  return microphone === undefined ? AUDIO : { ...AUDIO, deviceId: { ideal: microphone } };
};

const videoFrom = (device?: ConstrainDOMString): MediaTrackConstraints => {
  const { camera } = chosenDevices();
  if (device !== undefined) return { ...VIDEO, deviceId: device };
  return camera === undefined ? { ...VIDEO, facingMode: 'user' } : { ...VIDEO, deviceId: { ideal: camera } };
};

function reasonOf(why: unknown): 'refused' | 'missing' | 'busy' {
  const name = why instanceof DOMException ? why.name : '';
  if (isRefused(why)) return 'refused';
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'missing' : 'busy';
}

const isRefused = (why: unknown): boolean =>
  why instanceof DOMException && (why.name === 'NotAllowedError' || why.name === 'SecurityError');

interface Silence {
  context: AudioContext;
  track: MediaStreamTrack;
}

function silence(): Silence {
  const context = new AudioContext();
  const [track] = context.createMediaStreamDestination().stream.getAudioTracks();
  if (track === undefined) throw new Error('a destination has a track');
  return { context, track };
}

/** Sends nothing: no frame is ever asked for. */
function blankTrack(): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 2;
  // Firefox captures nothing from a canvas that nobody has drawn on.
  canvas.getContext('2d')?.fillRect(0, 0, 2, 2);
  const [track] = canvas.captureStream(0).getVideoTracks();
  if (track === undefined) throw new Error('a canvas has a track');
  return track;
}
