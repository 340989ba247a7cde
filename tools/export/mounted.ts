/** What pods mount, collected: each volume once, under a name that means one thing, and who mounts it where. */
import { from } from '../yaml/commented.ts';
import type { Place } from '../yaml/tree.ts';
import type { Service } from '../compose/project.ts';
import { bundle, type Bundle, type Entry } from './configuration.ts';
import type { Pod } from './pods.ts';
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

/** What nobody bounded may grow to. */
export const SCRATCH = '64Mi';

export class Mounted implements Volumes {
  readonly claims = new Map<string, Claim & { pods: Set<string> }>();
  readonly bundles = new Map<string, Bundle>();
  readonly ofPod = new Map<string, Record<string, unknown>[]>();
  readonly mountsOf = new Map<string, Record<string, unknown>[]>();
  readonly bundlesOf = new Map<string, Bundle[]>();
  /** What each volume of a pod is in compose, by the names of both. */
  readonly #origins = new Map<string, string>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /**
   * A volume that lasts.
   * @param key what it is in compose
   * @param facts of the one that is made when there is none yet
   */
  claim(pod: Pod, key: string, facts: Omit<Claim, 'pods'>): Claim {
    const claim = this.claims.get(key) ?? { ...facts, pods: new Set<string>() };
    claim.pods.add(pod.name);
    this.claims.set(key, claim);
    return claim;
  }

  /** Files that the export holds, as a ConfigMap or a Secret. */
  files(
    pod: Pod,
    service: Service,
    kind: Bundle['kind'],
    requested: string,
    target: string,
    at: Place,
    read: () => Entry[],
    folder: boolean,
  ): void {
    let made: Bundle;
    try {
      made = bundle(kind, requested, read());
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
      made = { ...made, name: `${objectName(requested)}-${count}` };
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
    this.mount(
      pod,
      service,
      `${kind} ${made.name}`,
      { name: objectName(kind === 'ConfigMap' ? 'config' : 'secret', made.name), ...source },
      target,
      { readOnly: true, subPath },
      at,
    );
  }

  /** A file system in memory. */
  memory(pod: Pod, service: Service, target: string, size: string | undefined, at: Place): void {
    const name = objectName(service.name, target);
    this.mount(
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
  mount(
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
