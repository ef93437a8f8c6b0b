/**
 * Forged, mutated and merely odd updates against `authorize`, for conversation, page and personal documents. Whatever it lets through is applied to a copy, and
 * an oracle that knows nothing of updates looks at what has changed and who did it. Nothing may get through that is not the sender's to do, nothing may
 * make it throw, and the memory stays flat.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as Y from 'yjs';
import { newMessageId, type UserId } from '#shared/ids.ts';
import { reactionKey } from '#shared/model/page.ts';
import { reason } from '../log.ts';
import { seeded } from '../test-random.ts';
import { ForgedWorld } from './forged-world.ts';
import { type Content, type Id, rawUpdate, type Struct } from './raw-update.ts';
import { Dice, inWords, type Outcome, type Trial } from './trial.ts';

const WORLD_LASTS = 500;
const ADOPT_PERCENT = 5;
const SAY_EVERY = 10_000;
/** What a heap may grow by between a fifth of the way and the end. */
const GROWTH_MAX_BYTES = 16 * 1024 * 1024;
const ROOTS = ['messages', 'deleted', 'reactions', 'votes', 'order', 'meta', 'pins', 'members', 'pages'];
const FAIR_ROOTS = ['messages', 'messages', 'deleted', 'reactions'];
const PERSONAL_ROOTS = ['drafts', 'read', 'prefs'];

export async function forgeriesTrial({ seed, count, say }: Trial): Promise<Outcome> {
  const dice = new Dice(seeded(seed));
  const counts: Record<string, number> = { forgeries: 0, 'let through and theirs': 0, refused: 0, missing: 0 };
  const faults: string[] = [];
  let world = new ForgedWorld('page', dice);
  let heapBefore = 0;
  for (let i = 0; i < count && faults.length < 10; i++) {
    if (i % WORLD_LASTS === 0)
      world = new ForgedWorld(dice.pick(['page', 'page', 'page', 'conversation', 'personal']), dice);
    if (i === Math.floor(count / 5)) heapBefore = heapBytes();
    const person = dice.pick(world.people);
    const update = forge(world, person, dice);
    const wrongs = attempt(world, person, update, dice, counts);
    if (wrongs.length > 0)
      faults.push(
        `forgery ${i} on a ${world.kind} document: ${wrongs.join('; ')} (${Buffer.from(update).toString('base64').slice(0, 400)})`,
      );
    counts['forgeries'] = i + 1;
    if ((i + 1) % SAY_EVERY === 0) say(inWords(counts));
  }
  const growth = heapBytes() - heapBefore;
  counts['kB more memory'] = Math.round(growth / 1024);
  if (growth > GROWTH_MAX_BYTES) faults.push(`the heap grew by ${growth} bytes`);
  if (counts['let through and theirs'] === 0) faults.push('nothing was let through: this tries nothing');
  return { counts, faults };
}

function attempt(
  world: ForgedWorld,
  person: UserId,
  update: Uint8Array,
  dice: Dice,
  counts: Record<string, number>,
): string[] {
  const before = Y.encodeStateAsUpdate(world.doc);
  let verdict: ReturnType<ForgedWorld['judge']>;
  try {
    verdict = world.judge(person, update);
  } catch (error) {
    return [`it threw ${reason(error)}`];
  }
  if (!Buffer.from(before).equals(Y.encodeStateAsUpdate(world.doc))) return ['judging changed the document'];
  if (verdict.is !== 'accept') {
    const kind = verdict.is === 'refuse' ? 'refused' : 'missing';
    counts[kind] = (counts[kind] ?? 0) + 1;
    return [];
  }
  if (!verdict.empty) counts['let through and theirs'] = (counts['let through and theirs'] ?? 0) + 1;
  const { doc, wrongs } = world.applied(person, update, verdict.repeats);
  if (wrongs.length === 0 && dice.chance(ADOPT_PERCENT)) world.adopt(person, doc, verdict.clients);
  return wrongs;
}

function forge(world: ForgedWorld, person: UserId, dice: Dice): Uint8Array {
  const way = dice.below(100);
  const update = way < 55 ? written(world, person, dice) : raw(world, person, dice);
  return dice.chance(30) ? mutated(update, written(world, person, dice), dice) : update;
}

/** By Yjs itself, on a device that has everything, under a client id of anybody. */
function written(world: ForgedWorld, person: UserId, dice: Dice): Uint8Array {
  const doc = world.copy(dice.chance(50));
  if (dice.chance(30)) doc.clientID = dice.pick(knownClients(world));
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  const lies = dice.pick([0, 10, 100]);
  const acts = (): void =>
    repeat(dice.between(1, 4), () => (dice.chance(lies) ? act : fairAct)(doc, world, person, dice));
  if (dice.chance(50)) doc.transact(acts);
  else acts();
  const last = updates.at(-1);
  if (last === undefined) return Y.encodeStateAsUpdate(doc);
  // Alone, without what it builds on; all; or as a sync answer.
  return dice.pick([
    () => last,
    () => last,
    () => Y.mergeUpdates(updates),
    () => Y.encodeStateAsUpdate(doc, Y.encodeStateVector(world.doc)),
  ])();
}

/** What a device does, nearly always in its person's own name. */
function fairAct(doc: Y.Doc, world: ForgedWorld, person: UserId, dice: Dice): void {
  const root = dice.pick({ page: FAIR_ROOTS, conversation: ['meta', 'pins'], personal: PERSONAL_ROOTS }[world.kind]);
  const own = [...world.authors].flatMap(([id, by]) => (by === person || dice.chance(5) ? [id] : []));
  const message = dice.chance(50) || own.length === 0 ? newMessageId() : dice.pick(own);
  const key = {
    meta: 'title',
    drafts: world.conversation,
    read: world.conversation,
    prefs: world.conversation,
    reactions: reactionKey({ message, user: person, emoji: '👍' }),
  }[root];
  const map = doc.getMap(root);
  if (dice.chance(20)) map.delete(key ?? message);
  else
    map.set(
      key ?? message,
      root === 'meta'
        ? 'Nhà'
        : root === 'messages'
          ? { by: person, at: 1, text: 'chào' }
          : fitting(root, world, person, dice),
    );
}

function act(doc: Y.Doc, world: ForgedWorld, person: UserId, dice: Dice): void {
  const roots = world.kind === 'personal' ? PERSONAL_ROOTS : ROOTS;
  const root = dice.pick([...roots, ...roots, 'evil', '']);
  try {
    const way = dice.below(100);
    if (root === 'order' || way < 3) {
      const list = doc.getArray(root);
      if (dice.chance(50) && list.length > 0) list.delete(dice.below(list.length), 1);
      else list.insert(dice.below(list.length + 1), [anyValue(world, person, dice)]);
    } else if (way < 6) {
      const text = doc.getText(root);
      text.insert(0, 'x');
      text.format(0, 1, { bold: true });
    } else {
      const map = doc.getMap(root);
      const key = anyKey(world, person, dice, dice.chance(70) ? [...map.keys()] : []);
      if (dice.chance(25)) map.delete(key);
      else
        map.set(
          key,
          dice.chance(8)
            ? nested(dice)
            : dice.chance(70)
              ? fitting(root, world, person, dice)
              : anyValue(world, person, dice),
        );
    }
  } catch {
    // Yjs itself will not write this: a root is one thing only, and some values are none.
  }
}

/** Any struct with any claim. */
function raw(world: ForgedWorld, person: UserId, dice: Dice): Uint8Array {
  const clients = [...knownClients(world), ...knownClients(world), new Y.Doc().clientID, 1, 2 ** 32 - 1];
  const id = (): Id => {
    const client = dice.pick(clients);
    const state = Y.getState(world.doc.store, client);
    return {
      client,
      clock: dice.pick([state, Math.max(0, state - 1), dice.below(state + 1), state + 1, 0, 2 ** 31, 2 ** 40]),
    };
  };
  const struct = (): Struct => ({
    origin: dice.chance(35) ? id() : undefined,
    rightOrigin: dice.chance(10) ? id() : undefined,
    parent: dice.chance(90) ? dice.pick([...ROOTS, ...PERSONAL_ROOTS, 'evil']) : id(),
    key: dice.chance(85) ? anyKey(world, person, dice, [...world.authors.keys()]) : undefined,
    content: anyContent(world, person, dice),
  });
  const used = new Set<number>();
  const runs = Array.from({ length: dice.below(3) }, () => ({
    ...id(),
    structs: Array.from({ length: dice.between(1, 3) }, struct),
  })).filter(({ client }) => (dice.chance(5) || !used.has(client)) && used.add(client));
  const deletions = Array.from({ length: dice.below(3) }, () => ({
    ...id(),
    length: dice.pick([1, 1, 2, 5, 1_000, 2 ** 32]),
  }));
  return rawUpdate(runs, deletions);
}

function mutated(update: Uint8Array, other: Uint8Array, dice: Dice): Uint8Array {
  const way = dice.below(4);
  if (way === 0) return update.subarray(0, dice.below(update.length));
  if (way === 1) {
    const [from, to] = [dice.below(update.length), dice.below(other.length)];
    return Buffer.concat([update.subarray(0, from), other.subarray(to)]);
  }
  const bytes = update.slice();
  repeat(dice.between(1, 5), () => {
    const at = dice.below(bytes.length);
    bytes[at] = dice.chance(50) ? dice.below(256) : (bytes[at] ?? 0) ^ (1 << dice.below(8));
  });
  return bytes;
}

const repeat = (times: number, what: () => void): void => {
  for (let i = 0; i < times; i++) what();
};

const knownClients = (world: ForgedWorld): number[] => [...world.clients.keys(), ...world.claims.keys()];

function anyKey(world: ForgedWorld, person: UserId, dice: Dice, there: readonly string[]): string {
  if (there.length > 0) return dice.pick(there);
  const message = dice.chance(70) ? dice.pick([...world.authors.keys()]) : newMessageId();
  const user = dice.chance(50) ? person : dice.pick([world.an, world.binh, world.admin]);
  return dice.pick<() => string>([
    () => message,
    () => message,
    () => reactionKey({ message, user, emoji: dice.pick(['👍', '🎉', 'x'.repeat(40)]) }),
    () => world.conversation,
    () => user,
    () => dice.pick(['title', 'topic', 'avatar', 'kind', 'createdBy', 'createdAt', 'current']),
    () =>
      dice.pick(['', '__proto__', 'constructor', 'x'.repeat(1_000), 'toString', `${message} `, message.toUpperCase()]),
  ])();
}

/** Of the shape that belongs there, in anybody's name. */
function fitting(root: string, world: ForgedWorld, person: UserId, dice: Dice): unknown {
  const by = dice.chance(65) ? person : dice.pick([world.an, world.binh, world.admin]);
  switch (root) {
    case 'messages':
      return { by, at: dice.below(1_000), text: dice.pick(['chào', 'x'.repeat(16_000), 'x'.repeat(16_001), '', ' ']) };
    case 'deleted':
    case 'pins':
      return { by, at: dice.below(1_000) };
    case 'meta':
      return dice.pick(['Nhà', '', 'x'.repeat(2_000), 7]);
    case 'members':
      return { role: 'owner', name: 'X', joinedAt: 1 };
    case 'drafts':
      return { text: 'nháp', at: 1 };
    case 'prefs':
      return { pinned: true };
    default:
      return dice.below(1_000);
  }
}

function anyValue(world: ForgedWorld, person: UserId, dice: Dice): unknown {
  const deep = (depth: number): unknown => (depth === 0 ? 1 : { a: deep(depth - 1) });
  return dice.pick<() => unknown>([
    () => fitting('messages', world, person, dice),
    () => fitting('deleted', world, person, dice),
    () => deep(dice.pick([3, 7, 200])),
    () => 'x'.repeat(dice.pick([10, 200_000])),
    () => new Uint8Array(3),
    () => 10n,
    () => undefined,
    () => null,
    () => dice.pick([NaN, Infinity, -1, 0.5, 2 ** 60]),
    () => ({ by: person, at: 1, text: 'chào', mentions: Array.from({ length: 300 }, () => person) }),
    () => ({ by: person, at: 1, text: 'chào', admin: true }),
    () => JSON.parse(`{"by":"${person}","at":1,"text":"chào","__proto__":{"by":"${world.binh}"}}`) as unknown,
    () => [[1, newMessageId(), 1]],
  ])();
}

function anyContent(world: ForgedWorld, person: UserId, dice: Dice): Content {
  if (dice.chance(55)) {
    const root = dice.pick([...ROOTS, ...PERSONAL_ROOTS]);
    return {
      is: 'any',
      values: Array.from({ length: dice.pick([1, 1, 1, 2, 0]) }, () => fitting(root, world, person, dice)),
    };
  }
  return dice.pick<() => Content>([
    () => ({ is: 'any', values: [anyValue(world, person, dice)] }),
    () => ({ is: dice.pick(['gone', 'skipped', 'deleted'] as const), length: dice.pick([0, 1, 2, 1_000, 2 ** 32]) }),
    () => ({ is: 'json', values: [fitting('messages', world, person, dice)] }),
    () => ({ is: 'binary', bytes: new Uint8Array(2) }),
    () => ({ is: 'string', text: 'chào' }),
    () => ({ is: 'embed', value: { a: 1 } }),
    () => ({ is: 'format', key: 'bold', value: true }),
    () => ({ is: 'type', type: dice.below(7) }),
    () => ({ is: 'doc', guid: 'evil' }),
  ])();
}

const nested = (dice: Dice): unknown =>
  dice.pick<() => unknown>([
    () => new Y.Map([['text', 'x']]),
    () => new Y.Array(),
    () => new Y.Text('x'),
    () => new Y.XmlElement('x'),
    () => new Y.Doc(),
  ])();

/** After tidying up. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
