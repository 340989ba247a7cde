/** Paths of an application that its sidecars see too: the mount that the application has there, or a new volume. */
import { isAbsolute, join, relative } from 'node:path';
import { interpolateTree } from '../compose/interpolate.ts';
import { containerPath, liesBelow, mountFields, mountOf, mountTarget } from '../compose/mounts.ts';
import type { Project, Service } from '../compose/project.ts';
import { get, items, text, texts, toValue, type Tree } from '../yaml/tree.ts';
import { Refusal } from '../bundled/refusal.ts';
import type { Injection } from './request.ts';

interface Written {
  readonly services: Record<string, Record<string, unknown>>;
  readonly volumes: Record<string, null>;
}

/**
 * Let sidecars see paths of the application.
 * @param written the services and volumes of the injected file, which get mounts and volumes
 * @throws {Refusal} for a path whose content a sidecar would not see, or that would be hidden from the application
 */
export function shareMounts(
  project: Project,
  service: Service,
  sidecars: readonly { readonly injection: Injection; readonly name: string }[],
  { services, volumes }: Written,
): void {
  const mounts = mountsOf(project, service);
  for (const { injection, name: sidecar } of sidecars)
    for (const said of injection.share) {
      const path = containerPath(said);
      requireShareable(service, path, mounts);
      const mount = mounts.find(({ target }) => target === path);
      let shared = mount && entryOf(project, mount);
      if (shared === undefined) {
        const volume = `${service.name}-shared${path.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '')}`;
        volumes[volume] = null;
        shared = `${volume}:${path}`;
        addVolume(services[service.name]!, shared);
      }
      addVolume(services[sidecar]!, shared);
    }
}

function addVolume(service: Record<string, unknown>, volume: unknown): void {
  const list = (service['volumes'] as unknown[] | undefined) ?? [];
  if (!list.includes(volume)) service['volumes'] = [...list, volume];
}

interface Mounted {
  readonly target: string;
  /** As written, with its variables. */
  readonly item: Tree;
  /** With the variables filled in, as compose reads it. */
  readonly read: Tree;
  /** Why no other container can have the same mount; undefined where one can. */
  readonly unshared: string | undefined;
}

/** Everything that is mounted into a service, as compose would read it. */
function mountsOf(project: Project, { tree }: Service): Mounted[] {
  const read = (item: Tree): Tree => interpolateTree(item, project.environment, 'nothing');
  const mounted = (item: Tree, target: string | undefined, unshared: string | undefined): Mounted[] =>
    target === undefined ? [] : [{ target: containerPath(target), item, read: read(item), unshared }];
  const volumes = items(get(tree, 'volumes')).flatMap((item) => {
    const filled = read(item);
    const type = text(get(filled, 'type'));
    const kind = type === undefined || type === 'bind' || type === 'volume' ? undefined : `a ${type} mount`;
    return mounted(
      item,
      mountTarget(filled),
      kind ?? (mountOf(filled)?.source === undefined ? 'a volume without a name' : undefined),
    );
  });
  const scratch = get(tree, 'tmpfs');
  const memory = (scratch?.kind === 'scalar' ? [scratch] : items(scratch)).flatMap((item) =>
    mounted(item, text(read(item))?.split(':')[0], 'a tmpfs'),
  );
  const given = (['configs', 'secrets'] as const).flatMap((section) =>
    items(get(tree, section)).flatMap((item) => {
      const filled = read(item);
      const name = text(get(filled, 'target')) ?? text(filled) ?? text(get(filled, 'source'));
      const folder = section === 'configs' ? '/' : '/run/secrets/';
      return mounted(item, name && (isAbsolute(name) ? name : `${folder}${name}`), `one of the ${section}`);
    }),
  );
  return [...volumes, ...memory, ...given];
}

function requireShareable({ name, tree }: Service, path: string, mounts: readonly Mounted[]): void {
  if (!isAbsolute(path) || path === '/')
    throw new Refusal('share-path', `--share takes an absolute path below / in the container, not "${path}"`);
  const [own, second] = mounts.filter(({ target }) => target === path);
  // What compose makes of them depends on how each is written.
  if (second !== undefined)
    throw new Refusal(
      'share-twice',
      `service ${name} mounts ${path} twice (lines ${own!.item.at.line} and ${second.item.at.line}): leave one of them out`,
    );
  if (own?.unshared !== undefined)
    throw new Refusal(
      'share-unnamed',
      `service ${name} has ${own.unshared} at ${path}, which no other container can mount: use a named volume there`,
    );
  const above = mounts.find(({ target }) => liesBelow(path, target));
  if (own === undefined && above)
    throw new Refusal(
      'share-below-mount',
      `${path} lies below the mount ${above.target} of service ${name}, and a new volume there would hide its files: --share ${above.target}`,
    );
  const below = mounts.find(({ target }) => liesBelow(target, path));
  if (below)
    throw new Refusal(
      'share-above-mount',
      `service ${name} mounts ${below.target} below ${path}, and a sidecar would not see it there: --share ${below.target}`,
    );
  if (own === undefined && texts(get(tree, 'volumes_from')).length > 0)
    throw new Refusal(
      'share-volumes-from',
      `service ${name} takes another's volumes (volumes_from), which may hold ${path}: name the volume in its volumes`,
    );
}

/** A mount as it is written, so that compose reads the same for both containers: variables, options and all. */
function entryOf(project: Project, { item, read, target }: Mounted): unknown {
  const folder = project.folderOf(item.at);
  const mount = mountOf(read)!;
  const elsewhere = folder !== project.folder && mount.kind === 'bind' && /^\.{1,2}(\/|$)/.test(mount.source ?? '');
  if (!elsewhere) return toValue(item);
  const source = item.kind === 'map' ? text(get(item, 'source'))! : mountFields(text(item)!)[0]!;
  if (source.includes('$'))
    throw new Refusal(
      'share-elsewhere',
      `the mount at ${target} is relative to ${relative(project.folder, folder)}, and its source is a variable: write the path there`,
    );
  const path = `./${relative(project.folder, join(folder, source))}`;
  return item.kind === 'map'
    ? { ...(toValue(item) as object), source: path }
    : [path, ...mountFields(text(item)!).slice(1)].join(':');
}
