/** Who a text names: `@` and then exactly a member's name, or `@all` from somebody who may. The longest name that fits wins. */
import type { UserId } from '#shared/ids.ts';
import { MENTIONS_MAX_COUNT } from '#shared/limits.ts';
import type { Mentions } from '#shared/model/message.ts';

interface Named {
  id: UserId;
  name: string;
}

/** Undefined when nobody is named. */
export function mentionsIn(text: string, members: readonly Named[], mayAll: boolean): Mentions | undefined {
  if (!text.includes('@')) return undefined;
  if (mayAll && /(^|[^\p{L}\p{N}_])@all(?![\p{L}\p{N}_])/iu.test(text)) return 'all';
  const lower = text.toLowerCase();
  const longestFirst = [...members].filter(({ name }) => name !== '').sort((a, b) => b.name.length - a.name.length);
  const named = new Set<UserId>();
  for (let at = lower.indexOf('@'); at >= 0; at = lower.indexOf('@', at + 1)) {
    if (/[\p{L}\p{N}_]/u.test(lower.charAt(at - 1))) continue;
    const fits = longestFirst.filter(({ name }) => startsWithName(lower, at + 1, name.toLowerCase()));
    // Two members may have the same name: both are named.
    for (const { id, name } of fits) if (name.length === fits[0]?.name.length) named.add(id);
  }
  return named.size === 0 ? undefined : [...named].slice(0, MENTIONS_MAX_COUNT);
}

const startsWithName = (text: string, at: number, name: string): boolean =>
  text.startsWith(name, at) && !/[\p{L}\p{N}_]/u.test(text.charAt(at + name.length));
