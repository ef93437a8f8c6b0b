import { expect, test } from 'vitest';
import { endingOf, shortenedName } from './file-name.ts';

test('a long name keeps its beginning and its end', () => {
  expect(shortenedName('Hoá đơn.pdf')).toBe('Hoá đơn.pdf');
  const long = `Biên bản họp ${'rất '.repeat(20)}dài (bản cuối).docx`;
  expect(shortenedName(long)).toMatch(
    /^Biên bản họp rất rất.*…rất dài \(bản cuối\)\.docx$|^Biên bản họp.*….*cuối\)\.docx$/,
  );
  expect([...shortenedName(long)]).toHaveLength(44);
  expect([...shortenedName('👨‍👩‍👧'.repeat(30))]).toHaveLength(44);
});

test('the ending says what kind of file it is, when it is short', () => {
  expect(endingOf('a.tar.gz')).toBe('gz');
  expect(endingOf('README')).toBe('');
  expect(endingOf('.bashrc')).toBe('');
  expect(endingOf('x.verylongending')).toBe('');
});
