/**
 * Several Yjs updates as one: what a person wrote and the relay's stamp behind it travel, and lie on disk, together. Nearly always each is a run
 * of one client without deletions; then the bytes are put behind each other under a new head (Yjs's update format 1: the number of clients; for
 * each, the number of its structs, the client, the first clock, the structs; at the end the deletions). Everything else Yjs merges itself, at
 * several times the cost.
 */
import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';

interface Run {
  client: number;
  /** From the number of its structs to before the deletions. */
  bytes: Uint8Array;
}

/** The updates as Yjs encoded them, at least one; their order does not matter. */
export function oneUpdate(updates: readonly Uint8Array[]): Uint8Array {
  const [only] = updates;
  if (only !== undefined && updates.length === 1) return only;
  return behindEachOther(updates) ?? Y.mergeUpdates([...updates]);
}

function behindEachOther(updates: readonly Uint8Array[]): Uint8Array | null {
  // So that their number is one byte.
  if (updates.length > 0x7f) return null;
  const runs: Run[] = [];
  for (const update of updates) {
    const run = singleRun(update);
    if (run === null || runs.some(({ client }) => client === run.client)) return null;
    runs.push(run);
  }
  // Yjs writes, and `mergeUpdates` expects, the larger client id first.
  runs.sort((a, b) => b.client - a.client);
  let at = 1;
  const whole = new Uint8Array(runs.reduce((length, { bytes }) => length + bytes.length, 2));
  whole[0] = runs.length;
  for (const { bytes } of runs) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

/** Null when there is more than one client, or anything is deleted: a list of deletions never ends in 0, for none is of length 0. */
function singleRun(update: Uint8Array): Run | null {
  if (update[0] !== 1 || update.at(-1) !== 0) return null;
  const decoder = decoding.createDecoder(update.subarray(1));
  decoding.readVarUint(decoder);
  return { client: decoding.readVarUint(decoder), bytes: update.subarray(1, -1) };
}
