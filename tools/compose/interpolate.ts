/** Compose's variables in values: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?why}`, `${NAME:+other}`, `$$`. */
import type { Tree } from '../yaml/tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const MAX_DEPTH = 10;

export type Unset = 'text' | 'nothing';

/**
 * Fill in variables.
 * @param unset what stands instead of a variable that nobody set and that has no default: its text, so that a reader
 * of `image: ${REDIS_IMAGE}` still sees the name, or nothing, as compose does
 */
export function interpolate(value: string, environment: Environment, unset: Unset = 'text', depth = 0): string {
  if (!value.includes('$') || depth > MAX_DEPTH) return value;
  let out = '';
  for (let at = 0; at < value.length;) {
    const dollar = value.indexOf('$', at);
    if (dollar === -1) return out + value.slice(at);
    out += value.slice(at, dollar);
    if (value[dollar + 1] === '$') {
      out += '$';
      at = dollar + 2;
    } else if (value[dollar + 1] === '{') {
      const end = closing(value, dollar + 2);
      if (end === -1) return out + value.slice(dollar);
      out +=
        braced(value.slice(dollar + 2, end), environment, unset, depth) ?? kept(value.slice(dollar, end + 1), unset);
      at = end + 1;
    } else {
      const name = NAME.exec(value.slice(dollar + 1, dollar + 256))?.[0];
      out += name === undefined ? '$' : (environment[name] ?? kept(`$${name}`, unset));
      at = dollar + 1 + (name?.length ?? 0);
    }
  }
  return out;
}

const kept = (variable: string, unset: Unset): string => (unset === 'text' ? variable : '');

/** Where the brace that was opened before `from` is closed, or -1. */
function closing(value: string, from: number): number {
  let open = 1;
  for (let at = from; at < value.length; at++) {
    if (value[at] === '{') open++;
    else if (value[at] === '}' && --open === 0) return at;
  }
  return -1;
}

function braced(inner: string, environment: Environment, unset: Unset, depth: number): string | undefined {
  const name = NAME.exec(inner)?.[0];
  if (name === undefined) return undefined;
  const rest = inner.slice(name.length);
  const value = environment[name];
  if (rest === '') return value;
  const operator = /^(:?[-?+])/.exec(rest)?.[1];
  if (operator === undefined) return undefined;
  const word = rest.slice(operator.length);
  const present = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return present ? interpolate(word, environment, unset, depth + 1) : '';
  if (present) return value;
  return operator.endsWith('-') ? interpolate(word, environment, unset, depth + 1) : undefined;
}

/** A tree with its variables filled in; keys are left alone, as compose does. */
export function interpolateTree(tree: Tree, environment: Environment, unset: Unset = 'text'): Tree {
  if (tree.kind === 'scalar')
    return typeof tree.value === 'string' && tree.value.includes('$')
      ? { ...tree, value: interpolate(tree.value, environment, unset) }
      : tree;
  if (tree.kind === 'seq')
    return { ...tree, items: tree.items.map((item) => interpolateTree(item, environment, unset)) };
  return {
    ...tree,
    entries: new Map([...tree.entries].map(([key, value]) => [key, interpolateTree(value, environment, unset)])),
  };
}
