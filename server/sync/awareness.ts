/**
 * Who is typing: the awareness states of one document, in y-protocols' bytes. Unlike y-protocols' class it has no timer and trusts nobody:
 * a state counts only when it names its sender (`user.id`), and belongs to the peer that brought it until that peer leaves.
 *
 * Stock clients repeat to the relay what they hear from others. So what is not the sender's own is passed over, not punished.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { UserId } from '#shared/ids.ts';
import { AWARENESS_MAX_BYTES } from '#shared/limits.ts';

/** Tabs of one browser speak for each other over a BroadcastChannel, so one socket may bring a few clients. */
const CLIENTS_PER_PEER_MAX = 16;
const ENTRIES_MAX_COUNT = 2_000;

interface State {
  clock: number;
  json: string;
  peer: object;
  person: UserId;
  typing: boolean;
}
type Entry = { client: number; clock: number; json: string };

/** An update that tells nothing: proof of life for a peer whose own was passed over. */
export const NOTHING_AWARE = encode([]);

export class AwarenessStates {
  readonly #states = new Map<number, State>();

  /** All states; null when there are none. */
  all(): Uint8Array | null {
    return this.#states.size === 0
      ? null
      : encode([...this.#states].map(([client, { clock, json }]) => ({ client, clock, json })));
  }

  /** Answers what is to be passed on to everybody (perhaps nothing: []), or why the bytes cannot be read. */
  receive(
    bytes: Uint8Array,
    sender: { peer: object; person: UserId; ownerOfClient: (client: number) => UserId | null | undefined },
  ): { ok: true; news: Uint8Array | null } | { ok: false } {
    const entries = decode(bytes);
    if (entries === null) return { ok: false };
    const news = entries.filter((entry) => this.#take(entry, sender));
    return { ok: true, news: news.length > 0 ? encode(news) : null };
  }

  /** Forgets what a peer brought; answers what the others are to be told. */
  forget(peer: object): Uint8Array | null {
    const gone: Entry[] = [];
    for (const [client, state] of this.#states) {
      if (state.peer !== peer) continue;
      this.#states.delete(client);
      gone.push({ client, clock: state.clock, json: 'null' });
    }
    return gone.length > 0 ? encode(gone) : null;
  }

  /** Who shows this client id as their own at the moment. */
  claimant(client: number): UserId | undefined {
    return this.#states.get(client)?.person;
  }

  /** By any of their devices. */
  isTyping(person: UserId): boolean {
    for (const state of this.#states.values()) if (state.person === person && state.typing) return true;
    return false;
  }

  #take(entry: Entry, sender: Parameters<AwarenessStates['receive']>[1]): boolean {
    const known = this.#states.get(entry.client);
    if (known !== undefined && known.peer !== sender.peer) return false;
    if (known !== undefined && (entry.clock < known.clock || (entry.clock === known.clock && entry.json !== 'null')))
      return false;
    const owner = sender.ownerOfClient(entry.client);
    if (owner !== undefined && owner !== sender.person) return false;
    if (entry.json === 'null') return this.#states.delete(entry.client);
    if (entry.json.length > AWARENESS_MAX_BYTES) return false;
    const said = read(entry.json);
    if (said.by !== sender.person) return false;
    if (known === undefined && this.#countOf(sender.peer) >= CLIENTS_PER_PEER_MAX) return false;
    const { clock, json } = entry;
    this.#states.set(entry.client, { clock, json, peer: sender.peer, person: sender.person, typing: said.typing });
    return true;
  }

  #countOf(peer: object): number {
    let count = 0;
    for (const state of this.#states.values()) if (state.peer === peer) count += 1;
    return count;
  }
}

/** The person a state names as its own, `user.id`, and whether it says that they type. Whatever else is in it is theirs. */
function read(json: string): { by: unknown; typing: boolean } {
  const state: unknown = JSON.parse(json);
  if (typeof state !== 'object' || state === null || !('user' in state)) return { by: undefined, typing: false };
  const { user } = state;
  const by = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined;
  return { by, typing: 'typing' in state && state.typing === true };
}

function decode(bytes: Uint8Array): Entry[] | null {
  try {
    const decoder = decoding.createDecoder(bytes);
    const count = decoding.readVarUint(decoder);
    if (count > ENTRIES_MAX_COUNT) return null;
    const entries: Entry[] = [];
    for (let i = 0; i < count; i++) {
      const entry = {
        client: decoding.readVarUint(decoder),
        clock: decoding.readVarUint(decoder),
        json: decoding.readVarString(decoder),
      };
      JSON.parse(entry.json);
      entries.push(entry);
    }
    return entries;
  } catch {
    return null;
  }
}

function encode(entries: Entry[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entries.length);
  for (const { client, clock, json } of entries) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, json);
  }
  return encoding.toUint8Array(encoder);
}
