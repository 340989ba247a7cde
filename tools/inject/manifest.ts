/**
 * Sidecars in Kubernetes manifests, by cutting into the text: what is not the sidecar's keeps its
 * bytes, comments and order.
 */
import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseAllDocuments,
  stringify,
  type Document,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { podPatch, type ContainerOptions, type PodPatch } from '../bundled/container-spec.ts';
import type { BundledSidecar } from '../bundled/sidecars.ts';
import { Refusal } from '../bundled/refusal.ts';
import type { Injection } from './request.ts';

export interface ManifestOptions extends ContainerOptions {
  /** Only the workload of this name; all when undefined. */
  readonly into: string | undefined;
  /** Checks and completes a sidecar's parameters for a pod whose application listens on these ports. @throws {Refusal} */
  readonly environment: (ports: readonly number[], workload: string) => Record<string, string>;
}

export interface Injected {
  readonly text: string;
  /** One for each pod: `Deployment/web: tls injected`, or why not. */
  readonly messages: readonly string[];
  readonly count: number;
}

interface Edit {
  readonly at: number;
  readonly text: string;
}

const begin = (sidecar: string): string => `# sidecar-stacks inject ${sidecar}: begin`;
const end = (sidecar: string): string => `# sidecar-stacks inject ${sidecar}: end`;
/**
 * Take a sidecar out of a manifest.
 * @returns the text as it was before it was put in
 */
export function removeFromManifest(text: string, sidecar: string): string {
  const own = String.raw`[ \t]*${begin(sidecar)}\n(?:(?!${begin(sidecar)})[\s\S])*?^[ \t]*${end(sidecar)}`;
  // Where the file ended without a newline, one was put before the lines instead of behind them.
  const lines = new RegExp(String.raw`^${own}\n|\n${own}(?![\s\S])`, 'gm');
  const rest = text.replaceAll(lines, '');
  return rest.includes(`sidecar-stacks/${sidecar}:`) ? removeFlow(rest, sidecar) : rest;
}

/** In flow style, where JSON takes no comment, what is ours is told by the container's name and image. */
function removeFlow(text: string, sidecar: string): string {
  const cuts: [number, number][] = [];
  for (const { spec } of parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' }).flatMap((document) =>
    podsIn((document as Document.Parsed).contents),
  )) {
    if (!spec.flow) continue;
    for (const pair of spec.items as Pair[]) {
      if (!isSeq(pair.value) || !isScalar(pair.key)) continue;
      const own = pair.value.items.filter((item) => isMap(item) && isOurs(item, sidecar));
      const key = (pair.key as { range?: [number, number, number] | null }).range!;
      if (own.length > 0 && own.length === pair.value.items.length && pair.key.value !== 'containers')
        cuts.push([key[0], afterComma(text, pair.value.range![1])]);
      else
        for (const item of own) cuts.push([(item as YAMLMap).range![0], afterComma(text, (item as YAMLMap).range![1])]);
    }
    const shared = spec.range![0] + 1;
    if (cuts.length > 0 && text.startsWith(SHARED, shared)) cuts.push([shared, shared + SHARED.length]);
  }
  return cuts.toSorted((a, b) => b[0] - a[0]).reduce((all, [from, to]) => all.slice(0, from) + all.slice(to), text);
}

const SHARED = '"shareProcessNamespace":true, ';
const afterComma = (text: string, at: number): number => (text.startsWith(', ', at) ? at + 2 : at);

function isOurs(item: YAMLMap, sidecar: string): boolean {
  const image = valueAt(item, 'image');
  if (typeof image === 'string')
    return valueAt(item, 'name') === sidecar && image.includes(`sidecar-stacks/${sidecar}:`);
  // A volume: its name and kind are ours.
  return String(valueAt(item, 'name')).startsWith(`${sidecar}-`) && isMap(item.get('emptyDir'));
}

/**
 * Put a sidecar into every pod of a manifest, instead of what an earlier call put there.
 * @throws {Refusal} when the manifest cannot be read, or has no such workload
 */
export function injectIntoManifest(
  source: string,
  injection: Injection,
  bundled: BundledSidecar,
  options: ManifestOptions,
): Injected {
  const text = removeFromManifest(source, injection.sidecar);
  const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' }) as Document.Parsed[];
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken) throw new Refusal('unreadable', broken.message.split('\n')[0]!.replace(/:$/, ''));
  const messages: string[] = [];
  const edits: Edit[] = [];
  let count = 0;
  for (const pod of documents.flatMap((document) => podsIn(document.contents))) {
    if (options.into !== undefined && pod.name !== options.into) continue;
    const title = `${pod.kind}/${pod.name}`;
    if (valueAt(pod.spec, 'hostNetwork') === true) {
      messages.push(`${title}: skipped: hostNetwork, so its ports are the node's, and a sidecar's would be too`);
      continue;
    }
    const environment = options.environment(portsOf(pod.spec), title);
    edits.push(...editsOf(text, pod.spec, injection.sidecar, podPatch(bundled, environment, options), options.style));
    messages.push(`${title}: ${injection.sidecar} injected`);
    count++;
  }
  if (messages.length === 0)
    throw new Refusal(
      'no-pod',
      options.into === undefined
        ? 'there is no pod in this manifest'
        : `there is no workload ${options.into} in this manifest`,
    );
  const result = edits
    .toSorted((a, b) => b.at - a.at)
    .reduce((all, edit) => all.slice(0, edit.at) + edit.text + all.slice(edit.at), text);
  return { text: result, messages, count };
}

interface PodNode {
  readonly kind: string;
  readonly name: string;
  readonly spec: YAMLMap;
}

/** Pods of a document, also in lists and in templates inside custom resources. */
function podsIn(root: unknown): PodNode[] {
  const pods: PodNode[] = [];
  const visit = (node: unknown, kind: string, name: string, depth: number): void => {
    if (depth > 30) return;
    if (isSeq(node)) node.items.forEach((item) => visit(item, kind, name, depth + 1));
    if (!isMap(node)) return;
    const own = valueAt(node, 'apiVersion') === undefined ? undefined : valueAt(node, 'kind');
    const object = typeof own === 'string' && !own.endsWith('List');
    if (own === 'CustomResourceDefinition') return;
    const [ownKind, ownName] = object ? [own, textAt(node.get('metadata'), 'name')] : [kind, name];
    if (isSeq(node.get('containers')) && ownKind !== '') {
      pods.push({ kind: ownKind, name: ownName, spec: node });
      return;
    }
    for (const pair of node.items)
      if (isPair(pair) && String(isScalar(pair.key) ? pair.key.value : '') !== 'metadata')
        visit(pair.value, ownKind, ownName, depth + 1);
  };
  visit(root, '', '', 0);
  return pods;
}

const valueAt = (node: unknown, key: string): unknown => {
  if (!isMap(node)) return undefined;
  const value = node.get(key);
  return isScalar(value) ? value.value : value;
};

const textAt = (node: unknown, key: string): string => {
  const value = valueAt(node, key);
  return typeof value === 'string' ? value : '';
};

function portsOf(spec: YAMLMap): number[] {
  const containers = spec.get('containers') as YAMLSeq;
  return containers.items.flatMap((container) => {
    const ports = isMap(container) ? container.get('ports') : undefined;
    return isSeq(ports)
      ? ports.items.map((port) => Number(valueAt(port, 'containerPort'))).filter((port) => port > 0)
      : [];
  });
}

function editsOf(text: string, spec: YAMLMap, sidecar: string, patch: PodPatch, style: 'native' | 'plain'): Edit[] {
  const key = style === 'native' ? 'initContainers' : 'containers';
  const edits =
    style === 'native'
      ? [first(text, spec, key, sidecar, [patch.container])]
      : [last(text, spec, key, sidecar, [patch.container])];
  if (patch.volumes.length > 0) edits.push(last(text, spec, 'volumes', sidecar, patch.volumes));
  if (patch.shareProcesses && valueAt(spec, 'shareProcessNamespace') !== true)
    edits.push(newKey(text, spec, sidecar, 'shareProcessNamespace: true'));
  return edits;
}

/** Items before those of a list, or a list of their own. */
function first(text: string, spec: YAMLMap, key: string, sidecar: string, values: readonly object[]): Edit {
  const list = spec.get(key);
  if (!isSeq(list) || list.items.length === 0) return newList(text, spec, key, sidecar, values);
  if (list.flow) return { at: list.range![0] + 1, text: values.map((value) => `${JSON.stringify(value)}, `).join('') };
  return block(text, list.range![0], sidecar, itemsText(values));
}

/** Items behind those of a list, or a list of their own. */
function last(text: string, spec: YAMLMap, key: string, sidecar: string, values: readonly object[]): Edit {
  const list = spec.get(key);
  if (!isSeq(list) || list.items.length === 0) return newList(text, spec, key, sidecar, values);
  if (list.flow) return { at: list.range![0] + 1, text: values.map((value) => `${JSON.stringify(value)}, `).join('') };
  const finish = lineEnd(text, list.range![1]);
  const indent = columnOf(text, list.range![0]);
  const added = marked(sidecar, itemsText(values), indent);
  return { at: finish, text: text[finish - 1] === '\n' ? added : `\n${added.trimEnd()}` };
}

function newList(text: string, spec: YAMLMap, key: string, sidecar: string, values: readonly object[]): Edit {
  if (spec.flow)
    return { at: spec.range![0] + 1, text: `"${key}":[${values.map((value) => JSON.stringify(value)).join(', ')}], ` };
  // A null where a list could be is somebody's decision or a slip: it is not overwritten.
  if (spec.has(key)) throw new Refusal('empty-list', `${key} is there and empty: remove that line`);
  return block(text, keyStart(spec, 'containers'), sidecar, `${key}:\n${itemsText(values)}`);
}

function newKey(text: string, spec: YAMLMap, sidecar: string, line: string): Edit {
  if (spec.flow) return { at: spec.range![0] + 1, text: SHARED };
  if (spec.has('shareProcessNamespace'))
    throw new Refusal('shared-processes', `${sidecar} needs shareProcessNamespace: true, and the pod says false`);
  return block(text, keyStart(spec, 'containers'), sidecar, `${line}\n`);
}

function keyStart(spec: YAMLMap, key: string): number {
  const pair = spec.items.find(
    (each) => isScalar((each as Pair).key) && ((each as Pair).key as { value: unknown }).value === key,
  ) as Pair;
  return (pair.key as { range: [number, number, number] }).range[0];
}

/** Whole lines before the line on which something stands. */
function block(text: string, at: number, sidecar: string, content: string): Edit {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  // `spec: {` or `- containers:` on one line: what stands before it moves no line.
  if (/^\s*$/.test(text.slice(start, at))) return { at: start, text: marked(sidecar, content, at - start) };
  throw new Refusal(
    'layout',
    'the pod begins on a line with something else (`- containers:`): put it on a line of its own',
  );
}

function marked(sidecar: string, content: string, indent: number): string {
  const space = ' '.repeat(indent);
  const lines = [begin(sidecar), ...content.trimEnd().split('\n'), end(sidecar)];
  return `${lines.map((line) => (line === '' ? '' : space + line)).join('\n')}\n`;
}

const itemsText = (values: readonly object[]): string => stringify(values, { lineWidth: 0, indentSeq: false });
const columnOf = (text: string, at: number): number => at - (text.lastIndexOf('\n', at - 1) + 1);

/**
 * Where a line ends, behind its newline. A list's range goes on over the comments behind it to the next
 * key: then it is the beginning of that key's line.
 */
function lineEnd(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  if (text.slice(start, offset).trim() === '') return start;
  const next = text.indexOf('\n', offset);
  return next === -1 ? text.length : next + 1;
}
