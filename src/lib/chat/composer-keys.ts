/** What a key means in the composer. Apart from the component, because it must never be wrong: Enter during a composition (Telex, VNI, pinyin) writes, it does not send. */
import type { ComposerMode } from '$lib/state/views.ts';

export type ComposerKey = 'send' | 'cancel' | 'edit-last' | null;

type Key = Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** While an input method composes, browsers report this key code; Safari does so even after `isComposing` has gone. */
const COMPOSING_KEY_CODE = 229;

export function composerKey(key: Key, now: { empty: boolean; touch: boolean; mode: ComposerMode['is'] }): ComposerKey {
  if (key.isComposing || key.keyCode === COMPOSING_KEY_CODE) return null;
  if (key.key === 'Enter') {
    if (key.ctrlKey || key.metaKey) return 'send';
    // On a phone Enter is the only way to a new line; the button sends.
    return key.shiftKey || key.altKey || now.touch ? null : 'send';
  }
  if (key.shiftKey || key.ctrlKey || key.metaKey || key.altKey) return null;
  if (key.key === 'Escape') return now.mode === 'new' ? null : 'cancel';
  if (key.key === 'ArrowUp') return now.empty && now.mode === 'new' ? 'edit-last' : null;
  return null;
}

/** The field's text with something put at the cursor. The cursor ends up behind it once the field shows the text. */
export function insertAt(field: HTMLTextAreaElement, piece: string): string {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const text = value.slice(0, start) + piece + value.slice(end);
  requestAnimationFrame(() => field.setSelectionRange(start + piece.length, start + piece.length));
  return text;
}
