import { expect, test } from 'vitest';
import { newUserId } from '#shared/ids.ts';
import type { CallTileView } from '$lib/state/call-views.ts';
import { callNews, type CallMoment } from './call-news.ts';

const [binh, chi] = [newUserId(), newUserId()];
const person = (
  id: typeof binh,
  name: string,
  state: CallTileView['state'],
  shows: CallTileView['shows'] = 'nothing',
) => ({
  id,
  name,
  state,
  shows,
});
const ringing: CallMoment = {
  stage: 'ringing',
  others: [person(binh, 'Bình', 'ringing'), person(chi, 'Chi', 'ringing')],
};

test('it is told who comes and who goes, and not who only stops ringing', () => {
  const answered: CallMoment = {
    stage: 'connecting',
    others: [person(binh, 'Bình', 'connecting'), person(chi, 'Chi', 'ringing')],
  };
  expect(callNews(ringing, answered)).toEqual([{ is: 'joined', name: 'Bình' }]);
  const declined: CallMoment = { stage: 'live', others: [person(binh, 'Bình', 'live')] };
  expect(callNews(answered, declined)).toEqual([]);
  expect(callNews(declined, { stage: 'live', others: [] })).toEqual([{ is: 'left', name: 'Bình' }]);
});

test('a line that stops and comes back is told, and so is a screen that is shared', () => {
  const live: CallMoment = { stage: 'live', others: [person(binh, 'Bình', 'live')] };
  const stopped: CallMoment = { stage: 'reconnecting', others: [person(binh, 'Bình', 'reconnecting')] };
  const shares: CallMoment = { stage: 'live', others: [person(binh, 'Bình', 'live', 'screen')] };
  expect(callNews(live, stopped)).toEqual([{ is: 'reconnecting' }]);
  expect(callNews(stopped, shares)).toEqual([{ is: 'shares', name: 'Bình' }, { is: 'live' }]);
  expect(callNews(shares, shares)).toEqual([]);
});

test('at the end nobody is told that everybody left', () => {
  const live: CallMoment = { stage: 'live', others: [person(binh, 'Bình', 'live')] };
  expect(callNews(live, { stage: 'over', others: [] })).toEqual([]);
});
