/** Rules of oxlint that are ours: who may import whom, that no test is left out, and how long its name is. See .oxlintrc.json. */
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
  readonly arguments?: readonly Node[];
  readonly quasis?: readonly Node[];
  readonly left?: Node;
  readonly right?: Node;
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

const NAME_LIMIT = 90;

/** Names of tests and obligations are read in lists: one line each. */
const shortNames = {
  create(context: Context) {
    const isTest = testsOf();
    return {
      ...isTest.declarations,
      CallExpression({ callee, arguments: [name] = [] }: Node) {
        const called = callee?.type === 'MemberExpression' ? callee.property?.name : callee?.name;
        if (name === undefined || (called !== 'must' && !isTest.named(callee?.name))) return;
        const text = written(name);
        if (text.length <= NAME_LIMIT) return;
        context.report({ node: name, message: `a name has at most ${NAME_LIMIT} characters, not ${text.length}` });
      },
    };
  },
};

/** The text that an expression writes by itself: what is put in at run time is left out. */
function written({ type, value, quasis = [], left, right }: Node): string {
  if (type === 'TemplateLiteral')
    return quasis.map(({ value }) => (value as { readonly cooked: string }).cooked).join('');
  if (type === 'BinaryExpression' && left && right) return written(left) + written(right);
  return typeof value === 'string' ? value : '';
}

/** `.only` hides every other test of a file, and `.skip` the test itself, while the run stays green. */
const everyTestRuns = {
  create(context: Context) {
    const isTest = testsOf();
    return {
      ...isTest.declarations,
      CallExpression(node: Node) {
        const { callee } = node;
        if (callee?.type !== 'MemberExpression' || !isTest.named(callee.object?.name)) return;
        const name = callee.property?.name ?? callee.property?.value;
        if (name !== 'only' && name !== 'skip') return;
        const message = `${callee.object?.name}.${name} leaves tests out, and the run stays green`;
        context.report({ node, message });
      },
    };
  },
};

/** Which names of a file are uvu's `test` or suites made by its `suite`. */
function testsOf() {
  /** Names of tests and suites, and of the function that makes suites. */
  const tests = new Set<string>();
  const makers = new Set<string>();
  return {
    named: (name: string | undefined): boolean => tests.has(name ?? ''),
    declarations: {
      ImportDeclaration({ source, specifiers = [] }: Node) {
        if (source?.value !== 'uvu') return;
        for (const { imported, local } of specifiers)
          if (local?.name !== undefined) (imported?.name === 'suite' ? makers : tests).add(local.name);
      },
      VariableDeclarator({ id, init }: Node) {
        if (init?.type === 'CallExpression' && makers.has(init.callee?.name ?? '') && id?.name !== undefined)
          tests.add(id.name);
      },
    },
  };
}

export default {
  meta: { name: 'house' },
  rules: { layers, 'every-test-runs': everyTestRuns, 'short-names': shortNames },
};
