/** Writing YAML whose values say where they come from. */
import { Document, isCollection, isMap, isScalar, type Node, type Pair, type Scalar } from 'yaml';
import type { Place } from './tree.ts';

/** A value with the place that it was taken from. */
class CommentedValue {
  readonly value: unknown;
  readonly comment: string;
  constructor(value: unknown, comment: string) {
    this.value = value;
    this.comment = comment;
  }
}

/** The value, to be written with a comment that names its place; nothing for a value that is not there. */
export const from = <T>(value: T, at: Place | undefined): T =>
  value === undefined || at === undefined
    ? value
    : (new CommentedValue(value, `${at.file}:${at.line}`) as unknown as T);

/** The value, to be written with a comment. */
export const noted = <T>(value: T, comment: string): T => new CommentedValue(value, comment) as unknown as T;

/** Plain values, without their comments and without keys that have no value. */
export function plain(value: unknown): unknown {
  if (value instanceof CommentedValue) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, plain(item)]])),
    );
  return value;
}

/**
 * Documents as the text of one YAML file.
 * @param head a comment at the top of the file
 */
export function commented(documents: readonly unknown[], head: string): string {
  const texts = documents.map((content) => {
    const document = new Document({});
    document.contents = nodeOf(document, content) as typeof document.contents;
    return document.toString({ lineWidth: 0, nullStr: '' });
  });
  const top = head
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
  return `${top}\n${texts.join('---\n')}`;
}

function nodeOf(document: Document, value: unknown): Node {
  if (value instanceof CommentedValue) {
    const node = nodeOf(document, value.value);
    // Beside the name of a list's item.
    const [first] = isMap(node) ? (node.items as Pair<Scalar, Scalar>[]) : [];
    if (first?.key.value === 'name' && isScalar(first.value)) first.value.comment = ` ${value.comment}`;
    else if (isCollection(node) && !(node as { flow?: boolean }).flow) node.commentBefore = ` ${value.comment}`;
    else node.comment = ` ${value.comment}`;
    return node;
  }
  if (Array.isArray(value)) {
    const list = document.createNode([]) as Node & { items: Node[]; flow?: boolean };
    list.items = value.map((item) => nodeOf(document, item));
    list.flow = value.every((item) => typeof item !== 'object') && JSON.stringify(value).length < 100;
    return list;
  }
  if (typeof value === 'object' && value !== null) {
    const map = document.createNode({}) as Node & { items: Pair[] };
    map.items = Object.entries(value).flatMap(([key, item]) =>
      item === undefined ? [] : [pairOf(document, key, item)],
    );
    return map;
  }
  const scalar = document.createNode(value) as Scalar;
  // Texts that YAML 1.1 readers, Kubernetes' own among them, take for something else.
  if (typeof value === 'string' && AMBIGUOUS.test(value)) scalar.type = 'QUOTE_DOUBLE';
  return scalar;
}

const AMBIGUOUS = /^(y|n|yes|no|on|off|true|false|null|~|[-+.\d][-+.\d_:a-fox]*|\d{4}-\d\d?-\d\d?.*)$/i;

/** A block's comment stands above its key, where a reader meets it first. */
function pairOf(document: Document, key: string, item: unknown): Pair {
  const node = nodeOf(document, item);
  const name = document.createNode(key) as Scalar;
  if (AMBIGUOUS.test(key)) name.type = 'QUOTE_DOUBLE';
  if (isCollection(node) && node.commentBefore) {
    name.commentBefore = node.commentBefore;
    node.commentBefore = null;
  }
  return document.createPair(name, node) as Pair;
}
