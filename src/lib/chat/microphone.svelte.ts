/**
 * Records what the microphone hears, with how loud it is. Whoever starts it ends it, by `finish` or `stop`: until then the browser shows that it
 * listens.
 */
import type { Recording } from '$lib/state/views.ts';
import { barsOf, loudnessOf } from './waveform.ts';

/** What a voice needs: 4 kilobytes a second. */
const BITS_PER_SECOND = 32_000;
const LISTEN_EVERY_MS = 50;
/** Shorter than this nothing was said. */
export const SHORTEST_S = 0.7;
/** The first that the browser can: Opus wherever it is, else what iPhones record. */
const TYPES = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/webm', 'audio/ogg;codecs=opus'];

export type MicrophoneState =
  | { is: 'asking' }
  | { is: 'recording' }
  | { is: 'refused'; why: 'denied' | 'missing' | 'busy' | 'unsupported' }
  | { is: 'over' };

export class Microphone {
  #state = $state.raw<MicrophoneState>({ is: 'asking' });
  #seconds = $state(0);
  #moments = $state.raw<readonly number[]>([]);
  #startedAt = 0;
  #stream: MediaStream | undefined;
  #recorder: MediaRecorder | undefined;
  #context: AudioContext | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  get state(): MicrophoneState {
    return this.#state;
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** How loud each moment was, the last being now; as the microphone gave it. */
  get moments(): readonly number[] {
    return this.#moments;
  }

  async start(): Promise<void> {
    this.#state = { is: 'asking' };
    // Both are missing on pages that are not served safely, too.
    if (typeof MediaRecorder === 'undefined' || (navigator.mediaDevices as MediaDevices | undefined) === undefined)
      return this.#refuse('unsupported');
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      // Cancelled while the browser was asking.
      if (this.#state.is !== 'asking') return stream.getTracks().forEach((track) => track.stop());
      this.#stream = stream;
      this.#record(stream);
    } catch (why) {
      if (this.#state.is === 'asking') this.#refuse(reasonOf(why));
    }
  }

  /** Null when there is too little of it. */
  async finish(): Promise<Recording | null> {
    const recorder = this.#recorder;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    if (this.#state.is !== 'recording' || recorder === undefined || seconds < SHORTEST_S) {
      this.stop();
      return null;
    }
    const chunks: Blob[] = [];
    const bytes = await new Promise<Blob>((resolve) => {
      recorder.addEventListener('dataavailable', ({ data }) => chunks.push(data));
      recorder.addEventListener('stop', () => resolve(new Blob(chunks, { type: recorder.mimeType })), { once: true });
      recorder.stop();
    });
    const waveform = barsOf(this.#moments);
    this.stop();
    return bytes.size === 0 ? null : { bytes, seconds, waveform };
  }

  stop(): void {
    if (this.#state.is !== 'refused') this.#state = { is: 'over' };
    clearInterval(this.#timer);
    if (this.#recorder?.state === 'recording') this.#recorder.stop();
    this.#stream?.getTracks().forEach((track) => track.stop());
    void this.#context?.close();
    this.#context = undefined;
    this.#recorder = undefined;
    this.#stream = undefined;
  }

  #refuse(why: 'denied' | 'missing' | 'busy' | 'unsupported'): void {
    this.#state = { is: 'refused', why };
    this.stop();
  }

  #record(stream: MediaStream): void {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, {
      audioBitsPerSecond: BITS_PER_SECOND,
      ...(mimeType === undefined ? {} : { mimeType }),
    });
    this.#recorder = recorder;
    // Unplugged.
    stream.getAudioTracks()[0]?.addEventListener('ended', () => this.#refuse('missing'));
    recorder.start();
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#startedAt = performance.now();
    this.#moments = [];
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.#moments = [...this.#moments, loudnessOf(samples)];
      this.#seconds = (performance.now() - this.#startedAt) / 1000;
    }, LISTEN_EVERY_MS);
    this.#state = { is: 'recording' };
  }
}

function reasonOf(why: unknown): 'denied' | 'missing' | 'busy' | 'unsupported' {
  switch (why instanceof DOMException ? why.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotSupportedError':
      return 'unsupported';
    default:
      return 'busy';
  }
}
