import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Text = string | [{ match: Record<string, string> }];

const catalogue = (language: string): Record<string, Text> => {
  const { $schema: _schema, ...texts } = JSON.parse(readFileSync(`messages/${language}.json`, 'utf8')) as Record<
    string,
    Text
  >;
  return texts;
};
const [en, vi] = [catalogue('en'), catalogue('vi')];

const blanks = (text: Text | undefined): string[] =>
  [...new Set(JSON.stringify(text).match(/\{(?!")[^{}]+\}/g) ?? [])].sort();

test('every text is there in both languages, with the same blanks to fill', () => {
  expect(Object.keys(vi).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en)) expect({ key, blanks: blanks(vi[key]) }).toEqual({ key, blanks: blanks(en[key]) });
});

test('every text is said somewhere: all of a language is loaded before anything is drawn', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(svelte|ts)$/.test(path) && !path.includes('paraglide'))
    .map((path) => readFileSync(`src/${path}`, 'utf8'))
    .join('\n');
  const said = new Set([...sources.matchAll(/\bm\.(\w+)/g)].map(([, key]) => key));
  expect(Object.keys(en).filter((key) => !said.has(key))).toEqual([]);
});
