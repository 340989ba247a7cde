/** The file that compose lays over the user's: written by hand of the `yaml` package, with compose's tags. */
import { Document, isNode, visit, type Node } from 'yaml';
import type { Injection } from './request.ts';

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

export interface Override {
  readonly injections: readonly Injection[];
  readonly services: Record<string, Record<string, unknown>>;
  readonly volumes: Record<string, null>;
}

/** Extension field that keeps what was asked for, so that a second call and --undo know. */
export const FIELD = 'x-sidecar-stacks';

const HEAD = ` Written by \`sidecar-stacks inject\`: change it by that command, not by hand.
 What \`docker compose up\` is given it after: the project's own files, which stay as they are.`;

/** @returns the file's text */
export function overrideText({ injections, services, volumes }: Override): string {
  const document = new Document({});
  document.commentBefore = HEAD;
  const content: Record<string, unknown> = { [FIELD]: { injections }, services };
  if (Object.keys(volumes).length > 0) content['volumes'] = volumes;
  document.contents = nodeOf(document, content) as typeof document.contents;
  visit(document, {
    Pair: (_key, pair) => {
      if (isNode(pair.value) && (pair.value as { comment?: string }).comment === '')
        delete (pair.value as { comment?: string }).comment;
    },
  });
  return document
    .toString({ lineWidth: 100, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', nullStr: '' })
    .replaceAll(/!reset\s*$/gm, '!reset null');
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
