/** What waits on the disk. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Spill } from './spill.ts';

const MEGABYTE = 1024 ** 2;

/** Its file has no name: it is found among those that are open. */
function openIn(folder: string): number[] {
  const open: number[] = [];
  for (const file of readdirSync('/proc/self/fd')) {
    const path = join('/proc/self/fd', file);
    try {
      if (readlinkSync(path).startsWith(folder)) open.push(statSync(path).size);
    } catch {
      // Closed since they were listed.
    }
  }
  return open;
}

test.skipIf(process.platform !== 'linux')(
  '[B18] what floods in again and again takes no more of the disk than it did the first time, and comes out as it went in',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ting-spill-'));
    const spill = new Spill(folder);
    for (let flood = 1; flood <= 20; flood++) {
      spill.add(new Uint8Array(MEGABYTE).fill(flood));
      let came = 0;
      while (!spill.isEmpty) {
        const piece = await spill.next();
        expect(piece.every((byte) => byte === flood)).toBe(true);
        came += piece.length;
      }
      expect(came).toBe(MEGABYTE);
    }
    expect(readdirSync(folder)).toEqual([]);
    expect(openIn(folder)).toEqual([MEGABYTE]);
    spill.close();
    await expect.poll(() => openIn(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  },
);
