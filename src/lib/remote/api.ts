/**
 * Typed calls to the relay's HTTP API, made from the routes of #shared/protocol/api.ts. An ask is always answered: with the route's answer
 * or with a refusal. It never throws; that the relay could not be reached is the refusal `offline`.
 */
import * as v from 'valibot';
import { type Fault, isFault } from '#shared/faults.ts';
import { API, type AnswerOf, type BodyOf, Problem, type QueryOf, type RouteName } from '#shared/protocol/api.ts';

export interface Refused {
  code: Fault | 'offline';
  /** With `invalid-input`: which fields, and why. */
  fields: Record<string, string>;
  /** One English sentence for the log and for notices; the screen has its own words for `code`. */
  detail: string;
}

export type Asked<N extends RouteName> = { ok: true; answer: AnswerOf<N> } | { ok: false; refusal: Refused };

export interface Asking<N extends RouteName> {
  params?: Record<string, string>;
  query?: QueryOf<N>;
  body?: BodyOf<N>;
}

export type Ask = <N extends RouteName>(name: N, asking?: Asking<N>) => Promise<Asked<N>>;

/** Longer than a phone on a bad network needs, shorter than a person waits. */
const ANSWER_TIMEOUT_MS = 20_000;

/** An asker for the relay at this origin; '' is where the app came from. Tests bring their own `fetch`, with cookies. */
export function relayAt(origin = '', fetchIt: typeof fetch = (...request) => fetch(...request)): Ask {
  return async <N extends RouteName>(name: N, asking: Asking<N> = {}): Promise<Asked<N>> => {
    const route = API[name];
    const url = origin + filled(route.path, asking.params) + queryText(asking.query);
    let response: Response;
    try {
      response = await fetchIt(url, {
        method: route.method,
        credentials: 'same-origin',
        headers: asking.body === undefined ? {} : { 'content-type': 'application/json' },
        body: asking.body === undefined ? null : JSON.stringify(asking.body),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
    } catch {
      return offline();
    }
    return response.ok ? await readAnswer(name, response) : await readProblem(response);
  };
}

/** The asker of the app itself. */
export const ask: Ask = relayAt();

const offline = (): { ok: false; refusal: Refused } => refused('offline', 'The server cannot be reached.');

const refused = (
  code: Refused['code'],
  detail: string,
  fields: Record<string, string> = {},
): { ok: false; refusal: Refused } => ({
  ok: false,
  refusal: { code, detail, fields },
});

function filled(path: string, params: Record<string, string> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

function queryText(query: object | undefined): string {
  const entries = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries).toString()}`;
}

async function readAnswer<N extends RouteName>(name: N, response: Response): Promise<Asked<N>> {
  let json: unknown;
  try {
    const text = await response.text();
    json = text === '' ? undefined : JSON.parse(text);
  } catch {
    return offline();
  }
  const parsed = v.safeParse(API[name].answer, json);
  if (!parsed.success)
    return refused('relay-fault', `The answer of ${name} could not be read: ${parsed.issues[0].message}`);
  return { ok: true, answer: parsed.output as AnswerOf<N> };
}

async function readProblem(response: Response): Promise<{ ok: false; refusal: Refused }> {
  let json: unknown;
  try {
    json = await response.json();
  } catch {
    // Not the relay's words: a proxy that has lost the relay, a captive portal. (A real refusal is always problem+json.)
    return offline();
  }
  const problem = v.safeParse(Problem, json);
  if (!problem.success)
    return response.status >= 502 ? offline() : refused('relay-fault', `status ${String(response.status)}`);
  const { code, detail, fields } = problem.output;
  return refused(isFault(code) ? code : 'relay-fault', detail, fields);
}
