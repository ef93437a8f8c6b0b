/** What happens in a call, as it is told to those who cannot see it: who comes, who goes, who shows something, and that it stops and goes on. */
import type { CallStage, CallTileView } from '$lib/state/call-views.ts';

type Person = Pick<CallTileView, 'id' | 'name' | 'state' | 'shows'>;
export interface CallMoment {
  stage: CallStage['is'];
  others: readonly Person[];
}

export type CallNews = { is: 'joined' | 'left' | 'shares'; name: string } | { is: 'live' | 'reconnecting' };

const isIn = (person: Person | undefined): boolean => person !== undefined && person.state !== 'ringing';

export function callNews(before: CallMoment, now: CallMoment): CallNews[] {
  if (before.stage === 'over' || now.stage === 'over') return [];
  const was = new Map(before.others.map((person) => [person.id, person]));
  const are = new Map(now.others.map((person) => [person.id, person]));
  const news: CallNews[] = [];
  for (const { id, name, shows } of now.others) {
    const [then, after] = [was.get(id), are.get(id)];
    if (isIn(after) && !isIn(then)) news.push({ is: 'joined', name });
    if (shows === 'screen' && then?.shows !== 'screen') news.push({ is: 'shares', name });
  }
  for (const { id, name } of before.others)
    if (isIn(was.get(id)) && !isIn(are.get(id))) news.push({ is: 'left', name });
  if (now.stage !== before.stage && now.stage === 'reconnecting') news.push({ is: 'reconnecting' });
  if (now.stage === 'live' && before.stage === 'reconnecting') news.push({ is: 'live' });
  return news;
}
