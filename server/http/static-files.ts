/**
 * The built app. Everything in `build/` is read into memory at the start: it is a few megabytes, a path can then name nothing that is not
 * in the list, and a file is served without touching the disk. A page's address that is no file gets the app's shell, which routes it.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import mime from 'mime';
import type { Request, WholeAnswer } from '../exchange.ts';

interface File {
  type: string;
  etag: string;
  /** Smallest first. */
  encodings: { name: 'br' | 'gzip' | null; bytes: Uint8Array }[];
  /** Named after its content: what lies under this address never changes. */
  immutable: boolean;
}

export interface StaticFiles {
  /** The answer for a GET or HEAD; null when this is neither a file nor a page. */
  answer(request: Request): WholeAnswer | null;
  count: number;
}

const SHELL = '/index.html';

export async function readStaticFiles(folder: string, secure: boolean): Promise<StaticFiles> {
  const files = await readFiles(folder);
  const shell = files.get(SHELL);
  const shellHtml = new TextDecoder().decode(shell?.encodings.at(-1)?.bytes);
  const securityHeaders = headersFor(shellHtml, secure);

  const answerWith = (file: File, request: Request): WholeAnswer => {
    const headers: Record<string, string> = {
      ...securityHeaders,
      etag: file.etag,
      vary: 'accept-encoding',
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (
      request
        .header('if-none-match')
        .split(',')
        .some((each) => each.trim().replace(/^W\//, '') === file.etag)
    ) {
      return { status: 304, headers, body: null };
    }
    const accepted = request.header('accept-encoding');
    const best = file.encodings.find(({ name }) => name === null || accepts(accepted, name));
    if (best === undefined) return { status: 200, headers, body: '' };
    if (best.name !== null) headers['content-encoding'] = best.name;
    headers['content-type'] = file.type;
    return { status: 200, headers, body: best.bytes };
  };

  return {
    count: files.size,
    answer(request) {
      const path = decoded(request.path);
      if (path === null) return null;
      const file = files.get(path === '/' ? SHELL : path) ?? files.get(`${path}.html`);
      if (file !== undefined) return answerWith(file, request);
      // A missing script must not be answered with a page, or a stale tab would try to run HTML.
      const isPage = !path.startsWith('/_app/') && request.header('accept').includes('text/html');
      if (!isPage) return null;
      return shell === undefined ? notBuilt(securityHeaders) : answerWith(shell, request);
    },
  };
}

async function readFiles(folder: string): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const names = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  for (const name of names) {
    const isSibling = /\.(br|gz)$/.test(name) && names.has(name.replace(/\.(br|gz)$/, ''));
    if (isSibling) continue;
    const plain = await readFile(name);
    const path = `/${relative(folder, name).split(sep).join('/')}`;
    files.set(path, {
      type: contentType(path),
      etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
      immutable: path.startsWith('/_app/immutable/'),
      encodings: [
        ...(names.has(`${name}.br`) ? [{ name: 'br' as const, bytes: await readFile(`${name}.br`) }] : []),
        ...(names.has(`${name}.gz`) ? [{ name: 'gzip' as const, bytes: await readFile(`${name}.gz`) }] : []),
        { name: null, bytes: plain },
      ],
    });
  }
  return files;
}

function contentType(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream';
  return /^(text\/|application\/(javascript|json|manifest\+json)|image\/svg)/.test(type)
    ? `${type}; charset=utf-8`
    : type;
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** `br;q=0` is a refusal; anything else that names the encoding is a yes. */
function accepts(header: string, encoding: string): boolean {
  return header.split(',').some((part) => {
    const [name, ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/**
 * Only our own scripts run: those from our own address, and the shell's inline ones by their hash, taken from the very file that is served.
 * Style attributes are allowed, style elements are not: positions (virtual list, swipes) are written as attributes.
 */
function headersFor(shell: string, secure: boolean): Record<string, string> {
  const inline = [...shell.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/gi)].map(
    ([, script = '']) => script,
  );
  const hashes = inline.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  const policy = [
    "default-src 'self'",
    ["script-src 'self'", ...hashes].join(' '),
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    // 'self' covers ws: and wss: of the same host in every browser of today (CSP 3).
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy':
      'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}

function notBuilt(headers: Record<string, string>): WholeAnswer {
  return {
    status: 503,
    headers: {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'retry-after': '5',
    },
    body: '<!doctype html><title>Ting Ting</title><p>The app is not built yet. Run <code>npm run build</code>, then start again.</p>',
  };
}
