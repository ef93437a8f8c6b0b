import { expect, test } from 'vitest';
import { bytesText, clockTime, dayName, daysAgo, shortMoment } from './times.ts';

const at = (day: number, hour = 9, minute = 41) => new Date(2026, 10, day, hour, minute).getTime();
const now = at(22, 12);

test('days are days of the calendar', () => {
  expect(daysAgo(at(22, 0, 0), now)).toBe(0);
  expect(daysAgo(at(21, 23, 59), now)).toBe(1);
});

test('the list says time, yesterday, weekday, date', () => {
  expect(shortMoment(at(22), now, 'vi')).toBe('09:41');
  expect(shortMoment(at(22), now, 'en')).toMatch(/^9:41\sAM$/);
  expect(shortMoment(at(21), now, 'vi')).toBe('Hôm qua');
  expect(shortMoment(at(21), now, 'en')).toBe('Yesterday');
  expect(shortMoment(at(18), now, 'en')).toBe('Wed');
  expect(shortMoment(at(1), now, 'en')).toBe('Nov 1');
  expect(shortMoment(new Date(2024, 1, 3).getTime(), now, 'en')).toBe('2/3/24');
});

test('a clock that is ahead still shows a time', () =>
  expect(shortMoment(at(23), now, 'vi')).toBe(clockTime(at(23), 'vi')));

test('days between messages', () => {
  expect(dayName(at(22), now, 'vi')).toBe('Hôm nay');
  expect(dayName(at(21), now, 'en')).toBe('Yesterday');
  expect(dayName(at(20), now, 'en')).toBe('Friday, November 20');
  expect(dayName(new Date(2024, 1, 3).getTime(), now, 'vi')).toContain('2024');
});

test('bytes', () => {
  expect(bytesText(0, 'en')).toBe('0 byte');
  expect(bytesText(3_400_000, 'en')).toBe('3.4 MB');
});
