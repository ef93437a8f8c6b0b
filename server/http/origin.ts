/**
 * Whether a request that changes something comes from our own pages (rule H2). Browsers always say where such a request comes from; a
 * program that says nothing is let through, since it cannot be holding somebody else's cookies.
 */
const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function fromOurOwnPages(origin: string, host: string, configured: string | null): boolean {
  if (origin === '') return true;
  if (configured !== null) return origin === configured;
  // Not configured: whatever name this relay was reached by. `Origin: null` (a sandboxed frame, a file) is nobody's host.
  const named = URL.canParse(origin) ? new URL(origin).host : '';
  return named !== '' && named === host.toLowerCase();
}

export const changesSomething = (method: string): boolean => !HARMLESS.has(method);
