import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elfHash, readElf } from './elf.mjs';
import { isOlder, patch } from './uws-glibc.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const addon = (arch: string) => `${ROOT}node_modules/uWebSockets.js/uws_linux_${arch}_137.node`;
const pristine = (arch: string) => {
  const kept = `${addon(arch)}.pristine`;
  return readFileSync(existsSync(kept) ? kept : addon(arch));
};
const patched = (arch: string) => {
  const result = patch(pristine(arch));
  if (!result.ok) throw new Error(result.why);
  return result;
};

describe.each([
  ['x64', 'GLIBC_2.2.5', ['sscanf', 'strtol', 'strtoul']],
  ['arm64', 'GLIBC_2.17', ['strtol', 'strtoul']],
])('the addon for %s', (arch, oldest, names) => {
  test('asks for glibc 2.36 instead of 2.38', () => {
    const { bytes, needs } = patched(arch);
    expect(needs).toBe('2.36');
    expect(readElf(bytes)?.versions.map((one) => one.name)).not.toContain('GLIBC_2.38');
  });

  test('takes the plain functions, in the oldest version', () => {
    const before = readElf(pristine(arch));
    const after = readElf(patched(arch).bytes);
    const index = before?.versions.find((one) => one.name === 'GLIBC_2.38')?.index;
    const moved = after?.versions.find((one) => one.index === index);
    expect(moved?.name).toBe(oldest);
    expect(
      after?.symbols
        .filter((one) => one.version === index)
        .map((one) => one.name)
        .sort(),
    ).toEqual(names);
  });

  test('changes a few bytes and nothing else', () => {
    const before = pristine(arch);
    const { bytes } = patched(arch);
    let changed = 0;
    for (let n = 0; n < before.length; n++) if (before[n] !== bytes[n]) changed++;
    expect(bytes.length).toBe(before.length);
    expect(changed).toBeLessThanOrEqual(names.length * 4 + 8);
  });

  test('is not patched twice', () => {
    expect(patch(patched(arch).bytes)).toMatchObject({ ok: false, done: true });
  });
});

test('what does not look as expected is refused, and nothing makes it throw', () => {
  expect(patch(Buffer.from('not an addon'))).toMatchObject({ ok: false });
  const head = pristine('x64').subarray(0, 600_000);
  expect(patch(head)).toMatchObject({ ok: false });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => patch(Buffer.from(bytes)).ok === false));
});

test('a symbol that nobody knows is not renamed', () => {
  const bytes = Buffer.from(pristine('x64'));
  const elf = readElf(bytes);
  const tooNew = elf?.versions.find((one) => one.name === 'GLIBC_2.38');
  const other = elf?.symbols.find((one) => one.name === 'malloc');
  const wanted = elf?.symbols.find((one) => one.version === tooNew?.index);
  if (!other || !wanted) throw new Error('the addon has changed');
  bytes.writeUInt32LE(other.nameOffset, wanted.at);
  expect(patch(bytes)).toMatchObject({ ok: false, why: expect.stringContaining('malloc') as string });
});

test('versions compare as numbers', () => {
  expect(isOlder('2.36', '2.38')).toBe(true);
  expect(isOlder('2.4', '2.38')).toBe(true);
  expect(isOlder('2.38', '2.38')).toBe(false);
  expect(isOlder('2.41', '2.38')).toBe(false);
});

test('the hash is the one that readelf shows', () => {
  expect(elfHash('GLIBC_2.2.5')).toBe(0x09691a75);
  expect(elfHash('GLIBC_2.17')).toBe(0x06969197);
});

test.runIf(process.platform === 'linux')('the installed addon loads and serves a request', () => {
  const serve = `
    import uws from 'uWebSockets.js';
    const app = uws.App().get('/', (res) => res.end('hello'));
    app.listen('127.0.0.1', 0, async (token) => {
      const answer = await fetch('http://127.0.0.1:' + uws.us_socket_local_port(token));
      console.log(await answer.text());
      process.exit(0);
    });`;
  const run = spawnSync(`${ROOT}node_modules/.bin/node`, ['--input-type=module', '-e', serve], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(run.stdout.trim(), run.stderr).toBe('hello');
});
