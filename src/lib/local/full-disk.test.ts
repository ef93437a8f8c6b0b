import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Documents } from './documents.ts';
import { FullDisk } from './full-disk.ts';
import { Kept } from './kept.ts';
import { MemoryStore } from './memory-store.ts';

const full = new DOMException('no room', 'QuotaExceededError');

/** A disk that refuses whatever is written while it is full. */
class Disk extends MemoryStore {
  isFull = false;
  /** The words of the document that are on it. */
  words: string[] = [];

  override put(...args: Parameters<MemoryStore['put']>) {
    return this.isFull ? Promise.reject(full) : super.put(...args);
  }
  override remove(...args: Parameters<MemoryStore['remove']>) {
    return this.isFull ? Promise.reject(full) : super.remove(...args);
  }
  override replace(...args: Parameters<MemoryStore['replace']>) {
    return this.isFull ? Promise.reject(full) : super.replace(...args);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function setup() {
  const disk = new Disk();
  const kept = await Kept.read(disk, String(Math.random()));
  const documents = new Documents('test', (_name, doc, { failed } = {}) => {
    const write = () => {
      if (disk.isFull) throw full;
      disk.words = [...doc.getMap('words').keys()];
    };
    doc.on('update', () => {
      try {
        write();
      } catch (why) {
        failed?.(why);
      }
    });
    return { loaded: Promise.resolve(), save: () => new Promise<void>((resolve) => resolve(write())) };
  });
  const over = vi.fn();
  const fullDisk = new FullDisk({ kept, documents, over });
  return { disk, kept, documents, fullDisk, over };
}

test('[L10] what a full disk refused is written when there is room again', async () => {
  const { disk, kept, documents, fullDisk, over } = await setup();
  const failed = vi.fn();
  kept.on('failed', failed);
  documents.on('unsaved', failed);
  kept.put('kv', 'gone', 1);
  const held = documents.hold('giấy');
  disk.isFull = true;
  kept.put('kv', 'new', 2);
  void kept.remove('kv', 'gone');
  kept.replace('held', new Map([['c', 3]]));
  held.doc.getMap('words').set('lúc đầy', true);
  await vi.advanceTimersByTimeAsync(0);
  expect(failed).toHaveBeenCalledTimes(4);
  // Nobody needs it: it stays in memory all the same, there is no other copy.
  held.release();
  fullDisk.begin();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(over).not.toHaveBeenCalled();
  expect(documents.get('giấy')).toBeDefined();

  disk.isFull = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(over).toHaveBeenCalledOnce();
  expect(disk.words).toEqual(['lúc đầy']);
  expect(documents.get('giấy')).toBeUndefined();
  expect(await disk.all('kv')).toEqual(new Map([['new', 2]]));
  expect(await disk.all('held')).toEqual(new Map([['c', 3]]));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(over).toHaveBeenCalledOnce();
});
