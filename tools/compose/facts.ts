/** A compose service as facts. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Facts, Mount, LocatedText } from '../identify/model/facts.ts';
import { entries, get, isTrue, items, text, texts, type Tree } from '../yaml/tree.ts';
import { keyed } from './merge.ts';
import { mountOf } from './mounts.ts';
import { isFile, type Service } from './project.ts';

const MAX_CONFIGURATION = 64 * 1024;

const saidOf = (tree: Tree | undefined): LocatedText | undefined => {
  const value = text(tree);
  return value === undefined ? undefined : { text: value, at: tree!.at };
};

/**
 * @param service of a loaded project
 * @param folder the project's, from which paths resolve
 * @param runsFirst whether others wait for its end
 */
export function serviceFacts(service: Service, folder: string, runsFirst: boolean): Facts {
  const { name, tree } = service;
  const words = ['entrypoint', 'command'].flatMap((key) => {
    const value = get(tree, key);
    return value?.kind === 'seq' ? value.items.flatMap((item) => saidOf(item) ?? []) : (saidOf(value) ?? []);
  });
  const mounts = items(get(tree, 'volumes')).flatMap((item) => mountOf(item) ?? []);
  const build = get(tree, 'build');
  return {
    name,
    at: service.at,
    image: saidOf(get(tree, 'image')),
    command: words[0] && { text: words.map((word) => word.text).join(' '), at: words[0].at },
    words,
    env: pairs(get(tree, 'environment')),
    mounts,
    ports: [
      ...items(get(tree, 'expose')).flatMap((item) => Number(text(item)) || []),
      ...items(get(tree, 'ports')).flatMap((item) => targetPort(item) ?? []),
    ],
    portNames: items(get(tree, 'ports')).flatMap((item) => saidOf(get(item, 'name')) ?? []),
    build: build && (text(build) ?? text(get(build, 'context')) ?? '.'),
    configuration: mounts.flatMap((mount) => fileText(mount, folder) ?? []),
    labels: pairs(get(tree, 'labels')),
    capabilities: texts(get(tree, 'cap_add')),
    devices: texts(get(tree, 'devices')),
    privileged: isTrue(get(tree, 'privileged')) ? get(tree, 'privileged')!.at : undefined,
    runsFirst,
    native: false,
  };
}

/** Environment, labels and the like, as a map of texts, whether they stand as a map or as a list. */
export function pairs(tree: Tree | undefined): Map<string, LocatedText> {
  if (tree === undefined) return new Map();
  return new Map(entries(keyed(tree)).map(([key, value]) => [key, { text: text(value) ?? '', at: value.at }]));
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `80`: 80; a range gives its first port. */
function targetPort(item: Tree): number | undefined {
  const value = item.kind === 'map' ? text(get(item, 'target')) : text(item);
  const port = value?.split('/')[0]!.split(':').at(-1)!.split('-')[0];
  return Number(port) || undefined;
}

/** What a bind-mounted file of the project says, where it is there and small. */
function fileText(mount: Mount, folder: string): LocatedText | undefined {
  if (mount.kind !== 'bind' || mount.source === undefined || !/^\.|^[^/~$]/.test(mount.source)) return undefined;
  const path = resolve(folder, mount.source);
  if (!path.startsWith(resolve(folder)) || !isFile(path)) return undefined;
  try {
    if (statSync(path).size > MAX_CONFIGURATION) return undefined;
    return { text: readFileSync(path, 'utf8'), at: mount.at };
  } catch {
    return undefined;
  }
}
