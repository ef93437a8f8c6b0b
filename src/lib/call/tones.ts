/**
 * What a call sounds like, made by the browser from sine waves: nothing to load, and no file to be missing. Where a page may not make a sound yet,
 * nothing is heard, and it begins as soon as it may. Whoever starts a sound stops it.
 */
interface Note {
  /** Seconds from the beginning of the pattern. */
  at: number;
  hertz: number;
  seconds: number;
  /** 0 to 1. */
  loud: number;
}
interface Pattern {
  notes: readonly Note[];
  everySeconds: number;
  /** Like something that is struck; otherwise as even as a telephone. */
  isBell: boolean;
  /** Grows to its full loudness over so many turns: nobody is frightened. */
  growsOver: number;
}

const A5 = 880;
const D6 = 1174.66;
const F5 = 698.46;

const ting = (at: number, loud: number): Note[] => [
  { at, hertz: A5, seconds: 0.9, loud },
  { at: at + 0.19, hertz: D6, seconds: 1.1, loud },
];

/** Two times "ting ting", then a breath. */
const RING: Pattern = { notes: [...ting(0, 0.3), ...ting(0.75, 0.26)], everySeconds: 3, isBell: true, growsOver: 3 };
/** While one talks: once, and far away. */
const RING_BESIDES: Pattern = { notes: ting(0, 0.07), everySeconds: 5, isBell: true, growsOver: 1 };
/** What the caller hears: the tone of most of the world's telephones, softer. */
const RINGBACK: Pattern = {
  notes: [{ at: 0, hertz: 425, seconds: 1, loud: 0.06 }],
  everySeconds: 4,
  isBell: false,
  growsOver: 1,
};
const END: readonly Note[] = [
  { at: 0, hertz: A5, seconds: 0.35, loud: 0.14 },
  { at: 0.16, hertz: F5, seconds: 0.55, loud: 0.14 },
];

export const ring = (besidesACall: boolean): (() => void) => repeat(besidesACall ? RING_BESIDES : RING);
export const ringback = (): (() => void) => repeat(RINGBACK);

/** Two notes down, once. */
export function endTone(): void {
  const context = contextHere();
  if (context === null) return;
  if (context.state === 'running') for (const note of END) strike(context, note, context.destination, true);
  setTimeout(() => void context.close(), 1_500);
}

function repeat({ notes, everySeconds, isBell, growsOver }: Pattern): () => void {
  const context = contextHere();
  if (context === null) return () => {};
  const out = context.createGain();
  out.connect(context.destination);
  let turn = 0;
  const play = (): void => {
    // Not allowed yet: nothing is put into a row to be heard all at once later.
    if (context.state !== 'running') return;
    turn += 1;
    out.gain.value = Math.min(1, turn / growsOver);
    for (const note of notes) strike(context, note, out, isBell);
  };
  const timer = setInterval(play, everySeconds * 1000);
  void context.resume().then(play, () => {});
  return () => {
    clearInterval(timer);
    // A sound that is cut off clicks.
    out.gain.setTargetAtTime(0, context.currentTime, 0.02);
    setTimeout(() => void context.close(), 120);
  };
}

function strike(context: AudioContext, { at, hertz, seconds, loud }: Note, to: AudioNode, isBell: boolean): void {
  const [from, until] = [context.currentTime + at, context.currentTime + at + seconds];
  for (const [times, share] of isBell
    ? [
        [1, 1],
        [2, 0.28],
        [3, 0.08],
      ]
    : [[1, 1]]) {
    const wave = context.createOscillator();
    const gain = context.createGain();
    wave.frequency.value = hertz * (times ?? 1);
    const peak = loud * (share ?? 1);
    gain.gain.setValueAtTime(0.0001, from);
    gain.gain.exponentialRampToValueAtTime(peak, from + (isBell ? 0.012 : 0.06));
    if (isBell) gain.gain.exponentialRampToValueAtTime(0.0001, until);
    else {
      gain.gain.setValueAtTime(peak, until - 0.06);
      gain.gain.exponentialRampToValueAtTime(0.0001, until);
    }
    wave.connect(gain).connect(to);
    wave.start(from);
    wave.stop(until);
  }
}

/** Null where there is no sound to be had. */
function contextHere(): AudioContext | null {
  try {
    return new AudioContext();
  } catch {
    return null;
  }
}
