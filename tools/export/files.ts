/** Which files an export is: a kustomize base, and an overlay with what differs from cluster to cluster. */
import { pairs } from '../compose/facts.ts';
import { commented, plain } from '../yaml/commented.ts';
import { get, type Tree } from '../yaml/tree.ts';
import { componentFiles, folderOf } from './components.ts';
import type { Loose } from './component-scope.ts';
import type { Image } from './images.ts';
import type { ExportOptions, File, Placed } from './options.ts';
import { publishedBy } from './ports.ts';
import { membersOf, type Pod } from './pods.ts';
import { objectName } from './units.ts';
import type { Volumes } from './mounted.ts';

interface Whole {
  readonly pods: readonly Pod[];
  readonly images: readonly Image[];
  readonly options: ExportOptions;
  readonly partOf: string;
  /** The first compose file. */
  readonly source: string;
  readonly volumes: Volumes;
  /** Networks of the project by name. */
  readonly networks: ReadonlyMap<string, Tree>;
}

/** The first line of what an export writes anew each time: by it the next one knows its own. */
export const MARK = 'Written by `sidecar-stacks export`: change the compose file, or the overlay, not this.';

/** @param placed objects, in the order in which they are to be applied */
export function filesOf(placed: readonly Placed[], whole: Whole): File[] {
  const { source, options, pods, partOf, networks } = whole;
  const head = `${MARK}\nOf ${source}; the comments name its lines.`;
  const names = [...new Set(placed.map(({ file }) => file))];
  const file = (path: string, documents: readonly unknown[], top: string, yours = false): File => ({
    path,
    text: commented(documents, top),
    yours,
    secret: path.endsWith('secrets.yaml'),
  });
  const objects = placed.map(({ object }) => plain(object) as Loose);
  const scope = { objects, pods, partOf, namespace: options.namespace, networks };
  const parts = (options.components ?? []).map((name) => ({ name, files: componentFiles(name, scope) }));
  const components = parts.filter((part) => part.files.length > 0).map(({ name }) => `../../${folderOf(name)}`);
  const overlay = overlayOf(objects, components, whole);
  return [
    file('base/kustomization.yaml', [{ ...KUSTOMIZATION, resources: names }], `${head}\nIn the order of depends_on.`),
    ...names.map((name) =>
      file(
        `base/${name}`,
        placed.filter((each) => each.file === name).map(({ object }) => object),
        head,
      ),
    ),
    ...parts.flatMap((part) => part.files),
    ...overlay.map(({ path, content, head: top }) => file(`overlays/cluster/${path}`, content, top, true)),
  ];
}

const KUSTOMIZATION = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };

interface Part {
  readonly path: string;
  readonly content: readonly unknown[];
  readonly head: string;
}

function overlayOf(objects: readonly Loose[], components: readonly string[], { images, options, pods }: Whole): Part[] {
  const prefix = options.registry === undefined ? '' : `${options.registry.replace(/\/+$/, '')}/`;
  const replicas = objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map((object) => ({
      name: object.metadata.name,
      count: (object as unknown as { spec: { replicas: number } }).spec.replicas,
    }));
  const storage = storageOf(objects);
  const hosts = publishedIn(objects);
  const told = toldIn(objects, pods);
  const patches = [
    ...(storage.length > 0 ? [{ path: 'storage.yaml' }] : []),
    ...(hosts.length > 0 ? [{ path: 'hosts.yaml' }] : []),
    ...told.map(({ target }) => ({ path: `hosts-${target.name}.yaml`, target })),
  ];
  const kustomization = {
    ...KUSTOMIZATION,
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    resources: ['../../base'],
    ...(components.length > 0 && { components }),
    images: images
      .map(({ name, tag, own }) => ({
        name,
        ...(own && prefix !== '' && { newName: `${prefix}${name}` }),
        ...(tag !== undefined && { newTag: tag }),
      }))
      .filter(({ newName, newTag }) => newName !== undefined || newTag !== undefined),
    ...(replicas.length > 0 && { replicas }),
    ...(patches.length > 0 && { patches }),
  };
  return [
    {
      path: 'kustomization.yaml',
      content: [kustomization],
      head: 'What differs from cluster to cluster: images, replicas, storage, host names. It is yours: an\nexport writes it once. kubectl apply -k overlays/cluster',
    },
    ...(storage.length > 0
      ? [
          {
            path: 'storage.yaml',
            content: storage,
            head: 'How large each volume is, and of which class (storageClassName, beside accessModes).',
          },
        ]
      : []),
    ...(hosts.length > 0
      ? [
          {
            path: 'hosts.yaml',
            content: hosts,
            head: 'Where clients find what is published: the type of each Service.',
          },
        ]
      : []),
    ...told.map(({ target, operations }) => ({
      path: `hosts-${target.name}.yaml`,
      content: [operations],
      head: 'What containers are told of the address at which clients find them.',
    })),
  ];
}

interface Claimed {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly accessModes: unknown; readonly resources: unknown };
}

/** Claims, and those of StatefulSets, which a patch replaces as a whole list. */
function storageOf(objects: readonly Loose[]): unknown[] {
  return objects.flatMap((object): unknown[] => {
    const { apiVersion, kind, metadata } = object;
    if (kind === 'PersistentVolumeClaim')
      return [{ apiVersion, kind, metadata: { name: metadata.name }, spec: (object as unknown as Claimed).spec }];
    const { volumeClaimTemplates } = (object['spec'] ?? {}) as { volumeClaimTemplates?: readonly Claimed[] };
    if (kind !== 'StatefulSet' || !volumeClaimTemplates) return [];
    return [{ apiVersion, kind, metadata: { name: metadata.name }, spec: { volumeClaimTemplates } }];
  });
}

/** Published Services, which a patch may give another type. */
function publishedIn(objects: readonly Loose[]): unknown[] {
  return objects.flatMap(({ apiVersion, kind, metadata, ...rest }): unknown[] => {
    const { type } = (rest['spec'] ?? {}) as { type?: string };
    return kind === 'Service' && type !== undefined
      ? [{ apiVersion, kind, metadata: { name: metadata.name }, spec: { type } }]
      : [];
  });
}

/** Operations of a JSON patch on one object. */
interface Operations {
  readonly target: { readonly kind: string; readonly name: string };
  readonly operations: readonly unknown[];
}

/**
 * Variables of containers that name a published port of this machine. By their place, since a patch by name would
 * put the containers that it names before the others, and the order of init containers counts; each place is tested
 * first, so that a patch that no longer fits is an error.
 */
function toldIn(objects: readonly Loose[], pods: readonly Pod[]): Operations[] {
  const ports = new Set(pods.flatMap(({ owner }) => publishedBy(owner.tree).map(({ port }) => port)));
  const told = new Set<string>();
  for (const pod of pods)
    for (const service of membersOf(pod))
      for (const [name, { text }] of pairs(get(service.tree, 'environment')))
        if (namesPublished(name, text, ports)) told.add(`${objectName(service.name)} ${name}`);
  return objects.flatMap((object): Operations[] => {
    const { kind, metadata } = object;
    const spec = podSpecIn(object);
    const operations = (['initContainers', 'containers'] as const).flatMap((list) =>
      (spec?.[list] ?? []).flatMap(({ name, env }, at) =>
        (env ?? []).flatMap((each, index) => {
          if (!told.has(`${name} ${each.name}`)) return [];
          const path = `${kind === 'Pod' ? '' : '/spec/template'}/spec/${list}/${at}/env/${index}`;
          return [
            { op: 'test', path: `${path}/name`, value: each.name },
            { op: 'replace', path: `${path}/value`, value: each.value },
          ];
        }),
      ),
    );
    return operations.length === 0 ? [] : [{ target: { kind, name: metadata.name }, operations }];
  });
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

function podSpecIn(object: Loose): { containers?: Container[]; initContainers?: Container[] } | undefined {
  const spec = object['spec'] as
    | { containers?: Container[]; template?: { spec: { containers: Container[] } } }
    | undefined;
  return spec?.containers ? spec : spec?.template?.spec;
}

/** `http://localhost:8443/`, or the number alone of a variable for the public port. */
function namesPublished(name: string, value: string, ports: ReadonlySet<number>): boolean {
  const [, port] = /(?:localhost|127\.0\.0\.1):(\d+)/.exec(value) ?? [];
  if (port !== undefined && ports.has(Number(port)) && /localhost/.test(value)) return true;
  return /PUBLIC|PUBLISH/.test(name) && ports.has(Number(value));
}
