/** Who is here and who types, in words. */
import { m } from './words.ts';
import { language } from './language.ts';
import { clockTime, dateName, daysAgo, minutesAgo } from './times.ts';

const MINUTE_MS = 60_000;

/** "Last seen 5 minutes ago", "… today at 9:41", "… yesterday at 9:41", "… on 3 November". `now` is the clock on the wall. */
export function lastSeenWords(at: number, now: number): string {
  const minutes = Math.floor((now - at) / MINUTE_MS);
  if (minutes < 1) return m.last_seen_now();
  if (minutes < 60) return m.last_seen({ when: minutesAgo(minutes, language()) });
  const time = clockTime(at, language());
  const days = daysAgo(at, now);
  if (days === 0) return m.last_seen_today({ time });
  return days === 1 ? m.last_seen_yesterday({ time }) : m.last_seen_on({ date: dateName(at, now, language()) });
}

/** Of the other person of a direct conversation nobody needs to be told the name. */
export function typingWords(names: readonly string[], isDirect: boolean): string {
  const [first = '', second = ''] = names;
  if (isDirect) return m.typing();
  if (names.length === 1) return m.typing_one({ name: first });
  return names.length === 2 ? m.typing_two({ first, second }) : m.typing_many({ count: names.length });
}
