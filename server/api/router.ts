/**
 * From a request to a handler: finds the row of the API's table, asks who it is, reads and checks the body and the query, and writes the
 * reply as JSON. A handler sees only what satisfied its schema; everything else has been refused here.
 */
import * as v from 'valibot';
import { API, type RouteName } from '#shared/protocol/api.ts';
import type { Answer, Refusal, Request } from '../exchange.ts';
import type { Ask, Handlers, Reply } from './handler.ts';
import { type Doorkeeping, visitor } from './visitor.ts';

export interface RouterParts extends Doorkeeping {
  handlers: Handlers;
}

export interface Routed {
  answer: Answer;
  /** The row's name, for counting; never a path, which anybody may invent. */
  route: RouteName | 'none';
}

interface Row {
  name: RouteName;
  method: string;
  pattern: RegExp;
  params: string[];
}

const ROWS: Row[] = (Object.keys(API) as RouteName[]).map((name) => {
  const { method, path } = API[name];
  return {
    name,
    method,
    pattern: new RegExp(`^${path.replace(/:[a-z]+/g, '([^/]+)')}$`),
    params: [...path.matchAll(/:([a-z]+)/g)].map(([, param = '']) => param),
  };
});

export function createRouter(parts: RouterParts): (request: Request) => Promise<Routed> {
  return async (request) => {
    const found = ROWS.filter((row) => row.pattern.test(request.path));
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const row = found.find((each) => each.method === method);
    if (row === undefined) {
      if (found.length === 0) return { route: 'none', answer: parts.refused({ fault: 'not-found' }) };
      const answer = parts.refused({ fault: 'wrong-method' });
      answer.headers['allow'] = found.map((each) => each.method).join(', ');
      return { route: 'none', answer };
    }
    return { route: row.name, answer: await answerRow(row, request, parts) };
  };
}

async function answerRow(row: Row, request: Request, parts: RouterParts): Promise<Answer> {
  const { who: needs, body: bodySchema, query: querySchema } = API[row.name];
  const visit = await visitor(parts, request);
  if (!visit.ok) return parts.refused(visit.refusal);
  const { who } = visit;
  if (who === null && needs === 'person') return parts.refused({ fault: 'signed-out' });

  const params = readParams(row, request.path);
  if (params === null) return parts.refused({ fault: 'not-found' });
  const json = readJson(request);
  if (!json.ok) return parts.refused({ fault: 'invalid-input', detail: json.why });
  const body = v.safeParse(bodySchema, json.value);
  if (!body.success) return parts.refused(invalid(body.issues));
  const query = v.safeParse(querySchema, readQuery(request.query));
  if (!query.success) return parts.refused(invalid(query.issues));

  const ask = {
    params,
    body: body.output,
    query: query.output,
    who,
    address: request.address,
    userAgent: request.header('user-agent'),
  };
  // The table pairs a name with its handler's types; a name known only at run time cannot show that to the compiler.
  const handle = parts.handlers[row.name] as (ask: Ask<RouteName>) => Promise<Reply<RouteName>>;
  const reply = await handle(ask as Ask<RouteName>);
  const answer = reply.ok ? success(reply) : parts.refused(reply);
  const cookie = (reply.ok ? reply.cookie : undefined) ?? who?.cookie;
  if (cookie !== undefined) answer.headers['set-cookie'] = cookie;
  return answer;
}

function success(reply: Extract<Reply<RouteName>, { ok: true }>): Answer {
  const headers = { 'cache-control': 'no-store' };
  if (reply.answer === undefined) return { status: 204, headers, body: null };
  return {
    status: reply.status,
    headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(reply.answer),
  };
}

function readParams(row: Row, path: string): Record<string, string> | null {
  const values = row.pattern.exec(path)?.slice(1) ?? [];
  try {
    return Object.fromEntries(row.params.map((param, i) => [param, storable(decodeURIComponent(values[i] ?? ''))]));
  } catch {
    return null;
  }
}

type ReadJson = { ok: true; value: unknown } | { ok: false; why: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readJson(request: Request): ReadJson {
  if (request.body.byteLength === 0) return { ok: true, value: undefined };
  try {
    const value: unknown = JSON.parse(utf8.decode(request.body), (key, each: unknown) => {
      if (key.includes('\0')) throw new Error('zero');
      return typeof each === 'string' ? storable(each) : each;
    });
    return { ok: true, value };
  } catch {
    return { ok: false, why: 'The body is not JSON in UTF-8, or contains a zero character.' };
  }
}

/** Postgres keeps no zero character and no half of a surrogate pair: the first is refused, the second becomes �. */
function storable(text: string): string {
  if (text.includes('\0')) throw new Error('zero');
  return text.isWellFormed() ? text : text.toWellFormed();
}

const readQuery = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query].map(([name, value]) => [name, value.replaceAll('\0', '').toWellFormed()]));

function invalid(issues: readonly v.BaseIssue<unknown>[]): Refusal {
  const fields: Record<string, string> = {};
  for (const issue of issues) fields[v.getDotPath(issue) ?? 'body'] ??= issue.message;
  return { fault: 'invalid-input', fields };
}
