/** How many gzipped bytes of JavaScript a browser reads before a conversation shows: everything imported statically from the entry and the route. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

interface Chunk {
  file: string;
  imports?: string[];
}

/** Reads Vite's manifest of the client build; throws when the app was not built. */
export function firstJavaScriptBytes(root: string): { bytes: number; files: number } {
  const output = join(root, '.svelte-kit/output/client');
  const manifest = JSON.parse(readFileSync(join(output, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>;
  const nodes = routeNodes(root);
  const wanted = Object.keys(manifest).filter(
    (key) =>
      /runtime\/client\/entry\.js$/.test(key) ||
      /generated\/(client-optimized|client)\/app\.js$/.test(key) ||
      nodes.some((node) => key.endsWith(node)),
  );
  const seen = new Set<string>();
  const visit = (key: string): void => {
    const chunk = manifest[key];
    if (chunk === undefined || seen.has(chunk.file)) return;
    seen.add(chunk.file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  for (const key of wanted) visit(key);
  let bytes = 0;
  for (const file of seen)
    if (file.endsWith('.js')) bytes += gzipSync(readFileSync(resolve(output, file)), { level: 9 }).length;
  return { bytes, files: seen.size };
}

/** The generated nodes of the layouts and the page of `/c/[conversation]`. */
function routeNodes(root: string): string[] {
  const app = readFileSync(join(root, '.svelte-kit/generated/client-optimized/app.js'), 'utf8');
  const line = /"[^"]*\/c\/\[conversation\]":\s*\[(~?\d+)(?:,\s*\[([\d,\s]*)\])?/.exec(app);
  if (line === null) throw new Error('the route of a conversation is not in the built app');
  const page = Number(line[1]?.replace('~', ''));
  const layouts = (line[2] ?? '')
    .split(',')
    .filter((n) => n.trim() !== '')
    .map(Number);
  const directory = dirname(relative(root, join(root, '.svelte-kit/generated/client-optimized/app.js')));
  return [0, 1, ...layouts, page].map((n) => `${directory}/nodes/${n}.js`);
}
