/** What components are made of: the objects of the base, and the pods that they came from. */
import { defaultPort } from '#kit/contract/contract.ts';
import { pairs } from '../compose/facts.ts';
import type { Service } from '../compose/project.ts';
import { get, type Tree } from '../yaml/tree.ts';
import { bundledSidecarOf } from './images.ts';
import { membersOf, type Pod } from './pods.ts';

/** An object of the base, as it is written. */
export type Loose = Record<string, unknown> & {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
};

export interface Scope {
  readonly objects: readonly Loose[];
  readonly pods: readonly Pod[];
  /** The name of the whole. */
  readonly partOf: string;
  readonly namespace: string | undefined;
  /** Networks of the project by name. */
  readonly networks: ReadonlyMap<string, Tree>;
}

/** One component of kustomize: a folder that an overlay names or leaves out. */
export interface Component {
  readonly objects: readonly Record<string, unknown>[];
  /** Strategic merges into objects of the base. */
  readonly patches?: readonly Record<string, unknown>[];
  /** ConfigMaps with one file each, by their names; files by their paths in the folder. */
  readonly configMaps?: Readonly<Record<string, { readonly path: string; readonly text: string }>>;
  /** What a reader has to know, at the top of its file. */
  readonly head: string;
}

/** A port of a bundled sidecar by its name in the contract; undefined where the service is none, or has none. */
export function portOf(service: Service, name: string): number | undefined {
  const contract = bundledSidecarOf(service)?.bundled.contract;
  const port = contract?.ports[name];
  if (contract === undefined || port === undefined) return undefined;
  const said = pairs(get(service.tree, 'environment')).get(port.parameter)?.text;
  const number = Number(/(\d+)$/.exec(said ?? '')?.[1] ?? defaultPort(contract, name));
  return number > 0 ? number : undefined;
}

export interface PublishedPort {
  /** The Service that leads to it. */
  readonly service: string;
  readonly port: number;
  /** Clients speak TLS with it: it is a listener of the tls sidecar. */
  readonly tls: boolean;
  /** The host name that stands for the one that a person gives it. */
  readonly host: string;
}

/** TCP ports that the project publishes, in the order of its pods. */
export function publishedPorts({ objects, pods }: Scope): PublishedPort[] {
  return objects.flatMap((object) => {
    const spec = object['spec'] as
      | { type?: string; ports?: readonly { port: number; targetPort: number; protocol: string }[] }
      | undefined;
    if (object.kind !== 'Service' || spec?.type === undefined) return [];
    const pod = object.metadata.labels?.['app.kubernetes.io/name'] ?? object.metadata.name;
    const members = membersOf(pods.find(({ name }) => name === pod)!);
    const secured = new Set(members.map((service) => portOf(service, 'https')));
    return (spec.ports ?? [])
      .filter(({ protocol }) => protocol === 'TCP')
      .map(({ port, targetPort }, index) => ({
        service: object.metadata.name,
        port,
        tls: secured.has(targetPort),
        host: `${index === 0 ? pod : `${pod}-${port}`}.example.com`,
      }));
  });
}
