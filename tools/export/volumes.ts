/** What a pod's services mount, as volumes of the pod and mounts of its containers. */
import { existsSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { mountOf } from '../compose/mounts.ts';
import { isFile, type Project, type Resource, type Service } from '../compose/project.ts';
import { ENGINE_SOCKET } from '../identify/model/facts.ts';
import { repositoryOf } from '../files/write.ts';
import { from } from '../yaml/commented.ts';
import { get, isTrue, items, text, texts, type Place, type Tree } from '../yaml/tree.ts';
import { bundle, entriesAt, entryOf, type Bundle, type Entry } from './configuration.ts';
import { sha256 } from './digest.ts';
import type { HostPaths } from './options.ts';
import { membersOf, type Pod } from './pods.ts';
import type { Findings } from './problems.ts';
import { objectName, quantity } from './units.ts';

/** A named volume of the project that lasts. */
export interface Claim {
  readonly name: string;
  readonly at: Place | undefined;
  readonly size: string | undefined;
  /** It is made by somebody else. */
  readonly external: boolean;
  /** Pods that mount it. */
  readonly pods: ReadonlySet<string>;
}

export interface Volumes {
  readonly claims: ReadonlyMap<string, Claim>;
  readonly bundles: ReadonlyMap<string, Bundle>;
  /** Volumes of each pod, by its name. */
  readonly ofPod: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  /** Mounts of each service. */
  readonly mountsOf: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  /** Bundles that a pod mounts. */
  readonly bundlesOf: ReadonlyMap<string, readonly Bundle[]>;
}

interface HostPath {
  readonly source: string;
  /** Absolute. */
  readonly path: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly at: Place;
}

/** What nobody bounded may grow to. */
const SCRATCH = '64Mi';

export function volumesOf(project: Project, pods: readonly Pod[], findings: Findings, hostPaths?: HostPaths): Volumes {
  const reader = new Reader(project, findings, hostPaths);
  for (const pod of pods) for (const service of membersOf(pod)) reader.read(pod, service);
  return reader;
}

class Reader implements Volumes {
  readonly claims = new Map<string, Claim & { pods: Set<string> }>();
  readonly bundles = new Map<string, Bundle>();
  readonly ofPod = new Map<string, Record<string, unknown>[]>();
  readonly mountsOf = new Map<string, Record<string, unknown>[]>();
  readonly bundlesOf = new Map<string, Bundle[]>();
  readonly #project: Project;
  readonly #findings: Findings;
  readonly #hostPaths: HostPaths | undefined;
  readonly #repository: string;
  /** What each volume of a pod is in compose, by the names of both. */
  readonly #origins = new Map<string, string>();

  constructor(project: Project, findings: Findings, hostPaths: HostPaths | undefined) {
    this.#hostPaths = hostPaths;
    this.#project = project;
    this.#findings = findings;
    this.#repository = repositoryOf(project.folder);
  }

  read(pod: Pod, service: Service): void {
    const { tree } = service;
    for (const item of items(get(tree, 'volumes'))) this.#volume(pod, service, item);
    const scratch = get(tree, 'tmpfs');
    for (const item of scratch?.kind === 'seq' ? scratch.items : scratch ? [scratch] : []) {
      const [path, options = ''] = (text(item) ?? '').split(/:(.*)/s);
      if (path) this.#memory(pod, service, path, sizeIn(options), item.at);
    }
    const shm = get(tree, 'shm_size');
    if (shm) this.#memory(pod, service, '/dev/shm', text(shm), shm.at);
    for (const item of items(get(tree, 'configs'))) this.#given(pod, service, 'configs', item);
    for (const item of items(get(tree, 'secrets'))) this.#given(pod, service, 'secrets', item);
  }

  #volume(pod: Pod, service: Service, item: Tree): void {
    if (item.kind === 'map' && text(get(item, 'type')) === 'tmpfs') {
      this.#memory(pod, service, text(get(item, 'target')) ?? '', text(get(item, 'tmpfs', 'size')), item.at);
      return;
    }
    const mount = mountOf(item);
    if (!mount) return;
    const { source, target, readOnly, at } = mount;
    const more = {
      ...(readOnly && { readOnly: true }),
      ...(item.kind === 'map' && { subPath: text(get(item, 'volume', 'subpath')) }),
    };
    if (mount.kind === 'bind') {
      this.#bind(pod, service, source ?? '', target, readOnly, at);
      return;
    }
    if (source === undefined) {
      const name = objectName(service.name, target);
      this.#mount(
        pod,
        service,
        `${service.name}:${target}`,
        { name, emptyDir: { sizeLimit: '1Gi' } },
        target,
        more,
        at,
      );
      return;
    }
    const declared = this.#project.resources.volumes.get(source);
    const options = get(declared, 'driver_opts');
    if (text(get(options, 'type')) === 'tmpfs') {
      const sizeLimit = quantity(sizeIn(text(get(options, 'o')) ?? '')) ?? SCRATCH;
      const volume = { name: objectName(source), emptyDir: from({ medium: 'Memory', sizeLimit }, declared?.at) };
      this.#mount(pod, service, `volume ${source}`, volume, target, more, at);
      return;
    }
    if (/^(nfs|cifs|none)$/.test(text(get(options, 'type')) ?? '') || /bind/.test(text(get(options, 'o')) ?? ''))
      this.#findings.warn(
        'volume-driver',
        options!.at,
        `volume ${source} is of the host or of another machine: make a PersistentVolume for its claim`,
      );
    const claim = this.claims.get(source) ?? {
      name: objectName(text(get(declared, 'name')) ?? source),
      at: declared?.at,
      size: quantity(sizeIn(text(get(options, 'o')) ?? '')),
      external: isTrue(get(declared, 'external')) || get(declared, 'external')?.kind === 'map',
      pods: new Set<string>(),
    };
    claim.pods.add(pod.name);
    this.claims.set(source, claim);
    const volume = { name: objectName(source), persistentVolumeClaim: { claimName: claim.name } };
    this.#mount(pod, service, `volume ${source}`, volume, target, more, at);
  }

  /** A path of the machine: files of the repository are carried along, everything else is refused. */
  #bind(pod: Pod, service: Service, source: string, target: string, readOnly: boolean, at: Place): void {
    if (ENGINE_SOCKET.test(source)) {
      this.#findings.refuse(
        'engine-socket',
        at,
        `service ${service.name} mounts the engine's socket, which a pod must not have: ask the API server, with a service account`,
      );
      return;
    }
    const path = resolve(this.#project.folderOf(at), source);
    const inside = !/^[/~$]/.test(source) && !relative(this.#repository, path).startsWith('..');
    const carried = inside && existsSync(path) && (readOnly || isFile(path));
    // A home folder is nobody's on a node; what a variable says is not known.
    const home = source.startsWith('~');
    const wish = source.startsWith('$') || (home && this.#hostPaths === 'node') ? undefined : this.#hostPaths;
    if (!carried && wish !== undefined) {
      this.#hostPath(pod, service, { source, path, target, readOnly, at }, wish);
      return;
    }
    const flag = source.startsWith('$')
      ? undefined
      : !home && isFile(path)
        ? '--host-paths node'
        : '--host-paths volume';
    if (!inside || !existsSync(path)) {
      this.#findings.refuse(
        'host-path',
        at,
        inside
          ? `service ${service.name} mounts ${source}, which is not there`
          : `service ${service.name} mounts ${source} of this machine, which another node does not have: take a named volume, or a config`,
        flag,
      );
      return;
    }
    if (!readOnly && !isFile(path)) {
      this.#findings.refuse(
        'host-path',
        at,
        `service ${service.name} may write to ${source} of this machine: take a named volume, or mount it read-only (:ro)`,
        flag,
      );
      return;
    }
    this.#files(
      pod,
      service,
      'ConfigMap',
      objectName(this.#project.folder === path ? 'files' : nameOf(source)),
      target,
      at,
      () => entriesAt(path).map((entry) => (isFile(path) ? { ...entry, path: target.split('/').at(-1)! } : entry)),
      !isFile(path),
    );
  }

  /** A path of the machine, as the command line says: an empty volume in its place, or the node's own path. */
  #hostPath(pod: Pod, service: Service, { source, path, target, readOnly, at }: HostPath, wish: HostPaths): void {
    const more = readOnly ? { readOnly: true } : {};
    const shown = relative(this.#repository, path);
    const key = `${nameOf(source)}-${sha256(shown).slice(0, 6)}`;
    if (wish === 'node' || isFile(path)) {
      const volume = { name: objectName(key), hostPath: { path, type: isFile(path) ? 'File' : 'DirectoryOrCreate' } };
      this.#mount(pod, service, `host ${path}`, volume, target, more, at);
      this.#findings.warn(
        'host-path',
        at,
        `service ${service.name} mounts ${path} of the node that it runs on: each node needs it`,
      );
      return;
    }
    const claim = this.claims.get(key) ?? {
      name: objectName(key),
      at,
      size: undefined,
      external: false,
      pods: new Set<string>(),
    };
    claim.pods.add(pod.name);
    this.claims.set(key, claim);
    const volume = { name: objectName(key), persistentVolumeClaim: { claimName: claim.name } };
    this.#mount(pod, service, `volume ${key}`, volume, target, more, at);
    this.#findings.warn(
      'host-path',
      at,
      `volume ${claim.name} stands for ${source} and begins empty: copy its files there`,
    );
  }

  /** One of the service's configs or secrets. */
  #given(pod: Pod, service: Service, section: Resource & ('configs' | 'secrets'), item: Tree): void {
    const name = text(item) ?? text(get(item, 'source'));
    if (name === undefined) return;
    const declared = this.#project.resources[section].get(name);
    const said = text(get(item, 'target'));
    const folder = section === 'configs' ? '/' : '/run/secrets/';
    const target = said === undefined ? `${folder}${name}` : said.startsWith('/') ? said : `${folder}${said}`;
    const kind = section === 'configs' ? 'ConfigMap' : 'Secret';
    const key = target.split('/').at(-1)!;
    const external = isTrue(get(declared, 'external')) || declared === undefined;
    const variable = text(get(declared, 'environment'));
    if (external || (kind === 'Secret' && variable !== undefined)) {
      this.#findings.warn(
        'made-elsewhere',
        item.at,
        `${kind} ${objectName(name)} is not written here: make it in the cluster, with the key ${key}`,
      );
      const source =
        kind === 'ConfigMap' ? { configMap: { name: objectName(name) } } : { secret: { secretName: objectName(name) } };
      this.#mount(
        pod,
        service,
        `${section} ${name}`,
        { name: objectName(section, name), ...source },
        target,
        { subPath: key, readOnly: true },
        item.at,
      );
      return;
    }
    this.#files(pod, service, kind, name, target, item.at, () => [entryOf(key, this.#content(declared))], false);
  }

  #content(declared: Tree): string | Buffer {
    const content = text(get(declared, 'content'));
    if (content !== undefined) return content;
    const variable = text(get(declared, 'environment'));
    if (variable !== undefined) return this.#project.environment[variable] ?? '';
    const file = text(get(declared, 'file'));
    if (file === undefined) throw new Error('names no file');
    return readFileSync(resolve(this.#project.folderOf(declared.at), file));
  }

  #files(
    pod: Pod,
    service: Service,
    kind: Bundle['kind'],
    wish: string,
    target: string,
    at: Place,
    read: () => Entry[],
    folder: boolean,
  ): void {
    let made: Bundle;
    try {
      made = bundle(kind, wish, read());
    } catch (error) {
      this.#findings.refuse(
        kind === 'Secret' ? 'secret' : 'configuration',
        at,
        `what service ${service.name} mounts at ${target} cannot be a ${kind}: it ${(error as Error).message.replace(/^ENOENT.*/, 'is not there')}`,
      );
      return;
    }
    for (let count = 2; ; count++) {
      const known = this.bundles.get(`${kind} ${made.name}`);
      if (!known || known.digest === made.digest) break;
      made = { ...made, name: `${objectName(wish)}-${count}` };
    }
    this.bundles.set(`${kind} ${made.name}`, made);
    const own = this.bundlesOf.get(pod.name) ?? [];
    if (!own.some(({ name }) => name === made.name)) this.bundlesOf.set(pod.name, [...own, made]);
    const nested = made.entries.some(({ key, path }) => key !== path);
    const modes = made.entries.some(({ executable }) => executable);
    const list = made.entries.map(({ key, path, executable }) => ({
      key,
      path,
      ...(modes && { mode: executable ? 0o555 : 0o444 }),
    }));
    const details = { ...((nested || modes) && { items: list }) };
    const source =
      kind === 'ConfigMap'
        ? { configMap: { name: made.name, ...details } }
        : { secret: { secretName: made.name, ...details } };
    const subPath = folder ? undefined : made.entries[0]!.path;
    this.#mount(
      pod,
      service,
      `${kind} ${made.name}`,
      { name: objectName(kind === 'ConfigMap' ? 'config' : 'secret', made.name), ...source },
      target,
      { readOnly: true, subPath },
      at,
    );
  }

  #memory(pod: Pod, service: Service, target: string, size: string | undefined, at: Place): void {
    const name = objectName(service.name, target);
    this.#mount(
      pod,
      service,
      `${service.name}:${target}`,
      { name, emptyDir: { medium: 'Memory', sizeLimit: quantity(size) ?? SCRATCH } },
      target,
      {},
      at,
    );
  }

  /** @param origin what it is in compose */
  #mount(
    pod: Pod,
    service: Service,
    origin: string,
    volume: { readonly name: string } & Record<string, unknown>,
    mountPath: string,
    more: Record<string, unknown>,
    at: Place,
  ): void {
    const volumes = this.ofPod.get(pod.name) ?? [];
    // What compose takes for two must not become one because their names are alike.
    let name = volume.name;
    const taken = (): string | undefined => this.#origins.get(`${pod.name}/${name}`);
    for (let count = 2; (taken() ?? origin) !== origin; count++) name = objectName(volume.name, `${count}`);
    this.#origins.set(`${pod.name}/${name}`, origin);
    if (!volumes.some((each) => each['name'] === name)) volumes.push({ ...volume, name });
    this.ofPod.set(pod.name, volumes);
    const mounts = this.mountsOf.get(service.name) ?? [];
    mounts.push(from({ name, mountPath, ...more }, at));
    this.mountsOf.set(service.name, mounts);
  }
}

const nameOf = (source: string): string => source.replace(/^[./]+/, '').replaceAll(/[/.]+/g, '-') || 'files';

/** `size=512k` among a mount's options. */
const sizeIn = (options: string): string | undefined => /(?:^|,)size=([^,]+)/.exec(options)?.[1];

/** Every service's `volumes_from`, which no pod knows. */
export function inheritedVolumes({ tree, name }: Service, findings: Findings): void {
  const said = get(tree, 'volumes_from');
  if (texts(said).length > 0)
    findings.refuse(
      'volumes-from',
      said!.at,
      `service ${name} takes another's volumes: name each volume in it (volumes:)`,
    );
}
