/** A recording, as something chosen. */
import { nameForNow } from '../local/name-for-now.ts';
import type { Chosen } from '../local/tables.ts';
import type { Recording } from './views.ts';

/** As many as fit into a message: more than a bubble has pixels for. */
const WAVEFORM_MAX_BARS = 128;

export function chosenVoice({ bytes, seconds, waveform }: Recording, now = new Date()): Chosen {
  const type = bytes.type.split(';', 1)[0] || 'audio/webm';
  return {
    key: nameForNow(),
    name: `voice-${timeInName(now)}.${type === 'audio/mp4' ? 'm4a' : 'webm'}`,
    type,
    size: bytes.size,
    kind: 'voice',
    original: true,
    state: 'preparing',
    seconds: Math.max(0, seconds),
    waveform: btoa(String.fromCharCode(...bars(waveform))),
  };
}

/** The loudest of each stretch, when there are more than fit. */
function bars(waveform: readonly number[]): number[] {
  const count = Math.min(WAVEFORM_MAX_BARS, waveform.length);
  return Array.from({ length: count }, (_, at) => {
    const stretch = waveform.slice(
      Math.floor((at * waveform.length) / count),
      Math.ceil(((at + 1) * waveform.length) / count),
    );
    return Math.round(Math.min(1, Math.max(0, ...stretch)) * 255);
  });
}

/** 2026-11-23-0412, by this device's clock. */
function timeInName(now: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(two).join('-');
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}`;
}
