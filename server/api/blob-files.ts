/**
 * `/api/blobs/<sha256>`: bytes in, bytes out. Beside the router, because neither is JSON. Whatever a blob claims to be, it is shown only when its bytes
 * are a picture, sound or a film; nothing in it runs, and no other site gets it (rules B3, B6, B8).
 */
import { type ConversationId, isConversationId, isSha256, type Sha256, type UserId } from '#shared/ids.ts';
import type { Answer, Incoming, Refusal, Request } from '../exchange.ts';
import { type Doorkeeping, visitor } from './visitor.ts';

interface ByteRange {
  first: number;
  last: number;
}

interface BlobRow {
  size: number;
  type: string;
}

export interface BlobFiles {
  bring(
    person: UserId,
    scope: ConversationId | UserId,
    sha256: Sha256,
    incoming: Incoming,
  ): Promise<{ ok: true; brought: BlobRow & { sha256: Sha256; isNew: boolean } } | ({ ok: false } & Refusal)>;
  find(person: UserId, sha256: Sha256): Promise<BlobRow | null>;
  read(sha256: Sha256, range?: ByteRange): AsyncIterable<Uint8Array>;
  isShown(type: string): boolean;
}

export interface BlobRoute {
  /** Whether it is this route's; the router has the others. */
  takes(path: string): boolean;
  answer(request: Request): Promise<Answer>;
}

const PATH = /^\/api\/blobs\/([^/]{64})$/;

export function blobRoute(blobs: BlobFiles, parts: Doorkeeping): BlobRoute {
  return {
    takes: (path) => PATH.test(path),

    async answer(request) {
      const visit = await visitor(parts, request);
      if (!visit.ok) return parts.refused(visit.refusal);
      const { who } = visit;
      if (who === null) return parts.refused({ fault: 'signed-out' });
      const sha256 = PATH.exec(request.path)?.[1];
      if (!isSha256(sha256)) return parts.refused({ fault: 'not-found' });
      const answer = await answerTo(request, who.person, sha256);
      if (who.cookie !== undefined) answer.headers['set-cookie'] = who.cookie;
      return answer;
    },
  };

  function answerTo(request: Request, person: UserId, sha256: Sha256): Promise<Answer> {
    if (request.method === 'GET' || request.method === 'HEAD') return give(request, person, sha256);
    if (request.method === 'PUT') return take(request, person, sha256);
    const answer = parts.refused({ fault: 'wrong-method' });
    answer.headers['allow'] = 'GET, HEAD, PUT';
    return Promise.resolve(answer);
  }

  async function take({ query, incoming }: Request, person: UserId, sha256: Sha256): Promise<Answer> {
    const scope = scopeOf(query, person);
    if (scope === null || incoming === undefined)
      return parts.refused({ fault: 'invalid-input', detail: 'Say where it belongs: ?conversation=… or ?profile=1.' });
    const outcome = await blobs.bring(person, scope, sha256, incoming);
    if (!outcome.ok) return parts.refused(outcome);
    const { size, type, isNew } = outcome.brought;
    return {
      status: isNew ? 201 : 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
      body: JSON.stringify({ sha256, size, type }),
    };
  }

  async function give(request: Request, person: UserId, sha256: Sha256): Promise<Answer> {
    const found = await blobs.find(person, sha256);
    // Whether it is there is nobody's business who may not read it.
    if (found === null) return parts.refused({ fault: 'not-allowed' });
    const { size, type } = found;
    const etag = `"${sha256}"`;
    const headers = headersFor(type, etag, blobs.isShown(type));
    if (names(request.header('if-none-match'), etag)) return { status: 304, headers, body: null };
    const ifRange = request.header('if-range');
    const range = ifRange === '' || ifRange === etag ? readRange(request.header('range'), size) : null;
    if (range === 'beyond') {
      const answer = parts.refused({ fault: 'range-not-satisfiable' });
      answer.headers['content-range'] = `bytes */${size}`;
      return answer;
    }
    if (range === null) return { status: 200, headers, body: { length: size, open: () => blobs.read(sha256) } };
    headers['content-range'] = `bytes ${range.first}-${range.last}/${size}`;
    const length = range.last - range.first + 1;
    return { status: 206, headers, body: { length, open: () => blobs.read(sha256, range) } };
  }
}

/** Where a blob is brought to: a conversation, or to oneself for a picture of oneself; exactly one of them. */
export function scopeOf(said: { get(name: string): string | null }, person: UserId): ConversationId | UserId | null {
  const conversation = said.get('conversation');
  const profile = said.get('profile');
  if (profile === '1') return conversation === null ? person : null;
  return profile === null && isConversationId(conversation) ? conversation : null;
}

function headersFor(type: string, etag: string, isShown: boolean): Record<string, string> {
  return {
    'content-type': isShown ? type : 'application/octet-stream',
    // Without a name: <a download="…"> says it, and what a sender calls a file is not ours to write into a header.
    'content-disposition': isShown ? 'inline' : 'attachment',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    // Asked for again each time, with the tag: whoever may not read it any more gets nothing out of a cache.
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    etag,
  };
}

const names = (header: string, etag: string): boolean =>
  header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag || each.trim() === '*');

/** One part; null when the whole is meant, also for several parts and for what cannot be read, as RFC 9110 has it. */
function readRange(header: string, size: number): ByteRange | 'beyond' | null {
  const [whole, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header.replaceAll(' ', '')) ?? [];
  if (whole === undefined || (from === '' && to === '')) return null;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'beyond' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return null;
  return first >= size ? 'beyond' : { first, last };
}
