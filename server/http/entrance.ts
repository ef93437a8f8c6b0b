/**
 * Where a request goes first: the three addresses for whoever runs the relay, then the API, then the app's files. Whatever changes
 * something has to come from our own pages (rule H2).
 */
import type { Answer, Request } from '../exchange.ts';
import { isLoopback } from './address.ts';
import type { Metrics } from './metrics.ts';
import { changesSomething, fromOurOwnPages } from './origin.ts';
import { problem } from './problem.ts';
import { SIGNALS_PATH } from './signals-path.ts';
import type { StaticFiles } from './static-files.ts';

export interface EntranceParts {
  /** The configured public address, or null. */
  origin: string | null;
  metrics: Metrics;
  files: StaticFiles;
  api(request: Request): Promise<{ answer: Answer; route: string }>;
  /** Whether what is needed to serve answers: Postgres, and that nobody is stopping us. */
  ready(): Promise<boolean>;
}

export function createEntrance(parts: EntranceParts): (request: Request) => Promise<Answer> {
  return async (request) => {
    const { method, path } = request;
    const isReading = method === 'GET' || method === 'HEAD';
    if (isReading && path === '/healthz') return plain(200, 'alive\n');
    if (isReading && path === '/readyz')
      return (await parts.ready()) ? plain(200, 'ready\n') : problem({ fault: 'not-ready' });
    if (isReading && path === '/metrics') return measurements(request);

    if (changesSomething(method) && !fromOurOwnPages(request.header('origin'), request.header('host'), parts.origin)) {
      return problem({ fault: 'wrong-origin' });
    }
    if (path === '/api' || path.startsWith('/api/')) {
      const { answer, route } = await parts.api(request);
      parts.metrics.request(route, answer.status);
      return answer;
    }
    // Only an upgrade is of use there, and that does not come this way.
    if (['/sync', SIGNALS_PATH].some((door) => path === door || path.startsWith(`${door}/`)))
      return problem({ fault: 'not-found', detail: 'This address takes WebSocket connections.' });
    if (!isReading) {
      const answer = problem({ fault: 'wrong-method' });
      answer.headers['allow'] = 'GET, HEAD';
      return answer;
    }
    return parts.files.answer(request) ?? problem({ fault: 'not-found' });
  };

  /** For whoever is on this machine, and not for those whom a proxy on this machine speaks for. */
  async function measurements(request: Request): Promise<Answer> {
    if (!isLoopback(request.address) || request.header('x-forwarded-for') !== '')
      return problem({ fault: 'not-found' });
    const { type, body } = await parts.metrics.text();
    return { status: 200, headers: { 'content-type': type, 'cache-control': 'no-store' }, body };
  }
}

const plain = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body,
});
