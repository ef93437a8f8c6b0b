/**
 * Whether what came out of an update is plain JSON of a bearable size. Yjs's encoding can carry more than JSON (bytes, big integers, undefined,
 * an object whose `__proto__` was set), and nesting deep enough to hurt whoever walks it; none of that has a place in a chat.
 */
import { VALUE_MAX_BYTES, VALUE_MAX_DEPTH } from '#shared/limits.ts';

export function isPlainValue(value: unknown): boolean {
  const bytes = atMostBytes(value, 0);
  if (bytes === null) return false;
  // The estimate is never below the truth; only what it finds large is measured.
  return bytes <= VALUE_MAX_BYTES || new TextEncoder().encode(JSON.stringify(value)).length <= VALUE_MAX_BYTES;
}

/** An upper bound of the value's JSON text in bytes: a character takes at most six (\u001f). Null when it is not plain or too deep. */
function atMostBytes(value: unknown, depth: number): number | null {
  switch (typeof value) {
    case 'string':
      return 2 + 6 * value.length;
    case 'boolean':
      return 5;
    case 'number':
      return Number.isFinite(value) ? 25 : null;
    case 'object':
      return value === null
        ? 4
        : depth >= VALUE_MAX_DEPTH
          ? null
          : Array.isArray(value)
            ? ofList(value, depth)
            : ofObject(value, depth);
    default:
      return null;
  }
}

function ofList(list: unknown[], depth: number): number | null {
  let bytes = 2;
  for (const item of list) {
    const more = atMostBytes(item, depth + 1);
    if (more === null) return null;
    bytes += more + 1;
  }
  return bytes;
}

function ofObject(object: object, depth: number): number | null {
  if (Object.getPrototypeOf(object) !== Object.prototype) return null;
  let bytes = 2;
  for (const [key, item] of Object.entries(object)) {
    const more = atMostBytes(item, depth + 1);
    if (more === null) return null;
    bytes += more + 6 * key.length + 4;
  }
  return bytes;
}
