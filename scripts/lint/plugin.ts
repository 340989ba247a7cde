/** Rules of oxlint that are ours: who may import whom, and that no test is left out. See .oxlintrc.json. */
import { dirname, join, relative } from 'node:path';
import { importProblem } from './layers.ts';

const ROOT = join(import.meta.dirname, '../..');

/** As far as we look at it: ESTree (https://github.com/estree/estree). */
interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly name?: string;
  readonly source?: Node | null;
  readonly specifiers?: readonly Node[];
  readonly imported?: Node;
  readonly local?: Node;
  readonly id?: Node;
  readonly init?: Node | null;
  readonly callee?: Node;
  readonly object?: Node;
  readonly property?: Node;
}

interface Context {
  readonly filename: string;
  report(problem: { node: Node; message: string }): void;
}

/** The file that an import names, below the root; undefined for packages and what is computed. */
function imported(specifier: unknown, filename: string): string | undefined {
  if (typeof specifier !== 'string') return undefined;
  if (/^\.{1,2}\//.test(specifier)) return relative(ROOT, join(dirname(filename), specifier));
  // As "imports" in package.json has it.
  const [, part, rest] = /^#(kit|proxy)\/(.+)$/.exec(specifier) ?? [];
  return part === undefined ? undefined : `sidecars/${part}/${rest}`;
}

const layers = {
  create(context: Context) {
    const check = (node: Node): void => {
      const to = imported(node.source?.value, context.filename);
      const problem = to === undefined ? undefined : importProblem(relative(ROOT, context.filename), to);
      if (problem !== undefined) context.report({ node, message: problem });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/** `.only` hides every other test of a file, and `.skip` the test itself, while the run stays green. */
const everyTestRuns = {
  create(context: Context) {
    /** Names of tests and suites, and of the function that makes suites. */
    const tests = new Set<string>();
    const makers = new Set<string>();
    return {
      ImportDeclaration({ source, specifiers = [] }: Node) {
        if (source?.value !== 'uvu') return;
        for (const { imported, local } of specifiers)
          if (local?.name !== undefined) (imported?.name === 'suite' ? makers : tests).add(local.name);
      },
      VariableDeclarator({ id, init }: Node) {
        if (init?.type === 'CallExpression' && makers.has(init.callee?.name ?? '') && id?.name !== undefined)
          tests.add(id.name);
      },
      CallExpression(node: Node) {
        const { callee } = node;
        if (callee?.type !== 'MemberExpression' || !tests.has(callee.object?.name ?? '')) return;
        const name = callee.property?.name ?? callee.property?.value;
        if (name !== 'only' && name !== 'skip') return;
        const message = `${callee.object?.name}.${name} leaves tests out, and the run stays green`;
        context.report({ node, message });
      },
    };
  },
};

export default { meta: { name: 'house' }, rules: { layers, 'every-test-runs': everyTestRuns } };
