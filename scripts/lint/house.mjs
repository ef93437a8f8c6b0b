/**
 * The linter's rule `house/imports`: finds out which file an import means (relative, `#shared/…`, `$lib/…`) and asks places.mjs.
 * A rule of our own because the sentence is the point: a generic "restricted path" does not say where the code should go instead.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isExempt, mayImport, mayImportPackage } from './places.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const fromRoot = (path) => relative(ROOT, path).split(sep).join('/');

/** @returns {{ file: string } | { name: string } | undefined} nothing for what is neither ours nor a package (node:, $app/…) */
function meaning(specifier, importer) {
  if (specifier.startsWith('.')) return { file: fromRoot(resolve(dirname(importer), specifier)) };
  if (specifier.startsWith('#shared/')) return { file: `src/shared/${specifier.slice('#shared/'.length)}` };
  if (specifier.startsWith('$lib/')) return { file: `src/lib/${specifier.slice('$lib/'.length)}` };
  if (/^(node:|\$|\/)/.test(specifier)) return undefined;
  return {
    name: specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/'),
  };
}

/** @type {import('eslint').Rule.RuleModule} */
const imports = {
  meta: { type: 'problem', schema: [], docs: { description: 'who may import whom' } },
  create(context) {
    const from = fromRoot(context.filename);
    if (isExempt(from) || from.startsWith('..')) return {};
    const look = (node, source, typeOnly) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const meant = meaning(source.value, context.filename);
      if (meant === undefined) return;
      const why =
        'file' in meant ? mayImport(from, meant.file, { typeOnly }) : mayImportPackage(from, meant.name, { typeOnly });
      if (why !== undefined) context.report({ node, message: why });
    };
    const isTypeOnly = (node) =>
      node.importKind === 'type' ||
      node.exportKind === 'type' ||
      (node.specifiers?.length > 0 && node.specifiers.every((one) => one.importKind === 'type'));
    return {
      ImportDeclaration: (node) => look(node, node.source, isTypeOnly(node)),
      ExportNamedDeclaration: (node) => look(node, node.source, isTypeOnly(node)),
      ExportAllDeclaration: (node) => look(node, node.source, isTypeOnly(node)),
      ImportExpression: (node) => look(node, node.source, false),
      TSImportType: (node) => look(node, node.source ?? node.argument?.literal, true),
    };
  },
};

export default { rules: { imports } };
