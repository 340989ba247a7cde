/** What a pod's services mount, as volumes of the pod and mounts of its containers. */
import { existsSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { mountOf } from '../compose/mounts.ts';
import { isFile, type Project, type Resource, type Service } from '../compose/project.ts';
import { ENGINE_SOCKET } from '../identify/model/facts.ts';
import { repositoryOf } from '../files/write.ts';
import { from } from '../yaml/commented.ts';
import { get, isTrue, items, text, texts, type Place, type Tree } from '../yaml/tree.ts';
import { entriesAt, entryOf } from './configuration.ts';
import { sha256 } from './digest.ts';
import { Mounted, SCRATCH, type Volumes } from './mounted.ts';
import type { HostPaths } from './options.ts';
import { membersOf, type Pod } from './pods.ts';
import type { Findings } from './problems.ts';
import { objectName, quantity } from './units.ts';

interface HostPath {
  readonly source: string;
  /** Absolute. */
  readonly path: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly at: Place;
}

export function volumesOf(project: Project, pods: readonly Pod[], findings: Findings, hostPaths?: HostPaths): Volumes {
  const mounted = new Mounted(findings);
  const reader = new Reader(project, findings, hostPaths, mounted);
  for (const pod of pods) for (const service of membersOf(pod)) reader.read(pod, service);
  return mounted;
}

class Reader {
  readonly #mounted: Mounted;
  readonly #project: Project;
  readonly #findings: Findings;
  readonly #hostPaths: HostPaths | undefined;
  readonly #repository: string;
  constructor(project: Project, findings: Findings, hostPaths: HostPaths | undefined, mounted: Mounted) {
    this.#mounted = mounted;
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
      if (path) this.#mounted.memory(pod, service, path, sizeIn(options), item.at);
    }
    const shm = get(tree, 'shm_size');
    if (shm) this.#mounted.memory(pod, service, '/dev/shm', text(shm), shm.at);
    for (const item of items(get(tree, 'configs'))) this.#given(pod, service, 'configs', item);
    for (const item of items(get(tree, 'secrets'))) this.#given(pod, service, 'secrets', item);
  }

  #volume(pod: Pod, service: Service, item: Tree): void {
    if (item.kind === 'map' && text(get(item, 'type')) === 'tmpfs') {
      this.#mounted.memory(pod, service, text(get(item, 'target')) ?? '', text(get(item, 'tmpfs', 'size')), item.at);
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
      this.#mounted.mount(
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
      this.#mounted.mount(pod, service, `volume ${source}`, volume, target, more, at);
      return;
    }
    if (/^(nfs|cifs|none)$/.test(text(get(options, 'type')) ?? '') || /bind/.test(text(get(options, 'o')) ?? ''))
      this.#findings.warn(
        'volume-driver',
        options!.at,
        `volume ${source} is of the host or of another machine: make a PersistentVolume for its claim`,
      );
    const claim = this.#mounted.claim(pod, source, {
      name: objectName(text(get(declared, 'name')) ?? source),
      at: declared?.at,
      size: quantity(sizeIn(text(get(options, 'o')) ?? '')),
      external: isTrue(get(declared, 'external')) || get(declared, 'external')?.kind === 'map',
    });
    const volume = { name: objectName(source), persistentVolumeClaim: { claimName: claim.name } };
    this.#mounted.mount(pod, service, `volume ${source}`, volume, target, more, at);
  }

  /** A path of the machine: the export holds files of the repository; everything else is refused. */
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
    const bundled = inside && existsSync(path) && (readOnly || isFile(path));
    // A home folder is nobody's on a node; what a variable says is not known.
    const home = source.startsWith('~');
    const requested = source.startsWith('$') || (home && this.#hostPaths === 'node') ? undefined : this.#hostPaths;
    if (!bundled && requested !== undefined) {
      this.#hostPath(pod, service, { source, path, target, readOnly, at }, requested);
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
    this.#mounted.files(
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
  #hostPath(pod: Pod, service: Service, { source, path, target, readOnly, at }: HostPath, requested: HostPaths): void {
    const more = readOnly ? { readOnly: true } : {};
    const shown = relative(this.#repository, path);
    const key = `${nameOf(source)}-${sha256(shown).slice(0, 6)}`;
    if (requested === 'node' || isFile(path)) {
      const volume = { name: objectName(key), hostPath: { path, type: isFile(path) ? 'File' : 'DirectoryOrCreate' } };
      this.#mounted.mount(pod, service, `host ${path}`, volume, target, more, at);
      this.#findings.warn(
        'host-path',
        at,
        `service ${service.name} mounts ${path} of the node that it runs on: each node needs it`,
      );
      return;
    }
    const claim = this.#mounted.claim(pod, key, { name: objectName(key), at, size: undefined, external: false });
    const volume = { name: objectName(key), persistentVolumeClaim: { claimName: claim.name } };
    this.#mounted.mount(pod, service, `volume ${key}`, volume, target, more, at);
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
      this.#mounted.mount(
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
    this.#mounted.files(
      pod,
      service,
      kind,
      name,
      target,
      item.at,
      () => [entryOf(key, this.#content(declared))],
      false,
    );
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
