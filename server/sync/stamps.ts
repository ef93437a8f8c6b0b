/**
 * The relay's list of stamps in a page, written as bytes: a stamp is one item of a Yjs array behind the one before, and encoding that directly costs
 * a twentieth of letting a Y.Doc do it. The format is Yjs's update format 1 (yjs/src/utils/encoding.js and structs/Item.js): what is written here is
 * what `order.insert(order.length, stamps)` would be, by a client that does nothing else.
 *
 * That client id is never the document's own: Yjs takes a change that comes in under its own id for somebody else's, and chooses a new one.
 */
import * as encoding from 'lib0/encoding';
import type * as Y from 'yjs';
import { orderOf, type Stamp } from '#shared/model/page.ts';

/** ContentAny in Yjs's table of contents. */
const CONTENT_ANY = 8;
const HAS_ORIGIN = 0x80;
const PARENT_IS_ROOT = 1;

export class Stamps {
  readonly client: number;
  #clock = 0;
  /** The last stamp, which the next one stands behind; null in an empty list. */
  #last: { client: number; clock: number } | null;

  constructor(client: number, doc: Y.Doc) {
    this.client = client;
    this.#last = lastOf(doc);
  }

  /** Whether this client has written anything. */
  get begun(): boolean {
    return this.#clock > 0;
  }

  /** The update that puts these at the end of the list. */
  append(stamps: readonly Stamp[]): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 1); // clients
    encoding.writeVarUint(encoder, 1); // structs of this one
    encoding.writeVarUint(encoder, this.client);
    encoding.writeVarUint(encoder, this.#clock);
    encoding.writeUint8(encoder, this.#last === null ? CONTENT_ANY : CONTENT_ANY | HAS_ORIGIN);
    if (this.#last === null) {
      encoding.writeVarUint(encoder, PARENT_IS_ROOT);
      encoding.writeVarString(encoder, 'order');
    } else {
      encoding.writeVarUint(encoder, this.#last.client);
      encoding.writeVarUint(encoder, this.#last.clock);
    }
    encoding.writeVarUint(encoder, stamps.length);
    for (const stamp of stamps) encoding.writeAny(encoder, stamp);
    encoding.writeVarUint(encoder, 0); // deletions
    this.#clock += stamps.length;
    this.#last = { client: this.client, clock: this.#clock - 1 };
    return encoding.toUint8Array(encoder);
  }
}

function lastOf(doc: Y.Doc): { client: number; clock: number } | null {
  let item = orderOf(doc)._start;
  // Stamps of one life of a room are one item: there are as many as the page had lives.
  while (item?.right != null) item = item.right;
  return item === null ? null : { client: item.id.client, clock: item.id.clock + item.length - 1 };
}
