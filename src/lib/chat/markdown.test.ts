import { describe, expect, test } from 'vitest';
import { emojiOnly, parseInline, parseMarkdown, plainLine, safeHref, type Inline } from './markdown.ts';

const flat = (inlines: Inline[]): string =>
  inlines
    .map((inline) => {
      switch (inline.is) {
        case 'text':
          return inline.text;
        case 'code':
          return `<code>${inline.text}</code>`;
        case 'link':
          return `<a ${inline.href}>${flat(inline.of)}</a>`;
        case 'bold':
        case 'italic':
        case 'strike':
          return `<${inline.is}>${flat(inline.of)}</${inline.is}>`;
      }
    })
    .join('');
const inline = (text: string) => flat(parseInline(text));

describe('marks', () => {
  test.each([
    ['**đậm** và *nghiêng*', '<bold>đậm</bold> và <italic>nghiêng</italic>'],
    ['_nghiêng_ ~~bỏ~~', '<italic>nghiêng</italic> <strike>bỏ</strike>'],
    ['**a *b* c**', '<bold>a <italic>b</italic> c</bold>'],
    ['`**raw**`', '<code>**raw**</code>'],
    ['(**x**)', '(<bold>x</bold>)'],
    ['2*3*4', '2*3*4'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['snake_case_name', 'snake_case_name'],
    ['**open', '**open'],
    ['****', '****'],
    ['*', '*'],
    ['¯\\_(ツ)_/¯', '¯\\_(ツ)_/¯'],
  ])('%s', (text, tree) => expect(inline(text)).toBe(tree));
});

describe('links', () => {
  test.each([
    [
      'xem https://vi.wikipedia.org/wiki/Hà_Nội.',
      'xem <a https://vi.wikipedia.org/wiki/H%C3%A0_N%E1%BB%99i>https://vi.wikipedia.org/wiki/Hà_Nội</a>.',
    ],
    ['(https://a.org/x_(y))', '(<a https://a.org/x_(y)>https://a.org/x_(y)</a>)'],
    ['www.example.com', '<a https://www.example.com/>www.example.com</a>'],
    ['mail an@example.org nha', 'mail <a mailto:an@example.org>an@example.org</a> nha'],
    ['tel:+84901234567', '<a tel:+84901234567>tel:+84901234567</a>'],
    ['[ở đây](https://a.org)', '<a https://a.org/>ở đây</a>'],
    ['[x](javascript:alert(1))', '[x](javascript:alert(1))'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['data:text/html,x file:///etc/passwd', 'data:text/html,x file:///etc/passwd'],
    ['**https://a.org**', '<bold><a https://a.org/>https://a.org</a></bold>'],
  ])('%s', (text, tree) => expect(inline(text)).toBe(tree));

  test('only web, mail and telephone', () => {
    for (const bad of [
      'javascript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'http://nodots',
      'mailto:nobody',
      'tel:x',
      'blob:https://a.org/x',
    ]) {
      expect(safeHref(bad)).toBeNull();
    }
  });
});

describe('blocks', () => {
  test('a fence keeps its text as it is', () => {
    expect(parseMarkdown('xem:\n```ts\nconst a = **1**;\n\n> b\n```\nxong')).toEqual([
      { is: 'paragraph', of: [{ is: 'text', text: 'xem:' }] },
      { is: 'code', text: 'const a = **1**;\n\n> b' },
      { is: 'paragraph', of: [{ is: 'text', text: 'xong' }] },
    ]);
  });
  test('an open fence is text', () => expect(parseMarkdown('```\na')[0]?.is).toBe('paragraph'));
  test('quotes hold blocks', () => {
    expect(parseMarkdown('> một\n> hai\nba').map((block) => block.is)).toEqual(['quote', 'paragraph']);
    expect(parseMarkdown('>')).toEqual([{ is: 'paragraph', of: [{ is: 'text', text: '>' }] }]);
  });
  test('lists', () => {
    expect(parseMarkdown('- a\n- b')).toMatchObject([
      { is: 'list', ordered: false, items: [[{ text: 'a' }], [{ text: 'b' }]] },
    ]);
    expect(parseMarkdown('3. a\n4. b')).toMatchObject([{ is: 'list', ordered: true, start: 3 }]);
    expect(parseMarkdown('-5 độ')).toMatchObject([{ is: 'paragraph' }]);
  });
  test('line breaks stay', () =>
    expect(parseMarkdown('a\nb\n\nc')).toEqual([{ is: 'paragraph', of: [{ is: 'text', text: 'a\nb\n\nc' }] }]));
  test('nothing typed is lost and nothing hangs', () => {
    // What hangs takes longer than a test may.
    for (const nasty of ['*_~`[>('.repeat(2000), '> '.repeat(5000), '**a '.repeat(4000)])
      expect(parseMarkdown(nasty)).toBeDefined();
  });
});

test('only emoji', () => {
  expect(emojiOnly('🎉')).toBe(1);
  expect(emojiOnly('❤️ 👨‍👩‍👧 🇻🇳')).toBe(3);
  expect(emojiOnly('ok 🎉')).toBe(0);
  expect(emojiOnly('123')).toBe(0);
  expect(emojiOnly('')).toBe(0);
});

test('one line', () => expect(plainLine('**Xin**\n> chào `bạn`')).toBe('Xin chào bạn'));
