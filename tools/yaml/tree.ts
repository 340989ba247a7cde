/** YAML as a tree whose every value knows the line it stands on, so that what is said of it can be shown. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type ScalarTag } from 'yaml';

/** Where a value stands. */
export interface Place {
  /** As the caller named the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** What compose's tags ask for when files are merged. */
export type MergeTag = 'reset' | 'override';

interface Located {
  readonly at: Place;
  readonly tag?: MergeTag;
}
export interface MapTree extends Located {
  readonly kind: 'map';
  readonly entries: Map<string, Tree>;
}
export interface SeqTree extends Located {
  readonly kind: 'seq';
  readonly items: readonly Tree[];
}
export interface ScalarTree extends Located {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}
export type Tree = MapTree | SeqTree | ScalarTree;

/** A file, or a part of one, that cannot be read. */
export class YamlError extends Error {
  readonly at: Place;
  constructor(message: string, at: Place) {
    super(message);
    this.at = at;
  }
}

/** More values than this after aliases are followed is an attack, not a file (a "billion laughs"). */
const MAX_VALUES = 300_000;
const MAX_DEPTH = 100;
export const MAX_BYTES = 8 * 1024 * 1024;

const mergeTag = (tag: string): ScalarTag[] =>
  (['map', 'seq', undefined] as const).map(
    (collection) =>
      ({ tag, ...(collection && { collection }), resolve: (value: unknown) => value }) as unknown as ScalarTag,
  );

/** A parsed document, or why it could not be parsed. */
export type Parsed = Tree | YamlError;

/**
 * Parse every document of a file. Empty documents are left out.
 * @param text the file's content
 * @param file its name, for places
 * @param firstLine added to line numbers, for a block inside another file
 * @returns a tree or an error for each document, in order; one that cannot be read hides no other
 */
export function parseTrees(text: string, file: string, firstLine = 1): Parsed[] {
  if (text.length > MAX_BYTES) return [new YamlError(`larger than ${MAX_BYTES} bytes`, { file, line: firstLine })];
  if (text.length > LARGE)
    return largeDocuments(text).flatMap((part) => parsePart(part.text, file, firstLine + part.lines));
  return parsePart(text, file, firstLine);
}

/** Files from here on are cut into their documents first, in characters. */
const LARGE = 200_000;

/** The documents of a large file without definitions of other kinds, which are most of its bytes and hold no pod. */
function largeDocuments(text: string): { text: string; lines: number }[] {
  let lines = 0;
  return text.split(/^(?=---\s*$)/m).flatMap((part) => {
    const before = lines;
    lines += part.split('\n').length - 1;
    return /^kind:\s*CustomResourceDefinition\s*$/m.test(part) ? [] : [{ text: part, lines: before }];
  });
}

function parsePart(text: string, file: string, firstLine: number): Parsed[] {
  let lines: LineCounter;
  let documents: Document.Parsed[];
  try {
    ({ lines, documents } = parseLeniently(text));
  } catch (error) {
    return [new YamlError((error as Error).message, { file, line: firstLine })];
  }
  const placeOf = (offset: number): Place => ({ file, line: lines.linePos(offset).line + firstLine - 1 });
  return documents.flatMap((document): Parsed[] => {
    const broken = document.errors[0];
    if (broken) return [new YamlError(broken.message.split(/ at line|:\n/)[0]!, placeOf(broken.pos[0]))];
    try {
      const tree = new Builder(document, placeOf).build(document.contents);
      return tree.kind === 'scalar' && tree.value === null ? [] : [tree];
    } catch (error) {
      if (error instanceof YamlError) return [error];
      return [new YamlError((error as Error).message, { file, line: firstLine })];
    }
  });
}

/** A file is parsed so often: each time all lines that the parser named are moved. */
const MAX_REPAIRS = 4;
/** Deeper than any block that a flow collection stands in. */
const INDENT = ' '.repeat(2 * MAX_DEPTH);

/**
 * Parse; a line of a flow collection that is indented too little for YAML 1.2 (`command: ["a",` and
 * `"b"]` below it at the same column) is moved to the right, since compose and Kubernetes accept it.
 */
function parseLeniently(text: string): { lines: LineCounter; documents: Document.Parsed[] } {
  for (let current = text, repairs = 0; ; repairs++) {
    const lines = new LineCounter();
    const documents = parseAllDocuments(current, {
      lineCounter: lines,
      merge: true,
      // Duplicate keys are looked for below, in linear time; the parser's own search is quadratic.
      uniqueKeys: false,
      logLevel: 'silent',
      customTags: (tags) => [...tags, ...mergeTag('!reset'), ...mergeTag('!override')],
    }) as Document.Parsed[];
    const before = current;
    const starts = documents
      .flatMap(({ errors }) => errors)
      .filter(({ code, message }) => code === 'BAD_INDENT' && message.startsWith('Flow'))
      .map(({ pos }) => before.lastIndexOf('\n', pos[0] - 1) + 1)
      .filter((start) => !before.startsWith(INDENT, start));
    if (starts.length === 0 || repairs === MAX_REPAIRS) return { lines, documents };
    const cuts = [0, ...[...new Set(starts)].toSorted((a, b) => a - b), before.length];
    current = cuts
      .slice(1)
      .map((end, at) => before.slice(cuts[at], end))
      .join(INDENT);
  }
}

class Builder {
  readonly #document: Document.Parsed;
  readonly #placeOf: (offset: number) => Place;
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(document: Document.Parsed, placeOf: (offset: number) => Place) {
    this.#document = document;
    this.#placeOf = placeOf;
  }

  build(node: unknown, depth = 0, fallback?: Place): Tree {
    const range = (node as { range?: [number, number, number] } | null)?.range;
    const at = range ? this.#placeOf(range[0]) : (fallback ?? this.#placeOf(0));
    if (++this.#values > MAX_VALUES) throw new YamlError('more values than a file may hold', at);
    if (depth > MAX_DEPTH) throw new YamlError(`nested deeper than ${MAX_DEPTH} levels`, at);
    if (node === null || node === undefined) return { kind: 'scalar', value: null, at };
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) throw new YamlError(`unknown anchor *${node.source}`, at);
      return this.build(target, depth + 1, at);
    }
    const anchor = (node as { anchor?: string }).anchor;
    // The parser's own search for an anchor reads the whole document each time.
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    const tag = tagOf((node as { tag?: string }).tag);
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items, at, depth), at, ...tag };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item, depth + 1, at));
      return { kind: 'seq', items, at, ...tag };
    }
    if (isScalar(node)) return { kind: 'scalar', value: plain(node.value), at, ...tag };
    return { kind: 'scalar', value: null, at };
  }

  #entries(items: readonly { key: unknown; value: unknown }[], at: Place, depth: number): Map<string, Tree> {
    const entries = new Map<string, Tree>();
    const merged: MapTree[] = [];
    for (const { key, value } of items) {
      const name = nameOf(key, this.#document);
      const keyRange = (key as { range?: [number, number, number] } | null)?.range;
      const place = keyRange ? this.#placeOf(keyRange[0]) : at;
      const tree = this.build(value, depth + 1, place);
      if (name === MERGE) {
        for (const source of tree.kind === 'seq' ? tree.items : [tree]) if (source.kind === 'map') merged.push(source);
        continue;
      }
      if (entries.has(name)) throw new YamlError(`key "${name}" stands twice in one mapping`, place);
      // A reader looks for the key's line, not for the line where a block below it begins.
      entries.set(name, { ...tree, at: place });
    }
    for (const source of merged)
      for (const [name, tree] of source.entries) if (!entries.has(name)) entries.set(name, tree);
    return entries;
  }
}

/** What a merge key is called here; the parser says it by a symbol. */
const MERGE = '<<';

function nameOf(key: unknown, document: Document.Parsed): string {
  const value: unknown = isScalar(key) ? key.value : isAlias(key) ? key.toJS(document) : key;
  return typeof value === 'symbol' ? MERGE : String(value);
}

function tagOf(tag: string | undefined): { tag: MergeTag } | undefined {
  return tag === '!reset' ? { tag: 'reset' } : tag === '!override' ? { tag: 'override' } : undefined;
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

// --- Looking into a tree: nothing here throws, because files are other people's. ------------------

/** The value under a path of keys, or undefined. */
export function get(tree: Tree | undefined, ...path: (string | number)[]): Tree | undefined {
  let current = tree;
  for (const key of path) {
    if (current?.kind === 'map') current = current.entries.get(String(key));
    else if (current?.kind === 'seq' && typeof key === 'number') current = current.items[key];
    else return undefined;
  }
  return current;
}

/** A scalar as text; undefined for null, a map, a list or nothing. */
export function text(tree: Tree | undefined): string | undefined {
  return tree?.kind === 'scalar' && tree.value !== null ? String(tree.value) : undefined;
}

/** Whether a scalar says yes, as YAML or as text. */
export function isTrue(tree: Tree | undefined): boolean {
  return tree?.kind === 'scalar' && (tree.value === true || tree.value === 'true');
}

/** A list's items; none for anything else. */
export function items(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'seq' ? tree.items : [];
}

/** A map's entries; none for anything else. */
export function entries(tree: Tree | undefined): [string, Tree][] {
  return tree?.kind === 'map' ? [...tree.entries] : [];
}

/** The texts of a list, or of a single scalar. */
export function texts(tree: Tree | undefined): string[] {
  if (tree?.kind === 'seq') return tree.items.flatMap((item) => text(item) ?? []);
  const single = text(tree);
  return single === undefined ? [] : [single];
}

/** The tree as plain values. */
export function toValue(tree: Tree | undefined): unknown {
  if (tree === undefined) return undefined;
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'seq') return tree.items.map(toValue);
  return Object.fromEntries([...tree.entries].map(([key, value]) => [key, toValue(value)]));
}
