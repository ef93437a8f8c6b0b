import { Blob as NodeBlob } from 'node:buffer';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { nameInPieces, nameOf } from './names.ts';

// The test's pretended browser reads its own blobs slowly.
const blob = (bytes: Uint8Array<ArrayBuffer>): Blob => new NodeBlob([bytes]) as unknown as Blob;

test('a blob has the same name whether it is hashed at once or in pieces', async () => {
  for (const size of [0, 1, 4 * 1024 ** 2, 9_000_001]) {
    const bytes = new Uint8Array(size).map((_, at) => at * 7);
    const name = createHash('sha256').update(bytes).digest('hex');
    expect(await nameOf(blob(bytes))).toBe(name);
    expect(await nameInPieces(blob(bytes))).toBe(name);
  }
});
