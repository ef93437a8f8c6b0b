import { expect, test } from 'vitest';
import { composerKey } from './composer-keys.ts';

const key = (name: string, more: object = {}) => ({
  key: name,
  keyCode: 0,
  isComposing: false,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});
const desk = { empty: false, touch: false, mode: 'new' } as const;

test('Enter sends on a desk, Shift-Enter and phones break the line', () => {
  expect(composerKey(key('Enter'), desk)).toBe('send');
  expect(composerKey(key('Enter', { shiftKey: true }), desk)).toBeNull();
  expect(composerKey(key('Enter'), { ...desk, touch: true })).toBeNull();
  expect(composerKey(key('Enter', { ctrlKey: true }), { ...desk, touch: true })).toBe('send');
});

test('Enter during a composition never sends', () => {
  expect(composerKey(key('Enter', { isComposing: true }), desk)).toBeNull();
  expect(composerKey(key('Enter', { keyCode: 229 }), desk)).toBeNull();
});

test('Escape leaves a reply, arrow up in an empty field edits the last', () => {
  expect(composerKey(key('Escape'), { ...desk, mode: 'reply' })).toBe('cancel');
  expect(composerKey(key('Escape'), desk)).toBeNull();
  expect(composerKey(key('ArrowUp'), { ...desk, empty: true })).toBe('edit-last');
  expect(composerKey(key('ArrowUp'), desk)).toBeNull();
});
