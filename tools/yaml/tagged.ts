/** Writing compose files with compose's own tags. */
import { Document, type Node } from 'yaml';

class Tagged {
  readonly tag: string;
  readonly value: unknown;
  constructor(tag: string, value: unknown) {
    this.tag = tag;
    this.value = value;
  }
}
/** Takes away what the earlier files say. */
export const RESET = (value: unknown): unknown => new Tagged('!reset', value);
/** Stands instead of what the earlier files say. */
export const OVERRIDE = (value: unknown): unknown => new Tagged('!override', value);

/** Plain values, with RESET and OVERRIDE in them, as the text of a compose file. */
export function tagged(content: unknown, head?: string): string {
  const document = new Document({});
  if (head !== undefined) document.commentBefore = head;
  document.contents = nodeOf(document, content) as typeof document.contents;
  const text = document.toString({
    lineWidth: 100,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    nullStr: '',
  });
  return text.replaceAll(/!reset\s*$/gm, '!reset null');
}

function nodeOf(document: Document, value: unknown): Node {
  if (value instanceof Tagged) {
    const node = document.createNode(value.value, { aliasDuplicateObjects: false }) as Node & {
      tag?: string;
      flow?: boolean;
    };
    node.tag = value.tag;
    if (Array.isArray(value.value)) node.flow = true;
    return node;
  }
  if (Array.isArray(value)) {
    const list = document.createNode([]) as Node & { items: Node[]; flow?: boolean };
    list.items = value.map((item) => nodeOf(document, item));
    list.flow = value.every((item) => typeof item !== 'object') && JSON.stringify(value).length < 60;
    return list;
  }
  if (typeof value === 'object' && value !== null) {
    const map = document.createNode({}) as Node & { items: unknown[] };
    map.items = Object.entries(value).map(([key, item]) => document.createPair(key, nodeOf(document, item)));
    return map;
  }
  return document.createNode(value) as Node;
}
