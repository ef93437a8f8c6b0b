/** What a call says of itself, in words. */
import type { CallStage, CallTileView, CallTrouble } from '$lib/state/call-views.ts';
import { faultSentence } from '$lib/words/refusals.ts';
import { durationText } from '$lib/words/times.ts';
import { m } from '$lib/words/words.ts';
import type { CallNews } from './call-news.ts';
import { second } from './second.svelte.ts';

export function stageWords(stage: CallStage): string {
  switch (stage.is) {
    case 'asking':
      return m.voice_asking();
    case 'placing':
      return m.call_placing();
    case 'ringing':
      return m.call_ringing();
    case 'connecting':
      return m.connecting_line();
    case 'live':
      return durationText((second.now - stage.since) / 1000);
    case 'reconnecting':
      return m.call_reconnecting();
    case 'over':
      return outcomeWords(stage);
  }
}

function outcomeWords({ outcome, seconds }: Extract<CallStage, { is: 'over' }>): string {
  switch (outcome) {
    case 'answered':
      return m.call_ended({ length: durationText(seconds) });
    case 'missed':
      return m.call_no_answer();
    case 'cancelled':
      return m.call_cancelled();
    case 'declined':
      return m.call_declined();
    case 'busy':
      return m.call_busy();
    case 'failed':
      return m.call_failed();
    case 'elsewhere':
      return m.call_elsewhere();
  }
}

/** What happened, and what to do. */
export function troubleSentence(trouble: CallTrouble): string {
  switch (trouble) {
    case 'microphone-refused':
      return m.voice_denied();
    case 'microphone-missing':
      return m.voice_missing();
    case 'microphone-busy':
      return m.voice_busy();
    case 'camera-refused':
      return m.call_camera_refused();
    case 'camera-missing':
      return m.call_camera_missing();
    case 'camera-busy':
      return m.call_camera_busy();
    case 'not-here':
      return m.call_not_here();
    case 'screen-failed':
      return m.call_screen_failed();
    case 'relay-away':
      return m.call_offline();
    default:
      return faultSentence(trouble);
  }
}

/** Nothing while all is well: the picture says it. */
export function tileStateWords({ state }: Pick<CallTileView, 'state'>): string | null {
  switch (state) {
    case 'ringing':
      return m.call_ringing();
    case 'connecting':
      return m.connecting_line();
    case 'reconnecting':
      return m.call_reconnecting();
    case 'live':
      return null;
  }
}

export const qualityWords = (quality: 'good' | 'poor' | 'bad'): string =>
  ({ good: m.call_quality_good, poor: m.call_quality_poor, bad: m.call_quality_bad })[quality]();

export function newsWords(news: CallNews): string {
  switch (news.is) {
    case 'joined':
      return m.call_joined({ name: news.name });
    case 'left':
      return m.call_left({ name: news.name });
    case 'shares':
      return m.call_shares({ name: news.name });
    case 'reconnecting':
      return m.call_reconnecting();
    case 'live':
      return m.connection_online();
  }
}
