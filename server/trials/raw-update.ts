/** Yjs updates (format 1) as no device writes them: any struct with any claim, any deletion range. What is written is well formed, however senseless. */
import * as encoding from 'lib0/encoding';

export interface Id {
  client: number;
  clock: number;
}

export type Content =
  | { is: 'gone' | 'skipped' | 'deleted'; length: number }
  | { is: 'json' | 'any'; values: unknown[] }
  | { is: 'binary'; bytes: Uint8Array }
  | { is: 'string'; text: string }
  | { is: 'embed'; value: unknown }
  | { is: 'format'; key: string; value: unknown }
  /** 0 array, 1 map, 2 text, 3 XML element, 4 XML fragment, 5 XML hook, 6 XML text. */
  | { is: 'type'; type: number }
  | { is: 'doc'; guid: string };

const REFS: Record<Content['is'], number> = {
  gone: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
  skipped: 10,
};

export interface Struct {
  origin?: Id | undefined;
  rightOrigin?: Id | undefined;
  /** A root's name, or the item of a nested type. */
  parent: string | Id;
  key?: string | undefined;
  content: Content;
}

export interface Run extends Id {
  structs: Struct[];
}
export interface Range extends Id {
  length: number;
}

export function rawUpdate(runs: readonly Run[], deletions: readonly Range[]): Uint8Array {
  const to = encoding.createEncoder();
  encoding.writeVarUint(to, runs.length);
  for (const { client, clock, structs } of runs) {
    for (const number of [structs.length, client, clock]) encoding.writeVarUint(to, number);
    for (const struct of structs) writeStruct(to, struct);
  }
  encoding.writeVarUint(to, deletions.length);
  for (const { client, clock, length } of deletions)
    for (const number of [client, 1, clock, length]) encoding.writeVarUint(to, number);
  return encoding.toUint8Array(to);
}

function writeStruct(to: encoding.Encoder, { origin, rightOrigin, parent, key, content }: Struct): void {
  const bare = content.is === 'gone' || content.is === 'skipped';
  const info = REFS[content.is] | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0) | (key === undefined ? 0 : 0x20);
  encoding.writeUint8(to, bare ? REFS[content.is] : info);
  if (!bare) {
    for (const id of [origin, rightOrigin]) if (id) writeId(to, id);
    if (!origin && !rightOrigin) {
      encoding.writeVarUint(to, typeof parent === 'string' ? 1 : 0);
      if (typeof parent === 'string') encoding.writeVarString(to, parent);
      else writeId(to, parent);
      if (key !== undefined) encoding.writeVarString(to, key);
    }
  }
  writeContent(to, content);
}

function writeContent(to: encoding.Encoder, content: Content): void {
  switch (content.is) {
    case 'gone':
    case 'skipped':
    case 'deleted':
      return encoding.writeVarUint(to, content.length);
    case 'json':
      encoding.writeVarUint(to, content.values.length);
      return content.values.forEach((value) => encoding.writeVarString(to, JSON.stringify(value) ?? 'undefined'));
    case 'any':
      encoding.writeVarUint(to, content.values.length);
      return content.values.forEach((value) => encoding.writeAny(to, value as never));
    case 'binary':
      return encoding.writeVarUint8Array(to, content.bytes);
    case 'string':
      return encoding.writeVarString(to, content.text);
    case 'embed':
      return encoding.writeVarString(to, JSON.stringify(content.value));
    case 'format':
      encoding.writeVarString(to, content.key);
      return encoding.writeVarString(to, JSON.stringify(content.value));
    case 'type':
      encoding.writeVarUint(to, content.type);
      // Elements and hooks are named.
      return content.type === 3 || content.type === 5 ? encoding.writeVarString(to, 'x') : undefined;
    case 'doc':
      encoding.writeVarString(to, content.guid);
      return encoding.writeAny(to, {});
  }
}

function writeId(to: encoding.Encoder, { client, clock }: Id): void {
  encoding.writeVarUint(to, client);
  encoding.writeVarUint(to, clock);
}
