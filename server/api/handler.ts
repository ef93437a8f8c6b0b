/** What a handler is asked, and what it replies: typed by its row in the API's table. */
import type { UserId } from '#shared/ids.ts';
import type { API, AnswerOf, ParsedBodyOf, ParsedQueryOf, RouteName } from '#shared/protocol/api.ts';
import type { Refusal, Who } from '../exchange.ts';

/** The `:names` of a path: `/c/:id/m/:message` has `id` and `message`. */
type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string> & Params<Rest>
  : Path extends `${string}:${infer Name}`
    ? Record<Name, string>
    : unknown;

export interface Ask<N extends RouteName> {
  params: Params<(typeof API)[N]['path']>;
  body: ParsedBodyOf<N>;
  query: ParsedQueryOf<N>;
  who: (typeof API)[N]['who'] extends 'person' ? Who<UserId> : Who<UserId> | null;
  address: string;
  /** What the client calls itself. */
  userAgent: string;
}

export type Refused = { ok: false } & Refusal;
export type Reply<N extends RouteName> =
  { ok: true; status: 200 | 201 | 204; answer: AnswerOf<N>; cookie?: string } | Refused;
export type Handler<N extends RouteName> = (ask: Ask<N>) => Promise<Reply<N>>;
export type Handlers = { [N in RouteName]: Handler<N> };

export const refuse = (fault: Refusal['fault'], more: Omit<Refusal, 'fault'> = {}): Refused => ({
  ok: false,
  fault,
  ...more,
});
export const ok = <A>(answer: A): { ok: true; status: 200; answer: A } => ({ ok: true, status: 200, answer });
export const created = <A>(answer: A): { ok: true; status: 201; answer: A } => ({ ok: true, status: 201, answer });
export const done = (): { ok: true; status: 204; answer: undefined } => ({ ok: true, status: 204, answer: undefined });
