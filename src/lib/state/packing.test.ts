import { expect, test } from 'vitest';
import { fittingName } from './packing.ts';

test('a picture that was drawn anew has a name that fits', () => {
  expect(fittingName('IMG_1.JPG', 'image/webp')).toBe('IMG_1.webp');
  expect(fittingName('IMG_1.JPG', 'image/jpeg')).toBe('IMG_1.JPG');
  expect(fittingName('ảnh', 'image/webp')).toBe('ảnh.webp');
  expect(fittingName('.hidden', 'text/plain')).toBe('.hidden');
  expect(fittingName('', 'application/pdf')).toBe('file');
  expect(fittingName(`${'x'.repeat(300)}.pdf`, 'application/pdf')).toHaveLength(255);
});
