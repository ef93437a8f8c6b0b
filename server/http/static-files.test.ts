import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Request } from '../exchange.ts';
import { readStaticFiles, type StaticFiles } from './static-files.ts';

const INLINE = '\n  const start = 1;\n';
const SHELL = `<!doctype html><script>${INLINE}</script><script src="/_app/x.js"></script><script type="module">2</script>`;

let folder: string;
let files: StaticFiles;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ting-ting-build-'));
  await mkdir(join(folder, '_app/immutable'), { recursive: true });
  await writeFile(join(folder, 'index.html'), SHELL);
  await writeFile(join(folder, '_app/immutable/app.abc.js'), 'plain');
  await writeFile(join(folder, '_app/immutable/app.abc.js.br'), 'brotli');
  await writeFile(join(folder, '_app/immutable/app.abc.js.gz'), 'gzip');
  await writeFile(join(folder, 'service-worker.js'), 'worker');
  await writeFile(join(folder, 'manifest.webmanifest'), '{}');
  await writeFile(join(folder, 'tên.svg'), '<svg/>');
  files = await readStaticFiles(folder, false);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const get = (path: string, headers: Record<string, string> = {}) => {
  const request: Request = {
    method: 'GET',
    path,
    query: new URLSearchParams(),
    header: (name) => headers[name] ?? '',
    address: '127.0.0.1',
    body: new Uint8Array(),
  };
  return files.answer(request);
};
const text = (body: string | Uint8Array | null | undefined) =>
  typeof body === 'string' ? body : new TextDecoder().decode(body ?? new Uint8Array());

test('the smallest form that the browser takes', () => {
  const path = '/_app/immutable/app.abc.js';
  const br = get(path, { 'accept-encoding': 'gzip, deflate, br' });
  expect(text(br?.body)).toBe('brotli');
  expect(br?.headers).toMatchObject({
    'content-encoding': 'br',
    'content-type': 'text/javascript; charset=utf-8',
    vary: 'accept-encoding',
  });
  expect(text(get(path, { 'accept-encoding': 'gzip' })?.body)).toBe('gzip');
  expect(text(get(path, { 'accept-encoding': 'br;q=0, gzip;q=0.5' })?.body)).toBe('gzip');
  expect(text(get(path)?.body)).toBe('plain');
  expect(get(`${path}.br`, { accept: '*/*' })).toBeNull();
});

test('what is named after its content is kept, all else is asked for again', () => {
  expect(get('/_app/immutable/app.abc.js')?.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  for (const path of ['/', '/service-worker.js', '/manifest.webmanifest'])
    expect(get(path)?.headers['cache-control']).toBe('no-cache');
  const etag = get('/service-worker.js')?.headers['etag'] ?? '';
  expect(etag).toMatch(/^".{22}"$/);
  expect(get('/service-worker.js', { 'if-none-match': `"old", W/${etag}` })).toMatchObject({ status: 304, body: null });
});

test('a page’s address gets the shell, a missing file does not', () => {
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  expect(text(get('/c/whatever', { accept })?.body)).toBe(SHELL);
  expect(text(get('/', {})?.body)).toBe(SHELL);
  expect(get('/c/whatever', { accept: '*/*' })).toBeNull();
  expect(get('/_app/immutable/gone.js', { accept })).toBeNull();
  expect(get('/%', { accept })).toBeNull();
  expect(get('/../package.json')).toBeNull();
  expect(get('/..%2f..%2fetc%2fpasswd')).toBeNull();
  expect(get(`/${encodeURIComponent('tên.svg')}`)?.status).toBe(200);
});

test('[H9] only our own scripts run', () => {
  const policy = get('/')?.headers['content-security-policy'] ?? '';
  const hash = (script: string) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
  expect(policy).toContain(`script-src 'self' ${hash(INLINE)} ${hash('2')};`);
  for (const part of [
    "default-src 'self'",
    "style-src 'self';",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "worker-src 'self'",
  ]) {
    expect(policy).toContain(part);
  }
  expect(policy).not.toContain("'unsafe-eval'");
  expect(get('/')?.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  expect(get('/')?.headers).not.toHaveProperty('strict-transport-security');
});

test('an app that is not built yet says so', async () => {
  const none = await readStaticFiles(join(folder, 'nowhere'), true);
  const answer = none.answer({
    method: 'GET',
    path: '/',
    query: new URLSearchParams(),
    header: () => 'text/html',
    address: '',
    body: new Uint8Array(),
  });
  expect(answer?.status).toBe(503);
  expect(answer?.headers['strict-transport-security']).toBeDefined();
});
