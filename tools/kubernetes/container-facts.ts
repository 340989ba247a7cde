/** A Kubernetes container as facts. */
import type { Facts, Mount, LocatedText } from '../identify/model/facts.ts';
import { entries, get, isTrue, items, text, type MapTree, type Tree } from '../yaml/tree.ts';
import type { Pod } from './pods.ts';

/** All containers of a pod: init containers first, in the order of the file. */
export function podFacts(pod: Pod, configuration: ReadonlyMap<string, [string, Tree][]>): Facts[] {
  const list = (key: string) => items(get(pod.spec, key)).filter((item): item is MapTree => item.kind === 'map');
  return [
    ...list('initContainers').map((container) => containerFacts(container, pod, true, configuration)),
    ...list('containers').map((container) => containerFacts(container, pod, false, configuration)),
  ];
}

/** Names of volumes that two containers of a pod mount and that hold data, not configuration. */
export function sharedVolumes(containers: readonly Facts[]): string[] {
  const users = new Map<string, Set<string>>();
  for (const { name, mounts } of containers)
    for (const { source } of mounts) {
      if (source === undefined) continue;
      users.set(source, (users.get(source) ?? new Set()).add(name));
    }
  return [...users].filter(([, names]) => names.size > 1).map(([volume]) => volume);
}

const saidOf = (tree: Tree | undefined): LocatedText | undefined => {
  const value = text(tree);
  return value === undefined ? undefined : { text: value, at: tree!.at };
};

function containerFacts(
  container: MapTree,
  pod: Pod,
  init: boolean,
  configuration: ReadonlyMap<string, [string, Tree][]>,
): Facts {
  const words = ['command', 'args'].flatMap((key) => items(get(container, key)).flatMap((item) => saidOf(item) ?? []));
  const mounts = items(get(container, 'volumeMounts')).map((mount) => mountOf(mount, pod));
  const native = init && text(get(container, 'restartPolicy')) === 'Always';
  const security = get(container, 'securityContext');
  const first = words[0];
  return {
    name: text(get(container, 'name')) ?? '',
    at: container.at,
    image: saidOf(get(container, 'image')),
    command: first && { text: words.map((word) => word.text).join(' '), at: first.at },
    words,
    env: new Map(
      items(get(container, 'env')).flatMap((variable) => {
        const name = text(get(variable, 'name'));
        return name === undefined
          ? []
          : [[name, { text: text(get(variable, 'value')) ?? '', at: variable.at }] as const];
      }),
    ),
    mounts,
    ports: items(get(container, 'ports')).flatMap((port) => Number(text(get(port, 'containerPort'))) || []),
    portNames: items(get(container, 'ports')).flatMap((port) => saidOf(get(port, 'name')) ?? []),
    build: undefined,
    configuration: configurationTexts(container, pod, configuration),
    labels: new Map(),
    capabilities: items(get(security, 'capabilities', 'add')).flatMap((item) => text(item) ?? []),
    devices: [],
    privileged: isTrue(get(security, 'privileged')) ? get(security, 'privileged')!.at : undefined,
    runsFirst: init && !native,
    native,
  };
}

/** Volumes of a pod whose content the platform writes: nobody shares work through them. */
const WRITTEN_BY_THE_PLATFORM = ['configMap', 'secret', 'projected', 'downwardAPI'];

function mountOf(mount: Tree, pod: Pod): Mount {
  const source = text(get(mount, 'name'));
  const volume = items(get(pod.spec, 'volumes')).find((each) => text(get(each, 'name')) === source);
  const kind = WRITTEN_BY_THE_PLATFORM.some((key) => get(volume, key) !== undefined)
    ? 'file'
    : get(volume, 'hostPath') === undefined
      ? 'volume'
      : 'bind';
  return {
    source,
    kind,
    target: text(get(mount, 'mountPath')) ?? '',
    readOnly: isTrue(get(mount, 'readOnly')) || kind === 'file',
    at: mount.at,
  };
}

/** Texts of the ConfigMaps, of the same files, that a container mounts. */
function configurationTexts(
  container: MapTree,
  pod: Pod,
  configuration: ReadonlyMap<string, [string, Tree][]>,
): LocatedText[] {
  const mounted = new Map(
    items(get(container, 'volumeMounts')).map((mount) => [text(get(mount, 'name')), text(get(mount, 'subPath'))]),
  );
  return items(get(pod.spec, 'volumes')).flatMap((volume) => {
    const name = text(get(volume, 'name'));
    if (!mounted.has(name)) return [];
    const part = mounted.get(name);
    const data = configuration.get(text(get(volume, 'configMap', 'name')) ?? '') ?? [];
    return data.flatMap(([key, value]) => (part === undefined || part === key ? (saidOf(value) ?? []) : []));
  });
}

/** Paths of the host that a pod's volumes name, by volume. */
export function hostPaths(pod: Pod): Map<string, LocatedText> {
  return new Map(
    items(get(pod.spec, 'volumes')).flatMap((volume) => {
      const path = saidOf(get(volume, 'hostPath', 'path'));
      const name = text(get(volume, 'name'));
      return path && name !== undefined ? [[name, path] as const] : [];
    }),
  );
}

/** Whether an annotation or label stands in a map. */
export const hasEntry = (tree: Tree | undefined, key: string): boolean => entries(tree).some(([name]) => name === key);
