/**
 * `/api/uploads`: uploads that may be cut off and go on, as tus 1.0 has it (tus.io/protocols/resumable-upload; creation, expiration, termination). What
 * is uploaded is told in Upload-Metadata: `sha256`, and `conversation` or `profile`.
 */
import { type ConversationId, isSha256, type Sha256, type UserId } from '#shared/ids.ts';
import type { Answer, Incoming, Refusal, Request } from '../exchange.ts';
import { scopeOf } from './blob-files.ts';
import { type Doorkeeping, visitor } from './visitor.ts';

interface UploadState {
  id: string;
  size: number;
  offset: number;
  expiresAt: number;
}
type Outcome = { ok: true; upload: UploadState } | ({ ok: false } & Refusal);

export interface UploadFiles {
  begin(person: UserId, scope: ConversationId | UserId, sha256: Sha256, size: number): Promise<Outcome>;
  find(person: UserId, id: string): Promise<Outcome>;
  append(person: UserId, id: string, offset: number, incoming: Incoming): Promise<Outcome>;
  /** Null, or why not. */
  remove(person: UserId, id: string): Promise<Refusal | null>;
  blobMaxBytes: number;
}

export interface UploadRoute {
  takes(path: string): boolean;
  answer(request: Request): Promise<Answer>;
}

const VERSION = '1.0.0';
const PATH = /^\/api\/uploads(?:\/([0-9a-f-]{36}))?$/;
const BODY_TYPE = 'application/offset+octet-stream';

export function uploadRoute(uploads: UploadFiles, parts: Doorkeeping): UploadRoute {
  return {
    takes: (path) => PATH.test(path),

    async answer(request) {
      const visit = await visitor(parts, request);
      const answer = visit.ok ? await answerTo(request, visit.who?.person ?? null) : parts.refused(visit.refusal);
      if (visit.ok && visit.who?.cookie !== undefined) answer.headers['set-cookie'] = visit.who.cookie;
      answer.headers['tus-resumable'] = VERSION;
      answer.headers['cache-control'] = 'no-store';
      return answer;
    },
  };

  async function answerTo(request: Request, person: UserId | null): Promise<Answer> {
    const { method } = request;
    const id = PATH.exec(request.path)?.[1];
    if (method === 'OPTIONS') return abilities();
    if (person === null) return parts.refused({ fault: 'signed-out' });
    if (request.header('tus-resumable') !== VERSION) return invalid(`Say Tus-Resumable: ${VERSION}.`);
    if (method === 'POST' && id === undefined) return begin(request, person);
    if (id === undefined || !['HEAD', 'PATCH', 'DELETE'].includes(method)) {
      const answer = parts.refused({ fault: 'wrong-method' });
      answer.headers['allow'] = id === undefined ? 'OPTIONS, POST' : 'OPTIONS, HEAD, PATCH, DELETE';
      return answer;
    }
    if (method === 'PATCH') return append(request, person, id);
    if (method === 'DELETE') {
      const refusal = await uploads.remove(person, id);
      return refusal === null ? done() : parts.refused(refusal);
    }
    const found = await uploads.find(person, id);
    return found.ok ? { status: 200, headers: stateHeaders(found.upload), body: '' } : parts.refused(found);
  }

  async function begin(request: Request, person: UserId): Promise<Answer> {
    const size = wholeNumber(request.header('upload-length'));
    if (size === null) return invalid('Say how long it is: Upload-Length.');
    const said = readMetadata(request.header('upload-metadata'));
    const sha256 = said.get('sha256');
    const scope = scopeOf({ get: (name) => said.get(name) ?? null }, person);
    if (!isSha256(sha256) || scope === null)
      return invalid('Say what it is and where it belongs: Upload-Metadata with sha256, and conversation or profile.');
    const begun = await uploads.begin(person, scope, sha256, size);
    if (!begun.ok) return parts.refused(begun);
    const headers = { ...stateHeaders(begun.upload), location: `/api/uploads/${begun.upload.id}` };
    return { status: 201, headers, body: '' };
  }

  async function append(request: Request, person: UserId, id: string): Promise<Answer> {
    const offset = wholeNumber(request.header('upload-offset'));
    if (offset === null) return invalid('Say where it goes on: Upload-Offset.');
    if (request.header('content-type') !== BODY_TYPE) return invalid(`Say Content-Type: ${BODY_TYPE}.`);
    if (request.incoming === undefined) return parts.refused({ fault: 'relay-fault' });
    const outcome = await uploads.append(person, id, offset, request.incoming);
    return outcome.ok ? done(stateHeaders(outcome.upload)) : parts.refused(outcome);
  }

  function abilities(): Answer {
    return done({
      'tus-version': VERSION,
      'tus-extension': 'creation,expiration,termination',
      'tus-max-size': String(uploads.blobMaxBytes),
    });
  }

  function invalid(detail: string): Answer {
    return parts.refused({ fault: 'invalid-input', detail });
  }
}

const done = (headers: Record<string, string> = {}): Answer => ({ status: 204, headers, body: null });

const stateHeaders = ({ offset, size, expiresAt }: UploadState): Record<string, string> => ({
  'upload-offset': String(offset),
  'upload-length': String(size),
  'upload-expires': new Date(expiresAt).toUTCString(),
});

const wholeNumber = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);

/** `key base64,key base64`; what cannot be read is not there. */
function readMetadata(header: string): Map<string, string> {
  const pairs = header.split(',').map((pair) => pair.trim().split(' '));
  return new Map(pairs.map(([key = '', value = '']) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
