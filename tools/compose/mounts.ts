/** The volumes of a service, in the short and the long form of the Compose Specification ("volumes"). */
import { posix } from 'node:path';
import type { Mount } from '../identify/model/facts.ts';
import { get, isTrue, text, type Tree } from '../yaml/tree.ts';

/** A path of the machine, and no volume's name: relative, absolute, of a home, of Windows, or a variable. */
const PATH = /^(?:[./~$\\]|[A-Za-z]:)/;

/** `C:\data:/data`, `c:/data:/data`. */
const DRIVE = /^[A-Za-z]:(?:\\|\/.*:(?:\/|[A-Za-z]:|\$))/;

/**
 * The fields of a short form: `SOURCE:TARGET:OPTIONS`. A single letter is a Windows drive where a path and another path
 * follow, and else the name of a volume; a colon inside `${…}` separates nothing.
 */
export function mountFields(line: string): string[] {
  const fields: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < line.length; at++) {
    if (line.startsWith('${', at)) depth++;
    else if (line[at] === '}' && depth > 0) depth--;
    else if (line[at] === ':' && depth === 0 && !(at === start + 1 && DRIVE.test(line.slice(start)))) {
      fields.push(line.slice(start, at));
      start = at + 1;
    }
  }
  return [...fields, line.slice(start)];
}

/** Where an item of `volumes` is mounted, as written; undefined where it does not say. */
export function mountTarget(item: Tree): string | undefined {
  if (item.kind === 'map') return text(get(item, 'target'));
  const line = text(item);
  if (line === undefined) return undefined;
  const [first, target] = mountFields(line);
  return target ?? first;
}

/** A service's mount; undefined for a tmpfs, and for an item that is none. */
export function mountOf(item: Tree): Mount | undefined {
  const target = mountTarget(item);
  if (target === undefined) return undefined;
  if (item.kind === 'map') {
    const type = text(get(item, 'type')) ?? 'volume';
    if (type === 'tmpfs') return undefined;
    const source = text(get(item, 'source'));
    const readOnly = isTrue(get(item, 'read_only'));
    return { source, kind: type === 'bind' ? 'bind' : 'volume', target, readOnly, at: item.at };
  }
  const [source, inside, options = ''] = mountFields(text(item)!);
  if (inside === undefined) return { source: undefined, kind: 'volume', target, readOnly: false, at: item.at };
  return {
    source,
    kind: PATH.test(source!) ? 'bind' : 'volume',
    target,
    readOnly: options.split(',').includes('ro'),
    at: item.at,
  };
}

/** A path in a container without `//`, `..` and a slash at its end. */
export const containerPath = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, '');

/** Whether a path lies below another one. Both as containerPath gives them. */
export const liesBelow = (path: string, folder: string): boolean =>
  path !== folder && path.startsWith(folder === '/' ? '/' : `${folder}/`);
