/**
 * A large update in pieces. One frame with all of it would have to fit what either side takes at once, and whoever is cut off in the middle would
 * begin again from nothing; each piece stays where it arrived. What a struct builds on comes before it or with it, so no piece waits for a later
 * one. The last carries the deletions, and for a sync step 2 the word that this was all.
 *
 * Reads and writes Yjs's update format 1, with Yjs's own structs (yjs/src/utils/updates.js, `decodeUpdate`); what they build on is what Yjs looks
 * at before it integrates one (yjs/src/structs/Item.js, `getMissing`).
 */
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { decodeFrame, encodeFrame } from './frames.ts';

/** A piece is larger only when a single value is. */
export const PIECE_MAX_BYTES = 256 * 1024;

/** A frame of the single-document protocol as one or more frames that say the same, in the order to send them. */
export function framesInPieces(frame: Uint8Array, maxBytes: number = PIECE_MAX_BYTES): Uint8Array[] {
  if (frame.length <= maxBytes) return [frame];
  const decoded = decodeFrame(frame);
  if (!decoded.ok || (decoded.value.is !== 'step2' && decoded.value.is !== 'update')) return [frame];
  const { is, update } = decoded.value;
  const pieces = updateInPieces(update, maxBytes);
  return pieces.map((piece, at) => encodeFrame({ is: at === pieces.length - 1 ? is : 'update', update: piece }));
}

/** Updates that, applied in this order, say what the one says. */
export function updateInPieces(update: Uint8Array, maxBytes: number = PIECE_MAX_BYTES): Uint8Array[] {
  if (update.length <= maxBytes) return [update];
  const { structs, ds } = Y.decodeUpdate(update);
  const pieces: Uint8Array[] = [];
  let piece = new Piece();
  const next = (): void => {
    pieces.push(piece.encode());
    piece = new Piece();
  };
  for (const struct of inOrder(structs)) {
    // A gap: what is behind it begins a piece of its own, for a client stands in an update only once, and without gaps.
    if (struct instanceof Y.Skip) {
      if (piece.size > 0) next();
      continue;
    }
    const encoder = new Y.UpdateEncoderV1();
    struct.write(encoder, 0);
    const bytes = encoding.toUint8Array(encoder.restEncoder);
    if (piece.size > 0 && piece.size + bytes.length > maxBytes) next();
    piece.add(struct.id, bytes);
  }
  pieces.push(piece.encode(ds));
  return pieces;
}

type Decoded = ReturnType<typeof Y.decodeUpdate>;
type Struct = Decoded['structs'][number];

/** Each client's structs in their order, and none before what it builds on, as far as that is in the update at all. */
function inOrder(structs: readonly Struct[]): Struct[] {
  const clients = new Map<number, { structs: Struct[]; done: number }>();
  for (const struct of structs) {
    const row = clients.get(struct.id.client);
    if (row === undefined) clients.set(struct.id.client, { structs: [struct], done: 0 });
    else row.structs.push(struct);
  }
  const order: Struct[] = [];
  // A stack instead of recursion: what builds on what can be as long as the update.
  for (const first of clients.keys()) {
    const stack = [first];
    for (let client = stack.at(-1); client !== undefined; client = stack.at(-1)) {
      const row = clients.get(client);
      const struct = row?.structs[row.done];
      if (row === undefined || struct === undefined) stack.pop();
      else {
        const before = basesOf(struct).find((id) => isToCome(clients.get(id.client), id));
        if (before !== undefined && !stack.includes(before.client)) stack.push(before.client);
        else {
          order.push(struct);
          row.done += 1;
          // Back to the one that needed it, which may need no more of this client.
          if (stack.length > 1) stack.pop();
        }
      }
    }
  }
  return order;
}

const isToCome = (row: { structs: Struct[]; done: number } | undefined, { client, clock }: Y.ID): boolean => {
  const next = row?.structs[row.done];
  return next !== undefined && next.id.client === client && next.id.clock <= clock;
};

/** What it builds on of other clients; of its own, everything before it. */
function basesOf(struct: Struct): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  return [struct.origin, struct.rightOrigin, struct.parent].filter(
    (base): base is Y.ID => base instanceof Y.ID && base.client !== struct.id.client,
  );
}

class Piece {
  size = 0;
  readonly #runs = new Map<number, { clock: number; structs: Uint8Array[] }>();

  add({ client, clock }: { client: number; clock: number }, bytes: Uint8Array): void {
    this.size += bytes.length;
    const run = this.#runs.get(client);
    if (run === undefined) this.#runs.set(client, { clock, structs: [bytes] });
    else run.structs.push(bytes);
  }

  encode(deletions?: Decoded['ds']): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, this.#runs.size);
    // Yjs writes, and `mergeUpdates` expects, the larger client id first.
    for (const [client, { clock, structs }] of [...this.#runs].sort(([a], [b]) => b - a)) {
      encoding.writeVarUint(encoder, structs.length);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
      for (const bytes of structs) encoding.writeUint8Array(encoder, bytes);
    }
    const clients = [...(deletions?.clients ?? [])];
    encoding.writeVarUint(encoder, clients.length);
    for (const [client, ranges] of clients) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, ranges.length);
      for (const { clock, len } of ranges) {
        encoding.writeVarUint(encoder, clock);
        encoding.writeVarUint(encoder, len);
      }
    }
    return encoding.toUint8Array(encoder);
  }
}
