/** How loud a microphone is, for the meter and for who speaks. */

/** Of full scale: speech at arm's length is about there. */
const LOUD = 0.25;

export class Loudness {
  readonly #context = new AudioContext();
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;
  readonly #track: MediaStreamTrack;

  /** Of a copy: to stop it does not stop what is sent. */
  constructor(track: MediaStreamTrack) {
    this.#track = track.clone();
    this.#track.enabled = true;
    this.#analyser = this.#context.createAnalyser();
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream([this.#track])).connect(this.#analyser);
  }

  /** 0 to 1. */
  get now(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) / LOUD);
  }

  stop(): void {
    this.#track.stop();
    void this.#context.close();
  }
}
