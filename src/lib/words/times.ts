/** Times and days as people say them, by locale. `now` is passed in, so that what is shown follows the clock on the wall. */

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter costs a hundred times what using it does. */
function format(locale: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(locale, options)));
  return made;
}

const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);

/** Whole days between two moments by the calendar: 0 is the same day, 1 the day before `now`. */
export const daysAgo = (at: number, now: number): number => Math.round((midnight(now) - midnight(at)) / DAY_MS);

const capital = (text: string, locale: string) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

const dayWord = (days: number, locale: string) =>
  capital(new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day'), locale);

/** 09:41, or 9:41 AM. */
export const clockTime = (at: number, locale: string): string =>
  format(
    locale,
    'time',
    locale === 'vi' ? { hour: '2-digit', minute: '2-digit' } : { hour: 'numeric', minute: '2-digit' },
  ).format(at);

/** For the list: the time today, then "Yesterday", the weekday, the date. */
export function shortMoment(at: number, now: number, locale: string): string {
  const days = daysAgo(at, now);
  if (days <= 0) return clockTime(at, locale);
  if (days === 1) return dayWord(1, locale);
  if (days < 7) return capital(format(locale, 'weekday', { weekday: 'short' }).format(at), locale);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format(locale, 'date', { day: 'numeric', month: 'short' }).format(at)
    : format(locale, 'old', { day: 'numeric', month: 'numeric', year: '2-digit' }).format(at);
}

/** For the line between two days: "Today", "Yesterday", "Friday, 20 November", with the year when it is another. */
export function dayName(at: number, now: number, locale: string): string {
  const days = daysAgo(at, now);
  if (days === 0 || days === 1) return dayWord(days, locale);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const named = sameYear
    ? format(locale, 'day', { weekday: 'long', day: 'numeric', month: 'long' })
    : format(locale, 'day-year', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  return capital(named.format(at), locale);
}

/** "5 minutes ago". */
export const minutesAgo = (minutes: number, locale: string): string =>
  new Intl.RelativeTimeFormat(locale).format(-minutes, 'minute');

/** "3 November", with the year when it is another. */
export function dateName(at: number, now: number, locale: string): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format(locale, 'month', { day: 'numeric', month: 'long' }).format(at)
    : format(locale, 'month-year', { day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** The full moment, for tooltips and readers. */
export const fullMoment = (at: number, locale: string): string =>
  format(locale, 'full', { dateStyle: 'full', timeStyle: 'short' }).format(at);

/** 12 KB, 3.4 MB. */
export function bytesText(bytes: number, locale: string): string {
  const steps = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const step = Math.min(steps.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: steps[step]!,
    unitDisplay: 'short',
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(bytes / 1000 ** step);
}

/** `0:07`, `12:34`, `1:02:03`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${String(hours)}:${two(minutes)}:${two(whole % 60)}` : `${String(minutes)}:${two(whole % 60)}`;
}
