/**
 * Light Markdown, as people type it in chats: **bold**, *italic* or _italic_, ~~strike~~, `code`, fenced code, > quotes, lists, links.
 * The answer is a tree that Svelte draws as elements; no HTML is ever made from what somebody typed. Anything that is not clearly meant
 * as markup stays as it was typed ("2*3*4", "snake_case_name", a lone ">"). Runs in one pass over each line; nesting is bounded.
 */

export type Inline =
  | { is: 'text'; text: string }
  | { is: 'bold' | 'italic' | 'strike'; of: Inline[] }
  | { is: 'code'; text: string }
  | { is: 'link'; href: string; of: Inline[] };

export type Block =
  | { is: 'paragraph'; of: Inline[] }
  | { is: 'code'; text: string }
  | { is: 'quote'; of: Block[] }
  | { is: 'list'; ordered: boolean; start: number; items: Inline[][] };

/** Quotes within quotes, bold within italic…: deeper than this is taken as it stands. */
const DEPTH_MAX = 4;

const FENCE = /^\s{0,3}```[\w+#.-]*\s*$/;
const QUOTE = /^\s{0,3}>\s?/;
const BULLET = /^\s{0,3}[-*•]\s+(?=\S)/;
const NUMBER = /^\s{0,3}(\d{1,9})[.)]\s+(?=\S)/;

export function parseMarkdown(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const blocks: Block[] = [];
  let plain: string[] = [];
  const flush = () => {
    const joined = plain.join('\n').replace(/^\n+|\n+$/g, '');
    if (joined !== '') blocks.push({ is: 'paragraph', of: parseInline(joined) });
    plain = [];
  };

  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (FENCE.test(line)) {
      const end = lines.findIndex((later, at) => at > i && later.trim() === '```');
      if (end > i) {
        flush();
        blocks.push({ is: 'code', text: lines.slice(i + 1, end).join('\n') });
        i = end;
        continue;
      }
    }
    const inline = /^```(.+)```$/.exec(line);
    if (inline) {
      flush();
      blocks.push({ is: 'code', text: inline[1]! });
      continue;
    }
    if (depth < DEPTH_MAX && QUOTE.test(line) && line.trim() !== '>') {
      flush();
      const quoted: string[] = [];
      while (i < lines.length && QUOTE.test(lines[i]!)) quoted.push(lines[i++]!.replace(QUOTE, ''));
      i--;
      blocks.push({ is: 'quote', of: parseMarkdown(quoted.join('\n'), depth + 1) });
      continue;
    }
    const kind = BULLET.test(line) ? BULLET : NUMBER.test(line) ? NUMBER : null;
    if (kind) {
      flush();
      const start = Number(NUMBER.exec(line)?.[1] ?? 1);
      const items: Inline[][] = [];
      while (i < lines.length && kind.test(lines[i]!)) items.push(parseInline(lines[i++]!.replace(kind, '')));
      i--;
      blocks.push({ is: 'list', ordered: kind === NUMBER, start, items });
      continue;
    }
    plain.push(line);
  }
  flush();
  return blocks;
}

/** How far a closing sign is looked for: bounds the work on a text made of nothing but opening ones. */
const REACH = 4_000;

const MARKS = [
  { mark: '**', is: 'bold' },
  { mark: '__', is: 'bold' },
  { mark: '~~', is: 'strike' },
  { mark: '*', is: 'italic' },
  { mark: '_', is: 'italic' },
] as const;

const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/;

/** Addresses that open something: web pages, mail, telephone. Everything else stays text. */
const ADDRESS = /(?:https?:\/\/|www\.|mailto:|tel:\+?)[^\s<>"'`]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/iuy;
const NAMED_LINK = /\[([^[\]\n]{1,300})\]\(((?:https?:\/\/|mailto:|tel:)[^\s()<>"]{1,2000})\)/iuy;

export function parseInline(text: string, depth = 0, inLink = false): Inline[] {
  const out: Inline[] = [];
  let from = 0;
  const push = (upTo: number) => {
    if (upTo > from) out.push({ is: 'text', text: text.slice(from, upTo) });
  };
  let i = 0;
  while (i < text.length) {
    const found =
      depth < DEPTH_MAX
        ? (code(text, i) ?? (inLink ? null : link(text, i, depth)) ?? marked(text, i, depth, inLink))
        : null;
    if (found) {
      push(i);
      out.push(found.inline);
      i = from = found.end;
    } else {
      i++;
    }
  }
  push(text.length);
  return out;
}

type Found = { inline: Inline; end: number } | null;

function code(text: string, at: number): Found {
  if (text[at] !== '`') return null;
  const end = text.indexOf('`', at + 1);
  if (end <= at + 1 || text.slice(at, end).includes('\n')) return null;
  return { inline: { is: 'code', text: text.slice(at + 1, end) }, end: end + 1 };
}

function marked(text: string, at: number, depth: number, inLink: boolean): Found {
  for (const { mark, is } of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    const inside = at + mark.length;
    // It opens before a word, not within one, and never a longer run of the same sign.
    if (WORD.test(text[at - 1] ?? ' ') || text[at - 1] === mark[0] || text[at - 1] === '\\' || text[inside] === mark[0])
      continue;
    if (inside >= text.length || SPACE.test(text[inside]!)) continue;
    const end = closing(text, inside, mark);
    if (end > inside) {
      return { inline: { is, of: parseInline(text.slice(inside, end), depth + 1, inLink) }, end: end + mark.length };
    }
  }
  return null;
}

function closing(text: string, from: number, mark: string): number {
  for (let end = text.indexOf(mark, from + 1); end > 0 && end < from + REACH; end = text.indexOf(mark, end + 1)) {
    const before = text[end - 1]!;
    const after = text[end + mark.length] ?? ' ';
    if (SPACE.test(before) || WORD.test(after)) continue;
    if (mark.length === 1 && (before === mark || after === mark)) continue;
    return end;
  }
  return -1;
}

function link(text: string, at: number, depth: number): Found {
  if (text[at] === '[') {
    NAMED_LINK.lastIndex = at;
    const named = NAMED_LINK.exec(text);
    const href = named && safeHref(named[2]!);
    return named && href
      ? { inline: { is: 'link', href, of: parseInline(named[1]!, depth + 1, true) }, end: at + named[0].length }
      : null;
  }
  if (WORD.test(text[at - 1] ?? ' ') || /[@./:\w+-]/.test(text[at - 1] ?? ' ')) return null;
  ADDRESS.lastIndex = at;
  const match = ADDRESS.exec(text);
  if (!match) return null;
  const shown = trimmed(match[0]);
  const href = safeHref(
    /^(https?|mailto|tel):/i.test(shown)
      ? shown
      : shown.toLowerCase().startsWith('www.')
        ? `https://${shown}`
        : `mailto:${shown}`,
  );
  return href ? { inline: { is: 'link', href, of: [{ is: 'text', text: shown }] }, end: at + shown.length } : null;
}

/** A sentence's own sign at the end is not part of the address; a closing bracket is, when it was opened in it. */
function trimmed(address: string): string {
  let shown = address;
  for (;;) {
    const last = shown.at(-1);
    if (last === undefined) return shown;
    const unopened =
      (last === ')' && count(shown, ')') > count(shown, '(')) ||
      (last === ']' && count(shown, ']') > count(shown, '['));
    if (!/[.,;:!?…*_~'"»”’]/.test(last) && !unopened) return shown;
    shown = shown.slice(0, -1);
  }
}

const count = (text: string, sign: string) => text.split(sign).length - 1;

/** Null unless it is an address of a kind that is safe to open. */
export function safeHref(address: string): string | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol === 'http:' || url.protocol === 'https:')
    return url.hostname.includes('.') || url.hostname === 'localhost' ? url.href : null;
  if (url.protocol === 'mailto:') return url.pathname.includes('@') ? url.href : null;
  if (url.protocol === 'tel:') return /^\+?[\d\s().-]{3,}$/.test(decodeURI(url.pathname)) ? url.href : null;
  return null;
}

/** How many emoji the text consists of, up to six; 0 when there is anything else. Those are shown large. */
export function emojiOnly(text: string): number {
  const trimmedText = text.trim();
  if (trimmedText === '' || trimmedText.length > 60 || typeof Intl.Segmenter === 'undefined') return 0;
  let found = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(trimmedText)) {
    if (/^\s+$/.test(segment)) continue;
    if (
      !/^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\p{Extended_Pictographic}.*\u200D|\p{Regional_Indicator}{2})/u.test(
        segment,
      )
    )
      return 0;
    if (++found > 6) return 0;
  }
  return found;
}

/** One line without markup, for quotes, the list and notices. */
export const plainLine = (text: string): string =>
  text
    .replace(/```[\w+#.-]*\n?/g, ' ')
    .replace(/(\*\*|__|~~|`)/g, '')
    .replace(/^\s*>\s?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
