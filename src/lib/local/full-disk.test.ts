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

test('[L11] what a full disk refused is there again after the tab is closed, until the disk has it', async () => {
  const scope = `ting-ting:${String(Math.random())}`;
  const disk = new Disk();
  const waiting = (text: string) => ({ conversation: 'c', page: 0, message: { by: 'u', at: 1, text } }) as never;
  const copies = () => Object.keys(localStorage).filter((key) => key.startsWith(scope));
  const before = await Kept.read(disk, scope);
  before.put('waiting', 'm1', waiting('trước khi đầy'));
  disk.isFull = true;
  before.put('waiting', 'm2', waiting('lúc đầy'));
  before.put('waiting', 'm3', waiting('lúc đầy, rồi xoá'));
  before.put('kv', 'list', 'not written by a person');
  await vi.advanceTimersByTimeAsync(0);
  void before.remove('waiting', 'm3');
  await vi.advanceTimersByTimeAsync(0);
  before.stop();

  // Still full: it stays where it is.
  const between = await Kept.read(disk, scope);
  expect([...between.table('waiting').keys()].sort()).toEqual(['m1', 'm2']);
  await vi.advanceTimersByTimeAsync(0);
  expect(copies()).toHaveLength(1);
  between.stop();

  disk.isFull = false;
  const after = await Kept.read(disk, scope);
  expect(after.table('waiting').get('m2')).toEqual(waiting('lúc đầy'));
  expect(after.table('kv').has('list')).toBe(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(await disk.all('waiting')).toEqual(after.table('waiting'));
  expect(copies()).toEqual([]);
  after.stop();
});

test('[L11] what was sent from there is not taken up again', async () => {
  const scope = `ting-ting:${String(Math.random())}`;
  const disk = new Disk();
  const kept = await Kept.read(disk, scope);
  disk.isFull = true;
  kept.put('waiting', 'm1', { text: 'lúc đầy' } as never);
  await vi.advanceTimersByTimeAsync(0);
  disk.isFull = false;
  await kept.remove('waiting', 'm1');
  kept.stop();
  expect((await Kept.read(disk, scope)).table('waiting').size).toBe(0);
});
