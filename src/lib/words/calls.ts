/** What is left of a call, in words. Who called and who was called read the same trace differently: what was not answered is missed only for the called. */
import type { CallTrace } from '#shared/model/call-trace.ts';
import { durationText } from './times.ts';
import { m } from './words.ts';

export const callKindWords = ({ video }: Pick<CallTrace, 'video'>): string => (video ? m.video_call() : m.voice_call());

/** Nobody answered it here, and somebody may be waiting to be called back. */
export const isMissed = ({ outcome }: CallTrace, mine: boolean): boolean =>
  !mine && (outcome === 'missed' || outcome === 'cancelled');

/** One line: the kind of call with how long it was, or what became of it. */
export function callTraceWords(call: CallTrace, mine: boolean): string {
  const { kind, became } = callTraceParts(call, mine);
  return became === null ? kind : `${kind} · ${became}`;
}

/** In two parts: what it was, and how long or how it ended; the second is null where the first says it. */
export function callTraceParts(call: CallTrace, mine: boolean): { kind: string; became: string | null } {
  const kind = callKindWords(call);
  if (isMissed(call, mine)) return { kind: call.video ? m.missed_video_call() : m.missed_call(), became: null };
  switch (call.outcome) {
    case 'answered':
      return { kind, became: durationText(call.seconds) };
    case 'missed':
      return { kind, became: m.call_no_answer() };
    case 'cancelled':
      return { kind, became: m.call_cancelled() };
    case 'declined':
      return { kind, became: m.call_declined() };
    case 'busy':
      return { kind, became: m.call_busy() };
    case 'failed':
      return { kind, became: m.call_failed() };
  }
}
