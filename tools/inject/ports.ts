/** The ports of a pod: what the application listens on, and what its sidecars take. */
import { defaultPort } from '#kit/contract/contract.ts';
import type { BundledSidecar } from '../bundled/sidecars.ts';
import { Refusal } from '../bundled/refusal.ts';
import { interpolateTree } from '../compose/interpolate.ts';
import { mountFields } from '../compose/mounts.ts';
import type { Project, Service } from '../compose/project.ts';
import { get, items, text, type Tree } from '../yaml/tree.ts';
import type { Injection } from './request.ts';

/** A sidecar that joins a pod. */
export interface Joining {
  readonly injection: Injection;
  readonly bundled: BundledSidecar;
}

/** TCP ports that the application says it listens on: those that it publishes first. */
export function appPorts(project: Project, service: Service): number[] {
  const { published, exposed } = portsSaid(project, service);
  return [...new Set([...published, ...exposed])];
}

/** TCP ports of the application, by where they are said. */
export function portsSaid(project: Project, service: Service): { published: number[]; exposed: number[] } {
  const tree = interpolateTree(service.tree, project.environment, 'nothing');
  const numbers = (list: readonly Tree[]): number[] => [
    ...new Set(list.filter(isTcp).flatMap((item) => range(targetOf(item) ?? ''))),
  ];
  return { published: numbers(items(get(tree, 'ports'))), exposed: numbers(items(get(tree, 'expose'))) };
}

export const isTcp = (item: Tree): boolean =>
  ((item.kind === 'map' ? text(get(item, 'protocol')) : text(item)?.split('/')[1]) ?? 'tcp') === 'tcp';

export const targetOf = (item: Tree): string | undefined =>
  item.kind === 'map'
    ? text(get(item, 'target'))
    : mountFields(text(item) ?? '')
        .at(-1)!
        .split('/')[0];

/** `80`: 80; `80-82`: 80, 81, 82; nothing for what is neither. */
export function range(said: string): number[] {
  const [first = 0, last = first] = said.split('-').map(Number);
  const count = last - first + 1;
  return first > 0 && last < 65_536 && count > 0 ? Array.from({ length: count }, (_, index) => first + index) : [];
}

/** The port that a parameter of a sidecar names; undefined where it listens on none. */
export const listenPort = (
  injection: Pick<Injection, 'set'>,
  bundled: BundledSidecar,
  parameter: string,
): number | undefined => Number(/(\d+)$/.exec(listenValue(injection, bundled, parameter))?.[1]) || undefined;

/** A value for such a parameter, with another port: a parameter may hold an address too, `0.0.0.0:8080`. */
export const withPort = (
  injection: Pick<Injection, 'set'>,
  bundled: BundledSidecar,
  parameter: string,
  port: number,
): string => listenValue(injection, bundled, parameter).replace(/\d+$/, String(port));

function listenValue({ set }: Pick<Injection, 'set'>, { contract }: BundledSidecar, parameter: string): string {
  const declared = (contract.parameters[parameter] as { default?: string } | undefined)?.default;
  return set[parameter] ?? String(defaultPort(contract, parameter) ?? declared ?? '');
}

/** The parameters that name ports of a sidecar: the one for clients first. */
export const portParameters = ({ contract }: BundledSidecar): string[] =>
  Object.values(contract.ports).map(({ parameter }) => parameter);

/** @throws {Refusal} where a sidecar would listen on a port of the application, or of another sidecar */
export function requireFreePorts(project: Project, service: Service, sidecars: readonly Joining[]): void {
  const taken = new Map<number, string>(appPorts(project, service).map((port) => [port, service.name]));
  for (const { injection, bundled } of sidecars)
    for (const parameter of portParameters(bundled)) {
      const port = listenPort(injection, bundled, parameter);
      if (port === undefined) continue;
      const other = taken.get(port);
      if (other !== undefined)
        throw new Refusal(
          'port-clash',
          `${injection.sidecar} would listen on port ${port}, which ${other} has in the same pod: --set ${parameter}=ANOTHER`,
        );
      taken.set(port, injection.sidecar);
    }
}
